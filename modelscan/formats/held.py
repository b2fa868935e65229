"""What a walk keeps of its file, counted in bytes: names are as long as a file wants them to be.

A limit on the number of entries bounds memory only as long as entries are short. Readers that must
keep names until all of a file is known count them here, roughly, and stop when it is too much.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from modelscan.errors import BudgetError

_MOST: Final = 32 << 20
ENTRY: Final = 256
"""About what an entry costs beside its texts, the objects around it counted."""
_TEXT: Final = 56
"""About what a text costs beside its characters."""


class Held:
    """How much is kept.

    Args:
        what: of what, for whoever reads the error.
        most: how much may be.
    """

    __slots__ = ("_held", "_most", "_what")

    def __init__(self, what: str, most: int = _MOST) -> None:
        self._what = what
        self._most = most
        self._held = 0

    def add(self, cost: int) -> None:
        """Keep something more.

        Raises:
            BudgetError: it is more than any honest file makes one keep.
        """
        self._held += cost
        if self._held > self._most:
            raise BudgetError(f"{self._what} of more than {self._most >> 20} MiB")

    def drop(self, cost: int) -> None:
        """Keep something no longer."""
        self._held -= cost


def cost(*texts: str) -> int:
    """What an entry with these texts costs."""
    return ENTRY + of_texts(texts)


def of_texts(texts: Iterable[str]) -> int:
    """What texts cost in a list."""
    return sum(_TEXT + len(text) for text in texts)
