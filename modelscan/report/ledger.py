"""What the terminal report says about silence: what was not looked at, and why.

Needed gaps are listed, by reason when there are many; the others are counted. "Nothing" is printed
only when every byte was read or hashed and no reader left anything out.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from modelscan.report.page import Page
from modelscan.report.text import cells, clip_middle, counted
from modelscan.report.verdicts import purpose
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import ModelReport

MOST_GAPS = 10
"""Needed gaps listed one by one; more are grouped by their reason."""
_MOST_REASONS = 20


def not_looked_at(page: Page, model: ModelReport) -> None:
    """Print the gaps of one model."""
    needed = [entry for entry in model.coverage if entry.needed]
    rest = Counter(
        entry.status for entry in model.coverage if not entry.needed and entry.status != "read"
    )
    kinds = ", ".join(f"{count:,} {status}" for status, count in sorted(rest.items()))
    what_for = purpose(model)
    others = f"{counted(sum(rest.values()), 'part')} that {what_for} does not need ({kinds})"
    if needed:
        _needed(page, needed, what_for)
        if rest:
            page.paragraph(f"Nor at {others}.", 0, 3)
    elif headers_alone(model):
        what = f"the data of {counted(headers_alone(model), 'file')} behind a header that was read"
        page.paragraph(f"Not looked at, nor hashed: {what}.", 0, 2)
    elif model.digest is None:
        page.paragraph("Not looked at: some bytes; -f json shows which files lack a digest.", 0, 2)
    elif rest:
        parsed = f"{counted(sum(rest.values()), 'other part')} ({kinds})"
        nothing = f"nothing that {what_for} needs"
        page.paragraph(f"Not looked at: {nothing}. Not parsed: {parsed}.", 0, 3)
    else:
        page.line("Not looked at: nothing.")


def headers_alone(model: ModelReport) -> int:
    """How many files were not fetched beyond their structure."""
    unhashed = {file.path for file in model.files if not file.digests}
    return len({gap.file for gap in model.coverage if gap.status == "header-only"} & unhashed)


def _needed(page: Page, gaps: list[Coverage], what_for: str) -> None:
    what = f"{counted(len(gaps), 'part')} that {what_for} needs"
    page.line(page.style(f"Not looked at: {what}.", "bold"))
    if len(gaps) <= MOST_GAPS:
        for gap in gaps:
            _gap(page, gap)
        return
    groups: dict[str, list[Coverage]] = defaultdict(list)
    for gap in gaps:
        groups[_why(gap)].append(gap)
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))
    for why, group in largest[:_MOST_REASONS]:
        if len(group) == 1:
            _gap(page, group[0])
        else:
            first = f"{counted(len(group), 'part')}, {_place(page, group[0])} the first"
            _pair(page, first, why)
    if len(largest) > _MOST_REASONS:
        hidden = sum(len(group) for _, group in largest[_MOST_REASONS:])
        page.line(f"  and {hidden:,} more (-f json has all)")


def _gap(page: Page, gap: Coverage) -> None:
    _pair(page, _place(page, gap), _why(gap))


def _pair(page: Page, what: str, why: str) -> None:
    """Print a thing and its reason, on one line if they fit."""
    both = f"{page.plain(what)}  {page.plain(why)}"
    if 2 + cells(both) <= page.width:
        page.line("  " + both)
    else:
        page.paragraph(what, 2, 2)
        page.paragraph(why, 6, 3)


def _place(page: Page, gap: Coverage) -> str:
    return clip_middle(page.plain(str(Location(gap.file, gap.member))), page.width, page.ellipsis)


def _why(gap: Coverage) -> str:
    return f"{gap.status}: {gap.reason}" if gap.reason else gap.status
