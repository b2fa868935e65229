from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.lineage.digest import _brain_by_half, _through_half, _to_brain
from modelscan.lineage.rounding import rounded


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=32))
def test_values_are_rounded_as_a_cast_does_it(values: list[float]) -> None:
    wide = np.array(values, np.float32)
    with np.errstate(over="ignore"):
        half = wide.astype(np.float16).astype(np.float64)
    brain = (_to_brain(wide).astype(np.uint32) << np.uint32(16)).view(np.float32)
    assert rounded(values, "f16") == half.tolist()
    assert rounded(values, "bf16") == brain.astype(np.float64).tolist()


def test_what_no_type_holds_is_infinite() -> None:
    assert rounded([1e300, -1e300, math.inf], "bf16") == [math.inf, -math.inf, math.inf]
    assert rounded([1e300, -1e300, -math.inf], "f16") == [math.inf, -math.inf, -math.inf]
    assert math.isnan(rounded([math.nan], "f16")[0])


def test_the_short_way_through_half_precision_is_the_long_one() -> None:
    every = np.arange(1 << 16, dtype=np.uint16)
    mostly = np.concatenate([every, np.full(8 << 16, 0x3C00, np.uint16)]).reshape(-1, 64)
    for values in (every, mostly):
        assert np.array_equal(_through_half(values), _brain_by_half().take(values))
