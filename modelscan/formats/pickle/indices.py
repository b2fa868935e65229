"""A set of memo indices, a bit each: the pickle of a large vocabulary fetches millions of entries.

Invariant: an index costs a bit of a page of its own at the most, and there are so many pages at the
most; where they do not suffice the set says so, and never leaves an index out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from modelscan.errors import BudgetError

_SHIFT: Final = 12
"""A page has 2**12 bits."""
_SIZE: Final = 1 << _SHIFT
_BITS: Final = _SIZE - 1
_PAGES: Final = 1 << 16
"""Enough for every entry of a pickle that sets 268 million of them one after the other."""


class Indices:
    """Memo indices.

    Args:
        indices: those that it begins with.

    Raises:
        BudgetError: they lie too far apart.
    """

    __slots__ = ("_pages",)

    def __init__(self, indices: Iterable[int] = ()) -> None:
        self._pages: dict[int, bytearray] = {}
        self.update(indices)

    def __contains__(self, index: int) -> bool:
        """True when the index is one of them."""
        page = self._pages.get(index >> _SHIFT)
        return page is not None and bool(page[(index & _BITS) >> 3] >> (index & 7) & 1)

    def __iter__(self) -> Iterator[int]:
        """All of them."""
        for number in sorted(self._pages):
            yield from self.within(range(number << _SHIFT, (number + 1) << _SHIFT))

    def update(self, indices: Iterable[int]) -> None:
        """Add indices.

        Raises:
            BudgetError: they lie too far apart.
        """
        pages = self._pages
        for index in indices:
            page = pages.get(index >> _SHIFT)
            if page is None:
                if len(pages) == _PAGES:
                    raise BudgetError("memo entries that lie too far apart")
                page = pages[index >> _SHIFT] = bytearray(_SIZE >> 3)
            page[(index & _BITS) >> 3] |= 1 << (index & 7)

    def within(self, indices: range) -> Iterator[int]:
        """Those of these consecutive indices that are in it, in order."""
        for number in range(indices.start >> _SHIFT, (indices.stop + _BITS) >> _SHIFT):
            bits = int.from_bytes(self._pages.get(number, b""), "little")
            first = number << _SHIFT
            while bits:
                lowest = bits & -bits
                index = first + lowest.bit_length() - 1
                if index in indices:
                    yield index
                bits ^= lowest
