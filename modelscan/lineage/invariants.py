"""Invariants: what a layer does to a few tokens, whatever basis its weights are written in.

A model can be rewritten without changing what it computes: hidden units permuted, the residual
stream rotated, norms folded into matrices. Its matrices, and so their sketches, then look unlike
the original. What stays is how tokens act on each other: with the embeddings X of t tokens, scaled
to unit length and by the layer's norm, and the output rows U of the same tokens, scaled by the last
norm, the t x t matrices

    qk  Σ over heads of (X Wq') (X Wk')'        ov  (X Wv') Wo' U'
    gu  (X Wgate') (X Wup')'                    ud  (X Wup') (U Wdown)'

do not depend on the basis. They are centred and scaled to unit norm, so that their inner product is
a correlation. Similar embeddings alone are no evidence: independent models that share a tokenizer
have them, too, so that no such matrix is kept.

Idea: vocabulary-anchored terms, after HuRef (Zeng et al., 2024).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from modelscan.errors import ReadError
from modelscan.lineage.blocks import Reader
from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.plain import widened
from modelscan.lineage.signs import PUBLIC, Seed, anchors
from modelscan.lineage.weights import Weights, WeightTensor

Floats = NDArray[Any]

_READ: Final = {
    "attention.q": "attention.norm", "attention.k": "attention.norm",
    "attention.v": "attention.norm", "mlp.gate": "mlp.norm", "mlp.up": "mlp.norm",
    "experts.gate": "mlp.norm", "experts.up": "mlp.norm",
}  # fmt: skip
"""Roles that read the residual stream, and the norm before them."""
_WRITE: Final = frozenset({"attention.o", "mlp.down"})
_MAX_WIDTH: Final = 1 << 17
"""Columns from which on a tensor is no part of an invariant."""


class Anchored:
    """Collects, block by block, what the anchors see of each matrix.

    Args:
        weights: the model.
        seed: of the choice of tokens.
    """

    def __init__(self, weights: Weights, seed: Seed = PUBLIC) -> None:
        self._weights = weights
        self._seen: dict[int, dict[str, Floats]] = {}
        self._norms: dict[str, Floats | None] = {}
        self._x, self._u = self._anchors(seed)

    def _anchors(self, seed: Seed) -> tuple[Floats | None, Floats | None]:
        """Embeddings and output rows of the tokens, of unit length; `None` without embeddings."""
        embedding = self._weights.tensors.get("embedding.weight")
        if embedding is None or len(embedding.shape) != 2:  # noqa: PLR2004  # a matrix
            return None, None
        tokens = anchors(embedding.rows, seed)
        if not tokens or embedding.fold > 1 or embedding.columns > _MAX_WIDTH:
            return None, None
        output = self._weights.tensors.get("output.weight", embedding)
        if output.shape != embedding.shape:
            output = embedding
        try:
            x, u = _rows(embedding, tokens), _rows(output, tokens)
        except ReadError:
            return None, None
        return _unit(x), _unit(_scaled(u, self._norm("norm.weight", u.shape[1])))

    def _norm(self, name: str, width: int) -> Floats | None:
        """The values of a norm that fits; `None` when there is none."""
        tensor = self._weights.tensors.get(name)
        if tensor is None or tensor.shape != (width,):
            return None
        if name not in self._norms:
            try:
                self._norms[name] = np.concatenate(list(tensor.blocks())).reshape(-1)
            except ReadError:
                self._norms[name] = None
        return self._norms[name]

    def watcher(self, tensor: WeightTensor) -> Watcher | None:
        """What takes the blocks of a tensor; `None` for one that is no part of an invariant."""
        if tensor.layer is None or not tensor.name.endswith(".weight") or self._x is None:
            return None
        if tensor.fold > 1:  # its columns are not the residual stream
            return None
        seen = self._seen.setdefault(tensor.layer, {})
        width = self._x.shape[1]
        if tensor.role in _READ and tensor.columns == width:
            norm = self._norm(f"layers.{tensor.layer}.{_READ[tensor.role]}.weight", width)
            return Watcher(tensor, _scaled(self._x, norm), seen, writes=False)
        if tensor.role in _WRITE and tensor.rows == width and self._u is not None:
            return Watcher(tensor, self._u, seen, writes=True)
        return None

    def result(self) -> dict[int, dict[str, bytes]]:
        """The invariants of every layer for which there is enough."""
        found: dict[int, dict[str, bytes]] = {}
        for layer, seen in sorted(self._seen.items()):
            with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is zeroed
                kinds = self._kinds(seen)
            whole = {kind: _packed(matrix) for kind, matrix in kinds.items()}
            if whole:
                found[layer] = whole
        return found

    def _kinds(self, seen: Mapping[str, Floats]) -> dict[str, Floats]:
        found: dict[str, Floats] = {}
        q, k, v = (seen.get(f"attention.{part}") for part in "qkv")
        o, down = seen.get("attention.o"), seen.get("mlp.down")
        gate = seen.get("mlp.gate", seen.get("experts.gate"))
        up = seen.get("mlp.up", seen.get("experts.up"))
        if q is not None and k is not None:
            spread = self._per_query(k, q.shape[1])
            if spread is not None:
                found["qk"] = q @ spread.T
        if v is not None and o is not None:
            spread = self._per_query(v, o.shape[1])
            if spread is not None:
                found["ov"] = spread @ o.T
        if gate is not None and up is not None and gate.shape == up.shape:
            found["gu"] = gate @ up.T
        if up is not None and down is not None and up.shape == down.shape:
            found["ud"] = up @ down.T
        return found

    def _per_query(self, values: Floats, width: int) -> Floats | None:
        """Key or value heads repeated for the query heads that share them."""
        if values.shape[1] == width:
            return values
        heads, kv_heads = self._weights.heads, self._weights.kv_heads
        if not heads or not kv_heads or heads % kv_heads or values.shape[1] % kv_heads:
            return None
        if values.shape[1] * (heads // kv_heads) != width:
            return None
        tokens = values.shape[0]
        per_head = values.reshape(tokens, kv_heads, -1)
        return np.repeat(per_head, heads // kv_heads, axis=1).reshape(tokens, -1)


class Watcher:
    """Takes the blocks of one tensor; see `Anchored`."""

    def __init__(
        self, tensor: WeightTensor, anchors_: Floats, seen: dict[str, Floats], *, writes: bool
    ) -> None:
        self._role = tensor.role
        self._writes = writes
        self._anchors = np.ascontiguousarray(anchors_, dtype=np.float32)
        self._columns = tensor.columns
        self._seen = seen
        self._row = 0
        width = tensor.columns if writes else tensor.rows
        self._out = np.zeros((len(anchors_), width), np.float32)

    def update(self, wide: NDArray[np.float32]) -> None:
        """Take the next rows."""
        rows = wide.reshape(-1, self._columns)
        start, stop = self._row, self._row + len(rows)
        with np.errstate(over="ignore", invalid="ignore"):  # such a layer has no invariant
            if self._writes:
                self._out += self._anchors[:, start:stop] @ rows
            else:
                self._out[:, start:stop] = self._anchors @ rows.T
        self._row = stop

    def done(self) -> None:
        """All of the tensor has been taken."""
        self._seen[self._role] = self._out


def _rows(tensor: WeightTensor, rows: list[int]) -> Floats:
    reader = Reader(tensor)
    found = [widened(reader.rows(row, row + 1), tensor.dtype) for row in rows]
    return np.concatenate(found).astype(np.float32)


def _unit(rows: Floats) -> Floats:
    """Rows of unit length; one that is zero, or not finite, is zero."""
    with np.errstate(invalid="ignore"):
        wide = rows.astype(np.float64)
    wide[~np.isfinite(wide).all(axis=1)] = 0
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    units = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0)
    short: Floats = units.astype(np.float32)
    return short


def _scaled(rows: Floats, norm: Floats | None) -> Floats:
    """Rows scaled by the weights of a norm, if there is one."""
    if norm is None:
        return rows
    with np.errstate(over="ignore", invalid="ignore"):  # such a layer has no invariant
        scaled: Floats = rows * norm
    return scaled


def _packed(matrix: Floats) -> bytes:
    """Centred by rows and columns, of unit norm, as float16; zeros when nothing is left."""
    with np.errstate(invalid="ignore"):
        wide = matrix.astype(np.float64)
    if not np.isfinite(wide).all():
        wide = np.zeros_like(wide)
    wide /= max(float(np.abs(wide).max()), 1e-300)  # their squares stay in range
    centred = wide - wide.mean(0, keepdims=True) - wide.mean(1, keepdims=True) + wide.mean()
    norm = np.linalg.norm(centred)
    packed: bytes = (centred / norm if norm > 0 else centred).astype("<f2").tobytes()
    return packed
