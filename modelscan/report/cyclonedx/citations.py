"""Who said what, as CycloneDX 1.7 cites it: the model's own files for all that they merely claim.

A reader of a bill of materials cannot see whether a licence was declared or checked. A citation
points at the parts that only repeat a file of the model, and names that file.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelscan.report.cyclonedx.components import ModelComponent
from modelscan.report.cyclonedx.values import Refs
from modelscan.report.machine import Json

_PARTS = {
    "task": "modelCard/modelParameters/task",
    "architecture": "modelCard/modelParameters/modelArchitecture",
    "dataset": "modelCard/modelParameters/datasets",
    "licence": "licenses",
    "library": "modelCard/properties",
    "language": "modelCard/properties",
    "safeguards-removed": "modelCard/properties",
}
"""The part of a component that each kind of claim becomes."""


def citations(created: str, components: Sequence[ModelComponent], refs: Refs) -> list[Json]:
    """One citation for each file of a model that claims something.

    Args:
        created: the time of the report.
        components: the models, in the order of the document's components.
        refs: the document's references.
    """
    found = []
    for index, component in enumerate(components):
        said: dict[str, set[str]] = {}
        for kind, part in _PARTS.items():
            top = part.partition("/")[0]
            for claim in component.claims.get(kind, ()):
                ref = component.file_refs.get(claim.file)
                if ref is not None and top in component.json:
                    said.setdefault(ref, set()).add(f"/components/{index}/{part}")
        found += [
            {
                "bom-ref": refs.new("citation", component.ref, ref),
                "timestamp": created,
                "pointers": sorted(pointers),
                "attributedTo": ref,
            }
            for ref, pointers in sorted(said.items())
        ]
    return found
