"""What both readers of documents do with a tree once they have it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats.keras import judge
from modelscan.formats.objects import expressions
from modelscan.formats.objects.judging import Names
from modelscan.formats.objects.pieces import LARGEST, cost, tables_of
from modelscan.formats.objects.targets import Found, found_in
from modelscan.formats.objects.tree import Table, parse_json, tables
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.fact import ConfigObject, Fact, KerasObject

_TARGET: Final = b"_target_"
_EXPRESSION: Final = b"$"
_RESOLVERS: Final = (b"${eval:", b"${exec:", b"${py:", b"${python:")


def facts_of_json(
    artifact: Artifact, data: bytes, names: Names, budget: Budget
) -> Iterator[Fact | Artifact]:
    """What a JSON document names, however large it is.

    Raises:
        ReadError: it is not JSON.
        BudgetError: it is larger than the budget allows.
    """
    if cost(data) <= LARGEST:
        yield from facts(artifact, parse_json(data), data, names, budget)
        return
    if _puts_together(data):
        raise BudgetError(f"a document of {len(data):,} bytes that puts names together")
    yield from _named(artifact, tables_of(data, budget), None, names, budget)


def facts(
    artifact: Artifact, root: Any, data: bytes, names: Names, budget: Budget
) -> Iterator[Fact | Artifact]:
    """What a document names, each name once for each way of naming it.

    Args:
        artifact: the document.
        root: its tree.
        data: its bytes, to tell quickly what cannot be in it.
        names: judges names.
        budget: pays for the walk.

    Raises:
        BudgetError: the document is larger than the budget allows.
    """
    yield from _named(artifact, tables(root, budget), root, names, budget)
    if _puts_together(data):
        for item in expressions.module(artifact, root, budget):
            if isinstance(item, str):
                yield state(artifact, Found("expression", item[:200], "unknown", ""))
            else:
                yield item


def _puts_together(data: bytes) -> bool:
    """True for a document in which there may be expressions."""
    return _EXPRESSION in data and (_TARGET in data or any(mark in data for mark in _RESOLVERS))


def _named(
    artifact: Artifact, walk: Iterable[tuple[str, Table]], root: Any, names: Names, budget: Budget
) -> Iterator[Fact]:
    seen = set[tuple[str, str]]()
    where = place(artifact)
    for path, table in walk:
        for found in found_in(path, table, root, names):
            if (found.kind, found.name) not in seen:
                seen.add((found.kind, found.name))
                budget.fact()
                yield state(artifact, found)
        for thing in judge.objects(path, table, names):
            if (thing.kind, thing.name) not in seen:
                seen.add((thing.kind, thing.name))
                budget.fact()
                yield KerasObject(
                    location=where,
                    kind=thing.kind,
                    name=thing.name,
                    key=thing.key,
                    detail=thing.detail,
                )


def state(artifact: Artifact, found: Found, line: int | None = None) -> ConfigObject:
    """The fact of a name that a document asks for."""
    return ConfigObject(
        location=place(artifact, line=line),
        kind=found.kind,
        name=found.name,
        disposition=found.disposition,
        key=found.key,
    )
