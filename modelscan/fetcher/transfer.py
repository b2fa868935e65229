"""The one HTTP client: every request of a fetch goes through it, also those of the hub's library.

Invariants:
- The token goes to the host that it is for, whatever the server redirects to or links to.
- An encrypted endpoint is never left for an unencrypted address, nor a public one for an address
  of this machine or of a private network.
- Every response is bounded in bytes and in time: a server that sends one byte a minute is given up,
  whatever part of the answer the byte belongs to (see `pacing`).
- A server that fails again and again is not asked for the rest.
- Nothing is said about this machine but the name and version of the program.

Importing this module imports the HTTP library; whoever needs it imports it when the network is
used, so that a local scan never does. Proxies and certificates are taken from the usual variables
(`HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`).
"""

from __future__ import annotations

import math
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import httpx2

from modelscan._about import NAME, VERSION
from modelscan.errors import ReadError
from modelscan.fetcher.addresses import is_internal
from modelscan.fetcher.options import Secret
from modelscan.fetcher.pacing import TOO_SLOWLY, Paced, pace

DOCUMENT_LIMIT = 32 << 20
"""Bytes of a response that is held in memory, unless the request asks for another limit."""
LIMIT = "modelassay.limit"
"""Extension of a request for a file: how many bytes of its response are taken. Such a request alone
may be redirected to another host."""
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_TIMEOUT = httpx2.Timeout(30.0, connect=15.0)
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_NO_CERTIFICATES = " names no file of certificates"
_UNVERIFIED = "the server's certificate cannot be verified"
_NO_ANSWER = "the server does not answer in time"
_REDIRECTS = 5
_HOPELESS = 20
"""Answers in a row that came to nothing, after which a server is not asked any more."""
_SLOW = 5
"""What an answer counts that was waited for: fewer of them are enough."""
_T = TypeVar("_T")


