"""Quantised values that were written out as plain numbers again.

A quantised model that is stored as float32 or half precision has no codes any more, but its values
still lie on a grid: within a block of 32 they are whole steps apart. The samples come in such
blocks. A step that explains all values of a block by chance is next to impossible; with it, the
half-step test can be asked, as a measurement and never as a proof.

bfloat16 keeps grids of up to about 32 levels; finer ones are lost in its own rounding.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from modelscan.lineage.evidence import HalfStep
from modelscan.lineage.halfstep import BLOCK
from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.prints import TensorPrint

LEVELS: Final = 255
"""Steps from the smallest to the largest value of a block, at most."""
_OFF: Final = 0.15
"""Largest distance of a value from the grid, in steps: what rounding to half precision leaves."""
_ROOM: Final = 0.1
"""Steps by which half a step is exceeded for the rounding of scales."""
_LEAST: Final = 3
"""Blocks without which nothing is concluded."""

Array = NDArray[np.float64]


class Gridded(NamedTuple):
    """Samples that lie on a grid."""

    half_step: HalfStep
    noise: float
    """Expected sum of squared errors over the whole tensor, from the steps."""


def on_grid(candidate: TensorPrint, base: TensorPrint) -> Gridded | None:
    """Hold a base's samples against the grid that the candidate's lie on; `None` without a grid."""
    mine, theirs = (np.array(each.values(), np.float64) for each in (candidate, base))
    if len(mine) != len(theirs) or len(mine) % BLOCK or not np.isfinite(mine).all():
        return None
    steps, outside, checked = [], 0, 0
    for start in range(0, len(mine), BLOCK):
        values, original = mine[start : start + BLOCK], theirs[start : start + BLOCK]
        if values.min() == values.max():
            continue  # a block of zeros lies on every grid
        step = _step(values)
        if not step or _step(original):
            return None
        steps.append(step)
        checked += BLOCK
        reach = (0.5 + _ROOM) * step
        above = (original > values + reach) & (values < values.max())
        below = (original < values - reach) & (values > values.min())
        outside += int((above | below).sum())
    if len(steps) < _LEAST:
        return None
    noise = float(np.mean(np.square(steps))) / 12 * candidate.size
    return Gridded(HalfStep(checked=checked, outside=outside, strict=False), noise)


def _step(values: Array) -> float:
    """The largest step that all values of a block are whole numbers of apart; 0 for none."""
    span = float(values.max() - values.min())
    if not 0 < span < np.inf:
        return 0.0
    counts = np.arange(1, LEVELS + 1)[:, None]
    places = (values - values.min())[None, :] / span * counts
    off = np.abs(places - np.round(places)).max(axis=1)
    found = np.flatnonzero(off < _OFF)
    return span / float(found[0] + 1) if found.size else 0.0
