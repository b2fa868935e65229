"""Checks one rule file: its keys, its types, and that it speaks of things that exist.

Everything that is wrong is reported, not only the first thing. A rule that passes can be compiled
and evaluated without any further check.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from modelscan.engine import conditions, mappings
from modelscan.engine.conditions import Problem
from modelscan.engine.document import Where
from modelscan.engine.fields import KINDS, PLACEHOLDER, fields, shown
from modelscan.errors import did_you_mean
from modelscan.vocabulary.rule import Examples, Maps, Match, Rule

_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]")
_TABLES: tuple[tuple[Where, type[msgspec.Struct]], ...] = (
    ((), Rule), (("match",), Match), (("maps",), Maps), (("examples",), Examples),
)  # fmt: skip


def structure(data: Any) -> Iterator[Problem]:
    """Keys that are unknown or missing, then the first value of a wrong type."""
    sound = True
    for where, table in _TABLES:
        for problem in _keys(data, where, table):
            sound = False
            yield problem
    if sound:
        try:
            msgspec.convert(data, Rule)
        except msgspec.ValidationError as error:
            message, _, path = str(error).partition(" - at `")
            steps = (int(i) if i else name for name, i in _STEP.findall(path))
            yield Problem(tuple(steps), message)


def meaning(rule: Rule, stem: str, names: mappings.Names) -> Iterator[Problem]:
    """What a well-formed rule says about things that do not exist.

    Args:
        rule: the rule.
        stem: name of its file, without the extension.
        names: the taxonomies.
    """
    if not _ID.fullmatch(rule.id):
        yield Problem(("id",), f"{rule.id!r} is not a name of two or more words-like-this")
    elif rule.id != stem:
        yield Problem(("id",), f"the file must be named {rule.id}.yaml")
    if not _VERSION.fullmatch(rule.since):
        yield Problem(("since",), f"{rule.since!r} is not a version such as 0.1.0")
    for key in ("title", "message", "why", "fix", "false_positives"):
        text = getattr(rule, key).strip()
        if not text:
            yield Problem((key,), "must not be empty")
        elif key in ("title", "message") and "\n" in text:
            yield Problem((key,), "must be one line")
    yield from mappings.check(rule.maps, names)
    kind = rule.match.fact
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) or f"kinds are {', '.join(KINDS)}"
        yield Problem(("match", "fact"), f"unknown kind of fact {kind!r}", hint)
        return
    if rule.match.where:
        yield from conditions.check(rule.match.where, fields(kind), ("match", "where"))
    if rule.match.unless:
        yield from conditions.check(rule.match.unless, fields(kind), ("match", "unless"))
    yield from _named(rule, kind)


def _named(rule: Rule, kind: str) -> Iterator[Problem]:
    """Fields that the message or the identity names and the fact does not have."""
    known = shown(kind)
    if "{" in PLACEHOLDER.sub("", rule.message) or "}" in PLACEHOLDER.sub("", rule.message):
        yield Problem(("message",), "a brace that is not part of a {field}")
    for name in PLACEHOLDER.findall(rule.message):
        if name not in known:
            yield Problem(("message",), f"unknown field {name!r}", did_you_mean(name, known))
    if not rule.identity:
        yield Problem(("identity",), "must name at least one field")
    for index, name in enumerate(rule.identity):
        if name not in known:
            hint = did_you_mean(name, known)
            yield Problem(("identity", index), f"unknown field {name!r}", hint)


def _keys(data: Any, where: Where, table: type[msgspec.Struct]) -> Iterator[Problem]:
    """Unknown and missing keys of one table of a rule file."""
    for step in where:
        data = data.get(step) if isinstance(data, dict) else None
    if not isinstance(data, dict):
        if not where:
            yield Problem((), "a rule is a map of keys")
        return
    known = {field.encode_name: field.required for field in msgspec.structs.fields(table)}
    for key in data:
        if key not in known:
            hint = did_you_mean(key, known) or f"keys are {', '.join(known)}"
            yield Problem((*where, key), f"unknown key {key!r}", hint)
    for key, required in known.items():
        if required and key not in data:
            yield Problem(where, f"the key {key!r} is missing")
