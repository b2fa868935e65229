"""The first of the five answers: can loading the model run code, read files, exhaust or deceive?

It is never "safe": at best nothing was found, and the reason says in what.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelscan.engine.evaluate import sort_key
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import LoadHazards
from modelscan.vocabulary.rule import SEVERITIES

_HAZARD = SEVERITIES.index("medium")
_LOOKED_AT = ("read", "header-only")


def load_hazards(findings: Iterable[Finding], coverage: Iterable[Coverage]) -> LoadHazards:
    """Found beats incomplete, incomplete beats none found.

    Args:
        findings: everything that the rules found; only hazards of medium severity or more count.
        coverage: what was read and what was not.
    """
    hazards = sorted(
        (
            finding
            for finding in findings
            if finding.answer == "load_hazards" and SEVERITIES.index(finding.severity) >= _HAZARD
        ),
        key=sort_key,
    )
    if hazards:
        return LoadHazards(status="found", reason=hazards[0].message + _more(len(hazards) - 1))
    entries = tuple(coverage)
    gaps = [entry for entry in entries if entry.needed]
    if gaps:
        reason = _gap(gaps[0]) + _more(len(gaps) - 1)
        return LoadHazards(status="incomplete", reason=reason)
    looked_at = [entry for entry in entries if entry.status in _LOOKED_AT]
    if not looked_at:
        reason = "no file in a format that can be read"
        return LoadHazards(status="incomplete", reason=reason)
    files = len({entry.file for entry in looked_at})
    members = sum(entry.member is not None for entry in looked_at)
    inside = f" and {_count(members, 'member')} inside them" if members else ""
    return LoadHazards(status="none-found", reason=f"in {_count(files, 'file')}{inside}")


def _gap(entry: Coverage) -> str:
    place = entry.file if entry.member is None else f"{entry.file}!{entry.member}"
    return f"{place} {entry.status}" + (f": {entry.reason}" if entry.reason else "")


def _more(count: int) -> str:
    return f" (and {count:,} more)" if count else ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
