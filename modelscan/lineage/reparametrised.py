"""The same function under other numbers: permuted, rotated or rescaled copies.

A network computes the same after its neurons are permuted, its residual stream is rotated, or a
norm's gains are folded into the next matrix; a sketch of its matrices then resembles nothing. What
stays is what happens between tokens: products of matrices that start and end at the vocabulary
(query-key, value-output, gate-up, up-down), taken over a few fixed token ids.

What all layers of both models have in common says nothing of kinship: models that were trained
briefly, or whose output is their embedding, agree in it (.85 in one kind) although they are
independent. So each layer's agreement with its own counterpart is taken beyond its agreement with
the other layers, as a share of what is left.

Measured: fine-tunes .98 and above, heavy continued training .35 to .72, rotated and permuted
descendants the same; unrelated models of equal architecture, data and tokenizer at most .14 (mean
over kinds; .30 before the common part was taken out). The Gram matrix of the embeddings is no
evidence: unrelated seeds reach .94 there.

Where the matrices still resemble the base's in part, layer and kind are held against the very
matrices that they are made of: any ordinary change of a matrix moves what it computes as well, and
only a rewriting leaves it.

Source: Zeng et al., "HuRef: Human-Readable Fingerprint for Large Language Models" (NeurIPS 2024).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from modelscan.lineage.evidence import TensorChange
from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.prints import INVARIANTS, Fingerprint

SAME: Final = 0.35
"""Least agreement of a descendant."""
_COMMON: Final = 0.9
"""Most that is taken for common to all layers."""
HIDDEN: Final = 0.10
"""By how much the invariants agree better than the matrices in a copy that was re-parametrised; in
descendants they agreed worse, or better by .03 at most."""
INTACT: Final = 0.03
"""Most that a computation loses of its agreement, over what its matrices lost of theirs, in a copy
that was rewritten: folded scales, permuted heads and mixed values lose less than .001. Of 31 kinds
of training and editing the median computation lost .28 at least, most of them more than 1."""
GROSS: Final = 0.005
"""What matrices must have lost (1 - cosine) for that to be asked: a relative change of .1."""
MOST: Final = 3
"""Of this many computations whose matrices changed, more than one must be intact."""
LEAST: Final = 2
"""Least number of them."""
_MADE_OF: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "qk": (("attention.q",), ("attention.k",)),
    "ov": (("attention.v",), ("attention.o",)),
    "gu": (("mlp.gate", "experts.gate"), ("mlp.up", "experts.up")),
    "ud": (("mlp.up", "experts.up"), ("mlp.down", "experts.down")),
}
"""The roles of the two matrices of each kind."""
_LEAST_LAYERS: Final = 2


def agreement(candidate: Fingerprint, base: Fingerprint) -> float | None:
    """Mean over the kinds of the median agreement of the layers; `None` without invariants.

    Layers are taken in order when there are equally many, else each with the one that it agrees
    with best, both beyond their agreement with the others.
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
            own = np.diag(cosines)
            others = cosines[~np.eye(len(cosines), dtype=bool)]
        else:
            own, others = cosines.max(axis=1), cosines
        common = min(max(float(np.median(others)), 0.0), _COMMON)
        found.append((float(np.median(own)) - common) / (1 - common))
    return float(np.mean(found)) if found else None


class Rewritten(NamedTuple):
    """Computations whose matrices changed grossly."""

    gross: int
    intact: int
    """Of these, how many are what they were."""

    @property
    def mostly(self) -> bool:
        """Enough of them for a copy that was rewritten."""
        return self.intact >= LEAST and self.intact * MOST > self.gross


def rewritten(
    candidate: Fingerprint,
    base: Fingerprint,
    changes: Sequence[TensorChange],
    layer_map: Sequence[int | None],
) -> Rewritten:
    """Count the computations that are intact although their matrices are not.

    Args:
        candidate: of the model in question.
        base: of the model that it may descend from.
        changes: what was measured of the candidate's tensors.
        layer_map: the base's layer for each of the candidate's.
    """
    if candidate.seed != base.seed:
        return Rewritten(0, 0)
    lost = {
        (change.layer, change.role): 1 - change.cosine
        for change in changes
        if change.spectrum is not None and change.spectrum.rank and change.cosine is not None
    }
    gross = intact = 0
    for layer, of in enumerate(layer_map):
        mine, theirs = candidate.invariants.get(layer, {}), base.invariants.get(of or 0, {})
        for kind, sides in _MADE_OF.items():
            pair = [max(lost.get((layer, role), 0.0) for role in side) for side in sides]
            loss = sum(pair) / len(pair)
            own, other = _vector(mine, kind), _vector(theirs, kind)
            norms = float(np.linalg.norm(own) * np.linalg.norm(other))
            if of is None or loss < GROSS or own.size != other.size or not norms:
                continue
            gross += 1
            intact += 1 - float(own @ other) / norms < INTACT * loss
    return Rewritten(gross, intact)


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
