"""Findings as CycloneDX vulnerabilities: where tools that import a document look for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from modelscan._about import NAME
from modelscan.report.cyclonedx.components import ModelComponent
from modelscan.report.cyclonedx.values import Refs, properties
from modelscan.report.machine import Json, compact, prose, text
from modelscan.report.waivers import waiver
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import RuleEntry
from modelscan.vocabulary.rule import SEVERITIES, Maps

_SOURCE = {"name": NAME}
_JUSTIFICATIONS = {
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "vulnerable_code_cannot_be_controlled_by_adversary": "requires_environment",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}
"""OpenVEX's justifications in CycloneDX's words (`impactAnalysisJustification`); the fourth has no
exact counterpart: reaching the code takes an environment that the adversary does not have."""


_RATINGS: dict[str, list[Json]] = {
    severity: [{"source": _SOURCE, "severity": severity, "method": "other"}]
    for severity in SEVERITIES
}


class _Said(NamedTuple):
    """What a rule says of each of its findings: made once, and the same object in all of them."""

    cwes: list[int]
    why: str | None
    title: list[Json]
    taxonomies: list[Json]


class Vulnerabilities:
    """Findings as vulnerabilities.

    Args:
        rules: the report's entries for rules, some of which may be missing.
        refs: the document's references.
    """

    def __init__(self, rules: Mapping[str, RuleEntry], refs: Refs) -> None:
        self._rules = rules
        self._refs = refs
        self._said: dict[str, _Said] = {}

    def of(self, finding: Finding, component: ModelComponent) -> Json:
        """One finding, about a file of the model where there is one, else about the model.

        Args:
            finding: what was found.
            component: the model that it was found in.
        """
        said = self._said.get(finding.rule)
        if said is None:
            said = self._said[finding.rule] = _said(self._rules.get(finding.rule))
        entry: dict[str, Any] = {
            "bom-ref": self._refs.new("finding", component.ref, finding.identity),
            "id": text(finding.rule),
            "source": _SOURCE,
            "ratings": _RATINGS[finding.severity],
            "cwes": said.cwes,
            "description": text(finding.message),
            "detail": said.why,
            "recommendation": prose(finding.fix),
            "analysis": _analysis(finding.waived),
            "affects": [{"ref": component.file_refs.get(finding.location.file, component.ref)}],
            "properties": [
                *said.title,
                *properties(
                    {
                        "answer": finding.answer,
                        "confidence": finding.confidence,
                        "location": str(finding.location),
                        "identity": finding.identity,
                        "baseline": finding.baseline,
                    }
                ),
                *said.taxonomies,
            ],
        }
        return compact(entry)


def _said(rule: RuleEntry | None) -> _Said:
    if rule is None:
        return _Said([], None, [], [])
    title = properties({"title": prose(rule.title)})
    return _Said(_cwes(rule.maps), prose(rule.why), title, _taxonomies(rule.maps))


def _cwes(maps: Maps) -> list[int]:
    """`CWE-502` as 502."""
    numbers = (weakness.rpartition("-")[2] for weakness in maps.cwe)
    return sorted({int(number[:9]) for number in numbers if number.isdecimal() and int(number[:9])})


def _taxonomies(maps: Maps) -> list[Json]:
    return [
        entry
        for key, identifiers in (("atlas", maps.atlas), ("owasp-llm", maps.owasp_llm))
        for identifier in sorted(identifiers)
        for entry in properties({key: identifier})
    ]


def _analysis(waived: str | None) -> Json:
    """A waiver. Without a justification it accepts a finding, and states no exploitability."""
    found = waiver(waived)
    if found is None:
        return {}
    if not found.justification:
        return {"response": ["will_not_fix"], "detail": found.reason}
    justification = _JUSTIFICATIONS[found.justification]
    return {"state": "not_affected", "justification": justification, "detail": found.reason}
