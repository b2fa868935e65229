from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.lineage.halfstep import half_step
from modelscan.lineage.prints import TensorPrint
from tests.forge import kinship
from tests.forge.kinship_prints import base, base_print, print_of

NAME = "layers.1.mlp.up.weight"


@pytest.mark.parametrize("dtype", ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"])
def test_a_plain_quantisation_has_every_value_inside(dtype: str) -> None:
    found = half_step(print_of(base(), dtype).tensors[NAME], base_print().tensors[NAME])
    assert found is not None
    assert found.checked == 128
    assert (found.outside, found.strict) == (0, True)


@pytest.mark.parametrize("dtype", ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"])
def test_other_values_are_outside(dtype: str) -> None:
    other = kinship.finetuned(base(), 0.1)
    found = half_step(print_of(other, dtype).tensors[NAME], base_print().tensors[NAME])
    assert found is not None
    assert found.outside > 5
    assert found.strict


def test_a_base_in_float32_may_have_been_rounded_on_its_way() -> None:
    wide = kinship.each(base(), lambda _, v: v * np.float32(1 + 1e-4))
    known = print_of(wide, "F32").tensors[NAME]
    for narrow in ("BF16", "F16"):
        from tests.forge.weights import rounded

        made = print_of(rounded(wide, narrow), "Q8_0").tensors[NAME]
        found = half_step(made, known)
        assert found is not None
        assert found.outside == 0


def test_an_importance_matrix_leaves_no_proof() -> None:
    """With one, the scale is fitted after rounding: no block reaches its last code exactly."""
    genuine = print_of(base(), "Q4_0").tensors[NAME]
    values = np.array(genuine.values(), np.float32) * np.float32(0.875)
    bounds = np.array(genuine.bounds(), np.float32)
    import msgspec

    fitted = msgspec.structs.replace(
        genuine,
        samples=values.astype("<f4").tobytes(),
        low=bounds[:, 0].astype("<f4").tobytes(),
        high=bounds[:, 1].astype("<f4").tobytes(),
    )
    found = half_step(fitted, base_print().tensors[NAME])
    assert found is not None
    assert not found.strict


def test_nothing_is_said_without_bounds_or_of_other_samples() -> None:
    plain = base_print().tensors[NAME]
    assert half_step(plain, plain) is None
    quantised = print_of(base(), "Q8_0").tensors[NAME]
    assert half_step(quantised, small([1.0, 2.0])) is None


def small(
    values: list[float], low: list[float] | None = None, high: list[float] | None = None
) -> TensorPrint:
    def pack(numbers: list[float] | None) -> bytes:
        return np.array(numbers or [], "<f4").tobytes()

    return TensorPrint(
        name="x",
        stored="x",
        role="",
        shape=(len(values),),
        dtype="q4_0",
        samples=pack(values),
        low=pack(low),
        high=pack(high),
    )


def test_open_bounds_are_not_counted() -> None:
    ends = [-math.inf, 0.5]
    found = half_step(small([0.0, 1.0], ends, [math.inf, 1.5]), small([1e30, 1.0]))
    assert found is not None
    assert (found.checked, found.outside) == (1, 0)


NUMBER = st.floats(width=32)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER), min_size=1, max_size=64))
def test_hostile_numbers_end_in_numbers(rows: list[tuple[float, float, float, float]]) -> None:
    values, low, high, theirs = (list(column) for column in zip(*rows, strict=True))
    found = half_step(small(values, low, high), small(theirs))
    assert found is not None
    assert 0 <= found.outside <= len(rows)
    assert 0 <= found.checked <= len(rows)


@pytest.mark.parametrize("dtype", ["iq4_nl", "q4_0", "q4_1"])
def test_blocks_of_no_known_span_are_not_strict(dtype: str) -> None:
    import msgspec

    values = [float(n) for n in range(32)]
    made = small(values, [v - 0.5 for v in values], [v + 0.5 for v in values])
    found = half_step(msgspec.structs.replace(made, dtype=dtype), small(values))
    assert found is not None
    assert not found.strict
    open_ended = small(values, [-math.inf] * 32, [math.inf] * 32)
    found = half_step(open_ended, small(values))
    assert found is not None
    assert (found.checked, found.strict) == (0, False)


def test_blocks_of_zeros_are_plain() -> None:
    zeros = small([0.0] * 32, [-0.5] * 32, [0.5] * 32)
    found = half_step(zeros, small([0.0] * 32))
    assert found is not None
    assert found.strict
