"""A model that was put together from tensors of several others, unchanged.

Layers of one model behind layers of another, or the attention of one with the MLPs of another: then
no single base explains it, and digests prove where each tensor comes from.

Invariants: every tensor that means something is bit-exact, or a proved rounding, in one of the
bases; a base counts only for what none before it explains, and at least for one matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from modelscan.lineage.evidence import Evidence, TensorChange

_EXACT: Final = frozenset({"exact", "cast"})
_SEVERAL: Final = 2


def mosaic(held: Sequence[Evidence]) -> list[tuple[int, int]]:
    """Which bases a model was put together from, and how many tensors are whose.

    Args:
        held: the comparison of one candidate with each of the bases.

    Returns:
        Index of a base and number of its tensors, the most first; empty when the model is nothing
        of the kind.
    """
    if len(held) < _SEVERAL or any(evidence.skipped for evidence in held):
        return []
    exact = [_proved(evidence) for evidence in held]
    wanted = {change.name for change in held[0].changes if not change.constant}
    found: list[tuple[int, int]] = []
    while wanted:
        best = max(range(len(exact)), key=lambda n: len(wanted & exact[n].keys()))
        share = wanted & exact[best].keys()
        if not any(exact[best][name].matrix for name in share):
            return []
        found.append((best, len(share)))
        wanted -= share
    return found if len(found) >= _SEVERAL else []


def _proved(evidence: Evidence) -> dict[str, TensorChange]:
    return {change.name: change for change in evidence.changes if change.state in _EXACT}
