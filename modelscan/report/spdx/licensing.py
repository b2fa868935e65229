"""Declared licences as SPDX elements; nothing is concluded about a licence.

Source: SPDX 3.0.1, SimpleLicensing profile: a term that is on no list is a `LicenseRef-`, whose
text is an element of the document.
"""

from __future__ import annotations

from modelscan.report.licences import identified
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
        """Relate a model to what it declares, and to nothing concluded."""
        declared = [
            self._licence(identifier, written)
            for identifier, written in identified(model.facts.licence)
        ]
        unique = list(dict.fromkeys(declared))
        self._graph.relate(iri, "hasDeclaredLicense", unique or [_NO_ASSERTION])
        self._graph.relate(iri, "hasConcludedLicense", [_NO_ASSERTION])

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
