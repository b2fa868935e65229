"""MITRE ATLAS, OWASP and CWE as SARIF taxonomies, with the identifiers that the rules refer to.

Source: SARIF 2.1.0 sections 3.14.8 `taxonomies`, 3.19.22 `taxa` and 3.53 `relationships`.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelscan.report.machine import Json, compact, text
from modelscan.vocabulary.rule import Maps

_ATLAS, _OWASP, _CWE = "MITRE ATLAS", "OWASP Top 10 for LLM Applications", "CWE"
_HOMES = {
    _ATLAS: ("MITRE", "https://atlas.mitre.org/"),
    _OWASP: ("OWASP", "https://genai.owasp.org/llm-top-10/"),
    _CWE: ("MITRE", "https://cwe.mitre.org/"),
}


def identifiers(maps: Maps) -> dict[str, list[str]]:
    """The identifiers of a rule, sorted, by the taxonomy that they belong to."""
    return {
        _ATLAS: sorted({text(one) for one in maps.atlas}),
        _OWASP: sorted({text(one) for one in maps.owasp_llm}),
        _CWE: sorted({text(one) for one in maps.cwe}),
    }


class Taxonomies:
    """The taxonomies of a run.

    Args:
        all_maps: where each rule of the run stands in them.
    """

    def __init__(self, all_maps: Iterable[Maps]) -> None:
        used: dict[str, set[str]] = {name: set() for name in _HOMES}
        for maps in all_maps:
            for name, found in identifiers(maps).items():
                used[name].update(found)
        self._taxa = {name: sorted(found) for name, found in used.items() if found}
        self._place = {
            (name, identifier): (component, index)
            for component, (name, found) in enumerate(self._taxa.items())
            for index, identifier in enumerate(found)
        }

    def supported(self) -> list[Json]:
        """`supportedTaxonomies` of the driver."""
        return [{"name": name, "index": index} for index, name in enumerate(self._taxa)]

    def components(self) -> list[Json]:
        """`taxonomies` of the run."""
        return [
            {
                "name": name,
                "organization": _HOMES[name][0],
                "informationUri": _HOMES[name][1],
                "shortDescription": {"text": name},
                "taxa": [_taxon(name, identifier) for identifier in found],
            }
            for name, found in self._taxa.items()
        ]

    def relationships(self, maps: Maps) -> list[Json]:
        """`relationships` of one rule."""
        related = []
        for name, found in identifiers(maps).items():
            for identifier in found:
                component, index = self._place[name, identifier]
                target = {
                    "id": identifier,
                    "index": index,
                    "toolComponent": {"name": name, "index": component},
                }
                related.append({"target": target, "kinds": ["relevant"]})
        return related


def _taxon(name: str, identifier: str) -> Json:
    """One entry. Only CWE's pages can be named by the number alone, without risk of a dead link."""
    number = identifier.removeprefix("CWE-")
    page = None
    if name == _CWE and number.isascii() and number.isdecimal():
        page = f"https://cwe.mitre.org/data/definitions/{number}.html"
    return compact({"id": identifier, "helpUri": page})
