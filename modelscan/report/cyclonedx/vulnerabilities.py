"""Findings as CycloneDX vulnerabilities: where tools that import a document look for them."""

from __future__ import annotations

from typing import Any

from modelscan._about import NAME
from modelscan.report.cyclonedx.components import ModelComponent
from modelscan.report.cyclonedx.values import Refs, properties
from modelscan.report.machine import Json, compact, prose, text
from modelscan.report.waivers import waiver
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import RuleEntry
from modelscan.vocabulary.rule import Maps

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


def vulnerability(
    finding: Finding, rule: RuleEntry | None, component: ModelComponent, refs: Refs
) -> Json:
    """One finding, about a file of the model where there is one, else about the model.

    Args:
        finding: what was found.
        rule: the report's entry for its rule; `None` when the report lacks it.
        component: the model that it was found in.
        refs: the document's references.
    """
    maps = rule.maps if rule is not None else Maps()
    entry: dict[str, Any] = {
        "bom-ref": refs.new("finding", component.ref, finding.identity),
        "id": text(finding.rule),
        "source": _SOURCE,
        "ratings": [{"source": _SOURCE, "severity": finding.severity, "method": "other"}],
        "cwes": _cwes(maps),
        "description": text(finding.message),
        "detail": prose(rule.why) if rule is not None else None,
        "recommendation": prose(finding.fix),
        "analysis": _analysis(finding.waived),
        "affects": [{"ref": component.file_refs.get(finding.location.file, component.ref)}],
        "properties": properties(
            {
                "title": prose(rule.title) if rule is not None else None,
                "answer": finding.answer,
                "confidence": finding.confidence,
                "location": str(finding.location),
                "identity": finding.identity,
                "baseline": finding.baseline,
            }
        )
        + _taxonomies(maps),
    }
    return compact(entry)


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
