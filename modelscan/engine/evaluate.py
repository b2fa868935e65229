"""Runs rules over facts and turns what they match into findings: one cause, once.

- Rules are found by the kind of fact and then by the value of one field, so that the many facts
  that no rule is about cost two look-ups each.
- Two matches of a rule with equal identity fields are the same finding. Its identity is a hash of
  rule and identity fields only: rewording a rule or changing its severity keeps it.
- Text from the model is put into messages as it is, and only cut; whoever prints it escapes it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from modelscan.engine.fields import KINDS, PLACEHOLDER
from modelscan.engine.match import compile_match, required_values
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.rule import CONFIDENCES, SEVERITIES, Persona, Rule

_PERSONAS: tuple[Persona, ...] = ("regular", "pedantic", "auditor")
_SHOWN = 300
"""Characters of one value inside a message."""
_KEPT = 4_000
"""Characters of one value inside the evidence."""
_DIGITS = 32
"""Hexadecimal digits of an identity."""
_SEVERITY = {severity: -rank for rank, severity in enumerate(SEVERITIES)}
_CONFIDENCE = {confidence: -rank for rank, confidence in enumerate(CONFIDENCES)}
"""The worst and the most certain first."""


class Engine:
    """A set of rules, ready to judge."""

    def __init__(self, rules: Iterable[Rule], persona: Persona = "regular") -> None:
        """Sort the rules; those about a kind of fact are compiled when the first such fact comes.

        Args:
            rules: rules as the loader checked them.
            persona: who the findings are for; rules for a more demanding one are left out.
        """
        rank = _PERSONAS.index(persona)
        self._rules: dict[type[Fact], list[Rule]] = {}
        for rule in sorted(rules, key=lambda rule: rule.id):
            if _PERSONAS.index(rule.persona) <= rank:
                self._rules.setdefault(KINDS[rule.match.fact], []).append(rule)
        self._by_kind: dict[type[Fact], _Index | None] = {}

    def evaluate(self, facts: Iterable[Fact]) -> tuple[Finding, ...]:
        """The findings, the most severe and certain first."""
        causes: dict[tuple[Any, ...], _Cause] = {}
        by_kind = self._by_kind
        for fact in facts:
            kind = type(fact)
            index = by_kind[kind] if kind in by_kind else self._compile(kind)
            if index is None:
                continue
            for judge in index.buckets.get(index.key(fact), index.others):
                if judge.matches(fact):
                    key = (judge.rule.id, *judge.identity(fact))
                    cause = causes.get(key)
                    if cause is None:
                        causes[key] = _Cause(judge, fact, key)
                    else:
                        cause.count += 1
        return tuple(sorted((cause.finding() for cause in causes.values()), key=sort_key))

    def _compile(self, kind: type[Fact]) -> _Index | None:
        """The rules about a kind of fact, ready; `None` when there are none."""
        rules = self._rules.get(kind)
        index = self._by_kind[kind] = _Index([_Judge(rule) for rule in rules]) if rules else None
        return index


def sort_key(finding: Finding) -> tuple[Any, ...]:
    """Sorts findings: worst first, then most certain, then by rule and place."""
    where = finding.location
    return (
        _SEVERITY[finding.severity],
        _CONFIDENCE[finding.confidence],
        finding.rule,
        where.file,
        where.member or "",
        -1 if where.offset is None else where.offset,
        -1 if where.line is None else where.line,
        finding.identity,
    )


class _Judge:
    """One rule, compiled."""

    __slots__ = ("_named", "_said", "fix", "identity", "matches", "required", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.matches = compile_match(rule.match)
        self.required = required_values(rule.match)
        self.identity = _values(rule.identity)
        self.fix = rule.fix.strip()
        parts = PLACEHOLDER.split(rule.message)  # what is said, and by turns the fields in it
        self._said = parts[::2]
        self._named = tuple(attrgetter(path) for path in parts[1::2])

    def message(self, fact: Fact) -> str:
        """The rule's message about a fact. Field names come from the rule, never from the fact."""
        message = self._said[0]
        for named, said in zip(self._named, self._said[1:], strict=True):
            message += _text(named(fact)) + said
        return message


class _Index:
    """The rules about one kind of fact, by the value of the field that most of them test."""

    __slots__ = ("buckets", "key", "others")

    def __init__(self, judges: Sequence[_Judge]) -> None:
        tested = Counter(field for judge in judges for field in judge.required)
        field = min(tested, key=lambda name: (-tested[name], name)) if tested else "status"
        self.key: Callable[[Fact], Any] = attrgetter(field)
        self.others = tuple(judge for judge in judges if field not in judge.required)
        values = {value for judge in judges for value in judge.required.get(field, ())}
        self.buckets: dict[Any, tuple[_Judge, ...]] = {
            value: tuple(judge for judge in judges if value in judge.required.get(field, (value,)))
            for value in values
        }


class _Cause:
    """A finding in the making."""

    __slots__ = ("count", "fact", "judge", "key")

    def __init__(self, judge: _Judge, fact: Fact, key: tuple[Any, ...]) -> None:
        self.judge = judge
        self.fact = fact
        self.key = key
        self.count = 1

    def finding(self) -> Finding:
        rule, fact = self.judge.rule, self.fact
        evidence = _evidence(fact)
        if self.count > 1:
            evidence["count"] = self.count
        return Finding(
            rule=rule.id,
            severity=rule.severity,
            confidence=rule.confidence,
            answer=rule.answer,
            message=self.judge.message(fact),
            location=fact.location,
            identity=_hash(self.key),
            fix=self.judge.fix,
            evidence=evidence,
        )


def _values(paths: Sequence[str]) -> Callable[[Fact], tuple[Any, ...]]:
    getters = tuple(attrgetter(path) for path in paths)
    return lambda fact: tuple([get(fact) for get in getters])


def _hash(key: tuple[Any, ...]) -> str:
    """Python's ASCII form of plain values is stable, undecodable file names included."""
    plain = [str(part) if isinstance(part, Location) else part for part in key]
    return hashlib.sha256(ascii(plain).encode()).hexdigest()[:_DIGITS]


def _evidence(fact: Fact) -> dict[str, Any]:
    fields = msgspec.structs.asdict(fact)
    del fields["location"]
    for name, value in fields.items():
        if type(value) is str or type(value) is tuple:
            fields[name] = _plain(value)
    return fields


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _cut(value, _KEPT)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _text(value: Any) -> str:
    if type(value) is str:
        return value if len(value) <= _SHOWN else _cut(value, _SHOWN)
    if isinstance(value, tuple):
        return _cut(", ".join(_text(item) for item in value), _SHOWN)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else _cut(str(value), _SHOWN)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
