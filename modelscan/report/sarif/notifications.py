"""What was not looked at, as SARIF notifications: code scanning must not read silence as absence.

Source: SARIF 2.1.0 section 3.20.21 `toolExecutionNotifications`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from modelscan.report.entries import shortfall
from modelscan.report.machine import Json, text
from modelscan.report.places import inside
from modelscan.report.sarif.results import location
from modelscan.report.text import counted
from modelscan.report.verdicts import purpose
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import ModelReport, Report
from modelscan.vocabulary.rule import SEVERITIES

MOST_GAPS = 1_000
"""Gaps that are listed one by one; the others are counted."""

_KINDS = {
    "not-looked-at": "A part that is needed was not looked at.",
    "unreadable-target": "A target could not be read at all.",
    "left-out": "The format's limits leave something out; the native report holds all of it.",
}


def descriptors() -> list[Json]:
    """`notifications` of the driver: the kinds that there are."""
    return [{"id": kind, "shortDescription": {"text": words}} for kind, words in _KINDS.items()]


def notifications(report: Report, left_out: Sequence[Finding]) -> list[Json]:
    """All notifications of a run.

    Args:
        report: the report.
        left_out: findings that are not among the results.
    """
    gaps = [(model, gap) for model in report.models for gap in model.coverage if gap.needed]
    return [
        *_unreadable(report),
        *(_gap(model, gap) for model, gap in gaps[:MOST_GAPS]),
        *_more(gaps[MOST_GAPS:]),
        *_limited(left_out),
    ]


def _unreadable(report: Report) -> Iterator[Json]:
    for model in report.models:
        if model.error is not None:
            message = f"{inside(model, Location())}: {text(model.error)}"
            yield _notification("unreadable-target", message, "error")


def _gap(model: ModelReport, gap: Coverage) -> Json:
    where = Location(gap.file, gap.member)
    message = f"{inside(model, where)}: {shortfall(gap)}"
    return {
        **_notification("not-looked-at", message, "warning"),
        "locations": [location(model, where)],
    }


def _more(gaps: Sequence[tuple[ModelReport, Coverage]]) -> Iterator[Json]:
    if gaps:
        count = counted(len(gaps), "further part")
        message = f"{count} that {purpose(gaps[0][0])} needs: not looked at either"
        yield _notification("left-out", message, "warning")


def _limited(left_out: Sequence[Finding]) -> Iterator[Json]:
    if left_out:
        counts = Counter(finding.severity for finding in left_out)
        kinds = ", ".join(
            f"{counts[severity]:,} {severity}"
            for severity in reversed(SEVERITIES)
            if counts[severity]
        )
        message = f"{counted(len(left_out), 'finding')} left out, the least severe ones: {kinds}"
        yield _notification("left-out", message, "warning")


def _notification(kind: str, message: str, level: str) -> Json:
    index = list(_KINDS).index(kind)
    return {
        "descriptor": {"id": kind, "index": index},
        "level": level,
        "message": {"text": message},
    }
