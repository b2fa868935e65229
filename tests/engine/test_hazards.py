from __future__ import annotations

from modelscan.engine.hazards import load_hazards
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.rule import AnswerKey, Severity

READ = Coverage(file="a", status="read")


def finding(severity: Severity, answer: AnswerKey = "load_hazards", message: str = "m") -> Finding:
    return Finding(
        rule="test-rule",
        severity=severity,
        confidence="high",
        answer=answer,
        message=message,
        location=Location("a"),
        identity="00",
        fix="",
    )


def test_the_worst_hazard_is_the_reason() -> None:
    answer = load_hazards(
        [finding("medium", message="one"), finding("critical", message="two")], [READ]
    )
    assert (answer.status, answer.reason) == ("found", "two (and 1 more)")


def test_small_findings_and_other_questions_are_no_hazard() -> None:
    answer = load_hazards([finding("low"), finding("critical", "official_bytes")], [READ])
    assert answer.status == "none-found"


def test_found_beats_incomplete() -> None:
    gap = Coverage(file="b", status="unreadable", needed=True)
    assert load_hazards([finding("high")], [gap]).status == "found"


def test_a_needed_gap_is_incomplete_and_named() -> None:
    gap = Coverage(file="b", member="m", status="encrypted", needed=True, reason="a password")
    answer = load_hazards([], [READ, gap, gap])
    assert answer.status == "incomplete"
    assert answer.reason == "b!m encrypted: a password (and 1 more)"


def test_a_gap_that_is_not_needed_is_no_gap() -> None:
    skipped = Coverage(file="b.png", status="skipped")
    assert load_hazards([], [READ, skipped]).status == "none-found"


def test_nothing_read_is_not_nothing_found() -> None:
    skipped = Coverage(file="b.png", status="skipped")
    assert load_hazards([], [skipped]).status == "incomplete"
    assert load_hazards([], []).status == "incomplete"


def test_the_reason_counts_what_was_read() -> None:
    entries = [
        READ,
        Coverage(file="b", status="header-only"),
        Coverage(file="b", member="m", status="read"),
    ]
    assert load_hazards([], entries).reason == "in 2 files and 1 member inside them"
    assert load_hazards([], [READ]).reason == "in 1 file"
