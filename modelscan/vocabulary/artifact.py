"""Bytes with a name. A local file, an archive member and a buffer look the same to a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from modelscan.vocabulary.location import MEMBER_SEPARATOR, Location

CHUNK = 1 << 20
"""Bytes per step when an artifact is streamed."""


class Artifact(Protocol):
    """Random access to the bytes of one file or member."""

    name: str
    """Path of the top-level file, relative to the model's root, with forward slashes."""
    member: str | None
    """Name inside that file, nested archives joined by `!`; `None` for the file itself."""
    size: int
    """Length in bytes."""
    depth: int
    """Archives around it: 0 for a file."""

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes from `offset` on: fewer than `length` only at the end, never an error for it.

        Raises:
            ReadError: the bytes cannot be produced (damaged compression, a vanished file).
            BudgetError: producing them would exceed the budget.
        """
        ...


def stream(artifact: Artifact, offset: int = 0, chunk: int = CHUNK) -> Iterator[bytes]:
    """The artifact's bytes from `offset` to the end, in order, in pieces of at most `chunk`."""
    while piece := artifact.read_at(offset, chunk):
        yield piece
        offset += len(piece)


def place(artifact: Artifact, offset: int | None = None, line: int | None = None) -> Location:
    """The location of an artifact, or of a place inside it."""
    return Location(artifact.name, artifact.member, offset, line)


def child_name(artifact: Artifact, member: str) -> str:
    """The `member` of something inside an artifact."""
    return member if artifact.member is None else artifact.member + MEMBER_SEPARATOR + member


def base_name(artifact: Artifact) -> str:
    """The last part of the innermost name: what a loader would look at for an extension."""
    innermost = artifact.member if artifact.member is not None else artifact.name
    return innermost[max(innermost.rfind("/"), innermost.rfind(MEMBER_SEPARATOR)) + 1 :]


class BytesArtifact:
    """An artifact whose bytes are in memory."""

    __slots__ = ("_data", "depth", "member", "name", "size")

    def __init__(
        self, name: str, data: bytes, *, member: str | None = None, depth: int = 0
    ) -> None:
        self.name = name
        self.member = member
        self.depth = depth
        self.size = len(data)
        self._data = data

    def read_at(self, offset: int, length: int) -> bytes:
        """See `Artifact.read_at`."""
        if offset == 0 and length >= self.size:
            return self._data
        return self._data[offset : offset + length] if length > 0 else b""


class SliceArtifact:
    """A window on another artifact: a stored archive member costs no copy."""

    __slots__ = ("_offset", "_parent", "depth", "member", "name", "size")

    def __init__(self, parent: Artifact, offset: int, size: int, member: str) -> None:
        self.name = parent.name
        self.member: str | None = child_name(parent, member)
        self.depth = parent.depth + 1
        self.size = max(0, min(size, parent.size - offset))
        self._parent = parent
        self._offset = offset

    def read_at(self, offset: int, length: int) -> bytes:
        """See `Artifact.read_at`."""
        length = min(length, self.size - offset)
        return self._parent.read_at(self._offset + offset, length) if length > 0 else b""


class StreamArtifact:
    """An artifact behind a one-way stream, such as a compressed member.

    Reading forwards continues the stream; reading backwards past the last megabyte starts it anew,
    which the budget pays for. Readers therefore go forwards where they can.

    Args:
        parent: what the stream is taken from.
        member: the name inside it.
        size: the length in bytes that the container declares or that was measured.
        open_stream: starts the stream; yields the bytes in order and raises `ReadError` for damage.
    """

    __slots__ = ("_open", "_start", "_stream", "_window", "depth", "member", "name", "size")

    def __init__(
        self,
        parent: Artifact,
        member: str,
        size: int,
        open_stream: Callable[[], Iterator[bytes]],
    ) -> None:
        self.name = parent.name
        self.member: str | None = child_name(parent, member)
        self.depth = parent.depth + 1
        self.size = size
        self._open = open_stream
        self._stream = iter(())  # type: Iterator[bytes]
        self._start = -1  # offset of the window; -1 until the stream is first opened
        self._window = b""

    def read_at(self, offset: int, length: int) -> bytes:
        """See `Artifact.read_at`."""
        if length <= 0 or offset >= self.size:
            return b""
        if self._start < 0 or offset < self._start:
            self._stream = self._open()
            self._start, self._window = 0, b""
        end = min(offset + length, self.size)
        pieces = [self._window]
        reached = self._start + len(self._window)
        while reached < end:
            piece = next(self._stream, b"")
            if not piece:
                break
            reached += len(piece)
            if reached <= offset:  # not wanted yet: keep one piece, for a short step back
                self._start, pieces = reached - len(piece), [piece]
            else:
                pieces.append(piece)
        self._window = b"".join(pieces)
        lead = offset - self._start
        result = self._window[lead : lead + end - offset]
        keep = max(0, len(self._window) - max(CHUNK, length))
        if keep:
            self._window = self._window[keep:]
            self._start += keep
        return result
