"""The findings, grouped by the rule that found them, the most severe group first.

What a rule says is printed once, and below it every place where it found something. A page stays
usable with thousands of places: the first ones are in view, the others behind a summary, and
evidence is behind one, too. What is left out of the page is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from modelscan.report.html.markup import (
    LONGEST_PROSE,
    code,
    copyable,
    data,
    definitions,
    marked,
    prose,
    reference,
    technique,
    text,
    weakness,
)
from modelscan.report.text import counted
from modelscan.report.verdicts import worst_first
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import ModelReport, RuleEntry
from modelscan.vocabulary.rule import Severity

MOST_FINDINGS = 10_000
"""Findings of one model on a page; the native report holds all of them."""
IN_VIEW = 25
"""Places of one rule that are in view at once."""
_MOST_FIELDS = 40
"""Fields of one finding's evidence."""


def findings(model: ModelReport, rules: dict[str, RuleEntry], anchor: str) -> Iterator[str]:
    """Every finding of one model, below the rule that found it, piece by piece."""
    if not model.findings:
        yield '<p class="empty">No rule found anything in what was looked at.</p>'
        return
    ordered = worst_first(model.findings)
    groups: dict[str, list[_Place]] = {}
    for number, finding in enumerate(ordered[:MOST_FINDINGS], 1):
        groups.setdefault(finding.rule, []).append(_Place(_anchor(anchor, number), finding))
    for rule, found in groups.items():
        yield from _group(found, rules.get(rule))
    hidden = len(ordered) - MOST_FINDINGS
    if hidden > 0:
        yield (
            f'<p class="hidden-count">and {hidden:,} more, none more severe than these; '
            "the report in the format json has all of them</p>"
        )


def badge(severity: Severity) -> str:
    """A severity as a word on its colour."""
    return f'<span class="badge sev-{severity}">{severity}</span>'


def first_places(model: ModelReport, anchor: str) -> dict[str, tuple[int, Severity, str]]:
    """By file: how many findings there are, the worst severity, and where the first stands."""
    seen: dict[str, tuple[int, Severity, str]] = {}
    for number, finding in enumerate(worst_first(model.findings)[:MOST_FINDINGS], 1):
        file = finding.location.file
        count, worst, place = seen.get(file, (0, finding.severity, _anchor(anchor, number)))
        seen[file] = (count + 1, worst, place)
    return seen


class _Place(NamedTuple):
    anchor: str
    finding: Finding


def _group(found: list[_Place], rule: RuleEntry | None) -> Iterator[str]:
    first = found[0].finding
    title = rule.title if rule else first.rule
    opened = "" if first.severity == "info" else " open"
    answer = first.answer.replace("_", " ")
    yield (
        f'<details class="group"{opened}><summary>{badge(first.severity)}'
        f"<h4>{marked(title)}</h4>"
        f'<span class="count">{counted(len(found), "place")}</span></summary>'
        f'<p class="rule">{code(first.rule)} <span>bears on: {answer}</span></p>'
        f'{_explained(rule) if rule else ""}<ol class="places">'
    )
    for place in found[:IN_VIEW]:
        yield _place(place, rule, first.severity)
    yield "</ol>"
    rest = found[IN_VIEW:]
    if rest:
        yield (
            f'<details class="rest"><summary>{counted(len(rest), "more place")}</summary>'
            f'<ol class="places" start="{IN_VIEW + 1}">'
        )
        for place in rest:
            yield _place(place, rule, first.severity)
        yield "</ol></details>"
    yield "</details>"


def _explained(rule: RuleEntry) -> str:
    """Why the rule exists, what to do, and where it stands in public taxonomies."""
    maps = rule.maps
    chips = (
        *(("MITRE ATLAS", technique(name)) for name in maps.atlas),
        *(("OWASP LLM", text(name)) for name in maps.owasp_llm),
        *(("CWE", weakness(name)) for name in maps.cwe),
    )
    mapped = "".join(f'<li><span class="kind">{kind}</span>{name}</li>' for kind, name in chips)
    read = "".join(f"<li>{reference(one)}</li>" for one in rule.references)
    return (
        '<div class="explained">'
        + _section("Why it matters", prose(rule.why))
        + _section("What to do", prose(rule.fix))
        + '</div><div class="sources">'
        + _section("Known as", f'<ul class="chips">{mapped}</ul>' if mapped else "")
        + _section("Read more", f'<ul class="chips">{read}</ul>' if read else "")
        + "</div>"
    )


def _section(title: str, content: str) -> str:
    return f"<div><h5>{title}</h5>{content}</div>" if content else ""


def _place(place: _Place, rule: RuleEntry | None, usual: Severity) -> str:
    finding = place.finding
    severity = "" if finding.severity == usual else badge(finding.severity)
    waived = ""
    if finding.waived is not None:
        waived = f'<p class="waived"><b>Waived:</b> {text(finding.waived, LONGEST_PROSE)}</p>'
    location = finding.location
    where = code(str(location)) if location.file else "<b>the model as a whole</b>"
    return (
        f'<li class="finding" id="{place.anchor}" data-severity="{finding.severity}" '
        f'data-file="{text(finding.location.file)}"><p class="where">{severity}'
        f'{where}<span class="confidence">confidence {finding.confidence}</span></p>'
        f'<p class="message">{text(finding.message, LONGEST_PROSE)}</p>'
        f"{_fix(finding, rule)}{waived}{_evidence(finding)}</li>"
    )


def _fix(finding: Finding, rule: RuleEntry | None) -> str:
    """The finding's own advice, unless its rule says the same above."""
    own = finding.fix.strip()
    if not own or (rule is not None and own == rule.fix.strip()):
        return ""
    return f'<div class="fix"><b>Fix</b>{prose(own)}</div>'


def _evidence(finding: Finding) -> str:
    fields = sorted(finding.evidence)
    pairs = [(name, data(finding.evidence[name])) for name in fields[:_MOST_FIELDS]]
    if len(fields) > _MOST_FIELDS:
        pairs.append(("and", counted(len(fields) - _MOST_FIELDS, "more field")))
    pairs.append(("identity", copyable(finding.identity, "identity")))
    return f"<details><summary>Evidence</summary>{definitions(pairs)}</details>"


def _anchor(model: str, number: int) -> str:
    """The id of a finding on the page, by its place among the model's findings."""
    return f"{model}-f{number}"
