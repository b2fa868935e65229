"""Format `spdx`: an SPDX 3.0.1 document in JSON-LD, built by hand.

Each model is an AI package that contains its files, was trained on the datasets and descends from
the bases that it names; findings are vulnerabilities with an assessment; the five answers are
annotations. The document is deterministic: every identifier is made of the report's content.

Source: SPDX 3.0.1, JSON-LD serialisation with the context `spdx-context.jsonld`.
"""

from __future__ import annotations

from modelscan._about import NAME
from modelscan.report.claims import bases_of, claims_of, values
from modelscan.report.jsontext import encode
from modelscan.report.machine import Json, fingerprint, stable_uuid, text
from modelscan.report.residual import needed_parts
from modelscan.report.spdx.assessments import Assessments
from modelscan.report.spdx.graph import CREATION, Graph
from modelscan.report.spdx.licensing import Licensing
from modelscan.report.spdx.packages import Packages
from modelscan.report.text import counted
from modelscan.report.verdicts import verdicts
from modelscan.report.writer import Output
from modelscan.vocabulary.result import ModelReport, Report

SPECIFICATION = "3.0.1"
_CONTEXT = f"https://spdx.org/rdf/{SPECIFICATION}/spdx-context.jsonld"


class Spdx:
    """A bill of materials, with the findings in it."""

    name = "spdx"

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`."""
        return encode(document(report), sort=False)


def document(report: Report) -> Json:
    """The whole document as builtin values."""
    graph = Graph(f"urn:uuid:{stable_uuid('spdx', fingerprint(report))}")
    bill = _Bill(graph, report)
    models = [bill.model(model) for model in report.models]
    return {"@context": _CONTEXT, "@graph": [bill.creation(), *bill.collections(models)]}


class _Bill:
    """The parts of one document."""

    def __init__(self, graph: Graph, report: Report) -> None:
        self._graph = graph
        self._report = report
        self._packages = Packages(graph)
        self._licensing = Licensing(graph)
        self._assessments = Assessments(graph, report.rules)

    def creation(self) -> Json:
        """The `CreationInfo`, and with it the tool that every element was made by."""
        tool = self._graph.add(
            "Tool",
            self._graph.iri("tool", NAME),
            {
                "name": f"{NAME} {text(self._report.tool.version)}",
                "comment": f"rules digest: {text(self._report.tool.rules_digest)}",
            },
        )
        agent = self._graph.add("SoftwareAgent", self._graph.iri("author", NAME), {"name": NAME})
        return {
            "type": "CreationInfo",
            "@id": CREATION,
            "specVersion": SPECIFICATION,
            "created": self._report.created,
            "createdBy": [agent],
            "createdUsing": [tool],
        }

    def collections(self, models: list[str]) -> list[Json]:
        """Every element, behind the document and the bill of materials that hold them."""
        elements = self._graph.elements
        listed = [element["spdxId"] for element in elements]
        collections = Graph("")
        profiles = ["core", "software", "simpleLicensing", "ai"]
        if self._packages.has_datasets:
            profiles.append("dataset")
        if any(model.findings for model in self._report.models):
            profiles.append("security")
        subject = counted(len(models), "model")
        bill = collections.add(
            "software_Sbom",
            self._graph.iri("bom"),
            {
                "name": f"{NAME}: {subject}",
                "profileConformance": profiles,
                "software_sbomType": ["analyzed"],
                "rootElement": models,
                "element": listed,
            },
        )
        collections.add(
            "SpdxDocument",
            self._graph.iri("document"),
            {
                "name": f"{NAME}: {subject}",
                "comment": f"policy {text(self._report.policy.name)}: "
                f"{self._report.decision.status}",
                "profileConformance": profiles,
                "rootElement": [bill],
                "element": [bill, *listed],
            },
        )
        return [*reversed(collections.elements), *elements]

    def model(self, model: ModelReport) -> str:
        """One model with all that belongs to it."""
        graph, packages = self._graph, self._packages
        iri = packages.model(model)
        files = {
            file.path: packages.file(file, iri)
            for file in sorted(model.files, key=lambda file: file.path)
        }
        whole = model.digest is not None and not any(gap.needed for gap in model.coverage)
        graph.relate(iri, "contains", list(files.values()), "complete" if whole else "incomplete")
        claims = claims_of(model.facts)
        datasets = [packages.dataset(one) for one in values(claims, "dataset")]
        graph.relate(iri, "trainedOn", datasets, "noAssertion")
        bases = [
            packages.base(one)
            for one in bases_of(model.answers.descends_from, claims, model.facts.lineage)
        ]
        graph.relate(iri, "descendantOf", bases, "noAssertion")
        self._licensing.add(model, iri)
        for answer in verdicts(model.answers):
            details = "; ".join(f"{name}: {text(value)}" for name, value in answer.details)
            parts = (answer.status, text(answer.reason), details)
            graph.annotate(iri, answer.key, "; ".join(part for part in parts if part))
        gaps = needed_parts([model])
        if gaps:
            graph.annotate(iri, "not looked at", gaps)
        if model.error is not None:
            graph.annotate(iri, "error", text(model.error))
        for finding in model.findings:
            self._assessments.add(finding, files.get(finding.location.file, iri))
        return iri
