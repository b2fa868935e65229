"""Turns the conditions of a rule into functions.

A condition map holds when all of its entries hold:

    field: value                the field equals the value
    field: {operator: operand}  all operators hold
    any: [map, …]               at least one of the maps holds
    all: [map, …]               all of them hold
    not: map                    the map does not hold

Operators on a value: `eq`, `in`, `not-in`, `lt`, `gt`, `glob` (the whole value, `*` `?` `[…]`, case
counts, `*` crosses slashes), `regex` (anywhere in the first 512 characters), `starts-with`,
`contains` (a part of the text), `exists` (present and not empty), `not` (an operator map).
Operators on a field with many items: `contains` (that item), `exists` (at least one), `any` and
`all` (an operator map over the items; `all` holds when there are none), `not`. An absent value
fails every operator but `exists: false`, `not-in` and `not`.

The conditions were checked when the rule was loaded (`conditions.py`): nothing here can fail. Only
declared fields are ever looked up, and no operator runs code from a rule.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from modelscan.engine.patterns import TEXT
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.rule import Match

Predicate = Callable[[Fact], bool]
Test = Callable[[Any], bool]


def compile_match(match: Match) -> Predicate:
    """Whether a fact of the right kind is what the rule is about."""
    where = compile_conditions(match.where)
    if not match.unless:
        return where
    unless = compile_conditions(match.unless)
    return lambda fact: where(fact) and not unless(fact)


def compile_conditions(conditions: Mapping[str, Any]) -> Predicate:
    """Whether all entries of a condition map hold for a fact."""
    parts = [_entry(key, value) for key, value in conditions.items()]
    return parts[0] if len(parts) == 1 else _every(parts)


def required_values(match: Match) -> dict[str, tuple[Any, ...]]:
    """The values that a fact needs to match at all, for the fields where that is plain to see."""
    found: dict[str, tuple[Any, ...]] = {}
    for key, test in match.where.items():
        if not isinstance(test, (dict, list)):
            found[key] = (test,)
        elif isinstance(test, dict) and "eq" in test:
            found[key] = (test["eq"],)
        elif isinstance(test, dict) and "in" in test:
            found[key] = tuple(test["in"])
    return found


def _entry(key: str, value: Any) -> Predicate:
    if key == "any":
        maps = [compile_conditions(each) for each in value]
        return lambda fact: any(holds(fact) for holds in maps)
    if key == "all":
        return _every([compile_conditions(each) for each in value])
    if key == "not":
        inner = compile_conditions(value)
        return lambda fact: not inner(fact)
    get = attrgetter(key)
    if not isinstance(value, dict):
        return lambda fact: get(fact) == value
    test = _tests(value)
    return lambda fact: test(get(fact))


def _every(parts: list[Predicate]) -> Predicate:
    def holds(fact: Fact) -> bool:
        for part in parts:  # noqa: SIM110 - a plain loop is twice as fast as all() here
            if not part(fact):
                return False
        return True

    return holds


def _tests(operators: Mapping[str, Any]) -> Test:
    tests = [_OPERATORS[name](operand) for name, operand in operators.items()]
    if len(tests) == 1:
        return tests[0]
    return lambda value: all(test(value) for test in tests)


def _glob(operand: str) -> Test:
    pattern = re.compile(fnmatch.translate(operand))
    return lambda value: value is not None and pattern.match(value) is not None


def _regex(operand: str) -> Test:
    pattern = re.compile(operand)
    return lambda value: value is not None and pattern.search(value[:TEXT]) is not None


def _exists(operand: bool) -> Test:  # noqa: FBT001 - the operand is what the rule says
    return lambda value: (value not in (None, "", ())) is operand


def _any_item(operand: Mapping[str, Any]) -> Test:
    test = _tests(operand)
    return lambda value: any(test(item) for item in value)


def _every_item(operand: Mapping[str, Any]) -> Test:
    test = _tests(operand)
    return lambda value: all(test(item) for item in value)


def _negated(operand: Mapping[str, Any]) -> Test:
    test = _tests(operand)
    return lambda value: not test(value)


_OPERATORS: dict[str, Callable[[Any], Test]] = {
    "eq": lambda operand: lambda value: value == operand,
    "in": lambda operand: frozenset(operand).__contains__,
    "not-in": lambda operand: lambda value: value not in operand,
    "lt": lambda operand: lambda value: value is not None and value < operand,
    "gt": lambda operand: lambda value: value is not None and value > operand,
    "glob": _glob,
    "regex": _regex,
    "starts-with": lambda operand: lambda value: value is not None and value.startswith(operand),
    "contains": lambda operand: lambda value: value is not None and operand in value,
    "exists": _exists,
    "any": _any_item,
    "all": _every_item,
    "not": _negated,
}

OPERATORS = frozenset(_OPERATORS)
"""The name of every operator on a field."""
GROUPS = frozenset({"any", "all", "not"})
"""The keys of a condition map that are not fields."""
