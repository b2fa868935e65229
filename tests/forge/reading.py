"""Reads bytes with all readers and judges them by the shipped rules, in one call."""

from __future__ import annotations

from functools import cache

from modelscan.budget import Budget, Limits
from modelscan.engine import catalogue
from modelscan.engine.evaluate import Engine
from modelscan.formats.reader import Reader
from modelscan.formats.readers import readers_for
from modelscan.formats.routing import Reading
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact


@cache
def rules() -> catalogue.Catalogue:
    """The shipped rules and lists."""
    return catalogue.load()


@cache
def _readers() -> tuple[Reader, ...]:
    return readers_for(rules().lists)


@cache
def _engine() -> Engine:
    return Engine(rules().rules.values())


def read(data: bytes, name: str, limits: Limits | None = None) -> tuple[list[Fact], list[Coverage]]:
    """What all readers say about a file."""
    items = list(Reading(BytesArtifact(name, data), _readers(), Budget(limits)))
    facts = [item for item in items if isinstance(item, Fact)]
    return facts, [item for item in items if isinstance(item, Coverage)]


def found(data: bytes, name: str) -> dict[str, str]:
    """Severities of what the rules find, by rule."""
    facts, _ = read(data, name)
    return {finding.rule: finding.severity for finding in _engine().evaluate(facts)}


def fails(data: bytes, name: str) -> list[str]:
    """Rules that the default policy fails the file for."""
    facts, _ = read(data, name)
    return sorted(
        {
            finding.rule
            for finding in _engine().evaluate(facts)
            if finding.severity in {"high", "critical"} and finding.confidence != "low"
        }
    )


def gaps(data: bytes, name: str) -> list[str]:
    """Reasons of needed gaps."""
    _, coverage = read(data, name)
    return [entry.reason for entry in coverage if entry.needed]


def quiet(data: bytes, name: str) -> bool:
    """True when nothing above low is found and nothing needed was left out."""
    return not gaps(data, name) and set(found(data, name).values()) <= {"info", "low"}
