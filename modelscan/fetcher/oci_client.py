"""Asks a registry, with the token that the registry's own token server hands out.

Invariants:
- A token goes to the registry that it is for and to no other host: not to the servers that it
  redirects to for blobs.
- It is asked for with the right to pull one repository, whatever the registry's challenge says.
- Credentials are used only with `--token`, only when they name this very registry, and are sent to
  it or to the token server known to belong to it; the token of a hub never is.

Sources: OCI distribution specification 1.1; Docker, "Token Authentication Specification"; RFC 9110,
section 11 (challenges); RFC 7617 (Basic).
"""

from __future__ import annotations

import base64
import os
import re
import threading
from collections.abc import Mapping
from typing import Any, Final

import httpx2
import msgspec

from modelscan.errors import UsageError
from modelscan.fetcher.oci_reference import OciReference
from modelscan.fetcher.options import REGISTRY_VARIABLE, FetchOptions, Secret
from modelscan.fetcher.transfer import LIMIT, Client, Patience, TransferError

_CHALLENGE: Final = re.compile(r"\s*Bearer\s+(.*)", re.IGNORECASE)
_PARAMETER: Final = re.compile(r'(\w+)\s*=\s*(?:"([^"\\]*)"|([^\s,"]+))')
_UNAUTHORISED: Final = 401
_OK: Final = 200
_ANSWER_LIMIT: Final = 1 << 20
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,65536}")
_BASIC: Final = "modelassay.basic"
"""Extension of a request: the header with credentials that it is sent with."""
_REALMS: Final = {"registry-1.docker.io": "auth.docker.io"}
"""Token servers on another host than the registry that are known to belong to it."""


class _Answer(msgspec.Struct):
    """What a token server answers; it may call the token by either name."""

    token: str = ""
    access_token: str = ""


class RegistryClient(Client):
    """See the module's invariants.

    Args:
        reference: what is pulled; its registry is the only host that gets a token.
        options: what a person chose.
        patience: how long to wait for bytes.
        environment: variables.
    """

    def __init__(
        self,
        reference: OciReference,
        options: FetchOptions,
        patience: Patience | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        super().__init__(
            reference.endpoint, patience=patience, environment=environment, endless=options.full
        )
        self._scope = f"repository:{reference.repository}:pull"
        self._credentials = _credentials(reference, options.registry)
        self._basic = ""  # the header, once the registry asked for credentials itself
        self._renewing = threading.Lock()

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """See `Client.send`; where the registry asks for a token, one is fetched and it is sent.

        Raises:
            TransferError: no response, or one that is not taken.
        """
        used = self._token
        response = super().send(request, **options)
        if response.status_code != _UNAUTHORISED or response.history or not self._own(request.url):
            return response
        challenges = response.headers.get_list("www-authenticate")
        response.close()
        with self._renewing:
            if self._token is used and not self._authorised(challenges):
                raise TransferError(
                    "gated: the registry wants credentials", status=_UNAUTHORISED
                )  # the hint is with whoever knows the reference
        return super().send(request, **options)

    def _on_request(self, request: httpx2.Request) -> None:
        super()._on_request(request)
        header = request.extensions.get(_BASIC) or (self._own(request.url) and self._basic)
        if header:
            request.headers["authorization"] = header

    def _own(self, url: httpx2.URL) -> bool:
        """True for an address of the registry itself."""
        return (url.scheme, url.host, url.port) == (
            self.base.scheme,
            self.base.host,
            self.base.port,
        )

    def _authorised(self, challenges: list[str]) -> bool:
        """Answer the registry's challenge; false when there is nothing to answer with."""
        for challenge in challenges:
            found = _CHALLENGE.fullmatch(challenge)
            if found:
                stated = {
                    name.lower(): quoted or plain
                    for name, quoted, plain in _PARAMETER.findall(found[1])
                }
                self._token = Secret(self._fetch_token(stated))
                return True
            if challenge.strip().lower().startswith("basic") and self._credentials:
                if self._basic:
                    return False
                self._basic = _basic(self._credentials)
                return True
        return False

    def _fetch_token(self, stated: Mapping[str, str]) -> str:
        """A token for one repository.

        Raises:
            TransferError: the token server refuses, or is one that must not be asked.
        """
        try:
            realm = httpx2.URL(stated.get("realm", ""))
        except httpx2.InvalidURL:
            realm = httpx2.URL("")
        if realm.scheme not in {"http", "https"} or not realm.host or realm.userinfo:
            raise TransferError("the registry names no token server")
        super_send = super().send
        query = {"scope": self._scope}
        if stated.get("service"):
            query["service"] = stated["service"]
        # As a file, the request may go to another host: encrypted, and not into a private network.
        extensions: dict[str, Any] = {LIMIT: _ANSWER_LIMIT}
        belongs = realm.host in {self.base.host, _REALMS.get(self.base.host)}
        if self._credentials and belongs and realm.scheme == self.base.scheme:
            extensions[_BASIC] = _basic(self._credentials)
        request = self.build_request("GET", realm.copy_merge_params(query), extensions=extensions)
        response = self.patience.insist(lambda: super_send(request, follow_redirects=False))
        if response.status_code != _OK:
            raise TransferError(
                f"gated: the token server answers {response.status_code}", status=_UNAUTHORISED
            )
        try:
            answer = msgspec.json.decode(response.content, type=_Answer)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            answer = _Answer()
        token = answer.token or answer.access_token
        if not _TOKEN.fullmatch(token):
            raise TransferError("the token server sends no token")
        return token


def _credentials(reference: OciReference, stated: Secret | None) -> Secret | None:
    """User and password for the registry, when it is the one that they are for.

    Raises:
        UsageError: they are not written as they should be.
    """
    if stated is None:
        return None
    host, equals, pair = stated.reveal().partition("=")
    if not equals or ":" not in pair or not pair.isprintable():
        raise UsageError(f"{REGISTRY_VARIABLE} is not understood", "write it as host=user:password")
    return Secret(pair) if host.lower() == reference.host else None


def _basic(credentials: Secret) -> str:
    return "Basic " + base64.b64encode(credentials.reveal().encode()).decode()
