"""How a check of a lock is shown to people: one block for each rule, its places, and the fix once.

Invariants: as in `pages`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from modelscan.dependencies.pages import MOST_CHARACTERS, SEVERITY, STYLES, ending, unlooked
from modelscan.report.markdown import literal, prose
from modelscan.report.page import Page
from modelscan.report.text import counted
from modelscan.report.writer import Output, Writer
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import Report

MARKER: Final = "<!-- modelassay-lock-check -->"
"""The first line of every comment, by which a job finds the comment to update."""
_PLACES: Final = 6
_FOLDED: Final = 30


def of_check(summary: str) -> tuple[Writer, ...]:
    """The writers that show a check as what it is, instead of as five answers.

    Args:
        summary: one line for people.
    """
    return CheckPage(summary), CheckComment(summary)


class CheckPage:
    """A check of a lock, on a terminal: one block for each rule, its places, and the fix once."""

    name = "terminal"

    def __init__(self, summary: str) -> None:
        self._summary = summary

    def write(self, report: Report, output: Output) -> bytes:
        """See `Writer.write`."""
        page = Page(output)
        if output.detail != "quiet":
            findings = [finding for model in report.models for finding in model.findings]
            for rule, group in groupby(_by_rule(findings), key=lambda finding: finding.rule):
                _block(page, rule, list(group), report, everything=output.detail == "verbose")
            unread = [gap for model in report.models for gap in model.coverage]
            unlooked(page, unread, everything=output.detail == "verbose")
        page.paragraph(self._summary, 0, 4, "bold")
        ending(page, report.decision.status, report.decision.exit_code)
        return page.bytes()


class CheckComment:
    """A check of a lock, in Markdown: a comment for a pull request, folded and bounded."""

    name = "markdown"

    def __init__(self, summary: str) -> None:
        self._summary = summary

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`."""
        findings = [finding for model in report.models for finding in model.findings]
        lines = [MARKER, f"## Lock: {report.decision.status}", "", prose(self._summary)]
        room = MOST_CHARACTERS - sum(len(line) + 1 for line in lines) - 400
        groups = [
            list(group) for _, group in groupby(_by_rule(findings), key=lambda each: each.rule)
        ]
        for number, group in enumerate(groups):
            section = list(_section(group, report))
            room -= sum(len(line) + 1 for line in section)
            if room < 0:
                left = counted(len(groups) - number, "more rule")
                lines += ["", f"and {left} broken; the format json has all of them."]
                break
            lines += section
        unread = sum(gap.needed for model in report.models for gap in model.coverage)
        if unread:
            lines += ["", f"Not looked at: {counted(unread, 'part')}."]
        policy = literal(report.policy.name)
        lines += ["", f"<sub>policy {policy}, exit code {report.decision.exit_code}</sub>"]
        return ("\n".join(lines) + "\n").encode()


def _section(findings: Sequence[Finding], report: Report) -> Iterator[str]:
    first = findings[0]
    yield ""
    yield f"**{first.severity}** {literal(first.rule)}: {prose(report.rules[first.rule].title)}."
    yield f"<br>Fix: {prose(' '.join(first.fix.split()))}"
    yield ""
    yield f"<details><summary>{counted(len(findings), 'place')}</summary>"
    yield ""
    for finding in findings[:_FOLDED]:
        place, ref = _place(finding)
        yield "- " + " ".join(literal(part) for part in (place, ref) if part)
    if len(findings) > _FOLDED:
        yield f"- and {len(findings) - _FOLDED:,} more"
    yield ""
    yield "</details>"


def _place(finding: Finding) -> tuple[str, str]:
    """Where a finding is, and which model it is about."""
    place = str(finding.location) if finding.location.file else ""
    named = finding.evidence.get("ref") or finding.evidence.get("repository") or ""
    return place, str(named)


def _block(
    page: Page, rule: str, findings: Sequence[Finding], report: Report, *, everything: bool
) -> None:
    """One rule: what is wrong, where, and what to do."""
    first = findings[0]
    if first.severity == "info" and not everything:
        page.paragraph(f"{counted(len(findings), 'note')}: {rule} (-v shows them)", 0, 2, "dim")
        page.line()
        return
    head = page.style(first.severity.ljust(SEVERITY), *STYLES[first.severity])
    title = report.rules[rule].title
    page.line(head + page.style(rule, "bold"))
    page.paragraph(f"{title}.", SEVERITY, 2)
    shown = findings if everything else findings[:_PLACES]
    for finding in shown:
        text = "  ".join(part for part in _place(finding) if part)
        if finding.waived is not None:
            text += f"  (waived: {finding.waived})"
        page.paragraph(text, SEVERITY, 3)
    if len(shown) < len(findings):
        left = len(findings) - len(shown)
        page.paragraph(f"and {left:,} more (-v shows them)", SEVERITY, 1, "dim")
    page.paragraph("Fix: " + " ".join(first.fix.split()), SEVERITY, 4)
    page.line()


def _by_rule(findings: Iterable[Finding]) -> list[Finding]:
    """Findings with those of one rule together, in the order of the worst."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.rule, []).append(finding)
    return [finding for group in found.values() for finding in group]
