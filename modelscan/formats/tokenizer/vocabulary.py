"""A vocabulary: tokens and their numbers. Is every number one token's, and is every token one?

Invariants: tokens come in batches, as often as they are asked for, and are let go; what is kept of
each is a few bytes. So a vocabulary of a million tokens costs little more than one of a thousand.
What is wrong is rare, and looked up in another round.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import mul
from typing import Any, Final, NamedTuple
from zlib import crc32

from modelscan.errors import BudgetError
from modelscan.vocabulary.fact import Tokenizer, TokenizerForm
from modelscan.vocabulary.location import Location

MOST_SHOWN: Final = 20
"""Defects of one kind that are stated for one file."""
MOST: Final = 2_000_000
"""Tokens; the largest real vocabularies have one million."""
HELD: Final = 44 << 20
"""Bytes of memory for tokens that are held; vocabularies with merges have 300,000 at most."""
_PART: Final = 24 << 20
"""The same where they are held in parts."""
_ENTRY: Final = 80
"""Bytes that a token takes in a table, beside itself."""
_APART: Final = 200_000
"""Tokens that are told apart at a time."""
_MOST_TWICE: Final = 1_000
LARGEST: Final = 1 << 32
"""No vocabulary has as many rows."""
_NEAR: Final = 1 << 22
"""Numbers below it have a bit each."""
_FAR: Final = 100_000
"""Numbers from there on that are kept one by one, and tokens that are sorted at a time."""
_CLAMP: Final = 1 << 62
_ENDLESS: Final = _CLAMP * _CLAMP


class Defect(NamedTuple):
    """What is wrong with a vocabulary, as `tokenizer.defect` says it."""

    kind: Any
    token: str
    detail: str


class Batch(NamedTuple):
    """Some tokens, in the order of the file."""

    names: Sequence[str]
    numbers: Sequence[int]
    scores: Sequence[float] = ()
    """As many as there are tokens, or none."""


Batches = Callable[[], Iterable[Batch]]
"""Begins a round over all tokens."""


class Vocabulary:
    """A vocabulary that has been gone over once.

    Args:
        batches: begins a round.
        names: tokens whose numbers are asked for.
        numbers: numbers whose tokens are asked for.
        tabled: keep all tokens with their numbers, if they are few enough.
        apart: find out which tokens stand there twice.

    Raises:
        BudgetError: it has more tokens than any.
    """

    def __init__(
        self,
        batches: Batches,
        *,
        names: frozenset[str] = frozenset(),
        numbers: frozenset[int] = frozenset(),
        tabled: bool = False,
        apart: bool = False,
    ) -> None:
        self.batches = batches
        self.count = 0
        self.largest = -1
        self.scores = array("d")
        self.own: dict[str, int] = {}
        """The numbers of the tokens asked for."""
        self.holders: dict[int, str] = {}
        """The tokens of the numbers asked for."""
        self.in_order = True
        """True when the numbers are 0, 1, 2 … as they stand."""
        self._table: dict[str, int] | None = {} if tabled else None
        self._weight = self._sum = self._squares = 0
        self._numbers = array("q")
        self._ordered = hashlib.sha256()
        hashes = array("q")
        for batch in batches():
            if not batch.names:
                continue
            self._add(batch)
            self._watch(batch, names, numbers)
            if tabled:
                self._keep(batch)
            if apart:
                hashes.extend(map(hash, batch.names))
        apart = apart and (self._table is None or len(self._table) != self.count)
        self._twice = _twice(hashes) if apart else frozenset[int]()
        """Of what stands there twice."""
        self.parts = 1 if self._weight <= HELD else self._weight // _PART + 1
        """How many tables all tokens take."""
        self._taken = Taken(self.largest)
        self.shared = self.count - sum(map(self._taken.add, self._numbers)) if self._numbers else 0
        """Tokens whose number is another's as well."""

    def _add(self, batch: Batch) -> None:
        names, numbers, count = batch.names, batch.numbers, self.count
        self.count += len(names)
        if self.count > MOST:
            raise BudgetError(f"a vocabulary of more than {MOST:,} tokens")
        straight = range(count, self.count)
        if self.in_order and numbers != straight and list(numbers) != list(straight):
            self.in_order = False
            self._numbers.extend(range(count))
        if not self.in_order:
            self._numbers.extend([max(-_CLAMP, min(one, _CLAMP)) for one in numbers])
        self.largest = max(self.largest, numbers[-1] if self.in_order else max(numbers))
        self.scores.extend(batch.scores)
        self._digest(names)

    def _watch(self, batch: Batch, names: frozenset[str], numbers: frozenset[int]) -> None:
        """Note what was asked for."""
        if names and not names.isdisjoint(batch.names):
            pairs = zip(batch.names, batch.numbers, strict=True)
            self.own |= {name: number for name, number in pairs if name in names}
        if numbers and not numbers.isdisjoint(batch.numbers):
            pairs = zip(batch.names, batch.numbers, strict=True)
            self.holders |= {number: name for name, number in pairs if number in numbers}

    def _keep(self, batch: Batch) -> None:
        """Keep the tokens in a table, until they are too many."""
        self._weight += sum(map(sys.getsizeof, batch.names)) + _ENTRY * len(batch.names)
        if self._weight > HELD:
            self._table = None
        if self._table is not None:
            self._table.update(zip(batch.names, batch.numbers, strict=True))

    def _digest(self, names: Sequence[str]) -> None:
        """Of the tokens without regard to their order, and in it as long as there is one.

        A sum serves the first: whoever makes two vocabularies seem to have equal tokens only brings
        a suspicion on himself.
        """
        sums = [crc32(name.encode("utf-8", "surrogatepass")) for name in names]
        self._sum += sum(sums)
        self._squares += sum(map(mul, sums, sums))
        if self.in_order:
            self._ordered.update(_written(names))

    def described(
        self, form: TokenizerForm, algorithm: str, where: Location, largest: int = -1
    ) -> Tokenizer:
        """The fact about it.

        Args:
            form: the kind of file.
            algorithm: how text is cut.
            where: the file.
            largest: the largest number of an added token.
        """
        ordered = self._ordered if self.in_order else self._reordered()
        named = hashlib.sha256(b"%d %d %d" % (self.count, self._sum, self._squares))
        return Tokenizer(
            location=where,
            form=form,
            algorithm=algorithm,
            tokens=self.count,
            largest=max(largest, self.largest),
            numbered="sha256:" + ordered.hexdigest(),
            named="sha256:" + named.hexdigest(),
        )

    def _reordered(self) -> Any:
        """The digest of the tokens by their numbers; where there are gaps, with the numbers.

        Raises:
            BudgetError: so many tokens share their numbers that there is no order.
        """
        if self.shared > _FAR // 2:
            raise BudgetError(f"a vocabulary in which {self.shared:,} numbers stand twice")
        straight = not self.shared and min(self._numbers) == 0 and self.largest == self.count - 1
        digest = hashlib.sha256()
        for low in range(-_FAR, min(self.largest, _NEAR) + 1, _FAR):
            first = low if low >= 0 else -_ENDLESS
            end = low + _FAR if low + _FAR <= _NEAR else _ENDLESS
            found = [
                (number, name)
                for batch in self.batches()
                for number, name in zip(batch.numbers, batch.names, strict=True)
                if first <= number < end
            ]
            names = [name if straight else f"{number} {name}" for number, name in sorted(found)]
            digest.update(_written(names))
        return digest

    def defects(self) -> Iterator[Defect]:
        """Numbers that two tokens have, that none can have, or that are missing."""
        if self.in_order:
            return
        taken = Taken(self.largest)
        wrong: dict[int, int] = {}
        missing = 0
        for place, number in enumerate(self._numbers):
            if 0 <= number < LARGEST and taken.add(number):
                missing = max(missing, number + 1)
            elif len(wrong) < MOST_SHOWN:
                wrong[place] = number
        yield from self._numbered_wrongly(wrong)
        missing -= taken.count()
        if missing:
            first = self._taken.first_missing()
            yield Defect("hole", "", f"{missing:,} numbers without a token, the first {first}")

    def _numbered_wrongly(self, wrong: Mapping[int, int]) -> Iterator[Defect]:
        """Tokens at these places, with what their numbers are besides."""
        holders: dict[int, str] = {}
        wanted, place = set(wrong.values()), 0
        for batch in self.batches() if wrong else ():
            for name, number in zip(batch.names, batch.numbers, strict=True):
                if place in wrong and 0 <= number < LARGEST:
                    detail = f"{number} is {holders[number]!r} as well"
                    yield Defect("duplicate-number", name, detail)
                elif place in wrong:
                    yield Defect("bad-number", name, str(number))
                elif number in wanted:
                    holders.setdefault(number, name)
                place += 1

    def tables(self) -> Iterator[Mapping[str, int]]:
        """The tokens with their numbers, in as many tables as memory asks for: once."""
        if self._table is not None:
            whole, self._table = self._table, None
            yield whole
            return
        parts = self.parts
        for part in range(parts):
            yield {
                name: number
                for batch in self.batches()
                for name, number in zip(batch.names, batch.numbers, strict=True)
                if hash(name) % parts == part
            }

    def those_of(self, names: frozenset[str]) -> frozenset[str]:
        """Those of some names that are tokens."""
        found: set[str] = set()
        for batch in self.batches() if names else ():
            found.update(names.intersection(batch.names))
        return frozenset(found)

    def repeated(self) -> Iterator[Defect]:
        """Tokens that stand there twice, with different numbers."""
        first: dict[str, int] = {}
        shown = 0
        for batch in self.batches() if self._twice else ():
            for name, number in zip(batch.names, batch.numbers, strict=True):
                if hash(name) in self._twice and first.setdefault(name, number) != number:
                    yield Defect("duplicate-token", name, f"{first[name]} and {number}")
                    shown += 1
                    if shown >= MOST_SHOWN:
                        return

    def names_of(self, numbers: frozenset[int]) -> dict[int, str]:
        """The tokens of some numbers."""
        return {
            number: name
            for batch in (self.batches() if numbers else ())
            for name, number in zip(batch.names, batch.numbers, strict=True)
            if number in numbers
        }


