"""Where a model comes from, as CycloneDX writes it: base models as ancestors, with their tier."""

from __future__ import annotations

from modelscan.report.claims import Claims, bases_of
from modelscan.report.cyclonedx.values import placed, properties
from modelscan.report.identity import of_base
from modelscan.report.kinship import merged, said
from modelscan.report.machine import Json, text
from modelscan.vocabulary.result import ModelReport

_ADDED = frozenset({"adapter", "low-rank"})
"""Relations in which weights were added to a base's."""


def pedigree(model: ModelReport, claims: Claims) -> Json:
    """The base models as ancestors, each with how well it is known. A denied descent names nobody.

    An adapter's weights are what was added to its base: a patch, of a kind that no vendor made.

    Args:
        model: its answer to "descends from what?", and what was measured.
        claims: what the model's files claim; further bases of a merge are taken from it.
    """
    lineage, measured = model.answers.descends_from, model.facts.lineage
    if lineage.base is None:
        return {}
    notes = f"relation: {lineage.status}; known by: {lineage.tier}; {text(lineage.reason)}"
    limits = dict.fromkeys(verdict["limits"] for verdict in said(measured))
    notes += "".join(f"; limits: {text(limit)}" for limit in limits)
    bases = bases_of(lineage, claims, measured)
    shares = {part.base: part.weight for part in merged(measured)}
    if not bases:
        return {"notes": f"base asked about: {text(lineage.base)}; {notes}"}
    return {
        "ancestors": [
            {
                "type": "machine-learning-model",
                **placed(of_base(base)),
                "properties": properties(
                    {"relation": relation, "tier": tier, "weight": _share(shares.get(base))}
                ),
            }
            for base, (relation, tier) in bases.items()
        ],
        **({"patches": [{"type": "unofficial"}]} if lineage.status in _ADDED else {}),
        "notes": notes,
    }


def _share(weight: float | None) -> str | None:
    return None if weight is None else f"{weight:g}"
