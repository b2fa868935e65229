"""What was measured, as plain values for the report: the entry `facts.lineage`.

`layers` is the picture of what changed: one entry for each matrix inside a layer, with its relative
change and the rank of the difference. A quantised matrix without a difference above its rounding
has a change of zero: what rounding moved is no change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from modelscan.lineage.evidence import Evidence, TensorChange, Verdict

_MOST_CELLS: Final = 20_000
_MOST_NAMES: Final = 50
_NO_CHANGE: Final = frozenset({"unrelated", "unknown", "reparametrised"})
"""Relations in which everything differs, so that a picture of it says nothing."""
_OUTSIDE: Final = "-"
"""How the picture names the place of matrices in no layer."""


def picture(evidence: Evidence, verdicts: Sequence[Verdict], base: str) -> dict[str, Any]:
    """The entry for the base that the answer names."""
    found: dict[str, Any] = {
        "base": base,
        "verdicts": [verdict_entry(verdict) for verdict in verdicts],
        "tensors": _counts(evidence),
        "compared_by": evidence.by,
        "layers": [],
    }
    if verdicts[0].relation not in _NO_CHANGE:
        found["layers"] = list(_cells(evidence))[:_MOST_CELLS]
    for name, value in (
        ("resemblance", evidence.similarity),
        ("invariants", evidence.invariants),
    ):
        if value is not None:
            found[name] = round(value, 4)
    if evidence.layer_map and evidence.layer_map != tuple(range(evidence.base_layers)):
        found["layer_map"] = list(evidence.layer_map)
    if evidence.directions is not None and evidence.directions.writers:
        shared = evidence.directions
        found["write_direction"] = {
            "matrices": shared.writers,
            "shared": round(shared.shared, 4),
            "within_layer": None if shared.pair is None else round(shared.pair, 4),
            "over_noise": round(shared.pooled, 3),
        }
    half_steps = [change.half_step for change in evidence.changes if change.half_step]
    if half_steps:
        found["half_step"] = {
            "checked": sum(step.checked for step in half_steps),
            "outside": sum(step.outside for step in half_steps),
            "strict": all(step.strict for step in half_steps),
        }
    for name, names in (
        ("tokenizer_differs", evidence.tokenizer),
        ("templates_differ", evidence.templates),
        ("missing", evidence.missing),
        ("not_compared", evidence.skipped),
    ):
        if names:
            found[name] = list(names[:_MOST_NAMES])
    return found


def verdict_entry(verdict: Verdict) -> dict[str, Any]:
    """One verdict, with its tier and its limits."""
    return {
        "relation": verdict.relation,
        "tier": verdict.tier,
        "text": verdict.text,
        "limits": verdict.limits,
    }


def _counts(evidence: Evidence) -> dict[str, int]:
    counts: dict[str, int] = {}
    for change in evidence.changes:
        counts[change.state] = counts.get(change.state, 0) + 1
    if evidence.missing:
        counts["missing"] = len(evidence.missing)
    return counts


def _cells(evidence: Evidence) -> Iterator[dict[str, Any]]:
    for change in sorted(evidence.changes, key=_place):
        if change.state in {"added", "reshaped"} or not _shown(change):
            continue
        cell: dict[str, Any] = {
            "layer": _OUTSIDE if change.layer is None else change.layer,
            "role": change.role or change.name[:80],
            "change": _change(change),
        }
        if change.state == "exact":
            cell["rank"] = 0
        elif change.spectrum is not None and change.spectrum.rank <= change.spectrum.resolution:
            cell["rank"] = change.spectrum.rank
        yield cell


def _place(change: TensorChange) -> tuple[bool, int, str]:
    return change.layer is None, change.layer or 0, change.name


def _shown(change: TensorChange) -> bool:
    """Matrices always; norms and biases when they changed, so that nothing is hidden."""
    return change.matrix or (change.state == "changed" and change.relative is not None)


def _change(change: TensorChange) -> float:
    quiet = change.spectrum is None or change.spectrum.rank == 0
    faithful = change.half_step is None or not change.half_step.outside
    if change.state in {"exact", "cast"} or (change.state == "quantised" and quiet and faithful):
        return 0.0
    return float(f"{change.relative or 0.0:.3g}")
