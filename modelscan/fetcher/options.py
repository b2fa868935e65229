"""How models are fetched: what a person chose on the command line, for every source alike.

Invariants: no token is read from anywhere unless `--token` was given, and none shows in a `repr`, a
report or a log; a source that would use the network asks `demand_network` first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from modelscan._about import NAME
from modelscan.errors import SourceError, UsageError

HUB_ENDPOINT = "https://huggingface.co"
"""Where `hf:` references are looked up unless something else is asked for."""
REGISTRY_VARIABLE = "MODELASSAY_REGISTRY_AUTH"
"""`host=user:password`: which registry the credentials are for is part of them."""
_TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_TRUE = frozenset({"1", "on", "yes", "true"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TOKEN = re.compile(r"[\x21-\x7e]+")


class Secret:
    """A token that does not show when what holds it is printed."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The token itself, for the header of a request to the host that it is for."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"


class FetchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Choices that hold for every target of a run.

    Which files are looked at is not among them: files are opened one by one, and only those that
    the pipeline's `Selection` takes.
    """

    offline: bool = False
    """Never use the network: a target that needs it is an error."""
    full: bool = False
    """Fetch every byte and hash it, instead of headers and small files."""
    token: Secret | None = None
    """Given with `--token` only; sent to the host of the endpoint and to no other."""
    registry: Secret | None = None
    """Credentials for one registry, `host=user:password`, given with `--token` only."""
    endpoint: str | None = None
    """Base URL of the hub; `None` means `HF_ENDPOINT`, or the public hub."""
    arrived: Callable[[int], None] | None = None
    """Told how many bytes have come in of files that are fetched whole; called from any thread."""
    listed: Callable[[int], None] | None = None
    """Told how many files are known by now of a model whose place is being asked."""
    cache: Path | None = None
    """Folder for `full` downloads; `None` means the user's cache folder."""

    def hub_endpoint(self, environment: Mapping[str, str] = os.environ) -> str:
        """The base URL of the hub, without a slash at its end.

        Raises:
            UsageError: it is no address, holds a password, or is not encrypted.
        """
        text = self.endpoint or environment.get("HF_ENDPOINT", "").strip() or HUB_ENDPOINT
        check_address(text, "the hub's endpoint")
        return text.rstrip("/")

    def cache_folder(self) -> Path:
        """Where `full` downloads are kept; it need not exist yet."""
        if self.cache is not None:
            return self.cache
        import platformdirs  # lazy: a light or local scan keeps nothing

        return Path(platformdirs.user_cache_dir(NAME, appauthor=False)) / "models"

    def demand_network(self, what: str) -> None:
        """Refuse to go on when the network must not be used.

        Args:
            what: what needs it, for the message.

        Raises:
            SourceError: offline.
        """
        if self.offline:
            raise SourceError(
                f"offline: {what} needs the network",
                "leave out --offline (and HF_HUB_OFFLINE), or scan a folder or a cached copy",
            )


def from_environment(
    *, offline: bool, full: bool, token: bool, environment: Mapping[str, str] = os.environ
) -> FetchOptions:
    """The options of a command line.

    Args:
        offline: `--offline`; the variable `HF_HUB_OFFLINE` means the same.
        full: `--full`.
        token: `--token`: read one from `HF_TOKEN`, and a registry's credentials from
            `MODELASSAY_REGISTRY_AUTH`; one of the two is enough.
        environment: the variables.

    Raises:
        UsageError: a token is asked for, and there is none, or it cannot be one.
    """
    offline = offline or environment.get("HF_HUB_OFFLINE", "").lower() in _TRUE
    pair = environment.get(REGISTRY_VARIABLE, "").strip() if token else ""
    registry = Secret(pair) if pair else None
    wanted = token and (registry is None or any(map(environment.get, _TOKEN_VARIABLES)))
    found = _token(environment) if wanted else None
    return FetchOptions(offline=offline, full=full, token=found, registry=registry)


def check_address(text: str, what: str) -> None:
    """Refuse a base URL that is none, holds a password, or would be asked without encryption.

    Raises:
        UsageError: any of these. The message never repeats the address: it may hold a password.
    """
    try:
        parts = urlsplit(text)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise UsageError(f"{what} is no address", "write it as https://host")
    if parts.username or parts.password:
        raise UsageError(f"{what} holds a password", "use --token and HF_TOKEN instead")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise UsageError(f"{what} is not encrypted", "use https; http is for this machine only")


def _token(environment: Mapping[str, str]) -> Secret:
    for variable in _TOKEN_VARIABLES:
        text = environment.get(variable, "").strip()
        if text and _TOKEN.fullmatch(text):
            return Secret(text)
        if text:
            raise UsageError(f"{variable} holds no token", "a token is one line without spaces")
    hint = f"put one into the variable HF_TOKEN, or host=user:password into {REGISTRY_VARIABLE}"
    raise UsageError("--token finds no token", hint)
