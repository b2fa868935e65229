"""A sorted table of fixed-size records inside a larger buffer, searched where it lies.

Layout: 256 little-endian 32-bit counts (how many keys begin with a byte up to this one: git's pack
index calls it a fan-out table), then the records, each a key and a 32-bit value, sorted. A key may
occur more than once. Nothing but the fan-out is read ahead, so a table in a mapped file costs only
the pages that a search touches.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from modelscan._resources import Buffer

_FAN = struct.Struct("<256I")
_VALUE = struct.Struct("<I")


def build_table(width: int, rows: Iterable[tuple[bytes, int]]) -> bytes:
    """The bytes of a table.

    Args:
        width: bytes in each key.
        rows: keys and values (below 2**32), in any order; equal rows are kept once.
    """
    ordered = sorted(set(rows))
    counts = [0] * 256
    for key, _ in ordered:
        if len(key) != width:
            raise ValueError(f"a key of {len(key)} bytes in a table of {width}")
        counts[key[0]] += 1
    total = 0
    for byte, count in enumerate(counts):
        total += count
        counts[byte] = total
    return _FAN.pack(*counts) + b"".join(key + _VALUE.pack(value) for key, value in ordered)


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

    __slots__ = ("_data", "_fan", "_start", "_step", "_width", "count")

    def __init__(self, data: Buffer, offset: int, length: int, width: int) -> None:
        if length < _FAN.size or offset + length > len(data):
            raise ValueError("a table that is cut short")
        fan = _FAN.unpack_from(data, offset)
        self._data = data
        self._width = width
        self._step = width + _VALUE.size
        self._start = offset + _FAN.size
        self._fan = (0, *fan)
        self.count = fan[255]
        """How many records there are."""
        if list(fan) != sorted(fan) or self.count * self._step != length - _FAN.size:
            raise ValueError("a table whose counts are not its records")

    def find(self, key: bytes) -> list[int]:
        """The values recorded under a key of the table's width, ascending; mostly none."""
        data, step, start, width = self._data, self._step, self._start, self._width
        low, high = self._fan[key[0]], self._fan[key[0] + 1]
        end = high
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
