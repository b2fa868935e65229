"""Where a model comes from, as CycloneDX writes it: base models as ancestors, with their tier."""

from __future__ import annotations

from modelscan.report.claims import Claims, bases_of
from modelscan.report.cyclonedx.values import placed, properties
from modelscan.report.identity import of_base
from modelscan.report.machine import Json, text
from modelscan.vocabulary.ancestry import Lineage


def pedigree(lineage: Lineage, claims: Claims) -> Json:
    """The base models as ancestors, each with how well it is known. A denied descent names nobody.

    Args:
        lineage: the answer to "descends from what?".
        claims: what the model's files claim; further bases of a merge are taken from it.
    """
    if lineage.base is None:
        return {}
    notes = f"relation: {lineage.status}; known by: {lineage.tier}; {text(lineage.reason)}"
    bases = bases_of(lineage, claims)
    if not bases:
        return {"notes": f"base asked about: {text(lineage.base)}; {notes}"}
    return {
        "ancestors": [
            {
                "type": "machine-learning-model",
                **placed(of_base(base)),
                "properties": properties({"relation": relation, "tier": tier}),
            }
            for base, (relation, tier) in bases.items()
        ],
        "notes": notes,
    }
