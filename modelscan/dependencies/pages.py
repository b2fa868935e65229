"""How differences are shown to people: on a terminal, and in a pull request.

Invariants: text from code, locks and hubs is inert in both; what is left out is counted; the same
input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from modelscan.report.jsontext import encode
from modelscan.report.markdown import literal, prose
from modelscan.report.page import Page
from modelscan.report.text import counted
from modelscan.report.writer import Output, Writer
from modelscan.vocabulary.change import Diff, ModelDiff
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.result import Report

MARKER: Final = "<!-- modelassay-diff -->"
"""The first line of every comment, by which a job finds the comment to update."""
MOST_CHARACTERS: Final = 60_000
"""GitHub refuses a comment of more than 65,536."""
_PLACES: Final = 6
_MODELS: Final = 50
_GAPS: Final = 10
_LINES: Final = 12
_PHRASES: Final = 20
STYLES: Final = {
    "critical": ("bold", "red"), "high": ("red",), "medium": ("yellow",), "low": ("cyan",),
    "info": ("dim",),
}  # fmt: skip
SEVERITY: Final = 10


class DiffPage:
    """A difference, on a terminal: one paragraph for each model, then what the rules say of it."""

    name = "terminal"

    def __init__(self, diff: Diff, last: str = "", *, ending: bool = True) -> None:
        """Take the difference, a line to add, and whether to say what the policy makes of it."""
        self._diff = diff
        self._last = last
        self._ending = ending

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`."""
        page, diff = Page(output), self._diff
        shown = diff.models if output.detail == "verbose" else diff.models[:_MODELS]
        for model in shown:
            page.paragraph(model.summary, 0, _LINES, "bold" if _worst(model) else "dim")
            if output.detail != "quiet":
                _judged(page, model, notes=output.detail == "verbose")
            page.line()
        if len(shown) < len(diff.models):
            page.line(f"and {len(diff.models) - len(shown):,} more (-v shows them)")
        unlooked(page, diff.coverage, everything=output.detail == "verbose")
        page.paragraph(_total(diff), 0, 3, "bold")
        if self._last:
            page.paragraph(self._last, 0, 12)
        if self._ending:
            ending(page, diff.decision.status, diff.decision.exit_code)
        return page.bytes()


class DiffComment:
    """A difference, in Markdown: a comment for a pull request, folded and of bounded length."""

    name = "markdown"

    def __init__(self, diff: Diff) -> None:
        self._diff = diff

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`."""
        diff = self._diff
        lines = [MARKER, f"## Models: {prose(_total(diff))}", ""]
        room = MOST_CHARACTERS - 400
        for number, model in enumerate(diff.models):
            section = list(_section(model))
            room -= sum(len(line) + 1 for line in section)
            if room < 0:
                left = counted(len(diff.models) - number, "more model")
                lines += ["", f"and {left}; the format json has all of them."]
                break
            lines += section
        needed = [gap for gap in diff.coverage if gap.needed]
        if needed:
            lines += ["", f"Not looked at: {counted(len(needed), 'part')}."]
            lines += [f"- {literal(gap.file)}: {prose(gap.reason)}" for gap in needed[:_GAPS]]
        policy = f"policy {literal(diff.policy.name)}, exit code {diff.decision.exit_code}"
        lines += ["", f"<sub>{prose(diff.old)} → {prose(diff.new)}, {policy}</sub>"]
        return ("\n".join(lines) + "\n").encode()


class DiffDocument:
    """A difference as `modelassay-diff/1`."""

    name = "json"

    def __init__(self, diff: Diff) -> None:
        self._diff = diff

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`."""
        return encode(self._diff)


def shown(path: Path) -> str:
    """A path as seen from the working directory, when it lies there."""
    path, here = path.resolve(), Path.cwd().resolve()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)


def of_diff(diff: Diff, last: str = "", *, ending: bool = True) -> tuple[Writer, ...]:
    """The writers that show a difference as what it is, instead of as findings.

    Args:
        diff: the difference.
        last: a line to add on the terminal.
        ending: say there what the policy makes of it.
    """
    return DiffPage(diff, last, ending=ending), DiffComment(diff), DiffDocument(diff)


def _section(model: ModelDiff) -> Iterator[str]:
    worst = _worst(model)
    lead = f"**{worst}** " if worst else ""
    yield ""
    phrases = "; ".join(prose(change.phrase) for change in model.changes[:_PHRASES])
    more = len(model.changes) - _PHRASES
    yield f"{lead}{literal(model.ref)}: {phrases}{f'; and {more} more' if more > 0 else ''}."
    serious = [finding for finding in model.findings if finding.severity != "info"]
    if not serious:
        return
    yield ""
    yield f"<details><summary>{counted(len(serious), 'point')} to look at</summary>"
    yield ""
    for finding in serious[:_GAPS]:
        yield f"- **{finding.severity}** {literal(finding.rule)}"
        yield f"  <br>Fix: {prose(' '.join(finding.fix.split()))}"
        if finding.waived is not None:
            yield f"  <br>Waived: {prose(finding.waived)}"
    if len(serious) > _GAPS:
        yield f"- and {len(serious) - _GAPS:,} more"
    yield ""
    yield "</details>"


def _judged(page: Page, model: ModelDiff, *, notes: bool) -> None:
    said: set[tuple[str, str | None]] = set()
    for finding in model.findings:
        key = (finding.rule, finding.waived)
        if (finding.severity == "info" and not notes) or key in said:
            continue
        said.add(key)
        head = page.style(finding.severity.ljust(SEVERITY), *STYLES[finding.severity])
        page.line(f"  {head}{page.plain(finding.rule)}")
        page.paragraph("Fix: " + " ".join(finding.fix.split()), 2 + SEVERITY, 4)
        if finding.waived is not None:
            page.paragraph(f"Waived: {finding.waived}", 2 + SEVERITY, 3, "dim")


def unlooked(page: Page, gaps: Sequence[Coverage], *, everything: bool) -> None:
    """Add what was not looked at; with `everything`, also what was left out on purpose."""
    chosen = [gap for gap in gaps if gap.needed or everything]
    for gap in chosen if everything else chosen[:_GAPS]:
        word = "not looked at" if gap.needed else "left out"
        page.paragraph(f"{word}: {gap.file}: {gap.reason}", 0, 3)
    if len(chosen) > _GAPS and not everything:
        page.paragraph(f"and {len(chosen) - _GAPS:,} more (-v shows them)", 0, 1)
    if chosen:
        page.line()


def _worst(model: ModelDiff) -> str:
    return next((each.severity for each in model.findings if each.severity != "info"), "")


def _total(diff: Diff) -> str:
    if not diff.models:
        return f"No model changed ({counted(diff.unchanged, 'model')})."
    counts = [
        f"{count} {status}"
        for status in ("changed", "added", "removed")
        if (count := sum(model.status == status for model in diff.models))
    ]
    return f"{', '.join(counts)}, {diff.unchanged} unchanged."


def ending(page: Page, status: str, exit_code: int) -> None:
    """Add what the policy makes of it."""
    page.ends(f"Policy: {status}.", f"(exit {exit_code})")
