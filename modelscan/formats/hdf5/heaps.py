"""Heaps: names of links, long values, and the objects of groups and attributes in dense storage.

Source: HDF5 File Format Specification, version 3.0, sections III.D (local heap), III.E (global
heap) and III.G (fractal heap).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.hdf5.cursor import Cursor, Space

_LOCAL, _GLOBAL, _FRACTAL, _DIRECT, _INDIRECT = b"HEAP", b"GCOL", b"FRHP", b"FHDB", b"FHIB"
_MAX_BLOCKS: Final = 100_000
_MANAGED, _HUGE, _TINY = 0, 1, 2
_KEPT: Final = 4
"""Global heaps that are kept in memory."""
_LARGE: Final = 1 << 20
"""Bytes of a global heap that is kept alone; the library makes them of 4 KB."""
_STEP: Final = 64
"""Bytes of a global heap that cost one step."""
_LONGEST: Final = 4096
"""The longest text that is taken from a local heap."""


class LocalHeap:
    """Names of a group in the old layout."""

    def __init__(self, space: Space, address: int) -> None:
        head = space.upto(address, 8 + 3 * 8)
        if head.take(4) != _LOCAL:
            raise ReadError("no local heap", offset=space.base + address)
        head.take(4)
        self._size = head.length()
        head.length()
        self._data = head.address()
        self._space = space

    def text(self, offset: int) -> str:
        """The text at an offset.

        Raises:
            ReadError: there is none.
        """
        if self._data is None or offset >= self._size:
            raise ReadError("a name outside of its heap", offset=self._space.base)
        length = min(self._size - offset, _LONGEST)
        return self._space.upto(self._data + offset, length).text()


def global_object(space: Space, address: int, index: int, budget: Budget) -> bytes:
    """One object of a global heap.

    Raises:
        ReadError: there is none of this index.
    """
    if address not in space.collections:
        if len(space.collections) >= _KEPT:
            space.collections.clear()
        objects = dict(global_objects(space, address, budget))
        if sum(map(len, objects.values())) > _LARGE:
            space.collections.clear()
        space.collections[address] = objects
    value = space.collections[address].get(index)
    if value is not None:
        return value
    raise ReadError("no such object in a global heap", offset=space.base + address)


def global_objects(space: Space, address: int, budget: Budget) -> Iterator[tuple[int, bytes]]:
    """Index and bytes of every object of a global heap.

    Raises:
        ReadError: there is no heap, or it breaks off.
    """
    cursor = _collection(space, address)
    budget.step(len(cursor.data) // _STEP)
    while cursor.left >= 8 + space.length_size:
        budget.step()
        number = cursor.uint(2)
        cursor.take(6)
        length = cursor.length()
        if number == 0:
            return
        yield number, cursor.take(length)
        cursor.take(min(-length % 8, cursor.left))


def _collection(space: Space, address: int) -> Cursor:
    head = space.upto(address, 8 + space.length_size)
    if head.take(4) != _GLOBAL:
        raise ReadError("no global heap", offset=space.base + address)
    head.take(4)
    length = head.length()
    cursor = space.upto(address, length)
    cursor.take(min(8 + space.length_size, cursor.left))
    return cursor


class FractalHeap:
    """The objects of a group or of attributes in dense storage.

    Args:
        space: the file.
        address: of the heap's header.
        budget: pays for the blocks.

    Raises:
        ReadError: there is no heap, or it is filtered.
    """

    def __init__(self, space: Space, address: int, budget: Budget) -> None:
        head = space.upto(address, 256)
        if head.take(4) != _FRACTAL:
            raise ReadError("no fractal heap", offset=space.base + address)
        head.take(1)
        self.id_length = head.uint(2)
        filters = head.uint(2)
        flags = head.uint(1)
        self._checksum = 4 if flags & 2 else 0
        largest_object = head.uint(4)
        head.take(4 * space.length_size + 2 * space.offset_size)  # to the managed objects
        head.take(6 * space.length_size)  # counts and sizes
        width, start, largest = head.uint(2), head.length(), head.length()
        bits = head.uint(2)
        head.take(2)
        root, rows = head.address(), head.uint(2)
        if filters:
            raise ReadError("a compressed heap of links or attributes", offset=space.base + address)
        if not (0 < width <= 1024 and 0 < start <= largest <= 1 << 32 and 0 < bits <= 64):  # noqa: PLR2004  # limits of the format
            raise ReadError("a fractal heap that makes no sense", offset=space.base + address)
        self._space = space
        self._budget = budget
        self._offset_bytes = -(-bits // 8)
        self._length_bytes = _width(min(largest, largest_object))
        self._width, self._start, self._largest = width, start, largest
        self._blocks: list[tuple[int, int, int]] = []  # offset in the heap, length, address
        if root is not None:
            self._map(root, rows, 0)

    def object(self, identity: Cursor) -> Cursor:
        """The object that an id stands for.

        Raises:
            ReadError: it is not in the heap, or stored in a way that only the largest objects are.
        """
        kind = identity.uint(1) >> 4 & 3
        if kind == _TINY:
            return identity.rest()
        if kind != _MANAGED:
            raise ReadError("an attribute or link of many kilobytes in a heap of its own")
        offset, length = identity.uint(self._offset_bytes), identity.uint(self._length_bytes)
        for start, size, address in self._blocks:
            if start <= offset and offset + length <= start + size:
                return self._space.block(address + offset - start, length)
        raise ReadError("an object outside of its heap", offset=self._space.base)

    def _map(self, root: int, rows: int, offset: int) -> None:
        """Where each direct block lies, and which part of the heap it holds."""
        pending = [(root, rows, offset)]
        while pending:
            address, rows, offset = pending.pop()
            if len(self._blocks) + len(pending) > _MAX_BLOCKS:
                raise BudgetError("a heap of too many blocks")
            self._budget.step()
            if rows == 0:
                self._blocks.append((offset, self._start, address))
                continue
            for child, size, start in self._children(address, rows, offset):
                if size <= self._largest:
                    self._blocks.append((start, size, child))
                else:
                    pending.append((child, self._rows_of(size), start))

    def _children(self, address: int, rows: int, offset: int) -> Iterator[tuple[int, int, int]]:
        """Address, size and offset in the heap of each block below an indirect one."""
        space = self._space
        head = 5 + space.offset_size + self._offset_bytes
        cursor = space.upto(address, head + rows * self._width * space.offset_size)
        if cursor.take(4) != _INDIRECT:
            raise ReadError("no indirect block", offset=space.base + address)
        cursor.take(head - 4)
        for row in range(rows):
            size = self._start << max(0, row - 1)
            for _ in range(self._width):
                child = cursor.address()
                if child is not None:
                    yield child, size, offset
                offset += size

    def _rows_of(self, size: int) -> int:
        """Rows of an indirect block that covers `size` bytes of the heap."""
        return max(1, (size // (self._start * self._width)).bit_length())


def _width(largest: int) -> int:
    """Bytes that hold a number up to `largest`."""
    return max(1, -(-largest.bit_length() // 8))
