"""What `modelassay lineage` answers: one of the five questions, and whether it went as it should.

Invariants: bad news (a finding of lineage from high on) fails, also where something was left out;
what could not be compared makes the answer incomplete; no relation at all is a pass, since nothing
was asked of it.
"""

from __future__ import annotations

import msgspec

from modelscan.lineage.descent import NOT_COMPARED
from modelscan.vocabulary.evidence import OfficialBytes, Signed
from modelscan.vocabulary.result import Allowed, Answers, LoadHazards, ModelReport
from modelscan.vocabulary.rule import CONFIDENCES, SEVERITIES

POLICY = "lineage"
"""What reports call this gate."""
FORMATS = frozenset({"safetensors", "gguf", "json", "model card", "pytorch"})
"""Formats whose readers state what lineage rests on: headers of weights, claims of a base."""
ANSWERS = ("descends_from",)
"""The question that is asked."""

_NOT_ASKED = "not asked: lineage looks at the weights alone"
_FAILS = SEVERITIES.index("high")
_SURE = CONFIDENCES.index("medium")


def restrict(report: ModelReport) -> ModelReport:
    """A model's report as an answer about its lineage: the other questions are marked as not asked.

    Args:
        report: of the whole pipeline.
    """
    if report.error is not None:
        return report
    coverage = tuple(gap for gap in report.coverage if gap.reason.startswith(NOT_COMPARED))
    findings = tuple(finding for finding in report.findings if finding.answer in ANSWERS)
    restricted = msgspec.structs.replace(report, findings=findings, coverage=coverage)
    return msgspec.structs.replace(
        restricted,
        answers=Answers(
            load_hazards=LoadHazards(status="incomplete", reason=_NOT_ASKED),
            official_bytes=OfficialBytes(status="unknown", reason=_NOT_ASKED),
            signed=Signed(status="unsigned", reason=_NOT_ASKED),
            descends_from=report.answers.descends_from,
            allowed=_allowed(restricted),
        ),
    )


def _allowed(report: ModelReport) -> Allowed:
    bad = [
        finding.rule
        for finding in report.findings
        if SEVERITIES.index(finding.severity) >= _FAILS
        and CONFIDENCES.index(finding.confidence) >= _SURE
        and finding.waived is None
    ]
    gaps = [gap for gap in report.coverage if gap.needed]
    if bad:
        return Allowed(status="fail", policy=POLICY, reason=", ".join(dict.fromkeys(bad)))
    if gaps:
        tensors = "1 tensor or file" if len(gaps) == 1 else f"{len(gaps):,} tensors or files"
        reason = f"{tensors} could not be compared: {gaps[0].reason.removeprefix(NOT_COMPARED)}"
        return Allowed(status="incomplete", policy=POLICY, reason=reason)
    lineage = report.answers.descends_from
    return Allowed(status="pass", policy=POLICY, reason=f"{lineage.status}, {lineage.tier}")
