"""The same function under other numbers: permuted, rotated or rescaled copies.

A network computes the same after its neurons are permuted, its residual stream is rotated, or a
norm's gains are folded into the next matrix; a sketch of its matrices then resembles nothing. What
stays is what happens between tokens: products of matrices that start and end at the vocabulary
(query-key, value-output, gate-up, up-down), taken over a few fixed token ids.

Measured: fine-tunes .98 and above, heavy continued training .71, rotated and permuted descendants
of it .72; unrelated models of equal architecture, data and tokenizer at most .10 (mean over kinds).
The Gram matrix of the embeddings is no evidence: unrelated seeds reach .94 there.

Source: Zeng et al., "HuRef: Human-Readable Fingerprint for Large Language Models" (NeurIPS 2024).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.prints import INVARIANTS, Fingerprint

SAME: Final = 0.40
"""Least agreement of a descendant."""
HIDDEN: Final = 0.10
"""By how much the invariants agree better than the matrices in a copy that was re-parametrised; in
descendants they agreed worse, or better by .03 at most."""
INTACT: Final = 0.1
"""What the invariants lose, over the square of the relative change: ordinary changes lose 1.6 to
2.3 times that square, folded scales a hundred-thousandth."""
GROSS: Final = 0.1
"""Relative change from which on that is asked."""
_LEAST_LAYERS: Final = 2


def agreement(candidate: Fingerprint, base: Fingerprint) -> float | None:
    """Mean over the kinds of the median agreement of the layers; `None` without invariants.

    Layers are taken in order when there are equally many, else each with the one that it agrees
    with best, less its agreement with the others.
    """
    if candidate.seed != base.seed or len(base.invariants) < _LEAST_LAYERS:
        return None
    found = []
    for kind in INVARIANTS:
        mine, theirs = _stacked(candidate, kind), _stacked(base, kind)
        if mine is None or theirs is None or mine.shape[1] != theirs.shape[1]:
            continue
        cosines = mine @ theirs.T
        if cosines.shape[0] == cosines.shape[1]:
            found.append(float(np.median(np.diag(cosines))))
        else:
            background = np.median(cosines, axis=1)
            found.append(float(np.median(cosines.max(axis=1) - background)))
    return float(np.mean(found)) if found else None


def _stacked(model: Fingerprint, kind: str) -> NDArray[np.float64] | None:
    """Invariants of a kind, layers x t², of unit norm; `None` when a layer has none."""
    rows = [_vector(layer, kind) for _, layer in sorted(model.invariants.items())]
    sizes = {row.size for row in rows}
    if len(rows) < _LEAST_LAYERS or len(sizes) != 1 or 0 in sizes:
        return None
    stacked = np.stack(rows)
    norms = np.linalg.norm(stacked, axis=1, keepdims=True)
    found: NDArray[np.float64] = stacked / np.maximum(norms, 1e-30)
    return found


def _vector(layer: Mapping[str, bytes], kind: str) -> NDArray[np.float64]:
    values = np.frombuffer(layer.get(kind, b""), "<f2").astype(np.float64)
    return values if np.isfinite(values).all() else values[:0]
