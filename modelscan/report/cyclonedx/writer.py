"""Formats `cyclonedx` (1.6) and `cyclonedx-1.7`: an ML-BOM (ECMA-424), built by hand.

The document is deterministic: its serial number is made of the report's content, lists are sorted,
references are hashes of what they name. It is built by hand because the usual library drops model
cards, declarations and compositions.

The plain name stands for the version that most readers understand, and moves on with a major
version of this tool; a name with a version in it always means that version.
"""

from __future__ import annotations

from typing import Literal

from modelscan._about import NAME
from modelscan.report.cyclonedx.card import Datasets
from modelscan.report.cyclonedx.citations import citations
from modelscan.report.cyclonedx.components import ModelComponent
from modelscan.report.cyclonedx.declarations import declared
from modelscan.report.cyclonedx.values import Refs, properties
from modelscan.report.cyclonedx.vulnerabilities import Vulnerabilities
from modelscan.report.jsontext import encode
from modelscan.report.machine import Json, compact, fingerprint, name, stable_uuid, text
from modelscan.report.residual import needed_parts
from modelscan.report.text import counted
from modelscan.report.writer import Output
from modelscan.vocabulary.result import ModelReport, Report

Specification = Literal["1.6", "1.7"]
_ROOT = "report"
"""The `bom-ref` of what the document is about; every other one has a colon in it."""


class CycloneDx:
    """A bill of materials, with the findings in it.

    Args:
        specification: the version of CycloneDX.
        name: what a person types after `-f`.
    """

    def __init__(self, specification: Specification = "1.6", name: str = "cyclonedx") -> None:
        self.name = name
        self.specification = specification

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`."""
        return encode(document(report, self.specification), sort=False)


def document(report: Report, specification: Specification = "1.6") -> Json:
    """The whole document as builtin values."""
    serial_number = _serial_number(report, specification)  # first: it takes much memory for a while
    refs = Refs()
    datasets = Datasets(refs)
    models = [ModelComponent(model, refs, datasets) for model in report.models]
    vulnerabilities = Vulnerabilities(report.rules, refs)
    found = [
        vulnerabilities.of(finding, component)
        for component in models
        for finding in component.model.findings
    ]
    definitions, declarations = declared(report, models, refs)
    cited = citations(report.created, models, refs) if specification == "1.7" else []
    return compact(
        {
            "$schema": f"http://cyclonedx.org/schema/bom-{specification}.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": specification,
            "serialNumber": serial_number,
            "version": 1,
            "metadata": _metadata(report),
            "components": [component.json for component in models] + datasets.components(),
            "dependencies": [
                compact({"ref": _ROOT, "dependsOn": sorted(one.ref for one in models)}),
                *(compact({"ref": one.ref, "dependsOn": one.dataset_refs}) for one in models),
            ],
            "compositions": [entry for one in models for entry in _compositions(one)],
            "vulnerabilities": found,
            "annotations": [_verdict(report, component, refs) for component in models],
            "declarations": declarations,
            "definitions": definitions,
            "citations": cited,
        }
    )


def _serial_number(report: Report, specification: Specification) -> str:
    """A UUID of the report's content and the version: two documents never share a number."""
    return f"urn:uuid:{stable_uuid('cyclonedx', specification, fingerprint(report))}"


def _tool(report: Report) -> Json:
    return {"type": "application", "name": NAME, "version": text(report.tool.version)}


def _metadata(report: Report) -> Json:
    models = report.models
    rules = properties({"rules-digest": report.tool.rules_digest})
    subject = name(models[0].ref) if len(models) == 1 else counted(len(models), "model")
    return {
        "timestamp": report.created,
        "lifecycles": [{"phase": "post-build"}],
        "tools": {"components": [{**_tool(report), "properties": rules}]},
        "component": {"type": "application", "bom-ref": _ROOT, "name": subject},
        "properties": properties(
            {
                "policy": report.policy.name,
                "policy-digest": report.policy.digest,
                "decision": report.decision.status,
                "exit-code": str(report.decision.exit_code),
            }
        ),
    }


def _compositions(component: ModelComponent) -> list[Json]:
    """What is complete: the files of a model may be, what it was made from never is known to be."""
    return [
        {"aggregate": _aggregate(component.model), "assemblies": [component.ref]},
        {"aggregate": "unknown", "dependencies": [component.ref]},
    ]


def _aggregate(model: ModelReport) -> str:
    """Complete only when every byte was hashed and nothing that is needed was left out."""
    gaps = any(entry.needed for entry in model.coverage)
    return "incomplete" if model.digest is None or model.error is not None or gaps else "complete"


def _verdict(report: Report, component: ModelComponent, refs: Refs) -> Json:
    """What the policy says of a model, where tools show what was said about a component."""
    allowed = component.model.answers.allowed
    gaps = needed_parts([component.model])
    parts = [f"policy {text(allowed.policy)}: {allowed.status}: {text(allowed.reason)}"]
    if gaps:
        parts.append(f"not looked at: {gaps}")
    return {
        "bom-ref": refs.new("verdict", component.ref),
        "subjects": [component.ref],
        "annotator": {"component": _tool(report)},
        "timestamp": report.created,
        "text": "; ".join(parts),
    }
