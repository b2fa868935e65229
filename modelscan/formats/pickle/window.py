"""A pickle's bytes through a sliding window, and the decoder that splits them into opcodes.

Invariants:

* at most one window of bytes is held, whatever the size of the artifact; a small artifact is held
  whole;
* a literal longer than `KEPT` is never copied: the decoder steps over it and passes its place on;
* frames are read through: to the unpickler a frame is a hint for buffering. One that ends where no
  opcode ends is told apart elsewhere (`skip.Run.misframed`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.errors import ReadError
from modelscan.formats.pickle.opcodes import (
    COUNT1,
    COUNT4,
    COUNT8,
    INVALID,
    NAMES,
    SHAPES,
    TEXT,
)
from modelscan.vocabulary.artifact import Artifact

WHOLE: Final = 1 << 20
"""Artifacts of up to this many bytes are held whole; of a larger one, as much at a time."""
KEPT: Final = 256
"""The longest literal that is copied, in bytes."""
_MARGIN: Final = 4096
"""An opcode that starts this close to the end of the window moves the window first."""
_WIDTHS: Final = {COUNT1: 1, COUNT4: 4, COUNT8: 8}


class Blob(NamedTuple):
    """A long literal: where it is, not what it is."""

    start: int
    """Offset of its first byte in the artifact."""
    length: int
    """Bytes."""


Argument = bytes | Blob
"""An opcode's argument. Of a pair of lines: both, with the newline between them."""


class Window:
    """The part of an artifact that is being looked at.

    Attributes:
        data: the bytes in view.
        base: offset of the first of them in the artifact.
        safe: index into `data` up to which an opcode with a short argument is in view whole; all of
            `data` when the artifact ends in it.
    """

    __slots__ = ("_artifact", "base", "data", "safe", "size")

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self.size = artifact.size
        self.base = 0
        self.data = b""
        self.safe = 0
        self.load(0)

    def load(self, offset: int) -> None:
        """Move the window so that it begins at `offset`."""
        self.base = offset
        self.data = self._artifact.read_at(offset, WHOLE) if offset < self.size else b""
        ends_here = offset + len(self.data) >= self.size or not self.data
        self.safe = len(self.data) if ends_here else max(len(self.data) - _MARGIN, 1)

    def index(self, offset: int) -> int:
        """The index of `offset` in `data`, after moving the window if it has to."""
        index = offset - self.base
        if 0 <= index < self.safe:
            return index
        if index >= 0 and self.base + len(self.data) >= self.size:
            return len(self.data)
        self.load(offset)
        return 0

    def take(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on; the window stays where it is."""
        index = offset - self.base
        if index >= 0 and index + length <= len(self.data):
            return self.data[index : index + length]
        return self._artifact.read_at(offset, length)

    def line_end(self, offset: int) -> int:
        """The offset of the first newline at or after `offset`.

        Raises:
            ReadError: there is none.
        """
        index = offset - self.base
        found = self.data.find(b"\n", index) if 0 <= index <= len(self.data) else -1
        if found >= 0:
            return self.base + found
        place = max(offset, self.base + len(self.data)) if index >= 0 else offset
        while piece := self._artifact.read_at(place, WHOLE):
            found = piece.find(b"\n")
            if found >= 0:
                return place + found
            place += len(piece)
        raise ReadError("the pickle ends in the middle of a line", offset=offset)

    def argument(self, offset: int, shape: int) -> Blob:
        """Where the argument of variable length of the opcode at `offset` is, and how long.

        For a pair of lines it spans both. The opcode ends right after it; when its shape is text,
        after one newline more.

        Raises:
            ReadError: the artifact ends before the argument does.
        """
        start = offset + 1
        if shape > COUNT1:
            end = self.line_end(start)
            if shape != TEXT:
                end = self.line_end(end + 1)
            return Blob(start, end - start)
        width = _WIDTHS[shape]
        field = self.take(start, width)
        length = int.from_bytes(field, "little")
        start += width
        if len(field) < width or start + length > self.size:
            raise ReadError(f"{_name(self.take(offset, 1))} reaches past the end", offset=offset)
        return Blob(start, length)


def decode(window: Window, offset: int) -> Iterator[tuple[int, Argument, int]]:
    """Split a pickle into opcodes, from `offset` on.

    Yields:
        The opcode, its argument (`b""` when it has none), its offset. Yields past STOP too: the
        caller knows when to end.

    Raises:
        ReadError: a byte is no opcode, or the artifact ends without STOP.
    """
    shapes, kept = SHAPES, KEPT
    index = window.index(offset)
    data, base, safe = window.data, window.base, window.safe
    while True:
        if index >= safe:
            index = window.index(base + index)
            data, base, safe = window.data, window.base, window.safe
            if index >= len(data):
                raise ReadError("the pickle ends without STOP", offset=window.size)
        code = data[index]
        shape = shapes[code]
        if shape == 0:
            yield code, b"", base + index
            index += 1
        elif shape > 0:
            end = index + 1 + shape
            if end > len(data):
                raise ReadError(f"{NAMES[code]} reaches past the end", offset=base + index)
            yield code, data[index + 1 : end], base + index
            index = end
        elif shape == COUNT1 and (end := index + 2 + data[min(index + 1, len(data) - 1)]) <= len(
            data
        ):
            yield code, data[index + 2 : end], base + index
            index = end
        elif shape == INVALID:
            raise ReadError(f"byte 0x{code:02x} is no pickle opcode", offset=base + index)
        else:
            place = window.argument(base + index, shape)
            short = place.length <= kept
            yield code, window.take(*place) if short else place, base + index
            index = place.start + place.length - base + (shape > COUNT1)


def _name(code: bytes) -> str:
    return NAMES.get(code[0], "an opcode") if code else "an opcode"
