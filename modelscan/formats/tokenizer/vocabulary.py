"""A vocabulary: tokens and their numbers. Is every number one token's, and are they in order?

A swapped pair of numbers makes a model read "deny" where "allow" was written, and no weight
differs. It shows where the order of the numbers follows from something else in the file: the order
of merges, or falling scores. Then the numbers that should stand in some places stand in others.

Source: NVIDIA AI Red Team on tampered tokenizer files (2024); the trainers of tokenizers and
sentencepiece, which number a token when they find it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from modelscan.vocabulary.fact import Tokenizer, TokenizerForm
from modelscan.vocabulary.location import Location

_LARGEST: Final = 1 << 32
"""No vocabulary has as many rows."""
MOST_SHOWN: Final = 20
"""Defects of one kind that are stated for one file."""
_EXCHANGED: Final = 32
"""More tokens out of order than this are another order, and no exchange of a few."""
_NEAR: Final = 64
"""Places that equal ranks can move a token by, as they are sorted in one way or another."""
_FEW: Final = 8
"""Characters that an exchange of a few pairs puts in another's place."""
_CONTINUES: Final = "##"
"""What WordPiece puts before a part of a word that does not begin it."""
_ENOUGH: Final = 100
"""Fewer tokens in a row say nothing about an order."""


class Defect(NamedTuple):
    """What is wrong with a vocabulary, as `tokenizer.defect` says it."""

    kind: Any
    token: str
    detail: str


class Vocabulary(NamedTuple):
    """Tokens and their numbers."""

    names: Sequence[str]
    numbers: Sequence[int]

    @classmethod
    def of(cls, table: Mapping[str, int]) -> Vocabulary:
        """The vocabulary of a table from tokens to numbers."""
        return cls(list(table), list(table.values()))

    @classmethod
    def listed(cls, names: Sequence[str]) -> Vocabulary:
        """The vocabulary of a list: a token's number is its place."""
        return cls(names, range(len(names)))

    def in_order(self) -> bool:
        """True when the numbers are 0, 1, 2 … as they stand."""
        return isinstance(self.numbers, range) or self.numbers == list(range(len(self.numbers)))

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
        names: Iterable[str] = self.names
        if not self.in_order():
            pairs = sorted(zip(self.numbers, self.names, strict=True))
            contiguous = [number for number, _ in pairs] == list(range(len(pairs)))
            names = [name if contiguous else f"{number} {name}" for number, name in pairs]
        return Tokenizer(
            location=where,
            form=form,
            algorithm=algorithm,
            tokens=len(self.names),
            largest=max(largest, max(self.numbers, default=-1)),
            numbered=_digest(names),
            named=_digest(sorted(self.names)),
        )

    def defects(self) -> Iterator[Defect]:
        """Numbers that two tokens have, that none can have, or that are missing."""
        if self.in_order():
            return
        holders: dict[int, str] = {}
        shown = 0
        for name, number in zip(self.names, self.numbers, strict=True):
            if not 0 <= number < _LARGEST:
                kind, detail = "bad-number", str(number)
            elif number in holders:
                kind, detail = "duplicate-number", f"{number} is {holders[number]!r} as well"
            else:
                holders[number] = name
                continue
            shown += 1
            if shown <= MOST_SHOWN:
                yield Defect(kind, name, detail)
        missing = max(holders, default=-1) + 1 - len(holders)
        if missing:
            first = next(number for number in range(len(holders) + 1) if number not in holders)
            yield Defect("hole", "", f"{missing:,} numbers without a token, the first {first}")


def merged_out_of_order(table: Mapping[str, int], results: Iterable[str]) -> Iterator[Defect]:
    """Tokens that stand in each other's place, by the order of the merges that make them.

    Args:
        table: the vocabulary.
        results: what each merge makes, in order.
    """
    # Runs of one character, such as blanks, are tokens by decree in some vocabularies.
    found = {name: table[name] for name in results if name in table and name.strip(name[:1])}
    yield from _exchanged(list(found), list(found.values()))


def scored_out_of_order(names: Sequence[str], scores: Sequence[float]) -> Iterator[Defect]:
    """The same by scores, which fall from each token of a trained vocabulary to the next.

    Scores of zero are of markers, which stand anywhere.
    """
    plain = [(name, -score) for name, score in zip(names, scores, strict=True) if score < 0]
    yield from _exchanged([name for name, _ in plain], [score for _, score in plain])


def lettered_out_of_order(names: Sequence[str]) -> Iterator[Defect]:
    """Single characters that stand in each other's place, in a list that has them by code point.

    Trainers of WordPiece number the characters first, each kind in its order; words follow by how
    often they occur, which nothing in the list says. Only exchanged pairs count: lists that people
    put characters into are in another order.
    """
    for prefix in ("", _CONTINUES):
        size = len(prefix) + 1
        letters = [name for name in names if len(name) == size and name.startswith(prefix)]
        order = sorted(letters)
        if len(letters) < _ENOUGH or letters == order:
            continue
        right = {name: place for place, name in enumerate(order)}
        wrong = [place for place, name in enumerate(letters) if name != order[place]]
        if len(wrong) <= _FEW and all(
            letters[right[letters[place]]] == order[place] for place in wrong
        ):
            for place in wrong:
                detail = f"{letters[place]!r} stands where {order[place]!r} belongs"
                yield Defect("number-exchanged", letters[place], detail)


def _exchanged(names: Sequence[str], keys: Sequence[float]) -> Iterator[Defect]:
    """Where few keys are not in their order, and all others are.

    A token that was put in or taken out moves all behind it; an exchange moves none.
    """
    if len(keys) < _ENOUGH or all(one <= other for one, other in pairwise(keys)):
        return
    order = sorted(keys)
    wrong = [place for place, key in enumerate(keys) if key != order[place]]
    if len(wrong) > min(_EXCHANGED, len(keys) // 10):
        return
    by_key = {keys[place]: names[place] for place in wrong}
    right = {order[place]: place for place in wrong}
    far = [place for place in wrong if abs(right[keys[place]] - place) > _NEAR]
    for place in far[:MOST_SHOWN]:
        yield Defect(
            "number-exchanged",
            names[place],
            f"{names[place]!r} stands where {by_key[order[place]]!r} belongs",
        )


def _digest(names: Iterable[str]) -> str:
    data = "\0".join(names).encode("utf-8", "surrogatepass")
    return "sha256:" + hashlib.sha256(data).hexdigest()
