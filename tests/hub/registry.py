"""A registry on loopback: the distribution specification's pulling half, with a token server and a
download server on ports of their own, and knobs to lie with.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.forge.packages import Image, digest

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs)/(?P<name>[^/]+)")


class Registry:
    """One registry. Whatever is in `manifests` and `blobs` is sent under that name, true or not."""

    def __init__(self) -> None:
        self.manifests: dict[str, bytes] = {}
        """By tag and by digest."""
        self.blobs: dict[str, bytes] = {}
        self.challenge = ""
        """`bearer` or `basic`; empty serves everybody."""
        self.realm = ""
        """Named in the challenge, instead of the token server's address."""
        self.password = ""
        """`user:password` that the token server wants; empty gives everybody a token."""
        self.redirects = False
        """Blobs are on the download server."""
        self.ranges = True
        self.stated_digest = ""
        """Sent as `Docker-Content-Digest`."""
        self.cut = 0
        """So many bytes are missing at the end of each blob."""
        self.expires_after = 0
        """So many answers, and a token is no longer good."""
        self.token_answer: Any = None
        self.seen: list[tuple[str, str, str]] = []
        """Server, path and authorization of each request."""
        self.host = ""
        self._tokens: dict[str, int] = {}

    def add(self, tag: str, image: Image) -> None:
        self.manifests[tag] = self.manifests[image.digest] = image.manifest
        self.blobs |= image.blobs

    def add_index(self, tag: str, text: bytes) -> None:
        self.manifests[tag] = self.manifests[digest(text)] = text

    @contextmanager
    def running(self) -> Iterator[Registry]:
        with ExitStack() as stack:
            servers = {
                name: stack.enter_context(_serving(_handler(self, name)))
                for name in ("registry", "tokens", "downloads")
            }
            self.host = f"127.0.0.1:{servers['registry']}"
            self._token_address = f"http://127.0.0.1:{servers['tokens']}/token"
            self._downloads = f"http://localhost:{servers['downloads']}"
            yield self

    def asked(self, server: str) -> list[tuple[str, str]]:
        """Path and authorization of each request to one of the servers."""
        return [(path, header) for name, path, header in self.seen if name == server]

    def answer(self, server: str, path: str, header: str) -> tuple[int, dict[str, str], bytes]:
        self.seen.append((server, path, header))
        if server == "tokens":
            return self._token(path, header)
        if server == "registry" and not self._allowed(header):
            realm = self.realm or self._token_address
            scheme = f'Bearer realm="{realm}",service="test",scope="registry:catalog:*"'
            stated = scheme if self.challenge == "bearer" else 'Basic realm="test"'
            return 401, {"www-authenticate": stated}, b""
        found = _PATH.fullmatch(urlsplit(path).path)
        if found is None:
            return 404, {}, b""
        if found["kind"] == "manifests":
            data = self.manifests.get(found["name"])
            headers = {"docker-content-digest": self.stated_digest} if self.stated_digest else {}
            return (404, {}, b"") if data is None else (200, headers, data)
        if self.redirects and server == "registry":
            return 307, {"location": self._downloads + path}, b""
        blob = self.blobs.get(found["name"])
        return (404, {}, b"") if blob is None else (200, {}, blob)

    def _allowed(self, header: str) -> bool:
        if not self.challenge:
            return True
        if self.challenge == "basic":
            return header == "Basic " + _encoded(self.password)
        token = header.removeprefix("Bearer ")
        if token not in self._tokens:
            return False
        self._tokens[token] += 1
        return not self.expires_after or self._tokens[token] <= self.expires_after

    def _token(self, path: str, header: str) -> tuple[int, dict[str, str], bytes]:
        if self.password and header != "Basic " + _encoded(self.password):
            return 401, {}, b""
        token = f"token-{len(self._tokens)}"
        self._tokens[token] = 0
        scope = parse_qs(urlsplit(path).query).get("scope", [""])[0]
        answer = {"token": token, "scope": scope}
        if self.token_answer is not None:
            answer = self.token_answer
        return 200, {}, json.dumps(answer).encode()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _handler(registry: Registry, server: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            header = self.headers.get("authorization", "")
            status, headers, body = registry.answer(server, self.path, header)
            wanted = _RANGE.fullmatch(self.headers.get("range", ""))
            total = len(body)
            if status == 200 and "/blobs/" in self.path:
                if wanted and registry.ranges:
                    start, end = int(wanted[1]), int(wanted[2] or total - 1)
                    body, status = body[start : end + 1], 206
                    headers["content-range"] = f"bytes {start}-{start + len(body) - 1}/{total}"
                headers["content-length"] = str(len(body))
                body = body[: max(0, len(body) - registry.cut)]
            self.send_response(status)
            for name, value in {"content-length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = bool(registry.cut)

    return Handler


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield http.server_port
        finally:
            http.shutdown()
            thread.join()
