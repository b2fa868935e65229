"""Connections that are given up when they bring too little, whatever it is that trickles.

The HTTP library waits for each read of a socket on its own. A server that sends one byte of a
header, of a chunk's length or of an answer in between (1xx) every few seconds is never late for
it. So the clock runs here, below the protocol, from the moment the request is sent.

Invariants: a head of an answer has `Patience.grace` seconds, however busily the server sends; a
body has to keep up `Patience.rate` from then on.

Source: the attack known as Slowloris, turned against a client; RFC 9112, section 7.1 (chunks), and
RFC 9110, section 15.2 (interim answers, of which there may be any number).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import httpcore2
import httpx2

if TYPE_CHECKING:
    from modelscan.fetcher.transfer import Patience

TOO_SLOWLY: Final = "the server sends too slowly"


class Paced(httpcore2.NetworkStream):
    """A connection with a clock.

    Args:
        inner: the connection itself.
        patience: how long to bear with it.
    """

    def __init__(self, inner: httpcore2.NetworkStream, patience: Patience) -> None:
        self._inner = inner
        self._patience = patience
        self._asked = patience.clock()
        self._received = 0
        self._heard = False

    def heard(self) -> None:
        """The head of the answer is here."""
        self._heard = True

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """See the library's `NetworkStream.read`.

        Raises:
            httpcore2.ReadTimeout: the server does not send fast enough.
        """
        data = self._inner.read(max_bytes, timeout)
        self._received += len(data)
        elapsed = self._patience.clock() - self._asked
        late = not self._heard or self._received < self._patience.rate * elapsed
        if data and late and elapsed > self._patience.grace:
            raise httpcore2.ReadTimeout(TOO_SLOWLY)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """See the library's `NetworkStream.write`: with a request, the clock starts again."""
        self._inner.write(buffer, timeout)
        self._asked = self._patience.clock()
        self._received = 0
        self._heard = False

    def close(self) -> None:
        """Let go of the connection."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        """See the library's `NetworkStream.start_tls`."""
        return Paced(self._inner.start_tls(ssl_context, server_hostname, timeout), self._patience)

    def get_extra_info(self, info: str) -> Any:
        """See the library's `NetworkStream.get_extra_info`."""
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    """Makes connections with a clock."""

    def __init__(self, inner: httpcore2.NetworkBackend, patience: Patience) -> None:
        self._inner = inner
        self._patience = patience

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """See the library's `NetworkBackend.connect_tcp`."""
        made = self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return Paced(made, self._patience)

    def sleep(self, seconds: float) -> None:
        """See the library's `NetworkBackend.sleep`."""
        self._inner.sleep(seconds)


def pace(transports: Iterable[httpx2.BaseTransport | None], patience: Patience) -> None:
    """Give the connections of a client a clock; transports of another kind have none.

    The library has no public way to hand in a backend without giving up its proxies, so that its
    pools are reached into; a test notices when they are built otherwise.
    """
    for transport in transports:
        pool = getattr(transport, "_pool", None)
        if isinstance(pool, httpcore2.ConnectionPool):
            pool._network_backend = _Backend(pool._network_backend, patience)  # noqa: SLF001  # see above
