"""Findings as SPDX vulnerabilities with VEX assessments: one vulnerability for each rule.

Source: SPDX 3.0.1, Security profile.
"""

from __future__ import annotations

from modelscan.report.machine import Json, prose, text
from modelscan.report.spdx.graph import Graph
from modelscan.report.waivers import Waiver, waiver
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import RuleEntry
from modelscan.vocabulary.rule import Maps


class Assessments:
    """The vulnerabilities of a document.

    Args:
        graph: the document.
        rules: the report's rules.
    """

    def __init__(self, graph: Graph, rules: dict[str, RuleEntry]) -> None:
        self._graph = graph
        self._rules = rules
        self._known: dict[str, str] = {}

    def add(self, finding: Finding, element: str) -> None:
        """Assess one element.

        Args:
            finding: what was found.
            element: identifier of the file, or of the model where there is no file.
        """
        stated = waiver(finding.waived)
        members: Json = {
            "from": self._vulnerability(finding.rule),
            "to": [element],
            "security_assessedElement": element,
            "security_vexVersion": "1",
            "security_statusNotes": f"{text(str(finding.location))}: {text(finding.message)}",
            "comment": f"severity: {finding.severity}; confidence: {finding.confidence}",
        }
        iri = self._graph.iri("assessment", element, finding.rule, finding.identity)
        if stated is not None and stated.justification:
            self._not_affected(iri, members, stated)
            return
        action = f"Accepted by a waiver: {stated.reason}" if stated else prose(finding.fix)
        members["relationshipType"] = "affects"
        members["security_actionStatement"] = action or "No fix is known."
        self._graph.add("security_VexAffectedVulnAssessmentRelationship", iri, members)

    def _not_affected(self, iri: str, members: Json, stated: Waiver) -> None:
        members["relationshipType"] = "doesNotAffect"
        members["security_justificationType"] = _camel(stated.justification)
        members["security_impactStatement"] = stated.reason
        self._graph.add("security_VexNotAffectedVulnAssessmentRelationship", iri, members)

    def _vulnerability(self, name: str) -> str:
        if name not in self._known:
            rule = self._rules.get(name)
            maps = rule.maps if rule is not None else Maps()
            weaknesses = [
                {"type": "ExternalRef", "externalRefType": "cwe", "locator": [text(one)]}
                for one in sorted(maps.cwe)
            ]
            members = {
                "name": text(name) or "-",
                "summary": prose(rule.title) if rule is not None else "",
                "description": prose(rule.why) if rule is not None else "",
                "externalRef": weaknesses,
            }
            iri = self._graph.iri("rule", name)
            self._known[name] = self._graph.add("security_Vulnerability", iri, members)
        return self._known[name]


def _camel(justification: str) -> str:
    """`component_not_present` as SPDX writes it, `componentNotPresent`."""
    first, *others = justification.split("_")
    return first + "".join(word.capitalize() for word in others)
