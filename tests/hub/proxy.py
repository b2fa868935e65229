"""A proxy on loopback, as companies have one: it tunnels, and knows what passes unencrypted."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Proxy:
    """What it was asked for, and what it was shown."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.headers: list[str] = []
        self.refuses = 0
        """The status with which everybody is refused."""


@contextlib.contextmanager
def running() -> Iterator[Proxy]:
    """A proxy, for as long as the context lasts."""
    proxy = Proxy()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

        def do_CONNECT(self) -> None:
            proxy.asked.append(self.path)
            proxy.headers += [f"{name}: {value}" for name, value in self.headers.items()]
            self.close_connection = True
            if proxy.refuses:
                self.send_error(proxy.refuses)
                return
            host, _, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port))) as server:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=_copy, args=(server, self.connection))
                back.start()
                _copy(self.connection, server)
                back.join()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes on until one side has had enough."""
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
