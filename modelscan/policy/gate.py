"""The decision, in one place: pass, fail or incomplete, and which line of the policy decided.

Fail-closed: a violation beats incompleteness, incompleteness beats a pass, and the report shows all
of them. Exit codes are those of `docs/exit-codes.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from modelscan.policy.profile import Profile
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.evidence import OfficialBytes, Signed
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import Allowed, Decision
from modelscan.vocabulary.rule import CONFIDENCES, SEVERITIES

Outcome = Literal["pass", "fail", "incomplete", "nothing"]

_EXIT: dict[Outcome, int] = {"fail": 1, "incomplete": 3, "nothing": 4, "pass": 0}
"""Exit code by outcome, the strongest first."""


def allow(
    profile: Profile,
    *,
    official: OfficialBytes,
    signed: Signed,
    findings: Sequence[Finding],
    coverage: Iterable[Coverage],
) -> Allowed:
    """What the profile says of one model."""
    violations = list(_violations(profile, official, signed, findings))
    if violations:
        return Allowed(status="fail", policy=profile.name, reason="; ".join(violations))
    gaps = sum(entry.needed for entry in coverage)
    if signed.status == "error":
        reason = f"signature: {signed.reason}"
        return Allowed(status="incomplete", policy=profile.name, reason=reason)
    if gaps:
        reason = f"{gaps} needed {'part was' if gaps == 1 else 'parts were'} not looked at"
        return Allowed(status="incomplete", policy=profile.name, reason=reason)
    reason = f"nothing at or above {profile.fail_severity}"
    return Allowed(status="pass", policy=profile.name, reason=reason)


def decide(outcomes: Iterable[Outcome]) -> Decision:
    """The outcome over all models: the strongest one of them; nothing at all is nothing to scan."""
    found = set(outcomes) or {"nothing"}
    status = next(outcome for outcome in _EXIT if outcome in found)
    return Decision(exit_code=_EXIT[status], status=status)


def _violations(
    profile: Profile, official: OfficialBytes, signed: Signed, findings: Sequence[Finding]
) -> Iterable[str]:
    if official.status in profile.fail_official:
        yield f"official bytes: {official.status}"
    if signed.status in profile.fail_signed:
        yield f"signature: {signed.status}"
    severity = SEVERITIES.index(profile.fail_severity)
    confidence = CONFIDENCES.index(profile.fail_confidence)
    count = sum(
        SEVERITIES.index(finding.severity) >= severity
        and CONFIDENCES.index(finding.confidence) >= confidence
        and finding.waived is None
        for finding in findings
    )
    if count:
        plural = "finding" if count == 1 else "findings"
        yield f"{count} {plural} at or above {profile.fail_severity}"
