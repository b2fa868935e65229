from __future__ import annotations

import re

import pytest

from modelscan.report.github import MOST_OF_A_LEVEL, GitHub
from modelscan.report.writer import Output
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import Report
from tests.forge import reports

VALID = reports.every_report()
COMMAND = re.compile(
    r"::(?P<level>error|warning|notice) file=(?P<file>[^:,]+),line=(?P<line>\d+),"
    r"title=(?P<title>[^:,]+)::(?P<message>.*)"
)
PLAIN = re.compile(r"modelassay: (pass|fail|incomplete|nothing): [\w, ()]+")


def lines(report: Report) -> list[str]:
    return GitHub().write(report, Output()).decode().removesuffix("\n").split("\n")


@pytest.mark.parametrize("name", VALID)
def test_every_line_is_one_command_and_the_last_is_plain(name: str) -> None:
    *commands, last = lines(VALID[name])
    assert all(COMMAND.fullmatch(one) for one in commands)
    assert PLAIN.fullmatch(last)
    for level in ("error", "warning", "notice"):
        assert sum(one.startswith(f"::{level} ") for one in commands) <= MOST_OF_A_LEVEL


def test_values_are_escaped_as_the_runner_decodes_them() -> None:
    one = reports.finding(location=Location("a,b:c%.bin", line=7), message="100 %\n::error::x")
    command, _ = lines(reports.report(reports.model(findings=(one,))))
    assert command.startswith("::error file=minilm-copy/a%2Cb%3Ac%25.bin,line=7,title=")
    assert r"::100 %25\n::error::x (minilm-copy!" in command


def test_what_is_not_shown_is_counted() -> None:
    found = lines(VALID["large"])
    assert len(found) == MOST_OF_A_LEVEL + 1
    assert found[-1] == (
        "modelassay: fail: 1 model, 2,000 findings, 1,990 not shown here (at most 10 of each level)"
    )


def test_waived_findings_are_counted_and_not_annotated() -> None:
    *commands, last = lines(VALID["waived"])
    assert [one for one in commands if "title=model-card-missing" in one] == commands
    assert last == "modelassay: pass: 1 model, 4 findings (3 waived)"


def test_gaps_and_unreadable_targets_are_annotated() -> None:
    assert lines(reports.report(reports.gap_model(), exit_code=3))[0] == (
        "::warning file=minilm-copy/a.zip,line=1,title=not looked at::"
        "minilm-copy!a.zip!0.pkl: encrypted"
    )
    assert lines(VALID["unreadable"])[0].startswith("::error file=gone,line=1,title=could not be")


def test_the_most_severe_come_first() -> None:
    levels = [one.split(" ")[0] for one in lines(reports.bad_report())[:-1]]
    assert levels == ["::error", "::error", "::notice", "::notice", "::notice"]
