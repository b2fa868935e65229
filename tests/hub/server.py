"""A hub on this machine that the real client library talks to.

It answers the calls that the library makes, as the hub does: model information, trees with paging,
refs, commits, path information, owners, and `resolve` with a redirect to another host name for large
files, where ranges are served. Every request is logged. Attacks are attributes of the server and of
its repositories; without one it is a well-behaved hub.

    with FakeHub() as hub:
        commit = hub.add("acme/model", {"config.json": b"{}"})
        api.scan(f"hf:acme/model@{commit}", fetch=FetchOptions(endpoint=hub.url))
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from tests.forge import git
from tests.hub.content import LARGE, Content
from tests.hub.git_server import GitServer
from tests.hub.repository import Commit, Repository
from tests.hub.tls import Certificate

_API = re.compile(
    r"/api/models/(?P<id>[^/]+(?:/[^/]+?)?)"
    r"(?:/(?P<what>revision|tree|paths-info|refs|commits)(?:/(?P<rest>.*))?)?"
)
_RESOLVE = re.compile(r"/(?P<id>[^/]+(?:/[^/]+)?)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
_CDN = re.compile(r"/cdn/(?P<id>[^/]+(?:/[^/]+)?)/(?P<revision>[^/]+)/(?P<path>.+)")
_GIT = re.compile(r"/(?P<id>[^/]+/[^/]+)/(?P<what>info/refs|git-upload-pack)")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_PIECE = 1 << 16


class Request(NamedTuple):
    """One request, as it came in."""

    method: str
    host: str
    path: str
    range: str
    authorization: str
    agent: str


class FakeHub:
    """See the module.

    Args:
        certificate: to be shown; without one, nothing is encrypted.
    """

    def __init__(self, certificate: Certificate | None = None) -> None:
        self.repositories: dict[str, Repository] = {}
        self.renamed: dict[str, str] = {}
        self.owners: dict[str, dict[str, Any]] = {}
        self.git: dict[str, GitServer] = {}
        """Repositories that speak git as well, by id."""
        self.log: list[Request] = []
        self.sent = 0
        """Bytes of bodies."""
        self.page = 1000
        # -- attacks and accidents
        self.failures: list[tuple[int, dict[str, str]]] = []
        """Statuses and headers with which the next requests are answered instead."""
        self.break_after: list[int] = []
        """Bytes of files after which the next connections are cut."""
        self.trickles = ""
        """Which part of every answer comes byte by byte, without an end: see `_trickle`."""
        self.files_trickle = ""
        """The same of files alone."""
        self.holds_after: int | None = None
        """Bytes of a file after which nothing comes until `released`."""
        self.held, self.released = threading.Event(), threading.Event()
        self.ignores_ranges = False
        self.other_part = False
        self.redirect_to = ""
        """Where `resolve` sends everybody, instead of to the other host name."""
        self.redirect_api_to = ""
        self.next_page_at = ""
        """Host of the link to the next page of a listing."""
        self.endless = False
        """A listing without end."""
        self.raw: dict[str, bytes] = {}
        """Bodies with which paths of the API are answered, whatever they are."""
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                """Keep quiet."""

            def do_GET(self) -> None:
                server.answer(self)

            def do_HEAD(self) -> None:
                server.answer(self)

            def do_POST(self) -> None:
                server.answer(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # cut connections are part of the tests
        self.port = self._server.server_port
        scheme = "http"
        if certificate is not None:
            scheme = "https"
            self._server.socket = certificate.server().wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.cdn = f"{scheme}://localhost:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, name: str, files: Mapping[str, bytes | Content], **fields: Any) -> str:
        """Add a repository with one commit; returns the commit's id."""
        repository = self.repositories.setdefault(name, Repository(name, **fields))
        return repository.commit(files)

    def prove(self, name: str) -> str:
        """Give a repository the git objects of its last commit; returns the commit's new id."""
        repository = self.repositories[name]
        last = repository.commits[-1]
        listed = ((path, content, content.listed(path)) for path, content in last.files.items())
        stored = {path: one.pointer if "lfs" in entry else one.head for path, one, entry in listed}
        made = git.commit(stored)
        last.sha = repository.branches["main"] = made.id
        self.git[name] = GitServer(made)
        return made.id

    def __getitem__(self, name: str) -> Repository:
        return self.repositories[name]

    # -- answers -------------------------------------------------------------------------------

    def answer(self, http: BaseHTTPRequestHandler) -> None:
        headers = http.headers
        length = int(headers.get("Content-Length") or 0)
        body = http.rfile.read(length) if length else b""
        request = Request(
            http.command, headers.get("Host", ""), http.path, headers.get("Range", ""),
            headers.get("Authorization", ""), headers.get("User-Agent", ""),
        )  # fmt: skip
        with self._lock:
            self.log.append(request)
            failure = self.failures.pop(0) if self.failures else None
        if failure:
            self._send(http, failure[0], b"", failure[1])
            return
        url = urlsplit(http.path)
        path, query = unquote(url.path), parse_qs(url.query)
        is_file = _CDN.fullmatch(path) or _RESOLVE.fullmatch(path)
        if slow := self.trickles or (is_file and self.files_trickle):
            _trickle(http, slow)
        elif path in self.raw:
            self._send(http, 200, self.raw[path])
        elif found := re.fullmatch(r"/api/organizations/([^/]+)/overview", path):
            owner = self.owners.get(found[1])
            self._send(http, 200, owner) if owner else self._error(http, 404, "", "no such owner")
        elif (found := _GIT.fullmatch(path)) and found["id"] in self.git:
            git, asks = self.git[found["id"]], found["what"] == "info/refs"
            kind = f"application/x-git-upload-pack-{'advertisement' if asks else 'result'}"
            answer = git.advertise() if asks else git.fetch(body)
            self._send(http, 200, answer, {"Content-Type": kind})
        elif found := _CDN.fullmatch(path):
            self._file(http, self.repositories[found["id"]], found["revision"], found["path"])
        elif found := _RESOLVE.fullmatch(path):
            self._in_repository(
                http, found, url.query, lambda repo: self._resolve(http, repo, found)
            )
        elif found := _API.fullmatch(path):
            if self.redirect_api_to:
                self._send(http, 307, b"", {"Location": self.redirect_api_to + http.path})
                return
            self._in_repository(
                http, found, url.query, lambda repo: self._api(http, repo, found, query, body)
            )
        else:
            self._error(http, 404, "", f"no route {path}")

    def _in_repository(self, http: Any, found: Any, query: str, act: Any) -> None:
        """Names that moved, are not there, or are not for everybody."""
        name = found["id"]
        if name in self.renamed:
            path = unquote(urlsplit(http.path).path).replace(name, self.renamed[name], 1)
            location = quote(path) + (f"?{query}" if query else "")
            self._send(http, 307, b"", {"Location": location})
            return
        repository = self.repositories.get(name)
        token = http.headers.get("Authorization", "").removeprefix("Bearer ")
        if repository is None or (repository.private and token not in repository.members):
            self._error(http, 401, "RepoNotFound", "Repository not found")
        elif repository.disabled:
            self._error(http, 403, "", "Access to this resource is disabled.")
        else:
            act(repository)

    def _api(self, http: Any, repo: Repository, found: Any, query: Any, body: bytes) -> None:
        what, rest = found["what"], found["rest"] or "main"
        if what == "refs":
            self._send(http, 200, {
                "branches": _refs("heads", repo.branches), "converts": [],
                "tags": _refs("tags", repo.tags),
            })  # fmt: skip
            return
        commit = repo.at(rest)
        if commit is None:
            self._error(http, 404, "RevisionNotFound", f"Invalid rev id: {rest}")
        elif what == "commits":
            until = repo.commits.index(commit) + 1
            self._send(http, 200, [_commit(one) for one in reversed(repo.commits[:until])])
        elif what == "paths-info":
            wanted = parse_qs(body.decode()).get("paths", [])
            listed = [self._expanded(repo, commit, path) for path in wanted if path in commit.files]
            self._send(http, 200, listed)
        elif what == "tree":
            self._tree(http, repo, commit, query)
        else:
            self._send(http, 200, self._info(repo, commit, query))

    def _info(self, repo: Repository, commit: Commit, query: Mapping[str, Any]) -> dict[str, Any]:
        if "expand" in query:
            return {"id": repo.id, "baseModels": None, "childrenModelCount": 3, **repo.info}
        info: dict[str, Any] = {
            "_id": "638f7ae3" + "0" * 16, "id": repo.id, "modelId": repo.id,
            "sha": repo.answers_commit or commit.sha, "lastModified": commit.date,
            "createdAt": repo.commits[0].date, "private": repo.private, "disabled": repo.disabled,
            "gated": repo.gated, "tags": [], "downloads": 1, "likes": 0,
            "siblings": [{"rfilename": path} for path in commit.files],
        }  # fmt: skip
        if "securityStatus" in query:
            issues = [
                {"path": path, "level": status["status"]}
                for path, status in repo.security.items()
                if status["status"] != "safe"
            ]
            info["securityRepoStatus"] = {"scansDone": True, "filesWithIssues": issues}
        return info | repo.info

    def _expanded(self, repo: Repository, commit: Commit, path: str) -> dict[str, Any]:
        safe = {"status": "safe", "avScan": None, "pickleImportScan": None}
        return {
            **commit.files[path].listed(path),
            "lastCommit": {"id": commit.sha, "title": commit.title, "date": commit.date},
            "securityFileStatus": repo.security.get(path, safe),
        }

    def _tree(self, http: Any, repo: Repository, commit: Commit, query: Mapping[str, Any]) -> None:
        entries = [commit.files[path].listed(path) for path in sorted(commit.files)] + repo.extra
        start = int(query.get("cursor", ["0"])[0])
        headers = {}
        if start + self.page < len(entries) or self.endless:
            following = urlencode({"recursive": "true", "cursor": start + self.page})
            place = (self.next_page_at or self.url) + quote(urlsplit(http.path).path)
            headers["Link"] = f'<{place}?{following}>; rel="next"'
        page = entries[start : start + self.page]
        if self.endless:
            page = [Content.of(b"").listed(f"{start}/{number}") for number in range(self.page)]
        self._send(http, 200, page, headers)

    # -- files ---------------------------------------------------------------------------------

    def _resolve(self, http: Any, repo: Repository, found: Any) -> None:
        token = http.headers.get("Authorization", "").removeprefix("Bearer ")
        revision, path = found["revision"], found["path"]
        commit = repo.at(revision)
        if repo.gated and token not in repo.members:
            self._error(http, 403, "GatedRepo", "Access to this model is restricted")
        elif commit is None:
            self._error(http, 404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif path not in commit.files:
            self._error(http, 404, "EntryNotFound", "Entry not found")
        elif LARGE.search(path):
            content = commit.files[path]
            place = self.redirect_to or f"{self.cdn}/cdn/{repo.id}/{revision}/{quote(path)}"
            self._send(http, 302, b"", {
                "X-Repo-Commit": repo.serves_commit or commit.sha, "Location": place,
                "X-Linked-Etag": f'"{content.sha256}"', "X-Linked-Size": str(content.size),
            })  # fmt: skip
        else:
            self._file(http, repo, revision, path)

    def _file(self, http: Any, repo: Repository, revision: str, path: str) -> None:
        commit = repo.at(revision)
        assert commit is not None
        content = Content.of(repo.served.get(path, commit.files[path]))
        headers = {
            "X-Repo-Commit": repo.serves_commit or commit.sha, "ETag": f'"{content.sha256}"',
        }  # fmt: skip
        found = _RANGE.fullmatch(http.headers.get("Range", ""))
        start, stop, status = 0, content.size, 200
        if found and not self.ignores_ranges:
            status = 206
            if found[1]:
                start = int(found[1])
                stop = min(int(found[2]) + 1, stop) if found[2] else stop
            else:
                start = max(0, stop - int(found[2]))
            if self.other_part:
                start += 1
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{content.size}"
        with self._lock:
            cut = self.break_after.pop(0) if self.break_after else None
        self._stream(http, status, content, start, stop, headers, cut)

    def _stream(
        self, http: Any, status: int, content: Content, start: int, stop: int,
        headers: Mapping[str, str], cut: int | None,
    ) -> None:  # fmt: skip
        http.send_response(status)
        for name, value in {**headers, "Content-Length": str(stop - start)}.items():
            http.send_header(name, value)
        http.end_headers()
        if http.command == "HEAD":
            return
        until = stop if cut is None else min(stop, start + cut)
        hold = stop if self.holds_after is None else start + self.holds_after
        try:
            while start < until:
                if start >= hold:
                    self.held.set()
                    self.released.wait(60)
                    hold = stop
                piece = content.read(start, min(start + _PIECE, until))
                http.wfile.write(piece)
                start += len(piece)
                self._count(len(piece))
        except OSError:  # whoever asked has gone
            http.close_connection = True
        if cut is not None and until < stop:
            http.close_connection = True

    def _send(self, http: Any, status: int, body: Any, headers: Any = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        http.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            http.send_header(name, value)
        http.end_headers()
        if http.command != "HEAD":
            self._count(len(data))
            http.wfile.write(data)

    def _error(self, http: Any, status: int, code: str, message: str) -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message}
        self._send(http, status, {"error": message}, headers)

    def _count(self, size: int) -> None:
        with self._lock:
            self.sent += size


_TRICKLES = {
    "head": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
    "interim": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"a"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "chunk-length": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a"),
}  # fmt: skip
"""By the part that trickles: what comes at once, and what comes again and again."""
_BETWEEN = 0.01
"""Seconds."""


def _trickle(http: BaseHTTPRequestHandler, part: str) -> None:
    """Send hardly anything, and never stop, until whoever asked has gone."""
    start, again = _TRICKLES[part]
    http.close_connection = True
    try:
        http.wfile.write(start)
        for _ in range(2_000):
            http.wfile.write(again)
            time.sleep(_BETWEEN)
    except OSError:
        return


def _refs(kind: str, named: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": sha}
        for name, sha in named.items()
    ]


def _commit(commit: Commit) -> dict[str, Any]:
    return {
        "id": commit.sha, "title": commit.title, "message": "", "date": commit.date,
        "authors": [{"user": commit.author}],
    }  # fmt: skip
