"""What two reports about one model say otherwise: findings that came and went, answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.dependencies.changes import pairs
from modelscan.dependencies.differing import Pair
from modelscan.dependencies.sides import State
from modelscan.dependencies.words import listed
from modelscan.vocabulary.fact import ModelChange
from modelscan.vocabulary.fact.dependencies import ChangeKind
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import Answers, ModelReport
from modelscan.vocabulary.rule import SEVERITIES, Severity

_RANKS: Final[dict[str, dict[str, int]]] = {
    "load_hazards": {"none-found": 2, "incomplete": 1, "found": 0},
    "official_bytes": {
        "verified-official": 4, "matches-known-release": 4, "pinned-match": 4, "hub-consistent": 3,
        "unknown": 2, "not-hashed": 2, "error": 1, "modified": 0, "denied": 0,
    },
    "signed": {
        "signed-trusted": 4, "signed-untrusted": 3, "unsigned": 2, "error": 1,
        "invalid-signature": 0,
    },
    "allowed": {"pass": 2, "incomplete": 1, "fail": 0},
}  # fmt: skip
"""Which status of an answer is better than which; relations to a base have no such order."""


def models(old: State, new: State) -> list[Pair]:
    """The models of two sides; where both are reports, with what these say otherwise."""
    found = []
    for before, after in pairs(old.models, new.models):
        first = old.reports.get(before.key) if before else None
        last = new.reports.get(after.key) if after else None
        more = tuple(_between(after.ref, first, last)) if after and first and last else ()
        found.append(Pair(before, after, more))
    return found


def _between(ref: str, old: ModelReport, new: ModelReport) -> Iterator[ModelChange]:
    before = {finding.identity: finding for finding in old.findings}
    after = {finding.identity: finding for finding in new.findings}
    come = [finding for identity, finding in after.items() if identity not in before]
    gone = [finding for identity, finding in before.items() if identity not in after]
    for severity in reversed(SEVERITIES):
        some = [finding for finding in come if finding.severity == severity]
        if some:
            yield _finding("finding-added", ref, some, severity, f"new {severity} finding")
    if gone:
        yield _finding("finding-gone", ref, gone, "", "no longer found")
    yield from _answers(ref, old.answers, new.answers)


def _finding(
    kind: ChangeKind, ref: str, findings: list[Finding], severity: Severity | str, words: str
) -> ModelChange:
    names = listed(sorted({finding.rule for finding in findings}))
    plural = "s" if kind == "finding-added" and len(findings) > 1 else ""
    return ModelChange(
        change=kind,
        ref=ref,
        after=names if kind == "finding-added" else "",
        before=names if kind == "finding-gone" else "",
        severity=next((each for each in SEVERITIES if each == severity), ""),
        count=len(findings),
        phrase=f"{words}{plural}: {names}",
    )


def _answers(ref: str, old: Answers, new: Answers) -> Iterator[ModelChange]:
    for name, ranks in _RANKS.items():
        before, after = getattr(old, name).status, getattr(new, name).status
        first, last = ranks.get(before, 1), ranks.get(after, 1)
        if before == after or "not asked" in getattr(new, name).reason:
            continue
        worse = last < first
        yield ModelChange(
            change="answer-worse" if worse else "answer-better",
            ref=ref,
            before=before,
            after=after,
            phrase=f"{name.replace('_', ' ')} {before} → {after}",
        )
