"""Format `cyclonedx`: an ML-BOM, CycloneDX 1.6, built by hand.

The document is deterministic: its serial number is made of the report's content, lists are sorted,
references are hashes of what they name. It is built by hand because the usual library drops model
cards and compositions.
"""

from __future__ import annotations

import hashlib

from modelscan.report.cyclonedx.components import ModelComponent
from modelscan.report.cyclonedx.values import Json, Refs, compact, name, properties
from modelscan.report.cyclonedx.vulnerabilities import vulnerability
from modelscan.report.jsontext import encode
from modelscan.report.text import counted
from modelscan.report.writer import Output
from modelscan.vocabulary.result import ModelReport, Report

SPECIFICATION = "1.6"
_ROOT = "report"
"""The `bom-ref` of what the document is about; every other one has a colon in it."""


class CycloneDx:
    """A bill of materials, with the findings in it."""

    name = "cyclonedx"

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`."""
        return encode(document(report), sort=False)


def document(report: Report) -> Json:
    """The whole document as builtin values."""
    refs = Refs()
    models = [(model, ModelComponent(model, refs)) for model in report.models]
    findings = [
        vulnerability(finding, report.rules.get(finding.rule), component, refs)
        for model, component in models
        for finding in model.findings
    ]
    return compact(
        {
            "$schema": f"http://cyclonedx.org/schema/bom-{SPECIFICATION}.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": SPECIFICATION,
            "serialNumber": _serial_number(report),
            "version": 1,
            "metadata": _metadata(report),
            "components": [component.json for _, component in models],
            "dependencies": [
                compact({"ref": _ROOT, "dependsOn": sorted(one.ref for _, one in models)}),
                *({"ref": component.ref} for _, component in models),
            ],
            "compositions": [
                {"aggregate": _aggregate(model), "assemblies": [component.ref]}
                for model, component in models
            ],
            "vulnerabilities": findings,
        }
    )


def _serial_number(report: Report) -> str:
    import uuid  # lazy: it looks at the platform, which every other report would pay for

    digest = hashlib.sha256(encode(report)).hexdigest()
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}"


def _metadata(report: Report) -> Json:
    models = report.models
    tool = {
        "type": "application",
        "name": report.tool.name,
        "version": report.tool.version,
        "properties": properties({"rules-digest": report.tool.rules_digest}),
    }
    subject = name(models[0].ref) if len(models) == 1 else counted(len(models), "model")
    return {
        "timestamp": report.created,
        "tools": {"components": [tool]},
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


def _aggregate(model: ModelReport) -> str:
    """Complete only when every byte was hashed and nothing that loading needs was left out."""
    gaps = any(entry.needed for entry in model.coverage)
    return "incomplete" if model.digest is None or model.error is not None or gaps else "complete"
