"""Merges, wherever they are written: in `tokenizer.json`, in a GGUF file, or in `merges.txt`.

Invariant: of a list nothing is kept but its length, a digest, which two files can be held against
each other by, and the numbers of the tokens that the merges make.

Source: transformers, `GPT2Tokenizer`: the first line of `merges.txt` says its version, and each
other line is two parts with a blank between them.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from modelscan.errors import BudgetError
from modelscan.formats.tokenizer.orders import merged_out_of_order
from modelscan.formats.tokenizer.vocabulary import (
    LARGEST,
    MOST_SHOWN,
    Defect,
    Taken,
    Vocabulary,
)
from modelscan.vocabulary.fact import TokenizerMerges
from modelscan.vocabulary.location import Location

FILE: Final = "merges.txt"
_VERSION: Final = "#version"
_MOST_IN_PARTS: Final = 4_000_000
"""Merges of a vocabulary that is too large to be held at once."""
_MOST_BLANKS: Final = 1_000_000
_NONE: Final = -1
_ALL: Final = 3
"""Tokens of a merge: its parts, and its result."""

Merge = str | tuple[str, str]
"""Both parts, with a blank between them or as a pair."""
_Parts = tuple[str, str, str]
"""Both, and the result."""
Merges = Callable[[], Iterable[Sequence[Merge]]]
"""Begins a round over all merges, batch by batch."""


class Digest:
    """The length and the digest of a list of merges."""

    def __init__(self) -> None:
        self.count = 0
        self._sha256 = hashlib.sha256()

    def add(self, merges: Sequence[Merge]) -> None:
        """The next ones."""
        lines = [one if isinstance(one, str) else " ".join(one) for one in merges]
        text = "\n".join(lines) if not self.count or not lines else "\n" + "\n".join(lines)
        self._sha256.update(text.encode("utf-8", "surrogatepass"))
        self.count += len(lines)

    def through(self, merges: Merges) -> Merges:
        """The same rounds, of which the first one is added."""

        def round_of() -> Iterator[Sequence[Merge]]:
            first = not self.count
            for batch in merges():
                if first:
                    self.add(batch)
                yield batch

        return round_of

    def described(self, where: Location) -> TokenizerMerges:
        """The fact about the list."""
        digest = "sha256:" + self._sha256.hexdigest()
        return TokenizerMerges(location=where, count=self.count, digest=digest)


def lines(batches: Iterable[Sequence[str]]) -> Iterator[list[str]]:
    """The merges of `merges.txt`.

    Args:
        batches: its lines. Those which are empty mean nothing at its end, or where no version is
            stated.

    Raises:
        BudgetError: there are more of those than in any.
    """
    versioned: bool | None = None
    blanks = 0
    for batch in batches:
        found = list(batch)
        if versioned is None and found:
            versioned = found[0].startswith(_VERSION)
            found = found[1:] if versioned else found
        if versioned:
            found = [""] * blanks + found
            end = len(found)
            while end and not found[end - 1]:
                end -= 1
            blanks, found = len(found) - end, found[:end]
            if blanks > _MOST_BLANKS:
                raise BudgetError(f"merges with more than {_MOST_BLANKS:,} lines of nothing")
        else:
            found = [line for line in found if line]
        if found:
            yield found


def defects(vocabulary: Vocabulary, merges: Merges, skip: int = 0) -> Iterator[Defect]:
    """Merges that name no tokens, and tokens that are not numbered in their order.

    Args:
        vocabulary: what they are looked up in; its table is used up.
        merges: begins a round.
        skip: characters that mark a part inside a word, and that are no part of a result.

    Raises:
        BudgetError: there are more of both than any tokenizer has.
    """
    wrong: list[_Parts] = []
    if vocabulary.parts == 1:
        numbers = array("q", _of_whole(vocabulary, _cut(merges(), skip), wrong))
    else:
        numbers = _of_parts(vocabulary, merges, skip, wrong)
    names = frozenset(name for merge in wrong for name in merge)
    known = vocabulary.those_of(names)
    for left, right, result in wrong:
        missing = next(name for name in (left, right, result) if name not in known)
        yield Defect("unknown-merge", missing, f"in the merge of {left!r} and {right!r}")
    yield from merged_out_of_order(vocabulary, numbers)


def _cut(batches: Iterable[Sequence[Merge]], skip: int) -> Iterator[_Parts]:
    """Each merge as its parts and its result."""
    for batch in batches:
        for merge in batch:
            if isinstance(merge, str):
                left, _, right = merge.partition(" ")
            else:
                left, right = merge
            yield left, right, left + right[skip:] if skip else left + right


def _of_whole(
    vocabulary: Vocabulary, merges: Iterable[_Parts], wrong: list[_Parts]
) -> Iterator[int]:
    """The numbers of what the merges make, each once, in the order of the merges.

    Runs of one character, such as blanks, are tokens by decree in some vocabularies: none of those.
    """
    taken = Taken(vocabulary.largest)
    for table in vocabulary.tables():
        for merge in merges:
            left, right, result = merge
            number = table.get(result, _NONE)
            whole = left in table and right in table and result in table
            if not whole and len(wrong) < MOST_SHOWN:
                wrong.append(merge)
            if 0 <= number < LARGEST and result.strip(result[:1]) and taken.add(number):
                yield number


def _of_parts(vocabulary: Vocabulary, merges: Merges, skip: int, wrong: list[_Parts]) -> array[int]:
    """The same for a vocabulary of which only a part is held at a time."""
    found, known = array("q"), bytearray()
    for table in vocabulary.tables():
        for place, (left, right, result) in enumerate(_cut(merges(), skip)):
            if place == len(known):
                if place >= _MOST_IN_PARTS:
                    raise BudgetError(f"more than {_MOST_IN_PARTS:,} merges")
                known.append(0)
                found.append(_NONE)
            known[place] += (left in table) + (right in table)
            number = table.get(result)
            if number is not None:
                known[place] += 1
                if 0 <= number < LARGEST and result.strip(result[:1]):
                    found[place] = number
        del table  # before the next one is built
    if min(known, default=_ALL) < _ALL:
        for count, merge in zip(known, _cut(merges(), skip), strict=True):
            if count < _ALL and len(wrong) < MOST_SHOWN:
                wrong.append(merge)
    taken = Taken(vocabulary.largest)
    return array("q", (number for number in found if number >= 0 and taken.add(number)))