class Taken:
    """Which numbers have been given out: a bit or so for each.

    Args:
        largest: of the numbers to come.
    """

    def __init__(self, largest: int) -> None:
        self._near = bytearray(max(0, min(largest + 1, _NEAR)))
        self._far: set[int] = set()

    def add(self, number: int) -> bool:
        """Take a number; false when it was taken.

        Raises:
            BudgetError: there are too many that no vocabulary has.
        """
        if 0 <= number < len(self._near):
            new = not self._near[number]
            self._near[number] = 1
            return new
        if number in self._far:
            return False
        if len(self._far) >= _FAR:
            raise BudgetError(f"a vocabulary with more than {_FAR:,} numbers out of reach")
        self._far.add(number)
        return True

    def count(self) -> int:
        """How many were taken."""
        return self._near.count(1) + len(self._far)

    def first_missing(self) -> int:
        """The first number that was not taken."""
        return self._near.find(0)


def _twice(hashes: array[int]) -> frozenset[int]:
    """Which of them stand there twice: some of them, when they are many.

    As many are compared at a time as memory allows.
    """
    found: set[int] = set()
    parts = len(hashes) // _APART + 1
    for part in range(parts):
        seen: set[int] = set()
        for one in hashes:
            if one % parts == part:
                if one in seen:
                    found.add(one)
                    if len(found) >= _MOST_TWICE:
                        return frozenset(found)
                seen.add(one)
    return frozenset(found)


def _written(names: Iterable[str]) -> bytes:
    return "".join([f"{name}\0" for name in names]).encode("utf-8", "surrogatepass")
