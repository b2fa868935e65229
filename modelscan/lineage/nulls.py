"""What weights show without a base: one direction that nothing writes to.

Projecting a direction out of all matrices that write into the residual stream leaves it empty; no
training does. The mean Gram matrix of these matrices then has one eigenvalue near zero. Found is
only a full projection of most layers; weaker or partial edits are missed, so that this is a hint
and its absence says nothing.

LayerNorm subtracts the mean, so that nothing needs to write along (1, 1, …, 1): models with it have
that empty direction by nature, and it is left out first. A direction along a single axis is a dead
channel, as pruning leaves it, and no projection.

Measured, as √(smallest / next): natural .96 to .98, full projections .02 to .20, at four fifths of
the strength .29.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from modelscan.lineage import limits
from modelscan.lineage.evidence import Verdict
from modelscan.lineage.name_tables import WRITERS
from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.weights import Weights, WeightTensor

EMPTY: Final = 0.3
"""Largest ratio that is a hint."""
SPREAD: Final = 0.05
"""Least share of the axes that the direction must be spread over (participation ratio)."""
_LEAST: Final = 4
"""Matrices without which nothing is said."""
_WIDEST: Final = 4096
"""Residual streams that are wider are not decomposed: it would take minutes."""
_COLUMNS: Final = 256
_ROOM: Final = 4
"""Columns of all matrices together, at least, in units of the width."""
_FLOOR: Final = 1e-12

Array = NDArray[np.float64]


def empty_direction(weights: Weights) -> Verdict | None:
    """A hint at a direction that was projected out; `None` when there is none, or no telling.

    Raises:
        ReadError: weights cannot be read.
    """
    writers = list(writers_of(weights).values())
    found = gram(writers)
    return None if found is None else _judge(found, len(writers))


def writers_of(weights: Weights) -> dict[str, WeightTensor]:
    """The matrices that write into the residual stream, by canonical name."""
    return {
        name: tensor
        for name, tensor in weights.tensors.items()
        if tensor.role in WRITERS and tensor.floating and len(tensor.shape) > 1
    }


def gram(writers: Sequence[WeightTensor]) -> Array | None:
    """The mean Gram matrix (width x width) of what they write, each of equal energy.

    `None` for too few, for streams of several widths or too wide a one, and without energy.

    Raises:
        ReadError: weights cannot be read.
    """
    widths = {tensor.rows for tensor in writers}
    if len(writers) < _LEAST or len(widths) != 1 or max(widths) > _WIDEST:
        return None
    width = widths.pop()
    columns = max(_COLUMNS, -(-_ROOM * width // len(writers)))
    whole = np.zeros((width, width))
    for number, tensor in enumerate(writers):
        written = _written(tensor, columns, number)
        energy = float((written * written).sum())
        if not 0 < energy < math.inf:
            return None
        whole += written @ written.T * (width / energy)
    return whole / len(writers)


def _written(tensor: WeightTensor, columns: int, number: int) -> Array:
    """The matrix with its columns mixed into fewer: what is empty stays exactly empty."""
    mixing: Array | None = None
    if tensor.columns > columns:
        rng = np.random.default_rng(number)
        mixing = rng.choice([-1.0, 1.0], size=(tensor.columns, columns))
    parts = [
        block.astype(np.float64) if mixing is None else block @ mixing for block in tensor.blocks()
    ]
    return np.concatenate(parts)


def _judge(whole: Array, matrices: int) -> Verdict | None:
    width = len(whole)
    ones = np.full((width, 1), 1 / math.sqrt(width))
    rest = whole - ones @ (ones.T @ whole)
    rest -= (rest @ ones) @ ones.T
    rest += ones @ ones.T * float(np.trace(whole))  # out of the way of the smallest
    values, vectors = np.linalg.eigh(rest)
    ratio = math.sqrt(max(float(values[0]), 0.0) / max(float(values[1]), _FLOOR))
    spread = 1 / (width * float((vectors[:, 0] ** 4).sum()))
    if ratio >= EMPTY or spread < SPREAD or values[1] < _FLOOR:
        return None
    text = (
        f"{matrices:,} matrices that write into the residual stream leave one direction empty "
        f"({ratio:.2f} of the next smallest; .96 and more is natural)"
    )
    return Verdict(
        relation="abliteration-like", tier="hint", text=text, limits=limits.NULL_DIRECTION
    )
