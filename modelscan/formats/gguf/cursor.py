"""A forward walk over a binary header that may be tens of megabytes long.

Invariants: one window of bytes is held, whatever the header's length; every length is held against
the size of the file before anything is read or stepped over; a list of strings is stepped over
without making one.
"""

from __future__ import annotations

import struct
from typing import Final, Literal

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.vocabulary.artifact import Artifact

ByteOrder = Literal["little", "big"]

MAGIC: Final = b"GGUF"
VERSION_AT, COUNTS_AT = 4, 8
"""Where a file's version begins, and where its counts do."""
_WINDOW: Final = 1 << 18
"""Bytes held at a time."""
_WIDTH32, _WIDTH64 = 4, 8


class OverrunError(ReadError):
    """A count or length that the file has no room for."""


class Cursor:
    """A place in an artifact that moves forwards.

    Args:
        artifact: what is walked over.
        budget: pays for the bytes and strings stepped over.
        offset: where to start.
        order: the order of bytes in numbers.
        wide: whether counts and lengths have 64 bits, not 32.
        window: bytes to hold at a time; less for records that lie far apart.
    """

    __slots__ = (
        "_artifact", "_base", "_budget", "_count", "_data", "_order", "_width", "_window",
        "offset", "size",
    )  # fmt: skip

    def __init__(
        self,
        artifact: Artifact,
        budget: Budget,
        offset: int = 0,
        order: ByteOrder = "little",
        *,
        wide: bool = False,
        window: int = _WINDOW,
    ) -> None:
        self._artifact = artifact
        self._budget = budget
        self._order: ByteOrder = order
        self._width = _WIDTH64 if wide else _WIDTH32
        self._count = struct.Struct(("<" if order == "little" else ">") + ("Q" if wide else "I"))
        self._window = window
        self._data = b""
        self._base = 0
        self.offset = offset
        """The next byte."""
        self.size = artifact.size

    @property
    def left(self) -> int:
        """Bytes between here and the end."""
        return self.size - self.offset

    def take(self, length: int) -> bytes:
        """The next `length` bytes.

        Raises:
            OverrunError: there are fewer.
        """
        self._demand(length)
        index = self._in_view(length)
        piece = self._data[index : index + length]
        if len(piece) < length:
            raise ReadError("the file became shorter", offset=self.offset)
        self.offset += length
        return piece

    def skip(self, length: int) -> None:
        """Step over `length` bytes.

        Raises:
            OverrunError: there are fewer.
            BudgetError: a header of that length is not read.
        """
        self._demand(length)
        self.offset += length
        self._budget.header(self.offset)

    def number(self, width: int) -> int:
        """The next unsigned number of `width` bytes."""
        return int.from_bytes(self.take(width), self._order)

    def value(self, raw: bytes, *, signed: bool = False) -> int:
        """Bytes as a number, in the order of the file."""
        return int.from_bytes(raw, self._order, signed=signed)

    def count(self) -> int:
        """The next count or length."""
        return self.number(self._width)

    def expect(self, count: int, smallest: int, what: str) -> None:
        """Refuse a count that the rest of the file has no room for.

        Raises:
            OverrunError: `count` things of `smallest` bytes do not fit.
        """
        if count * smallest > self.left:
            detail = f"{count:,} {what} in a file of {self.size:,} bytes"
            raise OverrunError(detail, offset=self.offset)

    def skip_strings(self, count: int) -> None:
        """Step over `count` strings, each behind its length.

        Raises:
            OverrunError: one of them reaches past the end.
        """
        self._demand(count * self._width)
        unpack, width = self._count.unpack_from, self._width
        while count:
            index = self._in_view(width)
            data = self._data
            last = len(data) - width
            if index > last:
                raise OverrunError("a list of strings breaks off", offset=self.offset)
            before = count
            while count and index <= last:
                index += width + unpack(data, index)[0]
                count -= 1
            self._budget.step(before - count)
            self.offset = self._base + index
            if self.offset > self.size:
                raise OverrunError("a string reaches past the end of the file", offset=self.size)
            self._budget.header(self.offset)

    def _demand(self, length: int) -> None:
        if length > self.left:
            what = f"{length:,} bytes are claimed where {max(self.left, 0):,} are left"
            raise OverrunError(what, offset=self.offset)

    def _in_view(self, length: int) -> int:
        """The index in the window of the next byte, with `length` bytes behind it if they exist."""
        index = self.offset - self._base
        if index < 0 or index + length > len(self._data):
            self._budget.header(length)
            self._data = self._artifact.read_at(self.offset, max(length, self._window))
            self._base = self.offset
            index = 0
        return index
