from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.lineage.grid import on_grid
from modelscan.lineage.prints import TensorPrint

RANDOM = np.random.default_rng(0)
FREE = RANDOM.standard_normal(128).astype(np.float32)


def samples(values: object) -> TensorPrint:
    packed = np.asarray(values, "<f4")
    return TensorPrint(
        name="x", stored="x", role="", shape=(64, 64), dtype="f32", samples=packed.tobytes()
    )


def test_values_whole_steps_apart_lie_on_a_grid() -> None:
    found = on_grid(samples(np.round(FREE * 8) / 8), samples(FREE))
    assert found is not None
    assert (found.half_step.checked, found.half_step.outside, found.half_step.strict) == (
        128,
        0,
        False,
    )
    assert abs(found.noise - 64 * 64 / 64 / 12) < 1e-6


def test_other_originals_are_outside() -> None:
    found = on_grid(samples(np.round(FREE * 8) / 8), samples(FREE + 0.2))
    assert found is not None
    assert found.half_step.outside > 100


def test_free_values_and_a_base_on_a_grid_are_none() -> None:
    gridded = np.round(FREE * 8) / 8
    assert on_grid(samples(FREE), samples(FREE)) is None
    assert on_grid(samples(gridded), samples(gridded)) is None


def test_zeros_few_blocks_and_no_numbers_are_none() -> None:
    gridded = np.round(FREE * 8) / 8
    assert on_grid(samples(FREE * 0), samples(FREE)) is None
    assert on_grid(samples(gridded[:64]), samples(FREE[:64])) is None
    assert on_grid(samples(gridded[:100]), samples(FREE[:100])) is None
    assert on_grid(samples(gridded), samples(FREE[:64])) is None
    assert on_grid(samples(np.where(FREE > 1, np.nan, gridded)), samples(FREE)) is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(width=32), min_size=96, max_size=96), st.data())
def test_hostile_numbers_end(values: list[float], data: st.DataObject) -> None:
    other = data.draw(st.permutations(values))
    with np.errstate(all="ignore"):
        found = on_grid(samples(values), samples(other))
    assert found is None or 0 <= found.half_step.outside <= found.half_step.checked


def test_blocks_of_one_value_are_passed_over() -> None:
    gridded = np.round(FREE * 8) / 8
    gridded[:32] = 0
    found = on_grid(samples(gridded), samples(FREE))
    assert found is not None
    assert found.half_step.checked == 96
    gridded[32:64] = 0
    assert on_grid(samples(gridded), samples(FREE)) is None
    huge = np.where(np.arange(128) % 2, np.float32(3e38), np.float32(-3e38))
    assert on_grid(samples(huge), samples(FREE)) is not None
