"""Licences as CycloneDX writes them: an SPDX identifier if there is one, else a name.

What the model's files claim is *declared*. What a licence's own text in the model says is
*concluded*: it was recognised by its wording, whatever anybody calls it.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelscan.report.licences import by_text, identified
from modelscan.report.machine import Json, compact, text
from modelscan.vocabulary.result import ModelReport


def licences(model: ModelReport) -> list[Json]:
    """The `licenses` of a component: the declared ones, then the concluded ones, each sorted."""
    return [
        *_entries(model.facts.licence, "declared"),
        *_entries(by_text(model), "concluded"),
    ]


def found_licences(model: ModelReport) -> Json:
    """The evidence for what was concluded: the licences whose text lies in the model."""
    return compact({"licenses": _entries(by_text(model), "concluded")})


def _entries(stated: Iterable[str], acknowledgement: str) -> list[Json]:
    entries = []
    for identifier, written in identified(stated):
        choice: Json = {"id": identifier} if identifier else {"name": text(written)}
        entries.append({"license": {**choice, "acknowledgement": acknowledgement}})
    return entries
