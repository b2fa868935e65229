"""The difference of two matrices, decomposed from the weights themselves, in three passes.

A randomised range finder (Halko, Martinsson, Tropp 2011) with `SIZE` random directions: the first
pass takes Δ·Ω, the second projects Δ onto its orthonormal basis, and the singular values of that
small matrix are those of Δ as far as the basis reaches. Noise of storing the values is told from
structure as in a sketch: the largest singular value of n x m independent errors of variance s² is
about `s·(√n + √m)`.

Memory is a block of rows and `SIZE` vectors of each side, whatever the size of the matrices. The
random directions are drawn from a fixed seed: nobody has to compare them, so that numpy's own
generator will do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.weights import WeightTensor

SIZE: Final = 72
"""Random directions, and with them singular values that are found."""
RESOLVED: Final = 64
"""Ranks up to this are exact; the directions beyond it make them so."""
_ABOVE: Final = 1.15
"""Over the edge of noise, as for sketches; here the edge is sharper."""
_FULL: Final = 0.8
"""Share of the smaller side from which on a rank is full."""
_ROUNDING: Final = 3e-7
"""Relative error of single precision in the products, of the largest singular value of W."""

Array = NDArray[np.float64]


class Decomposed(NamedTuple):
    """The difference of one matrix."""

    values: Array
    """Singular values, the largest first."""
    left: Array
    """Left singular vectors, rows x values: directions that are written."""
    rank: int
    """How many stand above the noise."""
    resolved: bool
    """Neither all that were looked for nor nearly all that the matrix has."""
    norm: float
    """Frobenius norm of the difference."""


def decompose(mine: WeightTensor, theirs: WeightTensor, noise: float) -> Decomposed:
    """Singular values and written directions of the difference of two matrices of equal shape.

    Args:
        mine: the candidate's.
        theirs: the base's.
        noise: expected sum of squared errors of storing them.

    Raises:
        ReadError: one of them cannot be read.
    """
    rows, columns = mine.rows, mine.columns
    size = min(SIZE, rows, columns)
    omega = np.random.default_rng(0).standard_normal((columns, size))
    found = np.zeros((rows, size))
    squares = own = 0.0
    for start, delta, block in _differences(mine, theirs):
        found[start : start + len(delta)] = delta @ omega
        squares += float((delta * delta).sum())
        own += float((block * block).sum())
    basis, _ = np.linalg.qr(found)
    small = np.zeros((size, columns))
    for start, delta, _block in _differences(mine, theirs):
        small += basis[start : start + len(delta)].T @ delta
    inner, values, _ = np.linalg.svd(small, full_matrices=False)
    deviation = math.sqrt(max(noise, 0.0) / max(mine.elements, 1))
    edge = _ABOVE * deviation * (math.sqrt(rows) + math.sqrt(columns))
    edge = max(edge, _ROUNDING * math.sqrt(own))
    rank = int((values > edge).sum())
    resolved = rank <= RESOLVED and rank < _FULL * min(rows, columns)
    return Decomposed(values, basis @ inner, rank, resolved, math.sqrt(squares))


def energy_along(tensor: WeightTensor, direction: Array) -> float:
    """Norm of what a matrix writes along a direction.

    Raises:
        ReadError: it cannot be read.
    """
    written = np.zeros(tensor.columns)
    start = 0
    for block in tensor.blocks():
        written += direction[start : start + len(block)] @ block
        start += len(block)
    return float(np.linalg.norm(written))


def _differences(
    mine: WeightTensor, theirs: WeightTensor
) -> Iterator[tuple[int, Array, NDArray[np.float32]]]:
    """Blocks of rows of the difference, each with its first row and the candidate's block.

    Blocks depend on the shape alone, so that both come in the same steps.
    """
    start = 0
    for own, other in zip(mine.blocks(), theirs.blocks(), strict=True):
        with np.errstate(all="ignore"):
            delta = np.nan_to_num(own.astype(np.float64) - other, posinf=0.0, neginf=0.0)
        yield start, delta, own
        start += len(own)
