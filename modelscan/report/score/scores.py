"""The score of a report: every element of every list, counted twice.

As JSON it is versioned like the native report: `modelassay-score/1`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from modelscan.report.machine import name
from modelscan.report.page import Page
from modelscan.report.score.measures import Status, Subject
from modelscan.report.score.standards import Standard
from modelscan.report.text import cells, clip
from modelscan.report.writer import Output
from modelscan.vocabulary.result import ModelReport, Report

SCHEMA = "modelassay-score/1"

_TITLE, _MARK = 36, 10
"""Columns of the table."""
_YES, _NO = "✓", "–"  # noqa: RUF001  # a dash is meant
NOTE = (
    "Present: the report says something. Verified: it was computed from the bytes, or rests on a "
    "digest or signature that was checked. Neither number is a certificate."
)


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One element of one list."""

    cluster: str
    title: str
    present: bool
    verified: bool
    status: Status
    value: str


class StandardScore(msgspec.Struct, frozen=True, kw_only=True):
    """One model held against one list."""

    standard: str
    title: str
    total: int
    present: int
    verified: int
    elements: tuple[Score, ...]


class ModelScore(msgspec.Struct, frozen=True, kw_only=True):
    """One model."""

    ref: str
    digest: str | None
    standards: tuple[StandardScore, ...]


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """A whole report."""

    schema: str = SCHEMA
    created: str
    """The time of the report, not of the scoring."""
    models: tuple[ModelScore, ...]


def score(report: Report, standards: Sequence[Standard]) -> Scores:
    """Hold every model of a report against these lists."""
    return Scores(
        created=report.created,
        models=tuple(_model(report, model, standards) for model in report.models),
    )


def table(scores: Scores, output: Output) -> bytes:
    """The scores for people: one line for each element, present and verified side by side."""
    page = Page(output)
    for model in scores.models:
        for standard in model.standards:
            _standard(page, model.ref, standard)
    if not scores.models:
        page.line("No models.")
    else:
        page.paragraph(NOTE, 0, 4)
    return page.bytes()


def _model(report: Report, model: ModelReport, standards: Iterable[Standard]) -> ModelScore:
    subject = Subject.of(report, model)
    return ModelScore(
        ref=name(model.ref),
        digest=model.digest,
        standards=tuple(_held_against(standard, subject) for standard in standards),
    )


def _held_against(standard: Standard, subject: Subject) -> StandardScore:
    elements = []
    for element in standard.elements:
        measured = element.measure(subject)
        elements.append(
            Score(
                cluster=element.cluster,
                title=element.title,
                present=measured.status != "absent",
                verified=measured.status == "verified",
                status=measured.status,
                value=measured.value,
            )
        )
    return StandardScore(
        standard=standard.key,
        title=standard.title,
        total=len(elements),
        present=sum(element.present for element in elements),
        verified=sum(element.verified for element in elements),
        elements=tuple(elements),
    )


def _standard(page: Page, ref: str, scored: StandardScore) -> None:
    counts = f"{scored.present} of {scored.total} present, {scored.verified} verified"
    page.ends(page.plain(ref), counts, "bold")
    page.line(page.style(scored.title, "dim"))
    cluster = ""
    for element in scored.elements:
        if element.cluster != cluster:
            cluster = element.cluster
            page.line()
            head = f"{cluster:<{_TITLE}}{'present':<{_MARK}}{'verified':<{_MARK}}"
            page.line(page.style(head.rstrip(), "bold"))
        marks = "".join(
            page.symbol(_YES if yes else _NO).ljust(_MARK)
            for yes in (element.present, element.verified)
        )
        lead = f"  {element.title:<{_TITLE - 2}}{marks}"
        value = page.plain(element.value)
        page.line(lead + clip(value, page.width - cells(lead), page.ellipsis))
    page.line()
