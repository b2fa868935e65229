"""One remote file: parts of it, or all of it in order.

Invariants: a server that ignores a range is cut off, never downloaded; a part is the part that was
asked for, of a file of the same length and version as before, or it is an error; the address that a
hub redirects to is asked again for further parts, and forgotten as soon as it is refused.

Source: RFC 9110, sections 14 (ranges) and 13.1.5 (If-Range).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import httpx2

from modelscan.fetcher.transfer import LIMIT, Client, PassingError, Patience, TransferError
from modelscan.vocabulary.artifact import CHUNK

_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")
_EXPIRED = frozenset({400, 401, 403, 404, 410})
"""How a signed address says that its time is over."""
_OK, _PARTIAL, _NOT_SATISFIABLE = 200, 206, 416
_ERRORS = 400
_PLAIN = {
    "EntryNotFound": "listed, but not there",
    "GatedRepo": "gated: access has to be granted",
    "RepoNotFound": "not found or private",
    "RevisionNotFound": "revision not found",
}
"""What a hub's own names for errors mean."""

Check = Callable[[Mapping[str, str]], None]


class Resource:
    """A file behind an address.

    Args:
        client: asks for it.
        url: its address.
        size: its length where somebody has stated it; every answer is then held against that.
        check: told the headers of the first answer of each request, those of the host itself
            before any redirect; raises `TransferError` when they contradict what is asked for.
    """

    def __init__(
        self, client: Client, url: str, size: int | None = None, check: Check | None = None
    ) -> None:
        self._client = client
        self._url = url
        self._check = check
        self._address = ""  # where the last request ended up
        self._version = ""  # the entity tag there
        self.size = size
        """The length in bytes; `None` until it is known."""
        self.requests = 0
        """Answers so far, redirects included."""
        self.changed = False
        """True once an answer was of another version of the file."""

    @property
    def patience(self) -> Patience:
        """How long to bear with the server."""
        return self._client.patience

    def part(self, offset: int, length: int) -> bytes:
        """The bytes from `offset` on; fewer than `length` only at the end of the file.

        Raises:
            TransferError: they cannot be had.
        """
        return self.patience.insist(lambda: self._part(offset, length))

    @contextmanager
    def body(self, offset: int = 0) -> Iterator[Iterator[bytes]]:
        """All bytes from `offset` on, in order.

        Raises:
            TransferError: they cannot be had, or the connection breaks: those that came are good.
        """
        with self._answer(offset, None) as response:
            yield self._exactly(response, offset)

    def _exactly(self, response: httpx2.Response, offset: int) -> Iterator[bytes]:
        received = offset
        for piece in response.iter_raw(CHUNK):
            received += len(piece)
            yield piece
        if self.size is not None and received != self.size:
            raise PassingError("the connection ended before the file did")

    def _part(self, offset: int, length: int) -> bytes:
        if not length:  # no range stands for nothing, so that all of it is asked for
            with self._answer(offset, None) as response:
                if any(response.iter_raw(1)):
                    raise TransferError("the server sends more than the file has")
            return b""
        with self._answer(offset, length) as response:
            if self.size is not None:
                length = max(0, min(length, self.size - offset))
            pieces, received = [], 0
            for piece in response.iter_raw(min(length, CHUNK) or 1):
                pieces.append(piece)
                received += len(piece)
                if received >= length:  # of a server that sends more: cut off
                    break
        data = b"".join(pieces)[:length]
        if len(data) < length and self.size is not None:
            raise PassingError("the connection ended before the part did")
        return data

    @contextmanager
    def _answer(self, offset: int, length: int | None) -> Iterator[httpx2.Response]:
        """The answer to a request for a part, checked and with its body unread."""
        headers = {}
        if offset or length is not None:
            last = "" if length is None else str(offset + length - 1)
            headers["range"] = f"bytes={offset}-{last}"
        response = self._request(headers)
        try:
            self._accept(response, offset)
            yield response
        finally:
            response.close()

    def _request(self, headers: Mapping[str, str]) -> httpx2.Response:
        limit = {LIMIT: 1 << 62}  # the length is held against the file's own, piece by piece
        known, self._address = self._address, ""
        if known:
            response = self._send(known, headers, limit)
            if response.status_code not in _EXPIRED:
                self._address = known
                return response
            response.close()
        response = self._send(self._url, headers, limit)
        if self._check is not None:
            first = response.history[0] if response.history else response
            try:
                self._check(first.headers)
            except TransferError:
                response.close()
                raise
        if response.history:
            self._address = str(response.url)
        return response

    def _send(self, url: str, headers: Mapping[str, str], limit: dict[str, int]) -> httpx2.Response:
        request = self._client.build_request("GET", url, headers=dict(headers), extensions=limit)
        response = self._client.send(request, stream=True)
        self.requests += 1 + len(response.history)
        return response

    def _accept(self, response: httpx2.Response, offset: int) -> None:
        """Hold an answer against the request.

        Raises:
            TransferError: it is an error, or not what was asked for.
        """
        status, headers = response.status_code, response.headers
        if status >= _ERRORS and status != _NOT_SATISFIABLE:
            code = headers.get("x-error-code", "")
            message = _PLAIN.get(code) or f"the server answers {status}"
            raise TransferError(message, status=status, code=code)
        if status == _PARTIAL:
            found = _RANGE.fullmatch(headers.get("content-range", ""))
            if found is None or int(found[1]) != offset:
                raise TransferError("the server sends another part than the one asked for")
            total = None if found[3] == "*" else int(found[3])
        elif status == _OK and not offset:
            length = headers.get("content-length", "")
            total = int(length) if length.isascii() and length.isdigit() else None
        else:
            raise TransferError("the server does not send parts of files", status=status)
        if total is not None and self.size is None:
            self.size = total
        if total is not None and total != self.size:
            raise TransferError(f"the server has {total:,} bytes of it, not {self.size:,}")
        version = headers.get("etag", "")
        self.changed |= bool(self._version and version and version != self._version)
        self._version = version or self._version
