"""What lineage measured, read from the entry `facts.lineage` of a report.

Entries of another shape than `lineage.picture` writes, which only a forged report has, are left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

_MOST_PARTS = 100
_VERDICT = ("relation", "tier", "text", "limits")


class Part(msgspec.Struct, frozen=True):
    """One of the models that a merge was made of."""

    base: str
    weight: float | None
    """Its share; `None` when none was measured."""


def entries(value: Any) -> list[dict[str, Any]]:
    """The objects in a list."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def said(measured: Mapping[str, Any]) -> list[dict[str, str]]:
    """The verdicts: relation, tier, text and limits of each."""
    return [
        {name: str(entry[name]) for name in _VERDICT}
        for entry in entries(measured.get("verdicts"))
        if all(name in entry for name in _VERDICT)
    ]


def merged(measured: Mapping[str, Any]) -> list[Part]:
    """The parts of a merge, with their shares; none when it is no merge."""
    found = []
    for entry in entries(measured.get("merge"))[:_MOST_PARTS]:
        base, weight = entry.get("base"), entry.get("weight")
        if isinstance(base, str) and base:
            found.append(Part(base, _share(weight)))
    return found


def _share(weight: Any) -> float | None:
    return float(weight) if number(weight) else None


def number(value: Any) -> bool:
    """True for a finite number that can be printed."""
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and abs(value) < 1e9  # noqa: PLR2004  # larger than anything that is measured
        and math.isfinite(value)
    )
