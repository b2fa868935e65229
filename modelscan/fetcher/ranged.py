"""A remote file of which readers get the parts that they ask for, and no others.

Invariants: the number of requests and of bytes is bounded, and reaching the bound is a
`BudgetError`, which becomes needed coverage; small reads that follow one another cost one request
for many of them; memory is bounded, whatever is read.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from modelscan.errors import BudgetError
from modelscan.vocabulary.snapshot import Access, OpenArtifact

FIRST = 96 << 10
"""Bytes of the first request: nearly every header of a shard fits."""
_WIDEST = 8 << 20
"""Bytes of a request at most, unless a reader asks for more at once."""
_HELD = 32 << 20
"""Bytes held at a time."""
MOST_BYTES = 128 << 20
"""Bytes fetched of one file at most; a pickle has to be read whole, a header never is so long."""
MOST_REQUESTS = 400
"""Requests for one file at most."""


class Parts(Protocol):
    """Whatever can produce a part of a file."""

    def part(self, offset: int, length: int) -> bytes:
        """The bytes from `offset` on; fewer than `length` only at the end.

        Raises:
            ReadError: they cannot be had.
        """
        ...

    @property
    def changed(self) -> bool:
        """True once the file turned out to have changed between two parts."""
        ...


class RangedArtifact:
    """See the module.

    Args:
        name: of the file, relative to the model's root.
        size: its length in bytes.
        parts: where to get them.
        most_bytes: bytes that may be fetched.
        most_requests: requests that may be made.
    """

    def __init__(
        self,
        name: str,
        size: int,
        parts: Parts,
        *,
        most_bytes: int = MOST_BYTES,
        most_requests: int = MOST_REQUESTS,
    ) -> None:
        self.name = name
        self.member: str | None = None
        self.size = size
        self.depth = 0
        self.fetched = 0
        """Bytes that were fetched."""
        self._parts = parts
        self._bytes_left = most_bytes
        self._requests_left = most_requests
        self._held: dict[int, bytes] = {}  # by offset, the least recently used first
        self._window = FIRST

    def __enter__(self) -> OpenArtifact:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.clear()

    def changed(self) -> bool:
        """See `OpenArtifact.changed`."""
        return self._parts.changed

    def read_at(self, offset: int, length: int) -> bytes:
        """See `Artifact.read_at`."""
        length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        pieces = []
        while length > 0:
            piece = self._from_held(offset, length) or self._fetch(offset, length)
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _from_held(self, offset: int, length: int) -> bytes:
        """What of it has been fetched already, from `offset` on."""
        for start, data in self._held.items():
            if start <= offset < start + len(data):
                self._held[start] = self._held.pop(start)  # now the most recently used
                return data[offset - start : offset - start + length]
        return b""

    def _fetch(self, offset: int, length: int) -> bytes:
        """Fetch from `offset` on: more than is asked for when reading goes forwards."""
        ends = [start + len(data) for start, data in self._held.items()]
        if self._held:
            self._window = min(2 * self._window, _WIDEST) if offset in ends else FIRST
        wanted = max(length, min(self._window, self._bytes_left))
        stop = min([offset + wanted, self.size, *(held for held in self._held if held > offset)])
        begin = offset
        if stop == self.size and offset > self.size - FIRST:
            # Whoever asks for the end of a file soon asks for a little before it.
            begin = max([0, self.size - FIRST, *(end for end in ends if end <= offset)])
        self._get(begin, stop - begin)
        return self._from_held(offset, length)

    def _get(self, offset: int, wanted: int) -> None:
        if wanted > self._bytes_left or not self._requests_left:
            raise BudgetError(
                "too much of it would have to be fetched for a light scan; --full reads all of it"
            )
        self._requests_left -= 1
        data = self._parts.part(offset, wanted)
        self._bytes_left -= len(data)
        self.fetched += len(data)
        if data:
            self._held[offset] = data
        while len(self._held) > 1 and sum(map(len, self._held.values())) > _HELD:
            del self._held[next(iter(self._held))]


class RangedFile:
    """A remote file that is read in parts: see `SourceFile`."""

    access: Access = "ranges"

    def __init__(self, name: str, size: int, parts: Parts) -> None:
        self.name = name
        self.size = size
        self._parts = parts

    def open(self) -> AbstractContextManager[OpenArtifact]:
        """See `SourceFile.open`."""
        return RangedArtifact(self.name, self.size, self._parts)