class TransferError(ReadError):
    """Bytes could not be fetched, and asking again would not help."""

    def __init__(self, message: str, *, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        """Of the response; 0 when there was none."""
        self.code = code
        """The hub's own name for the error, its header `X-Error-Code`."""


class PassingError(TransferError):
    """The same, but asking again may help: the server is busy, or the connection broke."""

    def __init__(self, message: str, *, status: int = 0, wait: float | None = None) -> None:
        super().__init__(message, status=status)
        self.wait = wait
        """Seconds that the server asks to wait; `None` when it does not say."""


class Patience(NamedTuple):
    """How long to bear with a server."""

    attempts: int = 5
    first: float = 0.5
    """Seconds before the second attempt; doubled before each further one."""
    longest: float = 60.0
    """Seconds that are waited at most before an attempt: a server that asks for more is given up,
    so that none can make a scan wait for ever."""
    grace: float = 60.0
    """Seconds that a response may take however few bytes it brings."""
    rate: float = 8192.0
    """Bytes per second that it has to bring on average from then on."""
    document: float = 120.0
    """Seconds that a response may take at all which is held in memory."""
    altogether: float = 3600.0
    """Seconds that all of a light scan's requests to one place may take."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def insist(self, action: Callable[[], _T]) -> _T:
        """Do something until it succeeds, fails for good, or has failed often enough.

        Raises:
            TransferError: it failed.
        """
        failures = 0
        while True:
            try:
                return action()
            except PassingError as error:
                failures += 1
                self.pause(failures, error)

    def pause(self, failures: int, error: PassingError) -> None:
        """Wait before the next attempt.

        Args:
            failures: attempts so far that came to nothing.
            error: what the last one ended in.

        Raises:
            TransferError: it was the last one, or the server asks for more patience than there is.
        """
        if failures >= self.attempts:
            raise error
        if error.wait is not None and error.wait > self.longest:
            message = f"{error.message}, and asks to wait {error.wait:,.0f} seconds"
            raise TransferError(message, status=error.status)
        self.sleep(max(error.wait or 0.0, min(self.first * 2 ** (failures - 1), self.longest)))


def hint(error: ReadError, usual: str) -> str:
    """What to do about an error: the usual, unless the error itself says more."""
    if error.message == _UNVERIFIED:
        return "name the certificates of your own authority in SSL_CERT_FILE"
    if error.message.endswith(_NO_CERTIFICATES):
        return "correct the variable, or unset it"
    return usual


class Client(httpx2.Client):
    """See the module's invariants.

    Args:
        base: the address that the user asked for; a token goes to its host alone.
        token: to be sent there.
        patience: how long to wait for bytes.
        environment: variables that name certificates; proxies are read by the library itself.
        endless: it may take as long as it takes, as the download of many gigabytes does.
    """

    def __init__(
        self,
        base: str,
        token: Secret | None = None,
        *,
        patience: Patience | None = None,
        environment: Mapping[str, str] = os.environ,
        endless: bool = True,
    ) -> None:
        super().__init__(
            timeout=_TIMEOUT,
            follow_redirects=True,
            max_redirects=_REDIRECTS,
            verify=_certificates(environment),
            event_hooks={"request": [self._on_request], "response": [self._on_response]},
        )
        self.base = httpx2.URL(base)
        self.patience = patience or Patience()
        pace((self._transport, *self._mounts.values()), self.patience)
        self._token = token
        self._failures = 0
        self._last = ""
        self._until = math.inf if endless else self.patience.clock() + self.patience.altogether

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """See the library's `Client.send`; its errors become ours, whoever calls it.

        Raises:
            TransferError: no response, or one that is not taken.
        """
        if self.is_closed:
            raise TransferError("the connection to the server was let go of")
        if self._failures >= _HOPELESS:
            raise TransferError(f"{self._last}; the server was given up")
        if self.patience.clock() > self._until:
            minutes = self.patience.altogether / 60
            raise TransferError(f"not asked for: a light scan has {minutes:,.0f} minutes")
        try:
            return super().send(request, **options)
        except httpx2.HTTPError as error:
            raise self.failed(failure(error)) from None

    def failed(self, error: TransferError) -> TransferError:
        """Take note of an answer that came to nothing; returns the error, to be raised."""
        self._last = error.message
        slow = error.message in {TOO_SLOWLY, _NO_ANSWER}
        self._failures += _SLOW if slow else 1
        return error

    def succeeded(self) -> None:
        """Take note of an answer that was taken."""
        self._failures = 0

    def _on_request(self, request: httpx2.Request) -> None:
        """Before every request, also each one that follows a redirect."""
        self._check_address(request.url, file=LIMIT in request.extensions)
        headers = request.headers
        headers["user-agent"] = f"{NAME}/{VERSION}"
        headers["accept-encoding"] = "identity"  # what arrives is what is counted
        headers.pop("cookie", None)
        headers.pop("authorization", None)
        if self._token is not None and _origin(request.url) == _origin(self.base):
            headers["authorization"] = f"Bearer {self._token.reveal()}"

    def _on_response(self, response: httpx2.Response) -> None:
        """Before the body of a response is read."""
        connection = response.extensions.get("network_stream")
        if isinstance(connection, Paced):
            connection.heard()
        if response.status_code in _BUSY:
            busy = PassingError(
                f"the server answers {response.status_code}",
                status=response.status_code,
                wait=_wait(response.headers),
            )
            raise self.failed(busy)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise TransferError("the server compresses what it was asked to send as it is")
        if isinstance(response.stream, httpx2.SyncByteStream):
            limit = response.request.extensions.get(LIMIT)
            response.stream = _Bounded(response.stream, limit, self)

    def _check_address(self, url: httpx2.URL, *, file: bool) -> None:
        """Refuse addresses that a redirect or link must not lead to.

        Files may lie elsewhere, since their bytes are hashed; statements may not.
        """
        if _origin(url) == _origin(self.base):
            return
        if not file:
            raise TransferError("the server sends us to another host for what it says itself")
        if url.scheme != "https" and self.base.scheme == "https":
            raise TransferError("the server redirects to an address that is not encrypted")
        if is_internal(url.host) and not is_internal(self.base.host):
            raise TransferError("the server redirects into this machine or a private network")


class _Bounded(httpx2.SyncByteStream):
    """The body of a response, up to a number of bytes and at a rate worth waiting for."""

    def __init__(self, inner: httpx2.SyncByteStream, limit: int | None, client: Client) -> None:
        self._inner = inner
        self._limit = DOCUMENT_LIMIT if limit is None else limit
        self._seconds = client.patience.document if limit is None else math.inf
        self._client = client

    def __iter__(self) -> Iterator[bytes]:
        patience, received = self._client.patience, 0
        start = patience.clock()
        try:
            for piece in self._inner:
                received += len(piece)
                if received > self._limit:
                    raise TransferError(f"the server sends more than {self._limit:,} bytes")
                elapsed = patience.clock() - start
                needed = 0.0 if elapsed <= patience.grace else patience.rate * elapsed
                if received < needed or elapsed > self._seconds:
                    raise self._client.failed(TransferError(TOO_SLOWLY))
                yield piece
            self._client.succeeded()
        except httpx2.HTTPError as error:
            raise self._client.failed(failure(error)) from None
        except GeneratorExit:  # who reads has enough
            self._client.succeeded()
            raise

    def close(self) -> None:
        """Let go of the connection."""
        self._inner.close()


def failure(error: httpx2.HTTPError) -> TransferError:
    """What an error of the HTTP library means, without the address: it may hold a signature."""
    if isinstance(error, httpx2.TimeoutException):
        slow = TOO_SLOWLY in str(error)
        return TransferError(TOO_SLOWLY) if slow else PassingError(_NO_ANSWER)
    if isinstance(error, httpx2.TooManyRedirects):
        return TransferError("the server redirects in circles")
    if isinstance(error, httpx2.ProxyError):
        return TransferError("the proxy refuses the connection")
    if isinstance(error, httpx2.UnsupportedProtocol):
        return TransferError("the server redirects to something that is not the web")
    if isinstance(error, httpx2.ConnectError):
        if "CERTIFICATE" in str(error).upper():
            return TransferError(_UNVERIFIED)
        return PassingError("the server cannot be reached")
    return PassingError("the connection broke")


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    default = {"https": 443, "http": 80}.get(url.scheme)
    return url.scheme, url.host.lower(), url.port or default


def _wait(headers: httpx2.Headers) -> float | None:
    """Seconds of a `Retry-After` header; a date, which hubs do not send, counts as none."""
    text = headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() else None


def _certificates(environment: Mapping[str, str]) -> ssl.SSLContext:
    """What certificates are held against: the usual ones, or those that a variable names."""
    for variable in _CERTIFICATES:
        place = environment.get(variable, "")
        if place:
            try:
                return _context(place)
            except OSError:  # SSLError is one
                raise TransferError(variable + _NO_CERTIFICATES) from None
    return _context("")


@lru_cache(maxsize=4)
def _context(place: str) -> ssl.SSLContext:
    """Reading all certificates takes longer than a request: once is enough."""
    if not place:
        return httpx2.create_ssl_context()
    if Path(place).is_dir():
        return ssl.create_default_context(capath=place)
    return ssl.create_default_context(cafile=place)
