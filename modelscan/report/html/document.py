"""The page as a whole: one file that loads nothing and runs one script, its own.

- The content security policy allows the one style sheet and the one script by their hashes, and
  images in the page itself. There is no handler, no style attribute and no other address to load.
- Without the script everything is there; it adds search, filters, copying and the colour scheme.
- The same report gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from modelscan.report.containment import section
from modelscan.report.html.ancestry import graph
from modelscan.report.html.answers import cards, overview, status
from modelscan.report.html.containment import workloads
from modelscan.report.html.files import files
from modelscan.report.html.findings import badge, findings
from modelscan.report.html.gaps import gaps
from modelscan.report.html.history import history
from modelscan.report.html.markup import LONGEST_PROSE, code, text
from modelscan.report.html.trust import assumptions, decision, residual
from modelscan.report.residual import LIMITS
from modelscan.report.text import counted
from modelscan.report.verdicts import by_severity, extent, tone_of, verdicts
from modelscan.vocabulary.result import ModelReport, Report
from modelscan.vocabulary.rule import SEVERITIES

_WORDS = {
    "pass": "The policy allows this.",
    "fail": "The policy does not allow this.",
    "incomplete": "Something needed was not looked at, so nothing is decided.",
    "nothing": "Nothing to scan: no target holds a model or code.",
}
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M8 1l6 2v5c0 4-3 6-6 7-3-1-6-3-6-7V3z' fill='%233b6fd8'/%3E%3C/svg%3E"
)

_PARTS = (
    ("answers", "Answers"),
    ("findings", "Findings"),
    ("silence", "Not looked at"),
    ("lineage", "Lineage"),
    ("provenance", "Provenance"),
    ("decision", "Decision"),
    ("trust", "Trust and residual risk"),
    ("files", "Files"),
)
"""The parts of a model: the end of its id, and its title."""


def page(report: Report) -> Iterator[str]:
    """The whole document, ending in a line break, piece by piece."""
    style, script = _resource("page.css"), _resource("page.js")
    names = ", ".join(model.ref for model in report.models)
    title = text(f"{report.decision.status}: {names} · {report.tool.name} report", 200)
    several = overview(report.models) if len(report.models) > 1 else ""
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" '
        f'content="light dark"><title>{title}</title><link rel="icon" href="{_ICON}">'
        f"<style>{style}</style></head><body>"
        f'<a class="skip" href="#content">Skip to the report</a>{_header(report)}'
        f'<div class="frame">{_contents(report)}<main id="content" tabindex="-1">'
        f"{_tools(report)}{several}"
    )
    for number, model in enumerate(report.models, 1):
        yield from _model(model, report, f"m{number}")
    yield f"</main></div>{_footer(report)}<script>{script}</script></body></html>\n"


def _resource(name: str) -> str:
    from importlib.resources import files as resources  # lazy: only pages need it

    found = resources("modelscan.report.html").joinpath(name)
    return found.read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Content Security Policy, level 3: what the page may load and run."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _header(report: Report) -> str:
    outcome = report.decision
    tone = tone_of(outcome.status)
    counts = by_severity(tuple(one for model in report.models for one in model.findings))
    shown = "".join(
        f"<li>{badge(severity)} {count:,}</li>" for severity, count in counts.items() if count
    )
    size = counted(len(report.models), "model")
    return (
        f'<header class="top tone-{tone}"><div class="inner"><p class="product">'
        f"{text(report.tool.name)}<span>{text(report.tool.version)}</span></p>"
        f'<h1>{status(outcome.status, tone)} <span class="words">{_WORDS[outcome.status]}</span>'
        f'</h1><ul class="meta"><li>{size}</li><li>policy {code(report.policy.name)}</li>'
        f"<li>{text(report.created)}</li><li>exit code {outcome.exit_code}</li></ul>"
        f'<ul class="counts">{shown or "<li>no findings</li>"}</ul></div></header>'
    )


def _contents(report: Report) -> str:
    """The table of contents, beside the page where there is room."""
    short = len(report.models) > 1
    entries = "".join(
        f'<li><a href="#m{number}">{text(model.ref, 60) or "(no name)"}</a>'
        + ("" if short else _parts(model, f"m{number}"))
        + "</li>"
        for number, model in enumerate(report.models, 1)
    )
    return f'<nav class="contents" aria-label="Contents"><ol>{entries}</ol></nav>'


def _parts(model: ModelReport, anchor: str) -> str:
    if model.error is not None:
        return ""
    listed = "".join(
        f'<li><a href="#{anchor}-{part}">{name}</a></li>' for part, name in _parts_of(model)
    )
    return f"<ol>{listed}</ol>"


def _tools(report: Report) -> str:
    """Search and filters; the script shows them, since they do nothing without it."""
    counts = by_severity(tuple(one for model in report.models for one in model.findings))
    boxes = "".join(
        f'<label class="toggle sev-{severity}"><input type="checkbox" value="{severity}" checked>'
        f"{severity} <b>{counts[severity]:,}</b></label>"
        for severity in reversed(SEVERITIES)
        if counts[severity]
    )
    severities = (
        f'<fieldset><legend class="unseen">Severities to show</legend>{boxes}</fieldset>'
        if boxes
        else ""
    )
    return (
        '<div class="tools" role="search" aria-label="Findings and files" hidden>'
        '<label class="field"><span>Search <kbd>/</kbd></span><input type="search" id="query" '
        'autocomplete="off" spellcheck="false" placeholder="rule, message, digest"></label>'
        '<label class="field"><span>File</span><input type="search" id="in-file" '
        'autocomplete="off" spellcheck="false" placeholder="any"></label>'
        f'{severities}<div class="buttons"><button type="button" id="open-all">Open all</button>'
        '<button type="button" id="close-all">Close all</button>'
        '<button type="button" id="scheme">Dark</button></div>'
        '<p id="shown" role="status" aria-live="polite"></p></div>'
    )


def _model(model: ModelReport, report: Report, anchor: str) -> Iterator[str]:
    name = text(model.ref) or "(no name)"
    seen = "could not be read" if model.error is not None else " · ".join(extent(model))
    yield (
        f'<article class="model" id="{anchor}" aria-labelledby="{anchor}-name">'
        f'<div class="name"><h2 id="{anchor}-name">{name}</h2><p>{seen}</p></div>'
    )
    if model.error is None:
        yield from _body(model, report, anchor)
    else:
        yield (
            f'<p class="lead tone-gap"><b>Could not be read.</b> {text(model.error, LONGEST_PROSE)}'
            "</p><p>Nothing of it was looked at, so nothing is known about it.</p>"
        )
    yield "</article>"


def _body(model: ModelReport, report: Report, anchor: str) -> Iterator[str]:
    trust = (
        f'<div class="two"><div><h4>What the answers rest on</h4>{assumptions(model)}</div>'
        f"<div><h4>What risk is left</h4>{residual(model)}</div></div>"
    )
    content: dict[str, str | Iterator[str]] = {
        "answers": cards(model, anchor),
        "containment": workloads(model),
        "findings": findings(model, report.rules, anchor),
        "silence": gaps(model),
        "lineage": graph(model),
        "provenance": history(model, report),
        "decision": decision(model, report),
        "trust": trust,
        "files": files(model, anchor),
    }
    for part, name in _parts_of(model):
        yield f'<section class="part {part}" id="{anchor}-{part}"><h3>{name}</h3>'
        pieces = content[part]
        yield from (pieces,) if isinstance(pieces, str) else pieces
        yield "</section>"


def _parts_of(model: ModelReport) -> tuple[tuple[str, str], ...]:
    """The parts of a model, without that on a question which was not asked.

    A deployment has one more.
    """
    asked = {one.key for one in verdicts(model.answers) if one.asked}
    parts = tuple(part for part in _PARTS if part[0] != "lineage" or "descends_from" in asked)
    if section(model) is None:
        return parts
    return (*parts[:1], ("containment", "Containment"), *parts[1:])


def _footer(report: Report) -> str:
    return (
        f'<footer class="bottom"><p>{LIMITS}</p><p>{text(report.tool.name)} '
        f"{text(report.tool.version)} · rules {code(report.tool.rules_digest)} · "
        f"{text(report.schema)}</p></footer>"
    )
