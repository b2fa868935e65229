"""Which layer of a base each layer of a candidate resembles, and how much.

Layers are compared role by role: the cosine between sketches (or samples) of equal shape. What all
layers of two models have in common, a shared mean or a shared outlier column, lifts every entry of
the matrix, so that of each row the median of the other entries is subtracted.

Measured: unrelated models of equal architecture, data and tokenizer stay below .07, with a shared
mean of .3 standard deviations below .17 before the subtraction; the weakest true descendant, after
heavy continued training, reaches .93.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.prints import TensorPrint

RELATED: Final = 0.25
"""Least resemblance of a descendant: 0 of 1,110 unrelated pairs, all positives but hidden ones."""
_TIE: Final = 1e-6

Vector = Callable[[TensorPrint], "NDArray[np.float64]"]
"""What is compared of a tensor; empty when it has nothing to compare."""


class Resemblance(NamedTuple):
    """The layers of a candidate against those of a base."""

    chosen: tuple[int | None, ...]
    """For each layer of the candidate the base's layer; `None` where none resembles it."""
    scores: tuple[float, ...]
    similarity: float | None
    compared: int
    """Tensors that the similarity rests on."""


def local_name(tensor: TensorPrint) -> str:
    """The name without the layer's number: `layers.*.mlp.down.weight`."""
    if tensor.layer is None:
        return tensor.name
    parts = tensor.name.split(".")
    number = str(tensor.layer)
    if number in parts:
        parts[parts.index(number)] = "*"
    return ".".join(parts)


def resemblance(
    candidate: Sequence[TensorPrint], base: Sequence[TensorPrint], vector: Vector
) -> Resemblance:
    """Match the layers; without any, the tensors of equal name.

    Args:
        candidate: tensors of the candidate.
        base: tensors of the base.
        vector: what is compared.
    """
    layered = any(t.layer is not None for t in candidate), any(t.layer is not None for t in base)
    mine, theirs = (_by_role(each, layered=all(layered)) for each in (candidate, base))
    rows = 1 + max((layer for role in mine.values() for layer in role), default=0)
    columns = 1 + max((layer for role in theirs.values() for layer in role), default=0)
    total = np.zeros((rows, columns))
    count = np.zeros_like(total)
    for role in sorted(mine.keys() & theirs.keys()):
        _add(total, count, mine[role], theirs[role], vector)
    compared = int(count.max(axis=1).sum())
    if not all(layered):
        return Resemblance((), (), float(total[0, 0]) / compared if compared else None, compared)
    means = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    chosen: list[int | None] = []
    scores: list[float] = []
    for row in means:
        best, score = _best(row, len(chosen))
        chosen.append(best if score >= RELATED else None)
        scores.append(score)
    return Resemblance(
        tuple(chosen), tuple(scores), float(np.mean(scores)) if compared else None, compared
    )


def _by_role(
    tensors: Iterable[TensorPrint], *, layered: bool
) -> Mapping[str, Mapping[int, TensorPrint]]:
    """The tensors inside layers, by local name and layer; without layers, all as layer 0."""
    found: defaultdict[str, dict[int, TensorPrint]] = defaultdict(dict)
    for tensor in tensors:
        if not layered:
            found[tensor.name][0] = tensor
        elif tensor.layer is not None:
            found[local_name(tensor)][tensor.layer] = tensor
    return found


def _add(
    total: NDArray[np.float64],
    count: NDArray[np.float64],
    mine: Mapping[int, TensorPrint],
    theirs: Mapping[int, TensorPrint],
    vector: Vector,
) -> None:
    """Add the cosines of one role between all layers in which it has the same shape."""
    left, right = _vectors(mine, vector), _vectors(theirs, vector)
    for shape in left.keys() & right.keys():
        rows, columns = left[shape], right[shape]
        where = np.ix_(list(rows), list(columns))
        total[where] += np.stack(list(rows.values())) @ np.stack(list(columns.values())).T
        count[where] += 1


def _vectors(
    tensors: Mapping[int, TensorPrint], vector: Vector
) -> Mapping[tuple[tuple[int, ...], int], dict[int, NDArray[np.float64]]]:
    """Unit vectors by shape and layer; a tensor of zeros or of no numbers has none."""
    found: defaultdict[tuple[tuple[int, ...], int], dict[int, NDArray[np.float64]]]
    found = defaultdict(dict)
    for layer, tensor in tensors.items():
        values = vector(tensor)
        norm = float(np.linalg.norm(values))
        if 0 < norm < np.inf:
            found[tensor.shape, values.size][layer] = values / norm
    return found


def _best(row: NDArray[np.float64], own: int) -> tuple[int, float]:
    """The column that stands out, its own place when several do, and by how much."""
    best = int(row.argmax())
    if own < len(row) and row[own] >= row[best] - _TIE:
        best = own
    others = np.delete(row, best)
    background = max(float(np.median(others)), 0.0) if others.size else 0.0
    return best, float(row[best]) - background
