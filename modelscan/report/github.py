"""Format `github`: workflow commands, which GitHub Actions turns into annotations.

GitHub shows ten annotations of each level for one step and drops the others without a word. So ten
are written, the most severe first, and a plain line at the end counts what is not shown.

A message or a property that could end the command, or start another, is escaped as the runner's
toolkit does it: `%`, carriage return and line feed, in properties also `:` and `,`. The text of a
model never stands at the start of a line, and never on the plain one.

Source: GitHub documentation, "Workflow commands"; actions/toolkit, `command.ts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from modelscan._about import NAME
from modelscan.report.entries import shortfall
from modelscan.report.machine import prose, text
from modelscan.report.places import inside, place
from modelscan.report.residual import needed_parts
from modelscan.report.text import counted
from modelscan.report.writer import Output
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import ModelReport, Report
from modelscan.vocabulary.rule import SEVERITIES, Severity

MOST_OF_A_LEVEL = 10

Level = Literal["error", "warning", "notice"]

_LEVELS: dict[Severity, Level] = {
    "critical": "error", "high": "error", "medium": "warning", "low": "notice", "info": "notice",
}  # fmt: skip


class _Annotation(NamedTuple):
    level: Level
    model: ModelReport
    location: Location
    title: str
    message: str

    def command(self) -> str:
        """The workflow command, on one line."""
        shown = place(self.model, self.location)
        properties = {"file": shown.path, "line": str(shown.line), "title": self.title}
        listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
        return f"::{self.level} {listed}::{_data(self.message)}"


class GitHub:
    """Annotations of a step."""

    name = "github"

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`."""
        lines: list[str] = []
        shown: dict[Level, int] = {"error": 0, "warning": 0, "notice": 0}
        hidden = 0
        for annotation in _annotations(report):
            if shown[annotation.level] < MOST_OF_A_LEVEL:
                shown[annotation.level] += 1
                lines.append(annotation.command())
            else:
                hidden += 1
        return ("\n".join([*lines, _summary(report, hidden)]) + "\n").encode()


def _annotations(report: Report) -> Iterator[_Annotation]:
    """Everything to annotate: targets that failed, findings by severity, then gaps."""
    for model in report.models:
        if model.error is not None:
            yield _Annotation("error", model, Location(), "could not be read", text(model.error))
    found = [
        (model, finding)
        for model in report.models
        for finding in model.findings
        if finding.waived is None
    ]
    found.sort(key=lambda each: -SEVERITIES.index(each[1].severity))
    for model, finding in found:
        title = text(finding.rule) or "-"
        level = _LEVELS[finding.severity]
        yield _Annotation(level, model, finding.location, title, _message(model, finding))
    for model in report.models:
        for gap in model.coverage:
            if gap.needed:
                where = Location(gap.file, gap.member)
                message = f"{inside(model, where)}: {shortfall(gap)}"
                yield _Annotation("warning", model, where, "not looked at", message)


def _message(model: ModelReport, finding: Finding) -> str:
    place_inside = inside(model, finding.location)
    return f"{text(finding.message)} ({place_inside}) Fix: {prose(finding.fix)}"


def _summary(report: Report, hidden: int) -> str:
    findings = [finding for model in report.models for finding in model.findings]
    waived = sum(finding.waived is not None for finding in findings)
    gaps = needed_parts(report.models)
    parts = [
        f"{report.decision.status}: {counted(len(report.models), 'model')}",
        counted(len(findings), "finding") + (f" ({waived:,} waived)" if waived else ""),
    ]
    if gaps:
        parts.append(f"{gaps} not looked at")
    if hidden:
        parts.append(f"{hidden:,} not shown here (at most {MOST_OF_A_LEVEL} of each level)")
    return f"{NAME}: {', '.join(parts)}"


def _data(message: str) -> str:
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
