"""Reads forged graphs with the shipped lists, and judges them by the shipped rules."""

from __future__ import annotations

from typing import Any

from modelscan.budget import Budget, Limits
from modelscan.engine import catalogue
from modelscan.engine.evaluate import Engine
from modelscan.formats.reader import Glimpse, Reader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import Fact, GraphOperator

SHIPPED = catalogue.load()
OPERATORS = SHIPPED.lists.graph_operators
_ENGINE = Engine(SHIPPED.rules.values())
_GATE = ("high", "critical")


def read(reader: Reader, data: bytes, name: str, limits: Limits | None = None) -> list[Any]:
    return list(reader.read(BytesArtifact(name, data), Budget(limits)))


def recognised(reader: Reader, data: bytes, name: str = "data.bin") -> bool:
    return reader.recognises(Glimpse(BytesArtifact(name, data)))


def behaviours(items: list[Any]) -> list[tuple[str, str, str]]:
    """Operator, what it does, and with what."""
    return [(f.operator, f.behaviour, f.argument) for f in items if isinstance(f, GraphOperator)]


def found(items: list[Any]) -> set[str]:
    """Ids of the rules that fire, above info."""
    findings = _ENGINE.evaluate([item for item in items if isinstance(item, Fact)])
    return {each.rule for each in findings if each.severity != "info"}


def fails(items: list[Any]) -> bool:
    """Whether the default policy fails on the findings."""
    findings = _ENGINE.evaluate([item for item in items if isinstance(item, Fact)])
    return any(each.severity in _GATE and each.confidence != "low" for each in findings)
