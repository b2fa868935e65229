"""The decision, in one place: pass, fail or incomplete, and which line of the policy decided.

Fail-closed: a violation beats incompleteness, incompleteness beats a pass, and the report shows all
of them. Exit codes are those of `docs/exit-codes.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from modelscan.policy.breaches import Breach
from modelscan.policy.profile import Profile
from modelscan.policy.situation import gaps
from modelscan.policy.waivers import PROVEN_BAD
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.evidence import OfficialBytes, Signed
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import Allowed, Decision, LoadHazards
from modelscan.vocabulary.rule import CONFIDENCES, SEVERITIES

Outcome = Literal["pass", "fail", "incomplete", "nothing"]

_EXIT: dict[Outcome, int] = {"fail": 1, "incomplete": 3, "nothing": 4, "pass": 0}
"""Exit code by outcome, the strongest first."""

_NAMED = 12
"""Lines that are not kept that a reason names; a hostile card can claim a thousand licences."""


def allow(
    profile: Profile,
    *,
    official: OfficialBytes,
    signed: Signed,
    findings: Sequence[Finding],
    coverage: Iterable[Coverage],
    hazards: LoadHazards | None = None,
    lineage: Lineage | None = None,
    breaches: Iterable[Breach] = (),
) -> Allowed:
    """What the profile says of one model.

    Args:
        profile: the policy.
        official: the answer to "official bytes?".
        signed: the answer to "signed by whom?".
        findings: with their waivers, and their state against a baseline when there is one.
        coverage: what was read and what was not.
        hazards: the answer to "load hazards?", for policies that name its statuses.
        lineage: the answer to "descends from what?", for the same.
        breaches: other lines of the policy that the model does not keep.
    """
    hazard_status = hazards.status if hazards else ""
    descent = lineage.status if lineage else ""
    breaches = tuple(breaches)
    violations = [
        *_statuses(profile, official, signed, findings),
        *([f"load hazards: {hazard_status}"] if hazard_status in profile.fail_hazards else ()),
        *([f"descends from: {descent}"] if descent in profile.fail_descent else ()),
        *_counted(profile, findings),
        *_not_kept(breaches),
    ]
    if violations:
        return Allowed(status="fail", policy=profile.name, reason="; ".join(violations))
    unseen = gaps(coverage)
    if signed.status in profile.incomplete_signed:
        reason = f"signature: {signed.reason}"
    elif official.status in profile.incomplete_official:
        reason = f"official bytes: {official.status}"
    elif descent in profile.incomplete_descent:
        reason = f"descends from: {descent}"
    elif unseen:
        reason = unseen
    elif any(breach.level == "incomplete" for breach in breaches):
        reason = "; ".join(each.detail for each in breaches if each.level == "incomplete")
    else:
        reason = f"nothing at or above {profile.fail_severity}{_aside(profile, findings)}"
        return Allowed(status="pass", policy=profile.name, reason=reason)
    return Allowed(status="incomplete", policy=profile.name, reason=reason)


def strongest(answers: Sequence[Allowed]) -> Allowed:
    """The answers of a policy (the first) and of its floors as one: the strictest decides."""
    order: tuple[str, ...] = tuple(_EXIT)
    status = min((answer.status for answer in answers), key=order.index)
    first = answers[0]
    if len(answers) == 1 or first.status == status == "pass":
        return first
    reasons = [
        answer.reason if answer is first else f"floor {answer.policy}: {answer.reason}"
        for answer in answers
        if answer.status == status
    ]
    return Allowed(status=status, policy=first.policy, reason="; ".join(reasons))


def decide(outcomes: Iterable[Outcome]) -> Decision:
    """The outcome over all models: the strongest one of them; nothing at all is nothing to scan."""
    found = set(outcomes) or {"nothing"}
    status = next(outcome for outcome in _EXIT if outcome in found)
    return Decision(exit_code=_EXIT[status], status=status)


def _statuses(
    profile: Profile, official: OfficialBytes, signed: Signed, findings: Sequence[Finding]
) -> Iterable[str]:
    if official.status in profile.fail_official and not _lifted(official.status, findings):
        yield f"official bytes: {official.status}"
    if signed.status in profile.fail_signed and not _lifted(signed.status, findings):
        yield f"signature: {signed.status}"


def _lifted(status: str, findings: Sequence[Finding]) -> bool:
    """True when every finding that says why a status is bad was waived, explicitly."""
    why = [finding for finding in findings if PROVEN_BAD.get(finding.rule) == status]
    return bool(why) and all(finding.waived is not None for finding in why)


def _at_or_above(profile: Profile, findings: Iterable[Finding]) -> list[Finding]:
    severity = SEVERITIES.index(profile.fail_severity)
    confidence = CONFIDENCES.index(profile.fail_confidence)
    return [
        finding
        for finding in findings
        if SEVERITIES.index(finding.severity) >= severity
        and CONFIDENCES.index(finding.confidence) >= confidence
    ]


def _old(finding: Finding) -> bool:
    """True for a finding of the baseline. What is proven to be bad is never old news."""
    return finding.baseline == "unchanged" and finding.rule not in PROVEN_BAD


def _counted(profile: Profile, findings: Sequence[Finding]) -> Iterable[str]:
    open_ones = [each for each in _at_or_above(profile, findings) if each.waived is None]
    count = sum(not _old(finding) for finding in open_ones)
    if count:
        new = "new " if any(finding.baseline for finding in findings) else ""
        plural = "finding" if count == 1 else "findings"
        yield f"{count} {new}{plural} at or above {profile.fail_severity}"


def _not_kept(breaches: Iterable[Breach]) -> Iterable[str]:
    lines = dict.fromkeys(breach.line for breach in breaches if breach.level == "deny")
    if lines:
        more = f" and {len(lines) - _NAMED} more" if len(lines) > _NAMED else ""
        yield f"not kept: {', '.join(list(lines)[:_NAMED])}{more}"


def _aside(profile: Profile, findings: Sequence[Finding]) -> str:
    """What would have failed, but for a waiver or the baseline."""
    would = _at_or_above(profile, findings)
    waived = sum(finding.waived is not None for finding in would)
    parts = [f"{waived} waived"] if waived else []
    if len(would) > waived:
        parts.append(f"{len(would) - waived} in the baseline")
    return f" ({', '.join(parts)})" if parts else ""
