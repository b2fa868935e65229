"""A sorted table of fixed-size records inside a larger buffer, searched where it lies.

Layout: 4,097 little-endian 32-bit numbers (where the keys begin whose first 12 bits are 0, 1, 2 ...
and where they end: git's pack index has a fan-out table like it), then the records, each a key and
a 32-bit value, sorted. A key may occur more than once. Nothing is read ahead, so a table in a
mapped file costs only the pages that a search touches.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable

from modelscan._resources import Buffer

_BUCKETS = 1 << 12
_FAN = struct.Struct(f"<{_BUCKETS + 1}I")
_OFTEN = 256
"""Searches after which the first bytes of all keys are kept: most searches are for what nobody
published, and a large model has thousands of files."""
_FIRST = 4
"""Bytes of a key that are kept."""
_RANGE = struct.Struct("<2I")
_VALUE = struct.Struct("<I")


def build_table(width: int, rows: Iterable[tuple[bytes, int]]) -> bytes:
    """The bytes of a table.

    Args:
        width: bytes in each key.
        rows: keys and values (below 2**32), in any order; equal rows are kept once.
    """
    ordered = sorted(set(rows))
    counts = [0] * (_BUCKETS + 1)
    for key, _ in ordered:
        if len(key) != width:
            raise ValueError(f"a key of {len(key)} bytes in a table of {width}")
        counts[_bucket(key) + 1] += 1
    starts = itertools.accumulate(counts)
    return _FAN.pack(*starts) + b"".join(key + _VALUE.pack(value) for key, value in ordered)


def _bucket(key: bytes) -> int:
    return key[0] << 4 | key[1] >> 4


class Table:
    """A table of `build_table`, found again.

    Args:
        data: the buffer that holds it; its integrity is the caller's to check.
        offset: where it begins.
        length: its length in bytes.
        width: bytes in each key.

    Raises:
        ValueError: there is no such table.
    """

    __slots__ = ("_asked", "_data", "_fan", "_firsts", "_start", "_step", "_width", "count")

    def __init__(self, data: Buffer, offset: int, length: int, width: int) -> None:
        if length < _FAN.size or offset + length > len(data):
            raise ValueError("a table that is cut short")
        self._data = data
        self._width = width
        self._step = width + _VALUE.size
        self._fan = offset
        self._start = offset + _FAN.size
        (self.count,) = _VALUE.unpack_from(data, self._start - _VALUE.size)
        """How many records there are."""
        self._asked = 0
        self._firsts: frozenset[bytes] | None = None
        if self.count * self._step != length - _FAN.size:
            raise ValueError("a table whose counts are not its records")

    def find(self, key: bytes) -> list[int]:
        """The values recorded under a key of the table's width, ascending; mostly none."""
        if self._firsts is not None and key[:_FIRST] not in self._firsts:
            return []  # as for nearly every file of a model that nobody published
        self._asked += 1
        if self._asked == _OFTEN:
            self._firsts = self._first_bytes()
        low, high = _RANGE.unpack_from(self._data, self._fan + 4 * _bucket(key))
        if low == high:
            return []
        data, step, start, width = self._data, self._step, self._start, self._width
        end = high = min(high, self.count)
        while low < high:
            middle = (low + high) >> 1
            at = start + middle * step
            if data[at : at + width] < key:
                low = middle + 1
            else:
                high = middle
        found: list[int] = []
        at = start + low * step
        while low < end and data[at : at + width] == key:
            found.append(_VALUE.unpack_from(data, at + width)[0])
            low += 1
            at += step
        return found

    def _first_bytes(self) -> frozenset[bytes]:
        """The first bytes of all keys."""
        data, stop = self._data, self._start + self.count * self._step
        return frozenset(
            [bytes(data[at : at + _FIRST]) for at in range(self._start, stop, self._step)]
        )
