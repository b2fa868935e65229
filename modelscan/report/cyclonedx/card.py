"""What a model's files claim about it, as CycloneDX's model card and data components.

Only what was said is repeated, and nothing is filled in: an empty model card is no model card.
"""

from __future__ import annotations

from modelscan._about import NAME
from modelscan.report.claims import Claims, values
from modelscan.report.cyclonedx.values import Refs, properties
from modelscan.report.machine import Json, compact, name, text

_OTHERS = ("library", "language", "safeguards-removed")
"""Kinds of claims that the schema has no place for; they become properties of the card."""


class Datasets:
    """The data components of a document: one for each dataset, whoever claims it."""

    def __init__(self, refs: Refs) -> None:
        self._refs = refs
        self._known: dict[str, str] = {}

    def refs(self, names: list[str]) -> list[str]:
        """References to these datasets, which become components when they are new."""
        for one in names:
            if one not in self._known:
                self._known[one] = self._refs.new("data", one)
        return [self._known[one] for one in names]

    def components(self) -> list[Json]:
        """All of them, sorted by name. There are no bytes of a dataset here, so no hash either."""
        return [
            {
                "type": "data",
                "bom-ref": ref,
                "name": name(one),
                "data": [{"type": "dataset", "name": name(one)}],
                "properties": properties({"status": "declared"}),
            }
            for one, ref in sorted(self._known.items())
        ]


def model_card(claims: Claims, ref: str, datasets: list[str]) -> Json:
    """The model card, or nothing.

    Args:
        claims: what the model's files claim.
        ref: the `bom-ref` of the card.
        datasets: references to the data components that the model claims to be trained on.
    """
    card = compact(
        {
            "modelParameters": compact(
                {
                    "task": _joined(claims, "task"),
                    "modelArchitecture": _joined(claims, "architecture"),
                    "datasets": [{"ref": dataset} for dataset in datasets],
                }
            ),
            "properties": [
                {"name": f"{NAME}:{kind}", "value": text(value)}
                for kind in _OTHERS
                for value in values(claims, kind)
            ],
        }
    )
    return {"bom-ref": ref, **card} if card else {}


def _joined(claims: Claims, kind: str) -> str:
    return text(", ".join(values(claims, kind)))
