"""Checks the conditions of a rule against the fields that its kind of fact has.

A test that can never be true, such as a misspelt field, a number compared with text or a value that
the field cannot have, would be a rule that silently never fires. All of them are errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from modelscan.engine.document import Where
from modelscan.engine.fields import Field
from modelscan.engine.match import GROUPS, OPERATORS
from modelscan.engine.patterns import problem as pattern_problem
from modelscan.errors import did_you_mean

_PYTHON = {"string": str, "integer": int, "boolean": bool}
_TEXT_OPERATORS = frozenset({"glob", "regex", "starts-with"})
_MANY_OPERATORS = frozenset({"contains", "exists", "any", "all", "not"})


class Problem(NamedTuple):
    """Something wrong with a rule."""

    where: Where
    """Which value of the file is wrong."""
    message: str
    hint: str = ""


def check(conditions: Any, fields: Mapping[str, Field], where: Where) -> Iterator[Problem]:
    """What is wrong with a condition map.

    Args:
        conditions: the map as written.
        fields: the fields that may be named.
        where: where the map stands in its file.
    """
    if not isinstance(conditions, dict) or not conditions:
        yield Problem(where, "expected a map of fields and tests that is not empty")
        return
    for key, value in conditions.items():
        here = (*where, key)
        if key == "not":
            yield from check(value, fields, here)
        elif key in GROUPS:
            if not isinstance(value, list) or not value:
                yield Problem(here, f"{key!r} takes a list of maps that is not empty")
                continue
            for index, each in enumerate(value):
                yield from check(each, fields, (*here, index))
        elif key in fields:
            yield from _check_test(value, fields[key], key, here)
        else:
            hint = did_you_mean(key, fields) or f"fields are {', '.join(fields)}"
            yield Problem(here, f"unknown field {key!r}", hint)


def _check_test(test: Any, field: Field, name: str, where: Where) -> Iterator[Problem]:
    if test is None:
        yield Problem(where, "a value cannot be null", "write {exists: false}")
    elif isinstance(test, list):
        yield Problem(where, "a list is not a test", "write {in: [...]}")
    elif not isinstance(test, dict):
        if field.many:
            yield Problem(where, f"{name!r} has many items", "write {contains: ...}")
        else:
            yield from _check_value(test, field, name, where)
    elif not test:
        yield Problem(where, "a map of operators cannot be empty")
    else:
        for operator, operand in test.items():
            yield from _check_operator(operator, operand, field, name, (*where, operator))


def _check_operator(
    operator: str, operand: Any, field: Field, name: str, where: Where
) -> Iterator[Problem]:
    if operator not in OPERATORS:
        hint = did_you_mean(operator, OPERATORS) or f"operators are {', '.join(sorted(OPERATORS))}"
        yield Problem(where, f"unknown operator {operator!r}", hint)
    elif refusal := _refusal(operator, field, name):
        yield Problem(where, refusal)
    elif operator in ("in", "not-in"):
        yield from _check_list(operator, operand, field, name, where)
    elif operator == "exists":
        if not isinstance(operand, bool):
            yield Problem(where, "'exists' takes true or false")
    elif operator in GROUPS:
        inner = field if operator == "not" else msgspec.structs.replace(field, many=False)
        if isinstance(operand, dict):
            yield from _check_test(operand, inner, name, where)
        else:
            yield Problem(where, f"{operator!r} takes a map of operators")
    elif operator in _TEXT_OPERATORS or (operator == "contains" and not field.many):
        yield from _check_text(operator, operand, where)
    else:
        yield from _check_value(operand, field, name, where)


def _refusal(operator: str, field: Field, name: str) -> str:
    """Why an operator does not go with a field; empty when it does."""
    if field.many:
        refusal = f"{operator!r} needs one value, {name!r} has many"
        return "" if operator in _MANY_OPERATORS else refusal
    if operator in ("any", "all"):
        return f"{operator!r} needs many items, {name!r} has one value"
    if operator in ("lt", "gt") and field.type != "integer":
        return f"{operator!r} needs a number, {name!r} is a {field.type}"
    if operator in {*_TEXT_OPERATORS, "contains"} and field.type != "string":
        return f"{operator!r} needs text, {name!r} is of type {field.type}"
    if operator == "exists" and field.type != "string" and not field.optional:
        return f"{name!r} is always there"
    return ""


def _check_list(
    operator: str, operand: Any, field: Field, name: str, where: Where
) -> Iterator[Problem]:
    if not isinstance(operand, list) or not operand:
        yield Problem(where, f"{operator!r} takes a list that is not empty")
        return
    for index, value in enumerate(operand):
        yield from _check_value(value, field, name, (*where, index))


def _check_text(operator: str, operand: Any, where: Where) -> Iterator[Problem]:
    if not isinstance(operand, str) or not operand:
        yield Problem(where, f"{operator!r} takes text that is not empty")
    elif operator == "regex" and (reason := pattern_problem(operand)):
        yield Problem(where, f"this regular expression is refused: {reason}")


def _check_value(value: Any, field: Field, name: str, where: Where) -> Iterator[Problem]:
    """A value must be one that the field can have; `True` is no number here."""
    if type(value) is not _PYTHON[field.type]:
        yield Problem(where, f"{name!r} is of type {field.type}, {value!r} is not")
    elif field.choices and value not in field.choices:
        hint = did_you_mean(str(value), field.choices) or f"it is one of {', '.join(field.choices)}"
        yield Problem(where, f"{name!r} is never {value!r}", hint)
