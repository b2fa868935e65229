"""Runs the examples inside a rule: they are its tests.

An example is a fact written down: its kind, and the fields that matter. A field that is left out
has its default, or else is empty, zero, false, or the first of its choices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from modelscan.engine.conditions import Problem
from modelscan.engine.fields import KINDS, fields
from modelscan.engine.match import compile_match
from modelscan.errors import did_you_mean
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.rule import Rule

_EMPTY: dict[str, Any] = {"string": "", "integer": 0, "boolean": False}


def build(example: dict[str, Any]) -> Fact:
    """The fact that an example describes.

    Raises:
        ValueError: it names no kind, an unknown kind, or an unknown field or value.
    """
    given = dict(example)
    kind = given.pop("fact", None)
    if kind not in KINDS:
        raise ValueError(f"unknown kind of fact {kind!r}; {did_you_mean(str(kind), KINDS)}")
    declared = {field.name: field for field in msgspec.structs.fields(KINDS[kind])}
    for name in given:
        if name not in declared:
            raise ValueError(f"unknown field {name!r}; {did_you_mean(name, declared)}")
    for name, field in declared.items():
        if name not in given and field.required:
            shape = fields(kind)[name]
            empty = shape.choices[0] if shape.choices else _EMPTY[shape.type]
            given[name] = [] if shape.many else None if shape.optional else empty
    try:
        return msgspec.convert({"fact": kind, **given}, KINDS[kind])
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def failures(rule: Rule) -> Iterator[Problem]:
    """The examples of a valid rule that are malformed or do not behave as the rule says."""
    matches = compile_match(rule.match)
    for key, examples, wanted in (
        ("match", rule.examples.match, True),
        ("no-match", rule.examples.no_match, False),
    ):
        if not examples:
            yield Problem(("examples", key), "at least one example is needed")
        for index, example in enumerate(examples):
            where = ("examples", key, index)
            try:
                fact = build(example)
            except ValueError as error:
                yield Problem(where, f"not a fact: {error}")
                continue
            found = type(fact) is KINDS[rule.match.fact] and matches(fact)
            if found is not wanted:
                yield Problem(where, f"this example {'matches' if found else 'does not match'}")
