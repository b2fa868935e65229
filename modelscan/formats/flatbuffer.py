"""FlatBuffers, walked by hand: tables, vectors and strings at offsets that are checked first.

Invariants: every offset, length and vtable is held against the size of the file before it is
followed; every table that is visited is paid for, and no more of them than the file has room for,
so that tables which contain each other end, and vectors that lead to the same ones over and over.

Source: FlatBuffers documentation, "FlatBuffer Internals". All numbers are little-endian.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.vocabulary.artifact import Artifact

_OFFSET: Final = 4
_SLOT: Final = 2
_WINDOW: Final = 1 << 12
"""Bytes read around a place: tables are small and lie far apart."""
_VTABLE_HEAD: Final = 4
_PAGES: Final = 256
_MAX_TEXT: Final = 4096
_SMALLEST: Final = 4
"""Bytes of the smallest table: writers store each of them once, and each has an offset, too."""
_SPARE: Final = 1_000
"""Tables that are visited more than once by those who look at a file twice."""


class Flatbuffer:
    """An artifact, read as a FlatBuffer."""

    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._artifact = artifact
        self._budget = budget
        self._pages: dict[int, bytes] = {}
        self._left = artifact.size // _SMALLEST + _SPARE
        self.size = artifact.size

    def root(self) -> Table:
        """The table that everything hangs on.

        Raises:
            ReadError: there is none.
        """
        return self.table(self.number(0, _OFFSET))

    def table(self, at: int) -> Table:
        """The table at a place.

        Raises:
            ReadError: it does not fit into the file.
            BudgetError: more tables were visited than the file can hold.
        """
        self._budget.step()
        self._left -= 1
        if self._left < 0:
            raise BudgetError("tables lie over each other", offset=at)
        return Table(self, at)

    def take(self, at: int, length: int) -> bytes:
        """So many bytes.

        Raises:
            ReadError: they are not in the file.
        """
        if at < 0 or at + length > self.size:
            raise ReadError(f"{length:,} bytes outside the file", offset=max(at, 0))
        page = at // _WINDOW
        if page != (at + length - 1) // _WINDOW:
            self._budget.header(length)
            found = self._artifact.read_at(at, length)
        else:
            inside = at - page * _WINDOW
            found = self._page(page)[inside : inside + length]
        if len(found) < length:
            raise ReadError("the file became shorter", offset=at)
        return found

    def number(self, at: int, width: int, *, signed: bool = False) -> int:
        """A number of `width` bytes."""
        return int.from_bytes(self.take(at, width), "little", signed=signed)

    def text(self, at: int) -> str:
        """The string at a place, cut after a few thousand bytes."""
        length = self.number(at, _OFFSET)
        if length > self.size - at - _OFFSET:
            raise ReadError(f"a string of {length:,} bytes", offset=at)
        return self.take(at + _OFFSET, min(length, _MAX_TEXT)).decode("utf-8", "replace")

    def vector(self, at: int, width: int) -> tuple[int, int]:
        """Where the elements of a vector begin, and how many there are.

        Raises:
            ReadError: the file has no room for so many elements of `width` bytes.
        """
        count = self.number(at, _OFFSET)
        if count * width > self.size - at - _OFFSET:
            raise ReadError(f"a vector of {count:,} elements", offset=at)
        return at + _OFFSET, count

    def _page(self, number: int) -> bytes:
        found = self._pages.get(number)
        if found is None:
            if len(self._pages) >= _PAGES:
                self._pages.clear()
            found = self._artifact.read_at(number * _WINDOW, _WINDOW)
            self._pages[number] = found
        return found


class Table:
    """One table: a number of slots, each of them filled or not."""

    __slots__ = ("_buffer", "_slots", "at")

    def __init__(self, buffer: Flatbuffer, at: int) -> None:
        self._buffer = buffer
        self.at = at
        vtable = at - buffer.number(at, _OFFSET, signed=True)
        length = buffer.number(vtable, _SLOT)
        if length < _VTABLE_HEAD or length % _SLOT:
            raise ReadError(f"a vtable of {length} bytes", offset=vtable)
        raw = buffer.take(vtable, length)
        self._slots = [
            int.from_bytes(raw[place : place + _SLOT], "little")
            for place in range(_VTABLE_HEAD, length, _SLOT)
        ]

    def number(self, slot: int, width: int, *, signed: bool = False, default: int = 0) -> int:
        """A number stored in the table itself."""
        at = self._place(slot)
        return default if at is None else self._buffer.number(at, width, signed=signed)

    def text(self, slot: int) -> str:
        """A string; empty when there is none."""
        at = self._follow(slot)
        return "" if at is None else self._buffer.text(at)

    def span(self, slot: int, width: int = 1) -> tuple[int, int]:
        """Where the elements of a vector begin, and how many there are."""
        at = self._follow(slot)
        return (0, 0) if at is None else self._buffer.vector(at, width)

    def numbers(self, slot: int, width: int, limit: int) -> list[int]:
        """The first `limit` signed numbers of a vector."""
        at, count = self.span(slot, width)
        raw = self._buffer.take(at, min(count, limit) * width) if count else b""
        return [
            int.from_bytes(raw[place : place + width], "little", signed=True)
            for place in range(0, len(raw), width)
        ]

    def tables(self, slot: int) -> Iterator[Table]:
        """The tables of a vector, one after the other."""
        at, count = self.span(slot, _OFFSET)
        for place in range(at, at + count * _OFFSET, _OFFSET):
            yield self._buffer.table(place + self._buffer.number(place, _OFFSET))

    def child(self, slot: int) -> Table | None:
        """The table that a slot leads to; absent when there is none."""
        at = self._follow(slot)
        return None if at is None else self._buffer.table(at)

    def texts(self, slot: int, limit: int) -> list[str]:
        """The first `limit` strings of a vector."""
        at, count = self.span(slot, _OFFSET)
        end = at + min(count, limit) * _OFFSET
        buffer = self._buffer
        return [
            buffer.text(place + buffer.number(place, _OFFSET)) for place in range(at, end, _OFFSET)
        ]

    def _place(self, slot: int) -> int | None:
        inside = self._slots[slot] if slot < len(self._slots) else 0
        return self.at + inside if inside else None

    def _follow(self, slot: int) -> int | None:
        at = self._place(slot)
        return None if at is None else at + self._buffer.number(at, _OFFSET)
