"""Parsed documents as trees of tables, lists and text, with nothing hidden behind a second name.

Invariant: where a name stands twice in one table, every value is walked. Parsers differ over which
of them counts, and an attacker chooses the parser.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import json_text

SHADOWED: Final = "\0shadowed"
"""The name under which a table keeps earlier values of names that stand twice: name to values."""
_VARIANTS: Final = 8
"""Earlier values of one name that are walked as if they counted."""
_BATCH: Final = 1000

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
        text = data.decode("utf-8-sig", "surrogateescape")
        document = json_text.parse(text)
        if not document.repeated:
            return document.root
        return json.loads(text, object_pairs_hook=_table)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"not JSON: {error}") from None


def _table(pairs: list[tuple[str, Any]]) -> Table:
    table: Table = {}
    for name, value in pairs:
        put(table, name, value)
    return table


def tables(root: Any, budget: Budget) -> Iterator[tuple[str, Table]]:
    """Every table in a tree with its path, and the variants of those with names that stand twice.

    Raises:
        BudgetError: more values than the budget allows.
    """
    pending: list[tuple[str, Any]] = [("", root)]
    steps = 0
    while pending:
        path, value = pending.pop()
        steps += 1
        if steps % _BATCH == 0:
            budget.step(_BATCH)
        if isinstance(value, list):
            pending.extend((f"{path}[{index}]", item) for index, item in enumerate(value))
        elif isinstance(value, dict):
            yield path, value
            for hidden in _variants(value):
                yield path, hidden
            for name, item in value.items():
                if isinstance(item, dict | list):
                    pending.append((f"{path}.{name}" if path else str(name), item))


def _variants(table: Table) -> Iterator[Table]:
    """The table as parsers see it that take an earlier value of a name."""
    for name, values in table.get(SHADOWED, {}).items():
        for value in values[:_VARIANTS]:
            yield {**table, name: value}


def strings(root: Any, budget: Budget) -> Iterator[tuple[str, str]]:
    """Every text in a tree with its path.

    Raises:
        BudgetError: more values than the budget allows.
    """
    pending: list[tuple[str, Any]] = [("", root)]
    steps = 0
    while pending:
        path, value = pending.pop()
        steps += 1
        if steps % _BATCH == 0:
            budget.step(_BATCH)
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, list):
            pending.extend((f"{path}[{index}]", item) for index, item in enumerate(value))
        elif isinstance(value, dict):
            prefix = f"{path}." if path else ""
            pending.extend((prefix + name, item) for name, item in value.items())
