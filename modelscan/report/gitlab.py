"""Format `gitlab`: a Code Quality report, which GitLab shows in merge requests on every tier.

Waived findings stay in it, as `info` with the reason, and so do parts that were not looked at.
GitLab tells entries apart by their fingerprint alone and drops doubles, so that none may repeat.

Source: GitLab documentation, "Code Quality", "Code Quality report format".
"""

from __future__ import annotations

from collections import Counter

from modelscan.report.entries import shortfall
from modelscan.report.identity import without_revision
from modelscan.report.jsontext import encode
from modelscan.report.machine import Json, stable, text
from modelscan.report.places import inside, place
from modelscan.report.text import counted
from modelscan.report.verdicts import purpose
from modelscan.report.waivers import waiver
from modelscan.report.writer import Output
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import ModelReport, Report
from modelscan.vocabulary.rule import Severity

_SEVERITIES: dict[Severity, str] = {
    "critical": "blocker", "high": "critical", "medium": "major", "low": "minor", "info": "info",
}  # fmt: skip
_GAP = "not-looked-at"
MOST_GAPS = 1_000
"""Gaps of one model that are listed; the others are counted in one entry."""


class GitLab:
    """A list of issues."""

    name = "gitlab"

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`."""
        used: Counter[str] = Counter()
        issues = [issue for model in report.models for issue in _issues(model)]
        for issue in issues:
            used[issue["fingerprint"]] += 1
            repeated = used[issue["fingerprint"]]
            if repeated > 1:
                issue["fingerprint"] = stable(issue["fingerprint"], str(repeated))
        return encode(issues, sort=False)


def _issues(model: ModelReport) -> list[Json]:
    gaps = [gap for gap in model.coverage if gap.needed]
    issues = [_finding(model, finding) for finding in model.findings]
    if model.error is not None:
        issues.append(_missing(model, Location(), text(model.error)))
    issues += [_gap(model, gap) for gap in gaps[:MOST_GAPS]]
    if len(gaps) > MOST_GAPS:
        more = counted(len(gaps) - MOST_GAPS, "further part")
        issues.append(_missing(model, Location(), f"{more} that {purpose(model)} needs"))
    return issues


def _finding(model: ModelReport, finding: Finding) -> Json:
    stated = waiver(finding.waived)
    message = text(finding.message) or text(finding.rule) or "-"
    if stated is not None:
        message = f"Waived ({stated.reason}): {message}"
    severity = "info" if stated is not None else _SEVERITIES[finding.severity]
    return _issue(model, finding.location, text(finding.rule), message, severity, finding.identity)


def _missing(model: ModelReport, where: Location, why: str) -> Json:
    message = f"Not looked at: {inside(model, where)}: {why}"
    return _issue(model, where, _GAP, message, "major", f"{where.file}!{where.member}")


def _gap(model: ModelReport, gap: Coverage) -> Json:
    return _missing(model, Location(gap.file, gap.member), shortfall(gap))


def _issue(  # one argument for each part of an entry
    model: ModelReport, where: Location, check: str, message: str, severity: str, identity: str
) -> Json:
    shown = place(model, where)
    return {
        "type": "issue",
        "check_name": check or "-",
        "description": message,
        "categories": ["Security"],
        "severity": severity,
        "fingerprint": stable(without_revision(model.ref), check, identity),
        "location": {"path": shown.path, "lines": {"begin": shown.line}},
    }
