"""The five answers as cards, and one line of them for a page of many models."""

from __future__ import annotations

from modelscan.report.html.markup import LONGEST_PROSE, code, definitions, text
from modelscan.report.verdicts import MARKS, Tone, Verdict, asked, extent, unasked, verdicts
from modelscan.vocabulary.result import ModelReport

_NEXT = {
    "load_hazards": ("findings", "Findings"),
    "official_bytes": ("files", "Files"),
    "signed": ("provenance", "Provenance"),
    "descends_from": ("lineage", "Lineage"),
    "allowed": ("decision", "Decision"),
}
"""The part of the page that holds an answer's evidence, by its id and title."""


def status(status: str, tone: Tone) -> str:
    """A status with its mark; the mark is a decoration, the word carries the meaning."""
    return (
        f'<span class="status tone-{tone}"><span class="mark" aria-hidden="true">{MARKS[tone]}'
        f"</span>{text(status)}</span>"
    )


def cards(model: ModelReport, anchor: str) -> str:
    """The five answers of one model.

    Args:
        model: the model.
        anchor: the start of the ids of its parts.
    """
    shown = "".join(_card(verdict, anchor) for verdict in asked(model.answers))
    left = unasked(model.answers)
    return f'<ul class="cards">{shown}</ul>' + (f"<p>{left}</p>" if left else "")


def overview(models: tuple[ModelReport, ...]) -> str:
    """One row of answers for each model of several."""
    heads = "".join(
        f'<th scope="col">{verdict.label}</th>' for verdict in verdicts(models[0].answers)
    )
    rows = "".join(_row(model, number) for number, model in enumerate(models, 1))
    return (
        '<div class="scroll" tabindex="0" role="group" aria-label="All models">'
        f'<table class="overview"><caption>All models</caption><thead><tr>'
        f'<th scope="col">Model</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _card(verdict: Verdict, anchor: str) -> str:
    part, title = _NEXT[verdict.key]
    subject = "" if verdict.named else f'<p class="subject">{code(verdict.subject)}</p>'
    details = definitions((name, text(value)) for name, value in verdict.details)
    return (
        f'<li class="card tone-{verdict.tone}"><h4>{verdict.label}</h4>'
        f"{status(verdict.status, verdict.tone)}{subject}"
        f'<p class="reason">{text(verdict.reason, LONGEST_PROSE)}</p>{details}'
        f'<p class="question">{verdict.question}</p>'
        f'<a class="evidence" href="#{anchor}-{part}">Evidence: {title}</a></li>'
    )


def _row(model: ModelReport, number: int) -> str:
    answers = "".join(
        f"<td>{status(one.status, one.tone) if one.asked else 'not asked'}</td>"
        for one in verdicts(model.answers)
    )
    read = "could not be read" if model.error is not None else " · ".join(extent(model))
    return (
        f'<tr><th scope="row"><a href="#m{number}">{text(model.ref, 200) or "(no name)"}</a>'
        f"<small>{read}</small></th>{answers}</tr>"
    )
