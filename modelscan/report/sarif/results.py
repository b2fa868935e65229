"""Findings as SARIF results: where they are, what makes two of them the same, and waivers.

Invariant: a fingerprint is made of the model and of the finding's identity alone. Wording and
severity change with versions of the rules, and an alert that somebody has closed must stay closed.
"""

from __future__ import annotations

from typing import NamedTuple

from modelscan.report.identity import without_revision
from modelscan.report.machine import Json, compact, name, prose, stable, text
from modelscan.report.places import Place, inside, place
from modelscan.report.sarif.rules import LEVELS
from modelscan.report.waivers import waiver
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import ModelReport

ROOT = "%SRCROOT%"
"""What paths are relative to: the folder that code scanning shows."""


class Found(NamedTuple):
    """A finding and the model that it was found in."""

    model: ModelReport
    finding: Finding


def result(found: Found, index: int, *, waivers: bool) -> Json:
    """One result.

    Args:
        found: the finding.
        index: of its rule among the driver's rules.
        waivers: whether any result of the run is suppressed: then all must say if they are.
    """
    model, finding = found
    entry: Json = {
        "ruleId": text(finding.rule),
        "ruleIndex": index,
        "level": LEVELS[finding.severity],
        "message": {"text": text(finding.message) or text(finding.rule) or "-"},
        "locations": [location(model, finding.location)],
        "partialFingerprints": fingerprints(found),
        "properties": compact(
            {
                "severity": finding.severity,
                "confidence": finding.confidence,
                "answer": finding.answer,
                "offset": finding.location.offset,
                "fix": prose(finding.fix),
            }
        ),
    }
    if finding.baseline is not None:
        entry["baselineState"] = finding.baseline
    if waivers:
        entry["suppressions"] = _suppressions(finding.waived)
    return entry


def location(model: ModelReport, where: Location) -> Json:
    """A place: physically a file and a line, logically also the member and the offset."""
    shown = place(model, where)
    logical = compact(
        {
            "name": name(where.member or where.file or model.ref),
            "fullyQualifiedName": inside(model, where),
            "kind": "member" if where.member is not None else "resource",
        }
    )
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri(shown), "uriBaseId": ROOT},
            "region": {"startLine": shown.line},
        },
        "logicalLocations": [logical],
    }


def uri(shown: Place) -> str:
    """The path as a relative reference (RFC 3986); the colon of a first segment is no scheme."""
    from urllib.parse import quote  # lazy: the other formats have no URIs of files

    return quote(shown.path, safe="/")


def fingerprints(found: Found) -> dict[str, str]:
    """What makes two results the same one, in this run and in the next."""
    subject = without_revision(found.model.ref)
    identity = stable(subject, found.finding.rule, found.finding.identity)
    return {
        "primaryLocationLineHash": f"{identity[:32]}:1",
        "modelassayIdentity/v1": text(found.finding.identity),
    }


def _suppressions(waived: str | None) -> list[Json]:
    stated = waiver(waived)
    if stated is None:
        return []
    reason = stated.reason
    if stated.justification:
        reason = f"{stated.justification}: {reason}"
    return [{"kind": "external", "status": "accepted", "justification": reason}]
