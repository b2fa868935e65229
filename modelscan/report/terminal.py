"""Format `terminal`: the report that a person reads first.

For each model: the five answers side by side, the findings with the most severe first and the fix
beside each, then what was not looked at. The limits of a scan are said once, at the end, with the
exit code. Nothing here ever calls a model safe or clean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container

from modelscan.report import containment, ledger, measured, steps
from modelscan.report.page import Page
from modelscan.report.residual import LIMITS, approved, attested
from modelscan.report.text import cells, clip, clip_middle, counted, size
from modelscan.report.verdicts import MARKS, Verdict, asked, unasked
from modelscan.report.writer import Output
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import Answers, ModelReport, Report
from modelscan.vocabulary.rule import SEVERITIES

MOST_FINDINGS = 50
"""Findings printed for one model; the native report holds all of them."""

_LABEL = 17
"""Columns of a question, its gap included."""
_STATUS = 13
"""The same of an answer, at least."""
_NARROW = 30
"""Columns that a reason needs beside its answer; where there are fewer, it stands below."""
_INDENT = 10
"""Columns of a severity, its gap included; what belongs to a finding stands to the right of it."""
_RULE = 40
"""Columns of a rule's id, where the page is wide enough."""
_SEVERITY_STYLE = {
    "critical": ("bold", "red"),
    "high": ("red",),
    "medium": ("yellow",),
    "low": ("cyan",),
    "info": ("dim",),
}
_SYMBOL_STYLE = {"✓": "green", "✗": "red", "~": "yellow", "–": "dim", "!": "yellow"}  # noqa: RUF001  # a dash is meant


class Terminal:
    """Plain or coloured text for people."""

    name = "terminal"

    def write(self, report: Report, output: Output) -> bytes:
        """See `Writer.write`."""
        page = Page(output)
        for model in report.models:
            _model(page, model, output)
            page.line()
        _ending(page, report)
        return page.bytes()


def _model(page: Page, model: ModelReport, output: Output) -> None:
    if model.error is not None:
        page.ends(page.plain(model.ref), "could not be read", "bold")
        page.paragraph(f"! {model.error}", 2, 8, "yellow")
        page.paragraph("Nothing of it was looked at, so nothing is known about it.", 2, 2)
        return
    page.ends(page.plain(model.ref), _extent(page, model), "bold")
    deployment = containment.section(model)
    if deployment is not None:
        containment.show(page, model, deployment, output)
        page.line()
        _answers(page, model.answers, {"allowed"})  # the one that is asked of a deployment
    else:
        _answers(page, model.answers)
        _attested(page, model)
    for said in approved(model):
        page.paragraph(f"Approved {said}", 2, 3)
    if output.detail != "quiet":
        shown = containment.beside(model) if output.detail == "normal" else model
        measured.measured(page, model)
        _findings(page, shown, notes=output.detail == "verbose")
        page.line()
        ledger.not_looked_at(page, model)
        steps.follow(page, model)


def _extent(page: Page, model: ModelReport) -> str:
    """How much there was, and how much of it was read: `12 files · 91.8 MB · all bytes read`."""
    unread = sum(1 for file in model.files if "sha256" not in file.digests)
    headers = ledger.headers_alone(model)
    if model.digest is not None:
        read = "all bytes read"
    elif unread and unread == headers:
        read = f"{counted(headers, 'file')} by header alone"
    elif unread:
        read = f"{counted(unread, 'file')} not read"
    else:
        read = "not all bytes read"
    parts = (counted(len(model.files), "file"), size(sum(file.size for file in model.files)), read)
    return f" {page.symbol('·')} ".join(parts)


def _answers(page: Page, answers: Answers, keys: Container[str] = ()) -> None:
    """The answers side by side, without those that the command did not ask for.

    Args:
        page: what they are printed on.
        answers: all five.
        keys: print these alone; none means every one that was asked for.
    """
    rows = [row for row in asked(answers) if row.key in keys or not keys]
    column = max(_STATUS, 2 + max(len(row.status) for row in rows))
    for row in rows:
        _answer(page, row, column)
    if not keys and unasked(answers):
        page.paragraph(unasked(answers), 2, 2, "dim")


