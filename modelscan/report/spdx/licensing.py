"""Licences as SPDX elements: declared ones, and those concluded from their own text.

Source: SPDX 3.0.1, SimpleLicensing profile: a term that is on no list is a `LicenseRef-`, whose
text is an element of the document.
"""

from __future__ import annotations

from modelscan.report.licences import by_text, identified
from modelscan.report.machine import Json, stable, text
from modelscan.report.spdx.graph import Graph
from modelscan.vocabulary.result import ModelReport

_NO_ASSERTION = "expandedlicensing_NoAssertionLicense"


class Licensing:
    """The licences of a document, each once."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[str, str] = {}

    def add(self, model: ModelReport, iri: str) -> None:
        """Relate a model to what it declares, and to what the texts in it were recognised as."""
        for relation, stated in (
            ("hasDeclaredLicense", model.facts.licence),
            ("hasConcludedLicense", by_text(model)),
        ):
            found = [self._licence(*licence) for licence in identified(stated)]
            self._graph.relate(iri, relation, list(dict.fromkeys(found)) or [_NO_ASSERTION])

    def _licence(self, identifier: str | None, written: str) -> str:
        key = identifier or f"LicenseRef-{stable(written)[:16]}"
        if key not in self._known:
            members: Json = {"simplelicensing_licenseExpression": key}
            if identifier is None:
                terms = self._graph.add(
                    "simplelicensing_SimpleLicensingText",
                    self._graph.iri("terms", written),
                    {
                        "name": text(written),
                        "simplelicensing_licenseText": text(written),
                        "comment": "The name by which the model declares its licence.",
                    },
                )
                entry = {"type": "DictionaryEntry", "key": key, "value": terms}
                members["simplelicensing_customIdToUri"] = [entry]
            self._known[key] = self._graph.add(
                "simplelicensing_LicenseExpression", self._graph.iri("licence", key), members
            )
        return self._known[key]
