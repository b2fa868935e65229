"""The half-step test: could these quantised values have come from the base's?

A block quantiser rounds to the nearest of its levels, so that a base value lies within half a step
of the stored one, unless the code was clipped. `TensorPrint.low` and `.high` hold that interval for
each sample. One base value outside is a proof that the file is no plain quantisation of the base,
where the quantiser's rounding is known; none outside over thousands of samples is a measurement.

Where it is strict, from llama.cpp's quantisers (ggml-quants.c):

- the K types round each value anew with the final scales, with and without an importance matrix;
- Q8_0 always rounds with scale max|x|/127;
- Q4_0, Q4_1, Q5_0, Q5_1 without an importance matrix span each block from its very extremes. With
  one, the scale is fitted after rounding, and half a step is no bound. Fitting also moves the
  extremes of some blocks off the last code, so that a file in which every one of a hundred blocks
  reaches it was quantised without; in any other file nothing is proved.

The base may have passed through half precision or bfloat16 on its way, so its values are tried as
they are and rounded to each; the kindest of the three counts.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import msgspec

from modelscan.lineage.evidence import HalfStep, TensorChange
from modelscan.lineage.prints import TensorPrint
from modelscan.lineage.quants import STRICT
from modelscan.lineage.rounding import rounded

BLOCK: Final = 32
"""Samples of a quantised tensor come in whole blocks of this many."""
_CENTRED: Final = {"q4_0": 8, "q5_0": 16}
"""Steps from zero to the value of largest magnitude, which the plain quantiser stores exactly."""
_SPANNING: Final = {"q4_1": 15, "q5_1": 31}
"""Steps from the smallest to the largest value, both of which it stores exactly."""
_SHORT: Final = 0.8
"""Steps by which a block seems to span less: bounds allow for the rounding of scales. A block that
really spans one code less is further away."""
_LONG: Final = 0.3
ENOUGH: Final = 100
"""Blocks that must all reach their last code."""
_SLACK: Final = 1e-5
"""Of a step: the bounds are kept in single precision."""

_Bound = tuple[float, float]


def half_step(candidate: TensorPrint, base: TensorPrint) -> HalfStep | None:
    """Hold the base's samples against what the candidate's quantiser could have stored.

    Returns:
        `None` when nothing is known about the quantiser, or the samples lie at other places.
    """
    bounds = candidate.bounds()
    original = base.values()
    if not bounds or len(bounds) != len(original):
        return None
    tried = [original]
    if base.sample_dtype == "f32":
        tried += [rounded(original, "f16"), rounded(original, "bf16")]
    elif base.sample_dtype == "bf16":
        tried.append(rounded(original, "f16"))
    outside = min(
        sum(_is_outside(value, bound) for value, bound in zip(values, bounds, strict=True))
        for values in tried
    )
    checked = sum(not (math.isinf(low) and math.isinf(high)) for low, high in bounds)
    strict = candidate.dtype in STRICT or _spans_blocks(candidate, bounds)
    return HalfStep(checked=checked, outside=outside, strict=strict)


def settled(changes: Sequence[TensorChange]) -> list[TensorChange]:
    """The same, with nothing strict in a type whose quantiser may have fitted its scales.

    Args:
        changes: all tensors of a comparison: the blocks of all of them decide together.
    """
    tested: defaultdict[str, list[HalfStep]] = defaultdict(list)
    for change in changes:
        if change.half_step is not None:
            tested[change.dtype].append(change.half_step)
    plain = {
        dtype
        for dtype, steps in tested.items()
        if dtype in STRICT
        or (all(s.strict for s in steps) and sum(s.checked for s in steps) >= ENOUGH * BLOCK)
    }
    return [
        change
        if change.half_step is None or change.dtype in plain
        else msgspec.structs.replace(
            change, half_step=msgspec.structs.replace(change.half_step, strict=False)
        )
        for change in changes
    ]


def _is_outside(value: float, bound: _Bound) -> bool:
    low, high = bound
    width = high - low
    slack = _SLACK * (width if math.isfinite(width) else abs(value))
    return value < low - slack or value > high + slack


def _spans_blocks(candidate: TensorPrint, bounds: Sequence[_Bound]) -> bool:
    """True when every sampled block reaches the end of its codes, as without importance matrix."""
    values = candidate.values()
    blocks = range(0, len(values) - BLOCK + 1, BLOCK)
    whole = bool(blocks) and len(values) % BLOCK == 0
    return whole and all(
        _spans(candidate.dtype, values[at : at + BLOCK], bounds[at : at + BLOCK]) for at in blocks
    )


def _spans(dtype: str, values: Sequence[float], bounds: Sequence[_Bound]) -> bool:
    largest = max(abs(value) for value in values)
    steps = [high - low for low, high in bounds if math.isfinite(high - low)]
    if largest == 0:
        return True
    if not steps or min(steps) <= 0:
        return False
    if dtype in _SPANNING:
        missing = _SPANNING[dtype] - (max(values) - min(values)) / min(steps)
    elif dtype in _CENTRED:
        missing = _CENTRED[dtype] - largest / min(steps)
    else:
        return False
    return -_LONG < missing < _SHORT
