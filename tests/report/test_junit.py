from __future__ import annotations

from xml.etree import ElementTree as ET  # of our own documents

import pytest

from modelscan.report.junit import MOST_LINES, JUnit
from modelscan.report.writer import Output
from modelscan.vocabulary.result import Report
from tests.forge import reports

VALID = reports.every_report()
OUTCOMES = ("failure", "error", "skipped")


def parsed(report: Report) -> ET.Element:
    return ET.fromstring(JUnit().write(report, Output()))  # noqa: S314  # our own document


def cases(report: Report) -> dict[str, tuple[str, str]]:
    """Outcome and message by name, of a report with one model."""
    return {
        case.attrib["name"]: next(
            ((child.tag, child.attrib["message"]) for child in case if child.tag in OUTCOMES),
            ("passed", case.findtext("system-out") or ""),
        )
        for case in parsed(report).iter("testcase")
    }


@pytest.mark.parametrize("name", VALID)
def test_documents_parse_and_their_counts_add_up(name: str) -> None:
    root = parsed(VALID[name])
    assert root.tag == "testsuites"
    assert len(root) == len(VALID[name].models)
    for element in (root, *root.iter("testsuite")):
        assert int(element.attrib["tests"]) == len(list(element.iter("testcase")))
        for outcome, count in (("failure", "failures"), ("error", "errors"), ("skipped",) * 2):
            assert int(element.attrib[count]) == len(list(element.iter(outcome)))


def test_answers_pass_but_the_policy_s_decides() -> None:
    found = cases(reports.bad_report())
    assert found["answer: load_hazards"][0] == "passed"
    assert found["answer: load_hazards"][1].startswith("found: pytorch_model.bin @2")
    assert found["answer: allowed"] == (
        "failure",
        "fail: policy default: 2 findings at or above high",
    )
    assert cases(VALID["clean"])["answer: allowed"][0] == "passed"


def test_rules_fail_only_when_the_policy_does() -> None:
    found = cases(reports.bad_report())
    assert found["pickle-dangerous-call"][0] == "failure"
    assert found["pickle-present"][0] == "passed"
    allowed = reports.model(findings=(reports.finding(),))
    assert cases(reports.report(allowed))["pickle-dangerous-call"][0] == "passed"


def test_unsure_findings_do_not_fail() -> None:
    one = reports.model(
        findings=(reports.finding(confidence="low"),), answers=reports.bad_answers()
    )
    assert cases(reports.report(one, exit_code=1))["pickle-dangerous-call"][0] == "passed"


def test_findings_of_the_baseline_do_not_fail() -> None:
    one = reports.model(
        findings=(reports.finding(baseline="unchanged"), reports.finding("new", baseline="new")),
        answers=reports.bad_answers(),
    )
    found = cases(reports.report(one, exit_code=1))
    assert found["pickle-dangerous-call"][0] == "passed"
    assert found["new"][0] == "failure"


def test_waived_findings_are_skipped_with_their_reason() -> None:
    root = parsed(VALID["waived"])
    (case,) = [
        one for one in root.iter("testcase") if one.attrib["name"] == "pickle-dangerous-call"
    ]
    skipped = case.find("skipped")
    assert skipped is not None
    assert "[waived: the loader uses weights_only=True]" in (skipped.text or "")


def test_gaps_and_unreadable_targets_are_errors() -> None:
    found = cases(VALID["gaps"])
    assert found["not looked at"] == ("error", "1,500 parts that loading needs")
    (_, second) = parsed(VALID["unreadable"])
    assert second.attrib["errors"] == "1"


def test_long_lists_are_cut_and_say_so() -> None:
    (case,) = [
        one for one in parsed(VALID["large"]).iter("testcase")
        if one.attrib["name"] == "pickle-dangerous-call"
    ]  # fmt: skip
    body = case[0].text or ""
    assert body.endswith(f"and {2_000 - MOST_LINES:,} more (-f json has all)")


def test_the_time_is_the_report_s() -> None:
    (suite,) = parsed(VALID["clean"])
    assert suite.attrib["timestamp"] == "2026-11-21T00:00:00"
