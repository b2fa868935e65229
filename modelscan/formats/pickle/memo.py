"""The memo of the symbolic machine: values by index, at a cost that does not grow with the file.

Picklers number memo entries one after the other. The newest are in a plain list; at times they are
retired into a table, in which only those remain that the pickle fetches again, and the texts among
these into one string: the words of a vocabulary may all be fetched again.

Invariants:

* the unpickler's numbering holds: MEMOIZE sets the entry whose index is the number of entries, and
  a put may set any (`_Unpickler_MemoPut` in `Modules/_pickle.c`);
* an index that was never set cannot be fetched, and one whose value was let go is not guessed.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from copy import copy
from typing import Final

from modelscan.errors import BudgetError
from modelscan.formats.pickle.indices import Indices
from modelscan.formats.pickle.literals import BrokenError
from modelscan.formats.pickle.values import SKIPPED, Container, Value

_OUT_OF_REACH: Final = 1 << 62
_TEXT_COST: Final = 16
"""Bytes that a text in the table costs beside its own."""
_VALUE_COST: Final = 128
"""Bytes of any other value, about."""
_FEW: Final = 1 << 15
"""Wanted values before texts are put into the table, where they take longer to find: names of
attributes come early, and are fetched all the time."""


class EscalateError(Exception):
    """The quick way cannot tell what happens here: the pickle must be followed opcode by opcode."""


class Memo:
    """Values by their index.

    Attributes:
        recent: the newest entries, without a gap. The list object never changes.
        shift: the index of the first of them; out of reach when entries were not set in order.
        blind: nobody knows which entries are set.
        exact: MEMOIZE sets the entry right after `recent`.
        wanted: the indices that are ever fetched, once that is known.
    """

    __slots__ = (
        "_count", "_ends", "_older", "_places", "_row", "_skipped", "_texts", "blind", "exact",
        "recent", "shift", "wanted",
    )  # fmt: skip

    def __init__(self) -> None:
        self.recent: list[Value] = []
        self.shift = 0
        self.exact = True
        self.wanted: Indices | None = None
        self._older: dict[int, Value] = {}
        self._texts = bytearray()
        self._places = array("Q")
        """The indices of these texts, in order."""
        self._ends = array("Q")
        """Where each ends."""
        self._row = range(0)
        """The indices that were set one after the other, before one was not."""
        self._count = 0
        """How many have been set since that happened, and before."""
        self._skipped: list[range] = []
        self.blind = False

    def copy(self) -> Memo:
        """The same entries, to be set anew."""
        other = Memo()
        for name in self.__slots__:
            setattr(other, name, copy(getattr(self, name)))
        return other

    @property
    def alive(self) -> int:
        """Values held; texts in the table by the room that they take."""
        texts = (len(self._texts) + len(self._places) * _TEXT_COST) // _VALUE_COST
        return len(self.recent) + len(self._older) + texts

    def values(self) -> list[Value]:
        """Values held, without the texts in the table."""
        return [*self.recent, *self._older.values()]

    @property
    def next(self) -> int:
        """The index after all that were set; meaningless unless they were set in order."""
        return self.shift + len(self.recent)

    @property
    def ordered(self) -> bool:
        """True as long as entries are set in order, as picklers do."""
        return self.shift < _OUT_OF_REACH

    def memoize(self, value: Value) -> None:
        """MEMOIZE, when `exact` does not hold."""
        if self.blind:
            return
        self._give_up_order()
        self._set(self._count, value)

    def put(self, index: int, value: Value) -> None:
        """Set any entry."""
        place = index - self.shift
        if self.blind:
            return
        if place == len(self.recent):
            self.recent.append(value)
        elif 0 <= place < len(self.recent):
            self.recent[place] = value
        elif self.ordered and not self.next and index == 1:
            self.shift, self.exact = 1, False  # Python 2 counted from 1
            self.recent.append(value)
        else:
            if self._skipped:
                raise EscalateError
            self._give_up_order()
            self._set(index, value)

    def get(self, index: int, at: int) -> Value:
        """Fetch an entry.

        Raises:
            BrokenError: it was never set.
            BudgetError: its value was let go.
            EscalateError: it was set in a stretch that was not followed.
        """
        place = index - self.shift
        if 0 <= place < len(self.recent):
            return self.recent[place]
        if index in self._older:
            return self._older[index]
        if (text := self._text(index)) is not None:
            return text
        if self.blind or any(index in keys for keys in self._skipped):
            return SKIPPED
        if self.wanted is not None and index in (range(self.shift) if self.ordered else self._row):
            raise BudgetError("a value is fetched that was too much to remember", offset=at)
        raise BrokenError(f"memo {index} was never set", offset=at)

    @property
    def complete(self) -> bool:
        """True when all entries are known."""
        return not (self.blind or self._skipped) and self.wanted is None

    def peek(self, index: int) -> Value:
        """An entry, without judging that it is not there."""
        place = index - self.shift
        if 0 <= place < len(self.recent):
            return self.recent[place]
        return self._older[index] if index in self._older else self._text(index)

    def skip(self, keys: range) -> None:
        """These entries are set in a stretch that is not followed; they are the next ones.

        It may also add to any container that it fetches.
        """
        self.retire()
        for index, value in self._older.items():
            if isinstance(value, Container):
                self._older[index] = SKIPPED
        if keys:
            self._skipped.append(keys)
            self.shift = keys.stop

    def forget(self) -> None:
        """From now on nobody knows which entries are set: whatever is fetched may be anything."""
        self.recent.clear()
        self._older.clear()
        self._texts.clear()
        del self._places[:], self._ends[:]
        self.shift, self.exact, self.blind = _OUT_OF_REACH, False, True

    def retire(self) -> None:
        """Make room: of the recent entries, only those remain that are wanted."""
        recent, shift = self.recent, self.shift
        indices = range(shift, self.next)
        for index in indices if self.wanted is None else self.wanted.within(indices):
            value = recent[index - shift]
            if value.__class__ is bytes and self.wanted is not None and len(self._older) > _FEW:
                self._texts += value
                self._places.append(index)
                self._ends.append(len(self._texts))
            else:
                self._older[index] = value
        self.shift = indices.stop
        recent.clear()

    def _text(self, index: int) -> bytes | None:
        """A text in the table."""
        place = bisect_left(self._places, index)
        if place == len(self._places) or self._places[place] != index:
            return None
        return bytes(self._texts[self._ends[place - 1] if place else 0 : self._ends[place]])

    def _give_up_order(self) -> None:
        if self.ordered:
            if self._skipped:
                raise EscalateError
            self.retire()
            self._row = range(0 if self.exact else 1, self.shift)
            self._count = len(self._row)
            self.shift, self.exact = _OUT_OF_REACH, False

    def _set(self, index: int, value: Value) -> None:
        """Set an entry, when they do not come in order any more."""
        if index not in self._row and index not in self._older:
            self._count += 1
        self._older[index] = value
