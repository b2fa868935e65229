"""Format `junit`: JUnit XML, which Jenkins, GitLab, Azure and Bitbucket show as test results.

A model is a test suite. Each of the five questions is a test case that passes, since an answer such
as "unknown" fails nothing by itself; the last one, "allowed", fails or errs as the policy decides.
Each rule that found something is a test case: it fails when one of its findings counts against a
model that the policy refuses (one of the baseline does not), it is skipped when all of them are
waived, and else it passes, with what was found in its output. So the tests are red exactly when the
scan is.

The text of a model is written with visible escapes, so that no character can be left that XML 1.0
(section 2.2) forbids. There is no official schema; the elements are those that all readers share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelscan._about import NAME
from modelscan.report.entries import shortfall
from modelscan.report.machine import LONGEST_NAME, prose, text
from modelscan.report.text import counted
from modelscan.report.verdicts import purpose, verdicts
from modelscan.report.waivers import waiver
from modelscan.report.writer import Output
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import ModelReport, Report
from modelscan.vocabulary.rule import CONFIDENCES, SEVERITIES

MOST_LINES = 1_000
"""Findings that one test case lists; more are counted."""
_MOST_GAPS = 1_000
_SEVERE, _SURE = SEVERITIES.index("high"), CONFIDENCES.index("medium")
"""From here on a finding counts, as in the default policy."""


class JUnit:
    """Test suites."""

    name = "junit"

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`."""
        suites = [_Suite(model, report) for model in report.models]
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites{_attributes(name=NAME, **_counts(suites))}>",
            *(line for suite in suites for line in suite.lines()),
            "</testsuites>",
        ]
        return ("\n".join(lines) + "\n").encode()


class _Case:
    """One test case, with what it came to."""

    def __init__(self, name: str, outcome: str, message: str, lines: Iterable[str] = ()) -> None:
        self.name = name
        self.outcome = outcome
        """`failure`, `error`, `skipped`, or empty for a case that passes."""
        self.message = message
        self.body = "\n".join(lines)

    def lines(self, suite: str) -> Iterator[str]:
        yield f"    <testcase{_attributes(classname=suite, name=self.name, time='0')}>"
        if self.outcome:
            tag = f"{self.outcome}{_attributes(message=self.message, type=self.name)}"
            yield f"      <{tag}>{_escaped(self.body)}</{self.outcome}>"
        else:
            said = "\n".join(part for part in (self.message, self.body) if part)
            yield f"      <system-out>{_escaped(said)}</system-out>"
        yield "    </testcase>"


class _Suite:
    """One model."""

    def __init__(self, model: ModelReport, report: Report) -> None:
        self.name = text(model.ref, LONGEST_NAME) or "."
        self.created = report.created
        self.properties = {
            "digest": text(model.digest or "none"),
            "policy": text(report.policy.name),
            "rules-digest": text(report.tool.rules_digest),
        }
        self.cases = [*_answers(model), *_rules(model, report), *_gaps(model)]

    def lines(self) -> Iterator[str]:
        stamp = self.created.removesuffix("Z")
        head = _attributes(name=self.name, **_counts([self]), time="0", timestamp=stamp)
        yield f"  <testsuite{head}>"
        yield "    <properties>"
        for name, value in self.properties.items():
            yield f"      <property{_attributes(name=name, value=value)}/>"
        yield "    </properties>"
        for case in self.cases:
            yield from case.lines(self.name)
        yield "  </testsuite>"


def _counts(suites: Iterable[_Suite]) -> dict[str, str]:
    outcomes = [case.outcome for suite in suites for case in suite.cases]
    return {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error")),
        "skipped": str(outcomes.count("skipped")),
    }


def _answers(model: ModelReport) -> Iterator[_Case]:
    for answer in verdicts(model.answers):
        outcome = "" if answer.asked else "skipped"
        if answer.key == "allowed":
            outcome = {"fail": "failure", "incomplete": "error"}.get(answer.status, "")
        said = f"{answer.status}: {text(answer.reason)}"
        yield _Case(f"answer: {answer.key}", outcome, said, [answer.question])


def _rules(model: ModelReport, report: Report) -> Iterator[_Case]:
    refused = model.answers.allowed.status == "fail"
    by_rule: dict[str, list[Finding]] = {}
    for finding in model.findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    for name, findings in by_rule.items():
        open_ones = [finding for finding in findings if finding.waived is None]
        outcome = "" if open_ones else "skipped"
        if refused and any(map(_counts_against, open_ones)):
            outcome = "failure"
        rule = report.rules.get(name)
        title = prose(rule.title) if rule is not None else text(name)
        message = f"{title} ({counted(len(findings), 'finding')})"
        yield _Case(text(name) or "-", outcome, message, _listed(findings))


def _counts_against(finding: Finding) -> bool:
    if finding.baseline == "unchanged":
        return False
    severe = SEVERITIES.index(finding.severity) >= _SEVERE
    return severe and CONFIDENCES.index(finding.confidence) >= _SURE


def _listed(findings: list[Finding]) -> Iterator[str]:
    for finding in findings[:MOST_LINES]:
        stated = waiver(finding.waived)
        waived = f" [waived: {stated.reason}]" if stated else ""
        where = text(str(finding.location), LONGEST_NAME)
        yield f"{finding.severity} {where}: {text(finding.message)}{waived}"
        yield f"  Fix: {prose(finding.fix)}"
    if len(findings) > MOST_LINES:
        yield f"and {len(findings) - MOST_LINES:,} more (-f json has all)"


def _gaps(model: ModelReport) -> Iterator[_Case]:
    """What was not looked at, as one case that errs."""
    gaps = [gap for gap in model.coverage if gap.needed]
    if not gaps:
        return
    lines = [
        f"{text(str(Location(gap.file, gap.member)), LONGEST_NAME)}: {shortfall(gap)}"
        for gap in gaps[:_MOST_GAPS]
    ]
    if len(gaps) > _MOST_GAPS:
        lines.append(f"and {len(gaps) - _MOST_GAPS:,} more (-f json has all)")
    message = f"{counted(len(gaps), 'part')} that {purpose(model)} needs"
    yield _Case("not looked at", "error", message, lines)


def _attributes(**values: str) -> str:
    return "".join(f' {name}="{_escaped(value)}"' for name, value in values.items())


def _escaped(plain: str) -> str:
    from html import escape  # lazy: it builds a table of a thousand entities

    return escape(plain)
