"""The documents of an evidence folder that no other format has, as plain values.

Each answers one question and nothing else: what was decided and by whom approved, what was waived,
what was looked at, what is left. Nothing in them claims that a law, a standard or a contract is
kept: they are what such a claim could rest on.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from modelscan.report.machine import Json, text
from modelscan.report.residual import NOT_EVALUATED, approvals, assumed, left
from modelscan.report.verdicts import verdicts, worst_first
from modelscan.report.waivers import Waiver, waiver
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import ModelReport, Report

SCHEMA = "modelassay-evidence/1"


def decision(report: Report) -> Json:
    """What was decided, by which policy and tool, on what answers, and who approved it."""
    return {
        **_head(report),
        "tool": msgspec.to_builtins(report.tool),
        "policy": msgspec.to_builtins(report.policy),
        "decision": msgspec.to_builtins(report.decision),
        "models": [
            {
                **_named(model),
                "source": msgspec.to_builtins(model.source),
                "error": model.error,
                "answers": msgspec.to_builtins(model.answers),
                "approved_by": [msgspec.to_builtins(one) for one in approvals(model)],
            }
            for model in report.models
        ],
    }


def waivers(report: Report) -> Json:
    """Every finding that was waived, with the waiver's words, and what the policy says of them."""
    return {
        **_head(report),
        "models": [
            {
                **_named(model),
                "waived": [
                    {**_finding(finding), **_waiver(found)}
                    for finding in worst_first(model.findings)
                    if (found := waiver(finding.waived)) is not None
                ],
            }
            for model in report.models
        ],
    }


def coverage(report: Report) -> Json:
    """What was looked at, and each part that was not."""
    return {
        **_head(report),
        "models": [
            {
                **_named(model),
                "files": len(model.files),
                "bytes": sum(file.size for file in model.files),
                "hashed": sum("sha256" in file.digests for file in model.files),
                "parts": dict(sorted(Counter(one.status for one in model.coverage).items())),
                "needed_and_not_read": [
                    msgspec.to_builtins(one) for one in model.coverage if one.needed
                ],
                "not_needed_and_not_parsed": [
                    msgspec.to_builtins(one)
                    for one in model.coverage
                    if not one.needed and one.status != "read"
                ],
            }
            for model in report.models
        ],
    }


def residual_risk(report: Report) -> Json:
    """What is open, what the answers rest on, and what was not evaluated at all."""
    return {
        **_head(report),
        "models": [
            {
                **_named(model),
                "open_findings": [
                    {**_finding(finding), "fix": text(finding.fix)}
                    for finding in worst_first(model.findings)
                    if finding.waived is None
                ],
                "unanswered": [
                    {"question": one.question, "status": one.status, "reason": text(one.reason)}
                    for one in verdicts(model.answers)
                    if not one.asked or one.tone in {"none", "gap"}
                ],
                "assumptions": [text(one) for one in assumed(model)],
                "left": [text(one) for one in left(model)],
            }
            for model in report.models
        ],
        "not_evaluated": list(NOT_EVALUATED),
    }


def _head(report: Report) -> Json:
    return {"schema": SCHEMA, "created": report.created}


def _named(model: ModelReport) -> Json:
    return {"ref": model.ref, "digest": model.digest}


def _finding(finding: Finding) -> Json:
    return {
        "rule": text(finding.rule),
        "severity": finding.severity,
        "confidence": finding.confidence,
        "where": text(str(finding.location)),
        "message": text(finding.message),
        "identity": text(finding.identity),
    }


def _waiver(found: Waiver) -> Json:
    return {"justification": found.justification or None, "reason": found.reason}
