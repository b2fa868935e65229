"""Tokens that stand in each other's place, where their order follows from something else.

A swapped pair of numbers makes a model read "deny" where "allow" was written, and no weight
differs. It shows where the order of the numbers follows from the order of merges, or from falling
scores: then the numbers that should stand in some places stand in others.

Source: NVIDIA AI Red Team on tampered tokenizer files (2024); the trainers of tokenizers and
sentencepiece, which number a token when they find it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from modelscan.errors import BudgetError
from modelscan.formats.tokenizer.vocabulary import MOST_SHOWN, Defect, Vocabulary

_EXCHANGED: Final = 32
"""More tokens out of order than this are another order, and no exchange of a few."""
_NEAR: Final = 64
"""Places that equal ranks can move a token by, as they are sorted in one way or another."""
_FEW: Final = 8
"""Characters that an exchange of a few pairs puts in another's place."""
CONTINUES: Final = "##"
"""What WordPiece puts before a part of a word that does not begin it."""
_MOST: Final = 1_200_000
"""Tokens that are sorted."""
_ENOUGH: Final = 100
"""Fewer tokens in a row say nothing about an order."""


def merged_out_of_order(vocabulary: Vocabulary, numbers: array[int]) -> Iterator[Defect]:
    """Tokens that stand in each other's place, by the order of the merges that make them.

    Args:
        vocabulary: what they are looked up in.
        numbers: of what each merge makes, in order, and each once.
    """
    pairs = [(numbers[one], numbers[other]) for one, other in _exchanged(numbers)]
    yield from _stated(vocabulary, pairs)


def scored_out_of_order(vocabulary: Vocabulary) -> Iterator[Defect]:
    """The same by scores, which fall from each token of a trained vocabulary to the next.

    Scores of zero are of markers, which stand anywhere.
    """
    found = _exchanged(array("d", (-score for score in vocabulary.scores if score < 0)))
    if found:
        scored = (place for place, score in enumerate(vocabulary.scores) if score < 0)
        numbers = array("q", scored)
        yield from _stated(vocabulary, [(numbers[one], numbers[other]) for one, other in found])


def _stated(vocabulary: Vocabulary, pairs: Sequence[tuple[int, int]]) -> Iterator[Defect]:
    names = vocabulary.names_of(frozenset(number for pair in pairs for number in pair))
    for one, other in pairs:
        detail = f"{names[one]!r} stands where {names[other]!r} belongs"
        yield Defect("number-exchanged", names[one], detail)


def lettered_out_of_order(letters: Sequence[str]) -> Iterator[Defect]:
    """Single characters that stand in each other's place, in a list that has them by code point.

    Trainers of WordPiece number the characters first, each kind in its order; words follow by how
    often they occur, which nothing in the list says. Only exchanged pairs count: lists that people
    put characters into are in another order.

    Args:
        letters: tokens of one character, with or without what marks a part of a word.
    """
    for prefix in ("", CONTINUES):
        size = len(prefix) + 1
        row = [name for name in letters if len(name) == size and name.startswith(prefix)]
        order = sorted(row)
        if len(row) < _ENOUGH or row == order:
            continue
        right = {name: place for place, name in enumerate(order)}
        wrong = [place for place, name in enumerate(row) if name != order[place]]
        if len(wrong) <= _FEW and all(row[right[row[place]]] == order[place] for place in wrong):
            for place in wrong:
                detail = f"{row[place]!r} stands where {order[place]!r} belongs"
                yield Defect("number-exchanged", row[place], detail)


def is_letter(name: str) -> bool:
    """True for a token of one character."""
    return len(name) == 1 or (len(name) == len(CONTINUES) + 1 and name.startswith(CONTINUES))


def _exchanged(keys: array[int] | array[float]) -> list[tuple[int, int]]:
    """Where few keys are not in their order, and all others are: places, and whose those are.

    A token that was put in or taken out moves all behind it; an exchange moves none.

    Raises:
        BudgetError: there are more of them, in no order, than any vocabulary has.
    """
    if len(keys) < _ENOUGH or all(one <= other for one, other in pairwise(keys)):
        return []
    if len(keys) > _MOST:
        raise BudgetError(f"{len(keys):,} tokens that are not in their order")
    order = array(keys.typecode, sorted(keys))
    most = min(_EXCHANGED, len(keys) // 10)
    wrong: list[int] = []
    for place, (key, other) in enumerate(zip(keys, order, strict=True)):
        if key != other:
            wrong.append(place)
            if len(wrong) > most:
                return []
    by_key = {keys[place]: place for place in wrong}
    right = {order[place]: place for place in wrong}
    far = [place for place in wrong if abs(right[keys[place]] - place) > _NEAR]
    return [(place, by_key[order[place]]) for place in far[:MOST_SHOWN]]
