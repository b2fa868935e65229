"""Quantised matrices whose scales are tensors of their own: their values, and what is said."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from modelscan.budget import Limits
from modelscan.errors import ModelAssayError
from modelscan.lineage.compare import compare
from modelscan.lineage.descent import weigh
from modelscan.lineage.evidence import Evidence
from modelscan.lineage.judgement import judge
from modelscan.lineage.opening import open_weights
from modelscan.lineage.prints import Fingerprint
from modelscan.lineage.weights import Part, WeightTensor
from tests.forge import kinship, safetensors
from tests.forge.kinship_prints import HeldFile, base, base_print, files, print_of
from tests.forge.weights import Array, Tensors
from tests.forge.weights_codes import WRITERS, Entry, coded_bytes, int8_rows, plain

NAME = "layers.0.mlp.up.weight"
STORED = "model.layers.0.mlp.up_proj.weight"


def error(name: str) -> float:
    """Largest error that the format leaves, of the largest value."""
    return 0.005 if "int8" in name else 0.04 if "fp8" in name else 0.18


def held(tensors: Tensors, name: str) -> list[HeldFile]:
    config = files(base())[0]
    return [config, HeldFile("model.safetensors", coded_bytes(tensors, WRITERS[name]))]


def coded_print(tensors: Tensors, name: str) -> Fingerprint:
    return weigh(held(tensors, name), "", Limits(), None)


def evidence(tensors: Tensors, name: str) -> Evidence:
    return compare(coded_print(tensors, name), base_print())


@pytest.mark.parametrize("name", WRITERS)
def test_values_are_those_that_were_quantised(name: str) -> None:
    original = base()[STORED]
    with open_weights(held(base(), name)) as weights:
        tensor = weights.tensors[NAME]
        values = np.concatenate(list(tensor.blocks()))
        places = [0, 1, 131, values.size - 1]
        some = tensor.values_at(places)
        assert not [gap for gap in weights.skipped if gap.needed]
    assert values.shape == original.shape
    np.testing.assert_array_equal(some, values.reshape(-1)[places])
    largest = np.abs(original).max()
    assert np.abs(values - original).max() <= error(name) * largest
    assert np.abs(values - original).max() > 0


@pytest.mark.parametrize("name", WRITERS)
def test_the_noise_is_that_of_rounding(name: str) -> None:
    """What is expected of the errors is what they are, within a third; of GPTQ three times that."""
    whole = coded_print(base(), name)
    original = base()[STORED]
    with open_weights(held(base(), name)) as weights:
        values = np.concatenate(list(weights.tensors[NAME].blocks()))
    real = float(np.square(values.astype(float) - original).sum())
    expected = whole.tensors[NAME].noise / (3 if "GPTQ" in name else 1)
    assert 0.75 * real <= expected <= 1.45 * real


@pytest.mark.parametrize("name", WRITERS)
def test_a_quantised_base_is_recognised(name: str) -> None:
    found = judge(evidence(base(), name))[0]
    assert (found.relation, found.tier) == ("quantized", "measured")
    assert "no bound is known" in found.text
    assert "smaller than its errors" in found.limits


@pytest.mark.parametrize("name", WRITERS)
def test_strangers_are_strangers(name: str) -> None:
    assert judge(evidence(base(1), name))[0].relation == "unrelated"


@pytest.mark.parametrize("name", WRITERS)
def test_a_fine_tune_is_no_quantisation(name: str) -> None:
    tuned = kinship.finetuned(base(), 0.3)
    assert judge(evidence(tuned, name))[0].relation in {"finetune", "derived"}


def test_a_copy_in_bfloat16_of_a_base_in_eight_bits_is_a_cast() -> None:
    """As DeepSeek's models are published in fp8 and converted before they are trained."""
    name = "fp8 by block"
    with open_weights(held(base(), name)) as weights:
        values = {
            tensor.stored: np.concatenate(list(tensor.blocks())).reshape(tensor.shape)
            for tensor in weights.tensors.values()
        }
    found = judge(compare(print_of(values, "BF16"), coded_print(base(), name)))[0]
    assert (found.relation, found.tier) == ("cast", "proved")


def test_equal_codes_are_equal() -> None:
    for name in WRITERS:
        found = judge(compare(coded_print(base(), name), coded_print(base(), name)))[0]
        assert (found.relation, found.tier) == ("identical", "proved")


def opened(entries: dict[str, Entry]) -> list[HeldFile]:
    table = safetensors.header({k: (e.dtype, list(e.shape)) for k, e in entries.items()})
    data = safetensors.assemble(table, b"".join(entry.data for entry in entries.values()))
    return [HeldFile("model.safetensors", data)]


@cache
def matrix() -> Array:
    return np.random.default_rng(3).standard_normal((64, 96), np.float32)


def written(name: str) -> dict[str, Entry]:
    return WRITERS[name]("w.", matrix())


Spoil = Callable[[dict[str, Entry]], None]


def drop(name: str) -> Spoil:
    def spoil(entries: dict[str, Entry]) -> None:
        del entries[name]

    return spoil


def put(name: str, values: NDArray[Any], dtype: str) -> Spoil:
    def spoil(entries: dict[str, Entry]) -> None:
        entries[name] = plain(values, dtype)

    return spoil


