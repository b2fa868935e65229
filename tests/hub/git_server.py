"""A git server on loopback: the smart HTTP protocol, version 2, with commits from `tests.forge.git`.

It sends what it is told to, so that it can lie: see `GitServer`.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.forge import git

CAPABILITIES = ("version 2", "agent=git/test", "ls-refs=unborn", "fetch=shallow filter",
                "object-format=sha1")  # fmt: skip
_WANT = re.compile(rb"want ([0-9a-f]{40})")
_LIMIT = re.compile(rb"filter blob:limit=(\d+)")


def line(data: bytes) -> bytes:
    return f"{len(data) + 4:04x}".encode() + data


class GitServer:
    """One repository, `/acme/model`."""

    def __init__(self, *commits: git.Commit) -> None:
        self.objects = {oid: found for one in commits for oid, found in one.objects.items()}
        self.capabilities: tuple[str, ...] = CAPABILITIES
        self.replaced: dict[str, tuple[str, bytes]] = {}
        """Objects that are sent in the place of others."""
        self.pack: bytes | None = None
        """Sent whatever is asked for."""
        self.refusal = b""
        self.status = 200
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        self.url = ""

    @contextmanager
    def running(self) -> Iterator[GitServer]:
        with _serve(_handler(self)) as self.url:
            yield self

    def advertise(self) -> bytes:
        text = b"".join(line(word.encode() + b"\n") for word in self.capabilities)
        return line(b"# service=git-upload-pack\n") + b"0000" + text + b"0000"

    def fetch(self, request: bytes) -> bytes:
        if self.refusal:
            return line(b"ERR " + self.refusal)
        able = " ".join(self.capabilities)
        for word in ("filter", "shallow"):
            asked = {"filter": b"filter ", "shallow": b"deepen "}[word]
            if asked in request and word not in able:
                return line(b"ERR unexpected line: '" + asked + b"'")
        wanted = _WANT.findall(request)
        missing = [one for one in wanted if one.decode() not in self.objects]
        if missing:
            return line(b"ERR upload-pack: not our ref " + missing[0])
        found = _LIMIT.search(request)
        limit = int(found[1]) if found else 1 << 62
        sent = [
            self.replaced.get(oid, (kind, data))
            for oid, (kind, data) in self.objects.items()
            if kind != "blob" or len(data) < limit
        ]
        data = git.pack_of(sent) if self.pack is None else self.pack
        bands = (line(b"\1" + data[at : at + 60_000]) for at in range(0, len(data), 60_000))
        shallow = line(b"shallow-info\n") + line(b"shallow " + wanted[0] + b"\n") + b"0001"
        return shallow + line(b"packfile\n") + line(b"\2counting\n") + b"".join(bands) + b"0000"


def _handler(server: GitServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self, kind: str, body: bytes) -> None:
            server.requests.append(self.path)
            server.authorizations.append(self.headers.get("authorization", ""))
            self.send_response(server.status)
            self.send_header("content-type", f"application/x-git-upload-pack-{kind}")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._answer("advertisement", server.advertise())

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            self._answer("result", server.fetch(self.rfile.read(length)))

    return Handler


@contextmanager
def _serve(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}"
        finally:
            http.shutdown()
            thread.join()


@contextmanager
def real_git(root: Path) -> Iterator[str]:
    """Git's own server, `git http-backend`, for the bare repositories below a folder."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            length = int(self.headers.get("content-length") or 0)
            environment = {
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_NOSYSTEM": "1",
                "HOME": str(root),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("content-type", ""),
                "CONTENT_LENGTH": str(length),
                "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
            }
            done = subprocess.run(
                ["git", "http-backend"],
                input=self.rfile.read(length),
                env=environment,
                capture_output=True,
                check=False,  # a refusal is an exit status as well as an answer
            )
            head, _, body = done.stdout.partition(b"\r\n\r\n")
            headers = [one.split(": ", 1) for one in head.decode().split("\r\n")]
            status = next((value for name, value in headers if name == "Status"), "200 OK")
            self.send_response(int(status[:3]))
            for name, value in headers:
                if name != "Status":
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  # the same

    with _serve(Handler) as url:
        yield url
