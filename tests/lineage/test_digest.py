from __future__ import annotations

import hashlib
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from modelscan.lineage.digest import RowDigests, ValueDigest
from modelscan.lineage.plain import widened
from modelscan.lineage.root import model_root
from tests.forge.weights import Array, bfloat16, from_bfloat16, rounded

KINDS = {"BF16": "bf16", "F16": "f16"}
CODES = {"f32": np.float32, "f16": np.float16, "f64": np.float64}


def native(values: Array, kind: str) -> NDArray[Any]:
    if kind == "bf16":
        return bfloat16(values)
    with np.errstate(over="ignore"):
        return values.astype(CODES[kind])


def digest(values: Array, kind: str, cut: int | None = None) -> ValueDigest:
    """Of values in a type, fed in blocks of `cut` rows."""
    made = ValueDigest(values.shape, kind)
    block = native(values, kind)
    step = cut or len(values) or 1
    for start in range(0, len(values), step):
        piece = block[start : start + step]
        made.update(piece, widened(piece, kind))
    return made


def plain(values: Array) -> Array:
    return values


FLOATS = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 6), st.integers(1, 9)), elements=st.floats(width=32)
)


def test_a_digest_is_what_its_definition_says() -> None:
    head = b"modelassay-value/1\x002x2\x00"
    values = np.array([[1, -0.0], [0.5, 1.5]], np.float32)
    brain = struct.pack("<4H", 0x3F80, 0x8000, 0x3F00, 0x3FC0)
    expected = hashlib.sha256(head + b"bf16\0" + brain).digest()
    assert {digest(values, kind).digest() for kind in ("f32", "bf16", "f16", "f64")} == {expected}
    fine = values + np.float32(2**-10)
    half = fine.astype("<f2").tobytes()
    assert digest(fine, "f32").digest() == hashlib.sha256(head + b"f16\0" + half).digest()
    finer = values + np.float32(2**-20)
    single = finer.astype("<f4").tobytes()
    assert digest(finer, "f32").digest() == hashlib.sha256(head + b"f32\0" + single).digest()


@given(FLOATS, st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_the_type_and_the_blocks_make_no_difference(values: Array, cut: int) -> None:
    values = values[:, : max(1, values.shape[1])]
    finite = np.nan_to_num(values)
    with np.errstate(over="ignore"):
        brain = from_bfloat16(bfloat16(finite))
        half = finite.astype(np.float16).astype(np.float32)
    for exact, kinds in ((brain, ("bf16", "f32", "f64")), (half, ("f16", "f32", "f64"))):
        assert len({digest(exact, kind, cut).digest() for kind in kinds}) == 1


@given(FLOATS)
@settings(max_examples=150, deadline=None)
def test_a_cast_has_the_rounded_digest(values: Array) -> None:
    finite = np.nan_to_num(values)
    bf16, f16 = digest(finite, "f32").rounded()
    own = digest(finite, "f32").digest()
    assert (bf16 or own) == digest(finite, "bf16").digest()
    with np.errstate(over="ignore"):
        assert (f16 or own) == digest(finite, "f16").digest()


@pytest.mark.parametrize(("base", "cast"), [("BF16", "F16"), ("F16", "BF16")])
def test_casts_between_the_short_types_are_proved(base: str, cast: str) -> None:
    random = np.random.default_rng(1)
    values = np.asarray(random.standard_normal((64, 48)) * 2.0**-10, np.float32)
    original = rounded({"w": values}, base)["w"]
    again = rounded({"w": original}, cast)["w"]
    known = dict(zip(("bf16", "f16"), digest(original, KINDS[base]).rounded(), strict=True))
    assert known[KINDS[base]] == b""
    assert known[KINDS[cast]] == digest(again, KINDS[cast]).digest() != b""
    assert digest(original, KINDS[base]).digest() != digest(again, KINDS[cast]).digest()


def test_what_is_no_number_is_digested_too() -> None:
    odd = np.array([[np.nan, np.inf, -np.inf, 1e30]], np.float32)
    made = digest(odd, "f32")
    assert len(made.digest()) == 32
    bf16, f16 = made.rounded()
    assert bf16 == digest(odd, "bf16").digest()
    assert f16 == digest(odd, "f16").digest()


def test_long_floats_that_are_no_short_ones_keep_their_type() -> None:
    values = np.array([[0.1, 0.2]], np.float64)
    made = ValueDigest(values.shape, "f64")
    made.update(values, widened(values, "f64"))
    head = b"modelassay-value/1\x001x2\x00f64\x00"
    assert made.digest() == hashlib.sha256(head + values.astype("<f8").tobytes()).digest()


def test_integers_are_digested_in_their_type() -> None:
    values = np.arange(6, dtype=np.int32).reshape(2, 3)
    made = ValueDigest(values.shape, "i32")
    made.update(values, widened(values, "i32"))
    head = b"modelassay-value/1\x002x3\x00i32\x00"
    assert made.digest() == hashlib.sha256(head + values.astype("<i4").tobytes()).digest()
    assert made.rounded() == (b"", b"")


@pytest.mark.parametrize("cut", [1, 700, 1024, 5000])
def test_rows_have_digests_of_their_own(cut: int) -> None:
    random = np.random.default_rng(2)
    values = random.standard_normal((2500, 4)).astype(np.float32)
    made = RowDigests(2500, 4, "f32")
    for start in range(0, 2500, cut):
        piece = values[start : start + cut]
        made.update(piece, piece)
    expected = [digest(values[start : start + 1024], "f32").digest() for start in (0, 1024, 2048)]
    assert list(made.digests()) == expected


def test_the_root_leaves_out_what_is_tied() -> None:
    digests = {"embedding.weight": b"e" * 32, "output.weight": b"e" * 32, "norm.weight": b"n" * 32}
    without = {name: value for name, value in digests.items() if name != "output.weight"}
    assert model_root(digests, {"output.weight"}) == model_root(without, ())
    assert model_root(digests, ()) != model_root(without, ())
    assert model_root(without, ()).startswith("sha256:")
    renamed = {"a.weight": b"e" * 32, "norm.weight": b"n" * 32}
    assert model_root(renamed, ()) != model_root(without, ())


@pytest.mark.parametrize("kind", ["f32", "f64", "f16", "bf16"])
def test_any_bits_are_digested_without_a_word(kind: str) -> None:
    width = {"f64": 8, "f32": 4}.get(kind, 2)
    code = {"f64": "<f8", "f32": "<f4", "f16": "<f2", "bf16": "<u2"}[kind]
    raw = bytes(range(256)) * 4 + b"\x01\x00\x00\x00\x00\x00\xf0\x7f" + b"\x01\x00\x80\x7f" * 2
    block = np.frombuffer(raw, code).reshape(1, -1)
    made = ValueDigest(block.shape, kind)
    made.update(block, widened(block, kind))
    assert len(made.digest()) == 32
    assert len(raw) % width == 0
