"""What is measured of a tensor's values in one pass: the two-sided sketch and a few sums.

The sketch of an n x m matrix W is S = A' W B, where A (n x k) and B (m x k) hold random signs.
It is linear: the difference of two sketches is the sketch of the difference, so that rank, energy
and the direction of a change survive; its squared norm is an unbiased estimate of k² times the
squared norm of W (a Johnson-Lindenstrauss projection with signs: Achlioptas, 2003).

Sums go on in double precision over blocks in single precision. Infinite values and such as are no
numbers count as zero here, and are counted.
"""

from __future__ import annotations

from typing import Final

from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.signs import PUBLIC, Seed, signs

_MAX_COLUMNS: Final = 1 << 17
"""Columns from which on there is no sketch: what is added up for each would take too much memory.
Ordinary wide matrices are folded before, see `prints.folds`."""
_EXPONENT: Final = np.uint32(0x7F800000)
_STEP: Final = {"bf16": 2.0**-7, "f16": 2.0**-10, "f32": 2.0**-23, "f64": 2.0**-52}
"""Distance of neighbouring numbers between 1 and 2; `f8` types and integers are not measured."""
_SMALLEST: Final = {"f16": 2.0**-14}
"""The smallest normal number, where values come near it."""


def sketched(rows: int, columns: int, k: int) -> bool:
    """True for a matrix that is large enough to have a sketch, and small enough to make one."""
    return k <= rows and k <= columns <= _MAX_COLUMNS


def sign_sums(rows: int, columns: int, k: int, seed: Seed = PUBLIC) -> NDArray[np.float64]:
    """The sketch of a matrix of ones, k x k.

    A common offset of all values has this sketch times the offset. It is the same in unrelated
    models and has to be subtracted before they are compared.
    """
    return np.outer(_total(rows, k, seed), _total(columns, k, seed))


def _total(extent: int, k: int, seed: Seed) -> NDArray[np.float64]:
    total = np.zeros(k)
    step = 1 << 16
    for start in range(0, extent, step):
        total += signs(start, min(start + step, extent), k, seed).sum(axis=0, dtype=np.float64)
    return total


class Measure:
    """Takes the blocks of one tensor.

    Args:
        rows: rows of the tensor.
        columns: elements of a row.
        kind: the stored type, for its rounding noise; anything without a step has none.
        k: side of the sketch; 0 for none.
        seed: of the signs.
        group: rows that belong together, when the tensor is several matrices of which the sketch
            is to be that of all of them side by side: experts that write the same stream.
    """

    def __init__(  # one value for each choice
        self,
        rows: int,
        columns: int,
        kind: str,
        k: int = 0,
        seed: Seed = PUBLIC,
        group: int = 0,
    ) -> None:
        self._columns = columns
        self._size = rows * columns
        self._kind = kind
        self._k = k
        self._seed = seed
        self._group = group or max(rows, 1)
        self._row = 0
        self._left = np.zeros((k, columns)) if k else None
        self._sketch = np.zeros((k, k))
        self._sum = 0.0
        self._exponents = 0.0
        self.sum_squares = 0.0
        """Sum of squared values."""
        self.zeros = 0
        """Values that are exactly zero."""
        self.nonfinite = 0
        """Values that are no finite number."""

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return self._sum / self._size if self._size else 0.0

    @property
    def noise(self) -> float:
        """Expected sum of squared errors of rounding to the stored type: Σ step²/12."""
        step = _STEP.get(self._kind, 0.0)
        return self._exponents * step * step / 12

    def update(self, wide: NDArray[np.float32]) -> None:
        """Take the next rows as float32."""
        flat = wide.reshape(-1)
        with np.errstate(over="ignore", invalid="ignore"):  # both are looked for right below
            squares = float(np.dot(flat, flat))
        if not np.isfinite(squares):
            finite = np.isfinite(flat)
            self.nonfinite += int(flat.size - np.count_nonzero(finite))
            flat = np.where(finite, flat, np.float32(0))
            squares = float(np.square(flat, dtype=np.float64).sum())
        self.sum_squares += squares
        self.zeros += int(np.count_nonzero(flat == 0))
        if self._kind in _STEP:
            self._exponents += self._binades(flat)
        with np.errstate(over="ignore", invalid="ignore"):  # sums of huge values are infinite
            total = float(np.dot(flat, _ones(flat.size)))
            self._sum += total if np.isfinite(total) else float(flat.sum(dtype=np.float64))
            if self._left is not None:
                self._project(self._left, flat.reshape(-1, self._columns))

    def _project(self, left: NDArray[np.float64], rows: NDArray[np.float32]) -> None:
        """Add rows to the left projection, and that to the sketch when its group is complete."""
        at = 0
        while at < len(rows):
            start = self._row % self._group
            count = min(len(rows) - at, self._group - start)
            drawn = signs(start, start + count, self._k, self._seed)
            left += drawn.T @ rows[at : at + count]
            at += count
            self._row += count
            if self._row % self._group == 0:
                first = (self._row // self._group - 1) * self._columns
                right = signs(first, first + self._columns, self._k, self._seed)
                self._sketch += left @ right.astype(np.float64)
                left[:] = 0

    def _binades(self, flat: NDArray[np.float32]) -> float:
        """Sum of the squared powers of two below the values."""
        powers = (flat.view(np.uint32) & _EXPONENT).view(np.float32)
        least = _SMALLEST.get(self._kind)
        if least is not None:
            powers = np.where(flat == 0, np.float32(0), np.maximum(powers, np.float32(least)))
        with np.errstate(over="ignore"):
            total = float(np.dot(powers, powers))
        return total if np.isfinite(total) else float(np.square(powers, dtype=np.float64).sum())

    def sketch(self) -> bytes:
        """The sketch, k x k float32, row-major.

        Empty when none was asked for, and where values are so large that it is infinite.
        """
        if self._left is None:
            return b""
        with np.errstate(over="ignore", invalid="ignore"):  # as above
            whole = self._sketch.astype("<f4")
        return whole.tobytes() if np.isfinite(whole).all() else b""


_held_ones = np.ones(1 << 18, np.float32)


def _ones(size: int) -> NDArray[np.float32]:
    return _held_ones[:size] if size <= len(_held_ones) else np.ones(size, np.float32)
