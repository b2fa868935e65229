"""What a hook prints about scanned files: what is wrong, where, what to do, and nothing else."""

from __future__ import annotations

from itertools import islice
from typing import Final

from modelscan.dependencies.pages import SEVERITY, STYLES, ending, unlooked
from modelscan.report.page import Page
from modelscan.report.text import counted
from modelscan.report.writer import Output
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import Report
from modelscan.vocabulary.rule import SEVERITIES

_MOST: Final = 10
_MINOR: Final = ("info", "low")
"""Severities that a commit is not the moment for."""


class FilesPage:
    """Scanned files, on a terminal: the worst first, at most ten, then what was not read."""

    name = "terminal"

    def __init__(self, summary: str) -> None:
        """Take one line for people."""
        self._summary = summary

    def write(self, report: Report, output: Output) -> bytes:
        """See `Writer.write`."""
        page = Page(output)
        everything = output.detail == "verbose"
        findings = [each for model in report.models for each in model.findings]
        shown = [each for each in findings if everything or each.severity not in _MINOR]
        shown.sort(key=lambda each: -SEVERITIES.index(each.severity))
        for finding in islice(shown, None if everything else _MOST):
            _finding(page, finding)
        left = len(findings) - (len(shown) if everything else min(len(shown), _MOST))
        if left:
            page.paragraph(f"{counted(left, 'other finding')} (-v shows them)", 0, 1, "dim")
        unlooked(page, [gap for model in report.models for gap in model.coverage], everything=False)
        for model in report.models:
            if model.error is not None:
                page.paragraph(f"not looked at: {model.ref}: {model.error}", 0, 3)
        page.paragraph(self._summary, 0, 2)
        ending(page, report.decision.status, report.decision.exit_code)
        return page.bytes()


def _finding(page: Page, finding: Finding) -> None:
    head = page.style(finding.severity.ljust(SEVERITY), *STYLES[finding.severity])
    page.line(f"{head}{page.style(page.plain(finding.rule), 'bold')}")
    place = str(finding.location)
    if place not in finding.message:
        page.paragraph(place, SEVERITY, 2)
    page.paragraph(finding.message, SEVERITY, 3)
    if finding.waived is not None:
        page.paragraph(f"Waived: {finding.waived}", SEVERITY, 3, "dim")
    else:
        page.paragraph("Fix: " + " ".join(finding.fix.split()), SEVERITY, 5)
    page.line()
