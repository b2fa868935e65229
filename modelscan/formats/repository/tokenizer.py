"""The files of a tokenizer against each other: do they give every token the same number?

Programs differ over which of the files they read: one takes `tokenizer.json`, another the
sentencepiece model or the bare vocabulary beside it. Where the files disagree, two programs read
two different prompts.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any, Final

from modelscan.formats.repository.relator import Facts, Kind, RepositoryView
from modelscan.vocabulary.fact import (
    Fact,
    Tokenizer,
    TokenizerDefect,
    TokenizerMerges,
    TokenizerNames,
    TokenizerRoles,
)

_SHOWN: Final = 10
_FEW: Final = 8
_LONGEST: Final = 160


class TokenizerRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State tokens that have other numbers in another file of the same folder."""
        if not view.folder:
            return
        whole: dict[str, list[Tokenizer]] = defaultdict(list)
        added: dict[str, list[TokenizerNames]] = defaultdict(list)
        for one in facts.of(Tokenizer):
            whole[_folder(one)].append(one)
        for names in facts.of(TokenizerNames):
            added[_folder(names)].append(names)
        for vocabularies in whole.values():
            yield from _whole(vocabularies)
        for tables in added.values():
            for first, second in combinations(tables[:_SHOWN], 2):
                yield from _added(first, second)
        for lists in _by_folder(facts.of(TokenizerMerges)):
            yield from _merged(lists)
        for stated in _by_folder(facts.of(TokenizerRoles)):
            yield from _roles(stated)


def _folder(fact: Fact) -> str:
    inside = fact.location.member or ""
    return posixpath.dirname(fact.location.file) + "!" + posixpath.dirname(inside)


def _by_folder(facts: Iterable[Kind]) -> Iterable[list[Kind]]:
    found: dict[str, list[Kind]] = defaultdict(list)
    for fact in facts:
        found[_folder(fact)].append(fact)
    return found.values()


def _merged(lists: list[TokenizerMerges]) -> Iterator[Fact]:
    """As many merges, and others: two versions hardly ever have the same number of them."""
    for first, second in combinations(lists[:_SHOWN], 2):
        if first.count == second.count and first.digest != second.digest:
            yield TokenizerDefect(
                location=first.location,
                kind="merges-differ",
                detail=f"{first.count:,} merges here, others in {second.location.file}",
            )


def _roles(stated: list[TokenizerRoles]) -> Iterator[Fact]:
    """Another token for the same role: one program stops where the other goes on."""
    for first, second in combinations(stated[:_SHOWN], 2):
        other = dict(zip(second.roles, second.tokens, strict=True))
        for role, token in zip(first.roles, first.tokens, strict=True):
            if other.get(role, token) != token:
                yield TokenizerDefect(
                    location=first.location,
                    kind="roles-differ",
                    token=token,
                    detail=f"{role} is {token!r} here, {other[role]!r} in {second.location.file}",
                )


def _whole(vocabularies: list[Tokenizer]) -> Iterator[Fact]:
    """Equal tokens under other numbers."""
    for first, second in combinations(vocabularies[:_SHOWN], 2):
        if first.named == second.named and first.numbered != second.numbered:
            yield TokenizerDefect(
                location=first.location,
                kind="files-differ",
                detail=f"{second.location.file} numbers the same tokens differently",
            )


def _added(first: TokenizerNames, second: TokenizerNames) -> Iterator[Fact]:
    """Added tokens under other numbers, or other tokens under the same number.

    A few tokens that have exactly each other's numbers were exchanged; more, or others, are the
    traces of two versions.
    """
    one = dict(zip(first.names, first.numbers, strict=True))
    other = dict(zip(second.names, second.numbers, strict=True))
    moved = [name for name, number in one.items() if other.get(name, number) != number]
    exchanged = len(moved) <= _FEW and {one[name] for name in moved} == {
        other[name] for name in moved
    }
    kind: Any = "files-exchange" if exchanged else "files-shift"
    for name in moved[: _SHOWN if exchanged else 1]:
        detail = f"{name!r} is {one[name]} here, {other[name]} in {second.location.file}"
        yield _defect(first, kind, name, detail)
    by_number: Mapping[int, str] = dict(zip(second.numbers, second.names, strict=True))
    renamed = [
        (name, by_number[number])
        for name, number in one.items()
        if name not in other and number in by_number and by_number[number] not in one
    ]
    for name, there in renamed[:_SHOWN]:
        detail = f"{one[name]} is {there!r} in {second.location.file}"
        yield _defect(first, "files-rename", name, detail)


def _defect(table: TokenizerNames, kind: Any, token: str, detail: str) -> Fact:
    return TokenizerDefect(
        location=table.location, kind=kind, token=token[:_LONGEST], detail=detail[:_LONGEST]
    )
