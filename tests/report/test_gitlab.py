from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from modelscan.report.gitlab import MOST_GAPS, GitLab
from modelscan.report.writer import Output
from modelscan.vocabulary.result import Report
from tests.forge import reports

VALID = reports.every_report()
SEVERITIES = {"info", "minor", "major", "critical", "blocker"}


def issues(report: Report) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(GitLab().write(report, Output()))
    return found


@pytest.mark.parametrize("name", VALID)
def test_entries_have_what_gitlab_needs_and_fingerprints_are_unique(name: str) -> None:
    found = issues(VALID[name])
    for one in found:
        assert one["description"]
        assert one["check_name"]
        assert one["severity"] in SEVERITIES
        path = one["location"]["path"]
        assert path
        assert not path.startswith(("/", "./", "../"))
        assert one["location"]["lines"]["begin"] >= 1
    assert len({one["fingerprint"] for one in found}) == len(found)


def test_severities_and_places() -> None:
    found = issues(reports.bad_report())
    assert [one["severity"] for one in found] == ["blocker", "critical", "info", "info", "info"]
    assert found[0]["location"] == {
        "path": "minilm-copy/pytorch_model.bin", "lines": {"begin": 1},
    }  # fmt: skip


def test_fingerprints_survive_wording_and_severity() -> None:
    findings = reports.finding(), reports.finding(severity="low", message="other")
    one, other = (reports.report(reports.model(findings=(each,))) for each in findings)
    assert issues(one)[0]["fingerprint"] == issues(other)[0]["fingerprint"]


def test_the_first_of_equal_findings_keeps_its_fingerprint() -> None:
    once = issues(reports.report(reports.bad_model()))
    twice = issues(reports.report(reports.bad_model(), reports.bad_model()))
    assert [one["fingerprint"] for one in twice[: len(once)]] == [
        one["fingerprint"] for one in once
    ]


def test_waived_findings_stay_as_notes() -> None:
    found = issues(VALID["waived"])[0]
    assert found["severity"] == "info"
    assert found["description"].startswith("Waived (the loader uses weights_only=True): ")


def test_silence_is_an_entry() -> None:
    found = issues(VALID["gaps"])
    assert len(found) == MOST_GAPS + 1
    assert found[0]["description"] == "Not looked at: minilm-copy!a.zip!0.pkl: encrypted"
    assert found[-1]["description"].endswith("500 further parts that loading needs")
    (error,) = issues(VALID["unreadable"])
    assert "no such file" in error["description"]


def test_a_finding_without_words_has_a_description() -> None:
    empty = msgspec.structs.replace(reports.finding(), message="", rule="")
    (found,) = issues(reports.report(reports.model(findings=(empty,)), rules={}))
    assert (found["description"], found["check_name"]) == ("-", "-")
