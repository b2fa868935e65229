"""Provenance in the order in which it happened, as far as it is known.

Events with a date come first, by date; then what is known without one; the scan is the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from modelscan.report.html.markup import LONGEST_PROSE, code, data, text
from modelscan.report.text import counted
from modelscan.vocabulary.result import ModelReport, Report

MOST_EVENTS = 100
_DATE = re.compile(
    r"(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]"
    r"(?:[T ][0-9:.]{5,15}(?:Z|[+-][0-9:]{4,6})?)?"
)
"""ISO 8601, as hubs and certificates give it."""


class _Event(NamedTuple):
    when: str
    what: str
    """A few words of ours, or the name of a field."""
    shown: str
    """HTML."""


def history(model: ModelReport, report: Report) -> str:
    """The timeline of one model."""
    noted = [_noted(name, value) for name, value in sorted(model.facts.provenance.items())]
    events = sorted((event for event in noted if event.when), key=lambda event: event.when)
    events += _sourced(model)
    events += (event for event in noted if not event.when)
    hidden = len(events) - MOST_EVENTS
    shown = [*events[:MOST_EVENTS], _scan(model, report)]
    left = f"and {counted(hidden, 'more event')}"
    more = f'<p class="hidden-count">{left}</p>' if hidden > 0 else ""
    return f'<ol class="timeline">{"".join(map(_item, shown))}</ol>{more}'


def _noted(name: str, value: Any) -> _Event:
    if isinstance(value, str) and _DATE.fullmatch(value):
        return _Event(value, name.replace("_", " "), "")
    return _Event("", name.replace("_", " "), data(value))


def _sourced(model: ModelReport) -> Iterable[_Event]:
    """What the source, the verifier and the signature say."""
    source = model.source
    official, signed = model.answers.official_bytes, model.answers.signed
    if source.asked_revision is not None:
        yield _Event("", "Revision asked for", code(source.asked_revision))
    if source.revision is not None:
        yield _Event("", "Commit, as the source states it", code(source.revision))
    taken = text(source.kind) + (f" {code(source.endpoint)}" if source.endpoint else "")
    yield _Event("", "Taken from", taken)
    if official.release is not None:
        stated = f", stated by {text(official.assurance)}" if official.assurance else ""
        said = f"{code(official.release)}: {text(official.status)}{stated}"
        yield _Event("", "Held against a release", said)
    else:
        yield _Event("", "No release to hold it against", text(official.reason, LONGEST_PROSE))
    if signed.signer is not None:
        method = f" ({text(signed.method)})" if signed.method else ""
        said = f"{code(signed.signer)}{method}: {text(signed.status)}"
        yield _Event("", "Signed by", said)
    else:
        yield _Event("", f"Signature: {signed.status}", text(signed.reason, LONGEST_PROSE))


def _scan(model: ModelReport, report: Report) -> _Event:
    tool = f"{report.tool.name} {report.tool.version}, policy {report.policy.name}"
    return _Event(report.created, "Scanned", f"{text(tool)}: {text(model.answers.allowed.status)}")


def _item(event: _Event) -> str:
    when = f"<time>{text(event.when)}</time>" if event.when else "<span></span>"
    shown = f'<div class="shown">{event.shown}</div>' if event.shown else ""
    return f"<li>{when}<div><b>{text(event.what)}</b>{shown}</div></li>"
