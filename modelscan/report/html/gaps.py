"""The ledger of silence: what was not looked at, needed gaps first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from modelscan.report.html.markup import code, text
from modelscan.report.text import counted
from modelscan.report.verdicts import purpose
from modelscan.vocabulary.coverage import Coverage, Status
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import ModelReport

MOST_GAPS = 1_000
"""Rows of one table; the native report holds all of them."""

_WORDS: dict[Status, str] = {
    "read": "read to the end",
    "header-only": "header read, payload not parsed",
    "skipped": "skipped",
    "truncated": "cut short",
    "unreadable": "could not be read",
    "encrypted": "encrypted",
    "unsupported": "in a form that no reader knows",
}


def gaps(model: ModelReport) -> str:
    """What one model's report is silent about."""
    needed = [entry for entry in model.coverage if entry.needed]
    others = [entry for entry in model.coverage if not entry.needed and entry.status != "read"]
    what_for = purpose(model)
    parts = [_counts(model.coverage)]
    if needed:
        parts.append(
            f'<p class="lead tone-bad"><b>{counted(len(needed), "part")} that {what_for} needs '
            f"{'was' if len(needed) == 1 else 'were'} not looked at.</b> "
            "Nothing is known about what is in there.</p>"
        )
        parts.append(_table("Needed, and not looked at", needed))
    elif model.error is not None or model.digest is None:
        parts.append('<p class="lead tone-gap">Some bytes were not read.</p>')
    elif others:
        parts.append(f'<p class="lead">Nothing that {what_for} needs was left out.</p>')
    else:
        parts.append('<p class="lead">Everything was looked at.</p>')
    if others:
        summary = f"<summary>{counted(len(others), 'part')} that {what_for} does not need</summary>"
        table = _table("Not needed, and not parsed", others)
        parts.append(f"<details>{summary}{table}</details>")
    return "".join(parts)


def _counts(coverage: Iterable[Coverage]) -> str:
    counts = Counter(entry.status for entry in coverage)
    shown = "".join(
        f"<li><b>{counts[status]:,}</b> {words}</li>"
        for status, words in _WORDS.items()
        if counts[status]
    )
    return f'<ul class="tally">{shown}</ul>' if shown else ""


def _table(caption: str, entries: list[Coverage]) -> str:
    rows = "".join(
        f'<tr data-file="{text(entry.file)}"><th scope="row">'
        f"{code(str(Location(entry.file, entry.member)))}</th>"
        f"<td>{_WORDS[entry.status]}</td><td>{text(entry.reason)}</td></tr>"
        for entry in entries[:MOST_GAPS]
    )
    hidden = len(entries) - MOST_GAPS
    more = f'<p class="hidden-count">and {hidden:,} more</p>' if hidden > 0 else ""
    return (
        f'<table class="gaps"><caption>{caption}</caption><thead><tr><th scope="col">Part</th>'
        '<th scope="col">What happened</th><th scope="col">Why</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>{more}"
    )
