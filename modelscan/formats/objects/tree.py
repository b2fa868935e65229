"""Parsed documents as trees of tables, lists and text, with nothing hidden behind a second name.

Invariant: where a name stands twice in one table, every value is walked. Parsers differ over which
of them counts, and an attacker chooses the parser.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import json_text

SHADOWED: Final = "\0shadowed"
"""The name under which a table keeps earlier values of names that stand twice: name to values."""
_BATCH: Final = 1000
_LONGEST_PATH: Final = 300
"""Characters after which a path is not made longer."""

Table = dict[str, Any]


def put(table: Table, name: str, value: Any) -> None:
    """Set a name, and keep the value that it had."""
    if name in table:
        table.setdefault(SHADOWED, {}).setdefault(name, []).append(table[name])
    table[name] = value


def parse_json(data: bytes) -> Any:
    """The tree of a JSON document.

    Raises:
        ReadError: it is not JSON.
    """
    try:
        try:
            text: str | bytes = data.removeprefix(codecs.BOM_UTF8)
            document = json_text.parse(text)
        except UnicodeDecodeError:
            text = data.decode("utf-8-sig", "surrogateescape")
            document = json_text.parse(text)
        if not document.repeated:
            return document.root
        # From bytes, `loads` would guess an encoding.
        text = text.decode() if isinstance(text, bytes) else text
        return json.loads(text, object_pairs_hook=_table)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"not JSON: {error}") from None


def _table(pairs: list[tuple[str, Any]]) -> Table:
    table: Table = {}
    for name, value in pairs:
        put(table, name, value)
    return table


def tables(root: Any, budget: Budget, start: str = "") -> Iterator[tuple[str, Table]]:
    """Every table in a tree with its path, which begins with `start`.

    One with names that stand twice comes twice: as parsers see it that take the last value, and as
    those do that take the first.

    Raises:
        BudgetError: more values than the budget allows.
    """
    for path, value in _containers(root, budget, start):
        if isinstance(value, dict):
            yield from readings(path, value)


def readings(path: str, table: Table) -> Iterator[tuple[str, Table]]:
    """One table, as parsers see it that take the last value, and as those that take the first."""
    yield path, table
    shadowed = table.get(SHADOWED)
    if shadowed:
        yield path, {**table, **{name: values[0] for name, values in shadowed.items()}}


def strings(root: Any, budget: Budget) -> Iterator[str]:
    """Every text in a tree.

    Raises:
        BudgetError: more values than the budget allows.
    """
    for _, value in _containers([root], budget):
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, str):
                yield item


def _containers(
    root: Any, budget: Budget, start: str = ""
) -> Iterator[tuple[str, Table | list[Any]]]:
    """Every table and list with its path, in order. What waits is bounded by the depth."""
    waiting = [iter([(start, root)])]
    steps = 0
    while waiting:
        path, value = next(waiting[-1], ("", None))
        if value is None:
            waiting.pop()
            continue
        steps += 1
        if steps % _BATCH == 0:
            budget.step(_BATCH)
        if isinstance(value, dict | list):
            yield path, value
            waiting.append(_below(path, value, budget))


def _below(path: str, value: Table | list[Any], budget: Budget) -> Iterator[tuple[str, Any]]:
    """The tables and lists right inside another one."""
    budget.step(len(value) // _BATCH)
    whole = len(path) >= _LONGEST_PATH
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, dict | list):
                below = f"{path}.{name}" if path else str(name)
                yield path if whole else below[:_LONGEST_PATH], item
    else:
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                yield path if whole else f"{path}[{index}]"[:_LONGEST_PATH], item
