"""A report about a model of which lineage, the hub and the verifier have told all that they can."""

from __future__ import annotations

from typing import Any

import msgspec

from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.result import ApprovalEntry, ModelFacts, ModelReport, Report
from tests.forge import reports

LIMITS = "It shows how much changed and where, not why."


def lineage(name: str = "org/part") -> dict[str, Any]:
    """What `facts.lineage` holds for a merge of two, looked at in depth."""
    return {
        "base": f"{name}-1",
        "compared_by": "sketches",
        "resemblance": 0.9994,
        "tensors": {"changed": 39, "exact": 2},
        "missing": [f"{name}.weight"],
        "merge": [{"base": f"{name}-1", "weight": 0.25}, {"base": f"{name}-2", "weight": 0.75}],
        "candidates": [
            {"base": f"{name}-1", "relation": "finetune", "tier": "measured", "resemblance": 0.9},
            {"base": f"{name}-2", "relation": "finetune", "tier": "measured", "resemblance": None},
        ],
        "verdicts": [
            {"relation": "merge", "tier": "measured", "text": f"of {name}", "limits": LIMITS}
        ],
        "layers": [{"layer": 0, "role": "attention.q", "change": 0.02, "rank": 8}],
        "deep": {
            "decomposed": 2,
            "write_direction": {"matrices": 8, "cosine": 0.9, "left_of_it": 0.5},
            "matrices": [
                {"name": f"{name}.q", "rank": 8, "norm": 0.98, "first_share": 0.2,
                 "singular_values": [0.4, 0.3, 0.2, 0.1, 0.05]},
                {"name": f"{name}.k", "rank": None, "norm": None, "first_share": 0.1},
            ],
        },
    }  # fmt: skip


def provenance(name: str = "acme") -> dict[str, Any]:
    """What `facts.provenance` holds for a model from a hub, signed and scanned by somebody else."""
    return {
        "released": "2024-03-01T00:00:00Z",
        "modified": "2025-01-01T00:00:00Z",
        "repository": {
            "owner": name, "created": "2024-03-01T00:00:00Z", "modified": "2025-01-01T00:00:00Z",
            "downloads": 12, "mirror": False,
        },
        "history": {
            "author": name, "date": "2024-06-01T00:00:00Z", "named": ["main", name], "newer": 3,
        },
        "attestation": {
            "outcome": "accepted", "note": f"scanned by {name}", "verifier": "https://s.example",
            "policies": ["production", "sha256:ab"], "made": "2026-11-01T00:00:00Z",
        },
        "licences": [
            {"source": "card", "stated": name, "file": "README.md", "identifier": "",
             "restrictions": ["use-limits", name]},
            {"source": "text", "stated": "LICENSE", "file": "LICENSE", "identifier": "MIT"},
            {"source": "text", "stated": "NOTICE", "file": "NOTICE", "identifier": "llama3.1"},
        ],
        "signatures": [
            {"file": "model.sig", "method": "OpenSSF Model Signing (key)", "outcome": "invalid",
             "signer": "", "anchor": name, "root": ""},
        ],
        "version": {"asked": "main", "pinned": False},
    }  # fmt: skip


def model(name: str = "acme") -> ModelReport:
    """The model."""
    told = reports.full_model()
    return msgspec.structs.replace(
        told,
        answers=reports.answers(
            descends_from=Lineage(
                status="merge", base=f"{name}-1, {name}-2", tier="measured", reason="0.25, 0.75"
            )
        ),
        facts=msgspec.structs.replace(
            told.facts, provenance=provenance(name), lineage=lineage(name)
        ),
        approvals=(
            ApprovalEntry(owner=name, reason=name, until="2027-01-31", holds=True),
            ApprovalEntry(owner="old", reason="SEC-0", until="2026-01-31", holds=False),
        ),
    )


def report() -> Report:
    """A report about it alone."""
    return reports.report(model(), exit_code=0)


def forged() -> ModelReport:
    """The same entries, in shapes that no run writes."""
    facts = ModelFacts(
        provenance={
            "repository": [{"a": 1}], "history": "x", "attestation": [{"b": 1}],
            "licences": [{"restrictions": 7, "identifier": 3}, 7], "signatures": [{"file": None}],
        },
        lineage={
            "verdicts": [{"relation": "merge", "tier": "sure", "text": "t", "limits": "l"}, 3],
            "merge": [{"base": 3}, {"base": ""}, {"base": "x", "weight": float("nan")}],
            "candidates": {}, "deep": [1], "tensors": {"a": "b"}, "base": 7,
        },
    )  # fmt: skip
    return msgspec.structs.replace(reports.model(), facts=facts)
