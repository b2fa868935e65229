from __future__ import annotations

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray

from modelscan.lineage.signs import PUBLIC, Seed, signs
from modelscan.lineage.sketch import Measure, sign_sums, sketched
from tests.forge.weights import Array, Maker, bfloat16, from_bfloat16


def measured(values: Array, kind: str = "f32", k: int = 16, seed: Seed = PUBLIC) -> Measure:
    rows, columns = values.shape
    made = Measure(rows, columns, kind, k, seed)
    for start in range(0, len(values), 50):
        made.update(values[start : start + 50])
    return made


def sketch(values: Array, k: int = 16, seed: Seed = PUBLIC) -> NDArray[np.float32]:
    return np.frombuffer(measured(values, k=k, seed=seed).sketch(), "<f4").reshape(k, k)


def test_a_sketch_is_its_definition() -> None:
    values = Maker(1).matrix(300, 70)
    expected = signs(0, 300, 16).T.astype(float) @ values.astype(float) @ signs(0, 70, 16)
    np.testing.assert_allclose(sketch(values), expected, rtol=1e-4, atol=1e-3)


def test_a_sketch_of_whole_numbers_is_frozen() -> None:
    values = (np.arange(40 * 50) % 97 - 48).astype(np.float32).reshape(40, 50)
    digest = hashlib.sha256(measured(values).sketch()).hexdigest()
    assert digest == "220889e2bf4aaf4283971ae70ee9b64a906ca1a703036ff133a9b8187ddaea9e"


def test_sketches_are_linear() -> None:
    first, second = Maker(1).matrix(200, 90), Maker(2).matrix(200, 90)
    both = sketch(first) * 2 - sketch(second) * 3
    np.testing.assert_allclose(sketch(first * 2 - second * 3), both, rtol=1e-3, atol=1e-2)


def test_a_large_sketch_holds_the_small_ones() -> None:
    values = Maker(1).matrix(120, 64)
    np.testing.assert_allclose(sketch(values, 32)[:16, :16], sketch(values), rtol=1e-4, atol=1e-4)


def test_the_rank_of_a_change_survives() -> None:
    values = Maker(1).matrix(200, 90)
    random = np.random.default_rng(5)
    change = random.standard_normal((200, 3)) @ random.standard_normal((3, 90))
    difference = sketch(np.asarray(values + change, np.float32)) - sketch(values)
    spectrum = np.linalg.svd(difference, compute_uv=False)
    assert spectrum[2] > 100 * spectrum[3]


def test_the_sketch_of_the_transpose_is_the_transpose() -> None:
    values = Maker(1).matrix(120, 64)
    turned = sketch(np.ascontiguousarray(values.T)).T
    np.testing.assert_allclose(turned, sketch(values), rtol=1e-4, atol=1e-3)


def test_an_offset_can_be_taken_out() -> None:
    values = Maker(1).matrix(120, 64)
    shifted = sketch(values + np.float32(0.5)) - 0.5 * sign_sums(120, 64, 16)
    np.testing.assert_allclose(shifted, sketch(values), rtol=1e-3, atol=1e-2)


def test_another_seed_is_another_sketch() -> None:
    values = Maker(1).matrix(120, 64)
    private = sketch(values, seed=Seed.private(b"x" * 20))
    together = float((private * sketch(values)).sum())
    assert abs(together) < 0.4 * np.linalg.norm(private) * np.linalg.norm(sketch(values))


@pytest.mark.parametrize(
    ("kind", "step"), [("bf16", 2.0**-7), ("f16", 2.0**-10), ("f32", 2.0**-23)]
)
def test_sums_are_sums(kind: str, step: float) -> None:
    values = Maker(3).matrix(130, 40)
    values[0, :7] = 0
    values[1, 0] = -0.0
    if kind == "bf16":
        values = from_bfloat16(bfloat16(values))
    made = measured(values, kind, 0)
    assert made.zeros == np.count_nonzero(values == 0)
    assert made.sum_squares == pytest.approx(float(np.square(values, dtype=float).sum()), rel=1e-5)
    assert made.mean == pytest.approx(float(values.mean(dtype=float)), rel=1e-3, abs=1e-7)
    binades = np.exp2(np.floor(np.log2(np.abs(values[values != 0], dtype=float))))
    if kind == "f16":
        binades = np.maximum(binades, 2.0**-14)
    assert made.noise == pytest.approx(float(np.square(binades * step).sum()) / 12, rel=1e-5)
    assert made.nonfinite == 0
    assert made.sketch() == b""


def test_the_noise_of_a_cast_is_the_noise_of_the_cast() -> None:
    values = Maker(3).matrix(500, 100)
    cast = from_bfloat16(bfloat16(values))
    error = float(np.square(cast - values, dtype=float).sum())
    assert measured(cast, "bf16", 0).noise == pytest.approx(error, rel=0.05)


def test_what_is_no_number_counts_and_does_not_spread() -> None:
    values = Maker(3).matrix(64, 64)
    hole = values.copy()
    hole[3, 4], hole[5, 6] = np.nan, np.inf
    filled = np.nan_to_num(hole, nan=0, posinf=0)
    made = measured(hole)
    assert made.nonfinite == 2
    assert made.sketch() == measured(filled).sketch()
    assert np.isfinite(made.sum_squares)


def test_huge_values_have_no_sketch_and_finite_sums() -> None:
    values = np.full((64, 64), 3e38, np.float32)
    made = measured(values, "bf16")
    assert made.sketch() == b""
    assert np.isfinite(made.sum_squares)
    assert np.isfinite(made.noise)


def test_small_and_wide_matrices_have_none() -> None:
    assert sketched(16, 16, 16)
    assert not sketched(15, 400, 16)
    assert not sketched(400, 15, 16)
    assert not sketched(400, 1 << 21, 16)


def test_matrices_side_by_side_have_one_sketch() -> None:
    parts = [Maker(seed).matrix(40, 30) for seed in (1, 2, 3)]
    made = Measure(120, 30, "f32", 16, PUBLIC, 40)
    stacked = np.concatenate(parts)
    for start in range(0, 120, 50):
        made.update(stacked[start : start + 50])
    found = np.frombuffer(made.sketch(), "<f4").reshape(16, 16)
    np.testing.assert_allclose(found, sketch(np.hstack(parts)), rtol=1e-4, atol=1e-3)
