"""The lists that a report is held against: each element, and the measure of it.

- G7 Cybersecurity Working Group, "Software Bill of Materials for AI: Minimum Elements", published
  by the BSI on 2026-05-12: 50 elements in seven clusters. Voluntary, and made for AI systems: of a
  model alone, the elements of the system cannot be known.
- OWASP GenAI Security Project, AIBOM generator, "AIBOM Field Mapping", commit e3c5ba8f: 24 fields.

Invariant: being on a list is no judgement, and a number is no certificate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from modelscan.report.score import measures
from modelscan.report.score.measures import Measured, Subject

Measure = Callable[[Subject], Measured]


class Element(NamedTuple):
    """One element of a list."""

    cluster: str
    title: str
    measure: Measure


class Standard(NamedTuple):
    """A published list of elements."""

    key: str
    """What a person types."""
    title: str
    elements: tuple[Element, ...]


def _cluster(name: str, *elements: tuple[str, Measure]) -> tuple[Element, ...]:
    return tuple(Element(name, title, measure) for title, measure in elements)


_G7 = (
    *_cluster(
        "Metadata",
        ("SBOM author", measures.absent),
        ("SBOM version", measures.document_version),
        ("SBOM data format name", measures.format_name),
        ("SBOM data format version", measures.format_version),
        ("SBOM author signature", measures.absent),
        ("SBOM tool name", measures.tool_name),
        ("SBOM tool version", measures.tool_version),
        ("SBOM generation context", measures.context),
        ("SBOM timestamp", measures.created),
        ("SBOM dependency relationship", measures.dependencies),
    ),
    *_cluster(
        "System level properties",
        ("System name", measures.absent),
        ("System components", measures.absent),
        ("System producer", measures.absent),
        ("System version", measures.absent),
        ("System timestamp", measures.absent),
        ("System data flow", measures.absent),
        ("System data usage", measures.absent),
        ("System input/output properties", measures.absent),
        ("Intended application area", measures.absent),
    ),
    *_cluster(
        "Models",
        ("Model name", measures.name),
        ("Model identifier", measures.identifier),
        ("Model version", measures.version),
        ("Model timestamp", measures.released),
        ("Model producer", measures.producer),
        ("Model description", measures.absent),
        ("Model hash value", measures.hash_value),
        ("Model hash algorithm", measures.hash_algorithm),
        ("Model properties", measures.architecture),
        ("Model input/output properties", measures.implied_by_task),
        ("Model training properties", measures.datasets),
        ("Model license", measures.licence),
        ("Model external references", measures.page),
    ),
    *_cluster(
        "Dataset properties",
        ("Dataset name", measures.datasets),
        ("Dataset description", measures.absent),
        ("Dataset content", measures.absent),
        ("Dataset identifier", measures.absent),
        ("Dataset hash", measures.absent),
        ("Dataset provenance", measures.absent),
        ("Dataset statistical properties", measures.absent),
        ("Dataset sensitivity", measures.absent),
        ("Dataset dependency relationship", measures.datasets),
        ("Dataset license", measures.absent),
    ),
    *_cluster(
        "Infrastructure",
        ("Infrastructure software", measures.library),
        ("Infrastructure hardware", measures.absent),
    ),
    *_cluster(
        "Security properties",
        ("Security controls", measures.absent),
        ("Security compliance", measures.absent),
        ("Cybersecurity policy information", measures.absent),
        ("Vulnerability referencing", measures.vulnerabilities),
    ),
    *_cluster(
        "Key performance indicators",
        ("Security metrics", measures.absent),
        ("Operational performance", measures.absent),
    ),
)

_OWASP = (
    *_cluster(
        "Identity",
        ("Model name", measures.name),
        ("Model version", measures.version),
        ("Model description", measures.absent),
        ("Model download location", measures.download),
        ("Source repository", measures.absent),
        ("Supplier", measures.producer),
        ("License", measures.licence),
    ),
    *_cluster(
        "Model",
        ("Primary purpose", measures.task),
        ("Domain", measures.implied_by_task),
        ("Type of model", measures.architecture),
        ("Hyperparameters", measures.absent),
        ("Performance metrics", measures.absent),
        ("Decision thresholds", measures.absent),
        ("Energy consumption", measures.absent),
        ("Training information", measures.datasets),
        ("Data preprocessing", measures.absent),
        ("Sensitive data usage", measures.absent),
        ("Explainability information", measures.absent),
        ("Known limitations", measures.limitations),
        ("Safety risk assessment", measures.absent),
    ),
    *_cluster(
        "Relations",
        ("Runtime dependencies", measures.library),
        ("Model lineage", measures.lineage),
        ("Training datasets", measures.datasets),
        ("Test datasets", measures.absent),
    ),
)

STANDARDS = (
    Standard("g7", "G7 SBOM for AI, minimum elements (2026-05-12)", _G7),
    Standard("owasp", "OWASP AIBOM fields (field mapping, 2026)", _OWASP),
)
"""Every list, in the order of the output."""