def _answer(page: Page, row: Verdict, column: int) -> None:
    indent = 4 + _LABEL + column
    reason = row.reason
    if not row.named:
        reason = f"{row.short}: {reason}" if reason else row.short
    symbol = MARKS[row.tone]
    status = page.symbol(symbol) + " " + row.status.ljust(column)
    lead = "  " + row.label.ljust(_LABEL) + page.style(status, _SYMBOL_STYLE[symbol])
    if page.width - indent >= _NARROW:
        page.hanging(lead, reason, indent, 4)
    else:
        page.line(lead)
        page.paragraph(reason, 2 + _LABEL, 4)


def _attested(page: Page, model: ModelReport) -> None:
    """Who stated that somebody scanned it, where `verify` was given such a statement."""
    said = attested(model)
    if said:
        page.paragraph(f"Scan by somebody else: {said}", 2, 4)


def _findings(page: Page, model: ModelReport, *, notes: bool) -> None:
    order = {severity: -rank for rank, severity in enumerate(SEVERITIES)}
    findings = sorted(model.findings, key=lambda finding: order[finding.severity])
    shown = [finding for finding in findings if notes or finding.severity != "info"]
    longest = max((len(finding.rule) + 2 for finding in shown[:MOST_FINDINGS]), default=0)
    column = max(longest, _RULE) if page.width >= 2 * _RULE else longest
    for finding in shown[:MOST_FINDINGS]:
        page.line()
        _finding(page, finding, column)
    if len(shown) > MOST_FINDINGS:
        page.line()
        page.line(f"and {len(shown) - MOST_FINDINGS:,} more (-f json has all)")
    if len(shown) < len(findings):
        page.line()
        names = Counter(finding.rule for finding in findings[len(shown) :])
        listed = ", ".join(
            rule if count == 1 else f"{rule} ({count:,})" for rule, count in sorted(names.items())
        )
        total = counted(len(findings) - len(shown), "note")
        page.paragraph(f"{total}: {listed} (-v shows them)", 0, 4, "dim")


def _finding(page: Page, finding: Finding, column: int) -> None:
    head = page.style(finding.severity.ljust(_INDENT), *_SEVERITY_STYLE[finding.severity])
    rule = clip(page.plain(finding.rule), page.width - _INDENT, page.ellipsis)
    place = page.plain(str(finding.location))
    gap = max(column - cells(rule), 2)
    beside = _INDENT + cells(rule) + gap + cells(place) <= page.width
    page.line(head + page.style(rule + " " * gap + place if beside else rule, "bold"))
    if not beside:
        room = 2 * (page.width - _INDENT)
        page.paragraph(clip_middle(place, room, page.ellipsis), _INDENT, 3, "bold")
    page.paragraph(finding.message, _INDENT, 6)
    count = finding.evidence.get("count")
    if isinstance(count, int) and count > 1:
        page.paragraph(f"Seen {count:,} times; this is the first.", _INDENT, 1)
    if finding.fix:
        fix, _, command = finding.fix.partition("\n\n")  # what to type, if anything, comes last
        page.paragraph("Fix: " + " ".join(fix.split()), _INDENT, 4)
        if command:
            page.paragraph(" ".join(command.split()), _INDENT, 6)
    if finding.waived is not None:
        page.paragraph(f"Waived: {finding.waived}", _INDENT, 3, "dim")


def _ending(page: Page, report: Report) -> None:
    decision = report.decision
    if decision.status == "nothing":
        page.paragraph("Nothing to scan: no target holds a model or code.", 0, 2)
        page.line()
    elif len(report.models) > 1:
        outcomes = Counter(
            "could not be read" if model.error is not None else model.answers.allowed.status
            for model in report.models
        )
        parts = ", ".join(f"{count:,} {status}" for status, count in sorted(outcomes.items()))
        overall = f"{counted(len(report.models), 'model')}: {parts}."
        page.paragraph(f"{overall} Policy {report.policy.name}: {decision.status}.", 0, 3, "bold")
        page.line()
    page.closing(LIMITS, f"(exit {decision.exit_code})")
