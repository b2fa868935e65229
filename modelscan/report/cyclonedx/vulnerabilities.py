"""Findings as CycloneDX vulnerabilities: where tools that import a document look for them."""

from __future__ import annotations

from typing import Any

from modelscan._about import NAME
from modelscan.report.cyclonedx.components import ModelComponent
from modelscan.report.cyclonedx.values import Json, Refs, compact, properties, text
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import RuleEntry
from modelscan.vocabulary.rule import Maps

_SOURCE = {"name": NAME}


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
        "recommendation": text(finding.fix),
        "analysis": _analysis(finding.waived),
        "affects": [{"ref": component.file_refs.get(finding.location.file, component.ref)}],
        "properties": properties(
            {
                "title": rule.title if rule is not None else None,
                "answer": finding.answer,
                "confidence": finding.confidence,
                "location": str(finding.location),
                "identity": finding.identity,
            }
        )
        + _taxonomies(maps),
    }
    return compact(entry)


def _cwes(maps: Maps) -> list[int]:
    """`CWE-502` as 502."""
    numbers = (weakness.rpartition("-")[2] for weakness in maps.cwe)
    return sorted({int(number) for number in numbers if number.isdecimal() and int(number)})


def _taxonomies(maps: Maps) -> list[Json]:
    return [
        entry
        for key, identifiers in (("atlas", maps.atlas), ("owasp-llm", maps.owasp_llm))
        for identifier in sorted(identifiers)
        for entry in properties({key: identifier})
    ]


def _analysis(waived: str | None) -> Json:
    """A waiver. It accepts a finding without denying it, so it states no exploitability."""
    if waived is None:
        return {}
    return {"response": ["will_not_fix"], "detail": text(waived) or "waived"}