UNFIT: dict[str, tuple[str, Spoil]] = {
    "no scale": ("int8 by row", drop("w.weight_scale")),
    "two scales to choose from": (
        "int8 by row",
        put("w.weight_scale_inv", np.ones((64, 1)), "F32"),
    ),
    "scales of other rows": ("int8 by row", put("w.weight_scale", np.ones((63, 1)), "F32")),
    "scales of no numbers": ("int8 by row", put("w.weight_scale", np.ones((64, 1)), "I8")),
    "a cube of scales": ("int8 by row", put("w.weight_scale", np.ones((64, 1, 1)), "F32")),
    "zeros of another shape": ("int8 with zeros", put("w.weight_zero_point", np.ones(3), "I8")),
    "packed, no shape": ("packed int4", drop("w.weight_shape")),
    "packed, another shape": ("packed int4", put("w.weight_shape", np.array([9, 9]), "I64")),
    "packed, a shape of words": ("packed int4", put("w.weight_shape", np.array([64, 96]), "I32")),
    "packed, other zeros": (
        "packed int4 with zeros",
        put("w.weight_zero_point", np.ones((1, 1)), "I32"),
    ),
    "no zeros": ("GPTQ", drop("w.qzeros")),
    "scales of vectors": ("GPTQ", put("w.scales", np.ones(64), "F16")),
    "zeros of other groups": ("GPTQ", put("w.qzeros", np.ones((2, 8)), "I32")),
    "an order of other inputs": ("GPTQ", put("w.g_idx", np.ones(7), "I32")),
    "groups that do not fit": ("AWQ", put("w.scales", np.ones((5, 64)), "F16")),
    "no table": ("NF4", drop("w.weight.quant_map")),
    "a table of other size": ("NF4", put("w.weight.quant_map", np.ones(15), "F32")),
    "scales of other blocks": ("NF4", put("w.weight.absmax", np.ones(7), "F32")),
    "a description of nothing": (
        "NF4",
        put("w.weight.quant_state.bitsandbytes__nf4", np.ones(9), "U8"),
    ),
    "a description of words": (
        "NF4",
        put("w.weight.quant_state.bitsandbytes__nf4", np.ones(9), "I32"),
    ),
    "no inner scales": ("NF4, scales quantised", drop("w.weight.nested_absmax")),
    "inner scales of others": (
        "NF4, scales quantised",
        put("w.weight.nested_absmax", np.ones(9), "F32"),
    ),
}


@pytest.mark.parametrize(("name", "spoil"), UNFIT.values(), ids=UNFIT)
def test_what_fits_no_format_is_left_as_it_is(name: str, spoil: Spoil) -> None:
    entries = written(name)
    spoil(entries)
    with open_weights(opened(entries)) as weights:
        assert {tensor.stored for tensor in weights.tensors.values()} == set(entries)
        assert not any(part.source.coding for part in parts(list(weights.tensors.values())))


def parts(tensors: list[WeightTensor]) -> list[Part]:
    return [part for tensor in tensors for part in tensor.parts]


def test_an_order_of_groups_that_there_are_not_is_a_gap() -> None:
    entries = written("GPTQ")
    entries["w.g_idx"] = plain(np.full(96, 77), "I32")
    made = weigh(opened(entries), "", Limits(), 8)
    assert ["a group that there is not" in gap.reason for gap in made.skipped] == [True]


def test_a_matrix_is_read_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    from modelscan.lineage import blocks, coded

    whole = weigh(opened(written("GPTQ")), "", Limits(), 8)
    monkeypatch.setattr(blocks, "MAX_BLOCK", 96 * 5)
    monkeypatch.setattr(blocks, "BLOCK", 96 * 3)
    monkeypatch.setattr(coded, "_NARROW", 1)
    strips = weigh(opened(written("GPTQ")), "", Limits(), 8)
    mine, theirs = whole.tensors["w.weight"], strips.tensors["w.weight"]
    assert mine.digest == theirs.digest
    assert mine.noise == pytest.approx(theirs.noise)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(WRITERS)),
    which=st.integers(0, 10),
    shape=st.lists(st.sampled_from([0, 1, 2, 3, 8, 12, 64, 96, 768, 1 << 40]), max_size=3),
)
def test_any_shape_is_read_or_refused(name: str, which: int, shape: list[int]) -> None:
    entries = written(name)
    spoiled = sorted(entries)[which % len(entries)]
    entries[spoiled] = entries[spoiled]._replace(shape=tuple(shape))
    try:
        made = weigh(opened(entries), "", Limits(), 8)
    except ModelAssayError:
        return
    assert made.tensors or made.skipped


def test_a_changed_scale_is_a_change() -> None:
    """The codes are the base's, what they stand for is not: one row of what is written is louder."""
    tensors = dict(base())
    for layer in range(4):
        name = f"model.layers.{layer}.mlp.down_proj.weight"
        tensors[name] = tensors[name] * np.where(np.arange(128) == 5, 3, 1)[:, None]
    coded, plainly = coded_print(base(), "int8 by row"), coded_print(tensors, "int8 by row")
    assert coded.tensors[NAME].digest == plainly.tensors[NAME].digest
    found = judge(evidence(tensors, "int8 by row"))[0]
    assert found.relation == "abliteration-like"


def test_scales_are_no_tensors_of_the_model() -> None:
    with open_weights(opened(int8_rows("w.", matrix()))) as weights:
        assert list(weights.tensors) == ["w.weight"]
