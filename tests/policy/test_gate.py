from __future__ import annotations

from typing import get_args

import pytest

from modelscan.policy.gate import Outcome, allow, decide
from modelscan.policy.profile import DEFAULT
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.evidence import OfficialBytes, OfficialStatus, Signed, SignedStatus
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.rule import CONFIDENCES, SEVERITIES, Confidence, Severity

OFFICIAL_FAILS = {"modified", "denied", "error"}
SIGNED_OUTCOME = {"invalid-signature": "fail", "error": "incomplete"}


def _finding(
    severity: Severity, confidence: Confidence = "high", waived: str | None = None
) -> Finding:
    return Finding(
        rule="a-rule", severity=severity, confidence=confidence, answer="load_hazards",
        message="", location=Location(), identity="", fix="", waived=waived,
    )  # fmt: skip


def _allow(
    *findings: Finding,
    official: OfficialStatus = "unknown",
    signed: SignedStatus = "unsigned",
    needed: int = 0,
) -> tuple[str, str]:
    gaps = [Coverage(file=str(n), status="unreadable", needed=True) for n in range(needed)]
    gaps.append(Coverage(file="words.txt", status="skipped"))
    found = allow(
        DEFAULT,
        official=OfficialBytes(status=official, reason=""),
        signed=Signed(status=signed, reason="no reader"),
        findings=findings,
        coverage=gaps,
    )
    return found.status, found.reason


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_findings_fail_from_high_and_medium_on(severity: Severity, confidence: Confidence) -> None:
    fails = severity in {"high", "critical"} and confidence in {"medium", "high"}
    assert _allow(_finding(severity, confidence))[0] == ("fail" if fails else "pass")


@pytest.mark.parametrize("status", get_args(OfficialStatus))
def test_official_bytes_fail_on_bad_news_only(status: OfficialStatus) -> None:
    assert _allow(official=status)[0] == ("fail" if status in OFFICIAL_FAILS else "pass")


@pytest.mark.parametrize("status", get_args(SignedStatus))
def test_a_signature_that_cannot_be_checked_is_never_a_pass(status: SignedStatus) -> None:
    assert _allow(signed=status)[0] == SIGNED_OUTCOME.get(status, "pass")


def test_only_needed_gaps_make_it_incomplete() -> None:
    assert _allow() == ("pass", "nothing at or above high")
    assert _allow(needed=1) == ("incomplete", "1 needed part was not looked at")
    assert _allow(needed=2) == ("incomplete", "2 needed parts were not looked at")


def test_a_violation_beats_incompleteness_and_every_line_is_named() -> None:
    assert _allow(_finding("critical"), _finding("high"), official="modified", needed=3) == (
        "fail",
        "official bytes: modified; 2 findings at or above high",
    )
    assert _allow(_finding("critical")) == ("fail", "1 finding at or above high")


def test_a_waived_finding_does_not_count() -> None:
    assert _allow(_finding("critical", waived="accepted"))[0] == "pass"


@pytest.mark.parametrize(
    ("outcomes", "status", "code"),
    [
        ((), "nothing", 4),
        (("pass",), "pass", 0),
        (("pass", "nothing"), "nothing", 4),
        (("nothing", "incomplete", "pass"), "incomplete", 3),
        (("incomplete", "fail", "pass"), "fail", 1),
    ],
)
def test_the_strongest_outcome_decides(
    outcomes: tuple[Outcome, ...], status: str, code: int
) -> None:
    decision = decide(outcomes)
    assert (decision.status, decision.exit_code) == (status, code)


def test_a_policys_digest_binds_its_lines() -> None:
    import msgspec

    changed = msgspec.structs.replace(DEFAULT, fail_severity="critical")
    assert changed.name == DEFAULT.name
    assert changed.digest != DEFAULT.digest
