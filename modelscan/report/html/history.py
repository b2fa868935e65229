"""Provenance in the order in which it happened, as far as it is known, and who says so.

Events with a date come first, by date; then what is known without one; the scan is the last. What
a hub says of a model (owner, dates, downloads) is its claim, and is called that. Below the timeline
stands what is no event: licences with their sources, and everything else by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from modelscan.report.html.markup import LONGEST_PROSE, code, data, definitions, text
from modelscan.report.html.tables import table
from modelscan.report.kinship import entries
from modelscan.report.text import counted
from modelscan.report.verdicts import verdicts
from modelscan.vocabulary.result import ModelReport, Report

MOST_EVENTS = 100
_DATE = re.compile(
    r"(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]"
    r"(?:[T ][0-9:.]{5,15}(?:Z|[+-][0-9:]{4,6})?)?"
)
"""ISO 8601, as hubs and certificates give it."""
_TOLD = frozenset({"repository", "history", "attestation", "licences", "signatures"})
"""Entries that are told in words, when they have the shape that `results` gives them."""
_SAME = frozenset({"released", "modified"})
"""Entries that repeat dates of the repository."""
_LICENCES = ("Licence", "As written", "Stated by", "Where", "Restricts")
_SIGNATURES = ("File", "Method", "Outcome", "Signer")


class _Event(NamedTuple):
    when: str
    what: str
    """A few words of ours, or the name of a field."""
    shown: str
    """HTML."""


def history(model: ModelReport, report: Report) -> str:
    """The timeline of one model, and what else is known of where it comes from."""
    said = model.facts.provenance
    told = {name for name in _TOLD if _fits(said.get(name))}
    skipped = told | (_SAME if "repository" in told else frozenset())
    noted = [_noted(name, value) for name, value in sorted(said.items()) if name not in skipped]
    dated = [*_hub(said), *_attested(said), *(event for event in noted if event.when)]
    events = sorted((event for event in dated if event.when), key=lambda event: event.when)
    events += _sourced(model)
    events += (event for event in dated if not event.when)
    others = [(event.what, event.shown) for event in noted if not event.when]
    hidden = len(events) - MOST_EVENTS
    shown = [*events[:MOST_EVENTS], _scan(model, report)]
    left = f"and {counted(hidden, 'more event')}"
    more = f'<p class="hidden-count">{left}</p>' if hidden > 0 else ""
    return (
        f'<ol class="timeline">{"".join(map(_item, shown))}</ol>{more}'
        f"{table('Licences', _LICENCES, _licences(said))}"
        f"{table('Signatures', _SIGNATURES, _signatures(said))}"
        f"{_repository(said)}{_section('Also known', others)}"
    )


def _fits(value: Any) -> bool:
    return bool(entries(value)) or (isinstance(value, dict) and bool(value))


def _noted(name: str, value: Any) -> _Event:
    if isinstance(value, str) and _DATE.fullmatch(value):
        return _Event(value, name.replace("_", " "), "")
    return _Event("", name.replace("_", " "), data(value))


def _hub(said: dict[str, Any]) -> Iterator[_Event]:
    """What the hub says happened."""
    repository, history = _table(said, "repository"), _table(said, "history")
    owner = f"by {code(_text(repository, 'owner'))}" if _text(repository, "owner") else ""
    if repository:
        created, changed = _text(repository, "created"), _text(repository, "modified")
        if created:
            yield _Event(_when(created), "Repository created, says the hub", owner)
        if changed and changed != created:
            yield _Event(_when(changed), "Repository last changed, says the hub", "")
    if _text(history, "date"):
        author = _text(history, "author")
        parts = [f"by {code(author)} (not authenticated)"] if author else []
        named = [one for one in _list(history, "named") if isinstance(one, str)]
        if named:
            parts.append("now " + ", ".join(code(one) for one in named[:5]))
        newer = history.get("newer")
        if isinstance(newer, int) and not isinstance(newer, bool) and 0 < newer < 1 << 31:
            parts.append(f"{counted(newer, 'newer commit')} on the default branch")
        shown = "; ".join(parts)
        yield _Event(_when(_text(history, "date")), "Commit made, says the hub", shown)


def _attested(said: dict[str, Any]) -> Iterator[_Event]:
    """A scan by somebody else, as far as its statement was accepted or refused."""
    found = _table(said, "attestation")
    if not found:
        return
    policies = [one for one in _list(found, "policies") if isinstance(one, str)]
    under = f" under policy {code(policies[0])}" if policies else ""
    verifier = _text(found, "verifier")
    by = f"by {code(verifier)}" if verifier else "by nobody that it names"
    shown = f"{by}{under}; {text(_text(found, 'note'), LONGEST_PROSE)}"
    what = f"Scan by somebody else: {_text(found, 'outcome') or 'not judged'}"
    yield _Event(_when(_text(found, "made")), what, shown)


def _sourced(model: ModelReport) -> Iterable[_Event]:
    """What the source, the verifier and the signature say."""
    source = model.source
    official, signed = model.answers.official_bytes, model.answers.signed
    asked = {one.key for one in verdicts(model.answers) if one.asked}
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
    elif "official_bytes" in asked:
        yield _Event("", "No release to hold it against", text(official.reason, LONGEST_PROSE))
    if signed.signer is not None:
        method = f" ({text(signed.method)})" if signed.method else ""
        said = f"{code(signed.signer)}{method}: {text(signed.status)}"
        yield _Event("", "Signed by", said)
    elif "signed" in asked:
        yield _Event("", f"Signature: {signed.status}", text(signed.reason, LONGEST_PROSE))


def _scan(model: ModelReport, report: Report) -> _Event:
    tool = f"{report.tool.name} {report.tool.version}, policy {report.policy.name}"
    return _Event(report.created, "Scanned", f"{text(tool)}: {text(model.answers.allowed.status)}")


def _licences(said: dict[str, Any]) -> list[list[str]]:
    """Who states which licence: the card, the weights, a text, the base."""
    return [
        [
            text(_text(one, "identifier")) or "not recognised",
            code(_text(one, "stated")),
            text(_text(one, "source")),
            code(_text(one, "file") or "."),
            text(", ".join(str(each) for each in _list(one, "restrictions")[:20])) or "–",  # noqa: RUF001  # a dash is meant
        ]
        for one in entries(said.get("licences"))
    ]


def _signatures(said: dict[str, Any]) -> list[list[str]]:
    return [
        [
            code(_text(one, "file") or "."),
            text(_text(one, "method")),
            text(_text(one, "outcome")),
            code(_text(one, "signer") or _text(one, "anchor") or "unknown"),
        ]
        for one in entries(said.get("signatures"))
    ]


def _repository(said: dict[str, Any]) -> str:
    """What the hub says of the repository that is no event. All of it is a claim."""
    found = _table(said, "repository")
    pairs = [
        (name.replace("_", " "), data(value))
        for name, value in sorted(found.items())
        if name not in {"created", "modified"}
    ]
    return _section("What the hub says of the repository (claims)", pairs)


def _section(title: str, pairs: list[tuple[str, str]]) -> str:
    return f"<details><summary>{title}</summary>{definitions(pairs)}</details>" if pairs else ""


def _table(said: dict[str, Any], name: str) -> dict[str, Any]:
    value = said.get(name)
    return value if isinstance(value, dict) else {}


def _list(found: dict[str, Any], name: str) -> list[Any]:
    value = found.get(name)
    return value if isinstance(value, list) else []


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else ""


def _when(value: str) -> str:
    return value if _DATE.fullmatch(value) else ""


def _item(event: _Event) -> str:
    when = f"<time>{text(event.when)}</time>" if event.when else "<span></span>"
    shown = f'<div class="shown">{event.shown}</div>' if event.shown else ""
    return f"<li>{when}<div><b>{text(event.what)}</b>{shown}</div></li>"
