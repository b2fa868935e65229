from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import ReadError
from modelscan.lineage.names import Shape, canonical, dialect_of
from modelscan.lineage.stored import Stored
from modelscan.lineage.weights import Weights, raw_at
from modelscan.vocabulary.artifact import BytesArtifact

LLAMA = Shape(architecture="llama", heads=4, kv_heads=2)


def stored(name: str, *shape: int, start: int = 0) -> Stored:
    """A tensor of the numbers from `start` on."""
    size = int(np.prod(shape))
    data = np.arange(start, start + size, dtype="<f4").tobytes()
    return Stored(name, "f32", shape, BytesArtifact("m", data), 0, width=4)


def named(*tensors: Stored, shape: Shape = LLAMA, dialect: str = "hub") -> Weights:
    return canonical(
        tensors, shape, "gguf" if dialect == "gguf" else "meta" if dialect == "meta" else "hub"
    )


def rows(weights: Weights, name: str) -> list[int]:
    """The first number of each row, as a row number."""
    tensor = weights.tensors[name]
    whole = np.concatenate(list(tensor.blocks())).reshape(tensor.rows, -1)
    assert whole.shape == (tensor.rows, tensor.columns)
    flat = list(range(tensor.elements))
    assert np.array_equal(tensor.values_at(flat), whole.ravel())
    assert raw_at(tensor, flat) == whole.astype("<f4").tobytes()
    return [int(row[0]) // tensor.columns for row in whole]


NAMES = {
    "model.layers.0.self_attn.o_proj.weight": "layers.0.attention.o.weight",
    "layers.3.attention.wo.weight": "layers.3.attention.o.weight",
    "blk.7.attn_output.weight": "layers.7.attention.o.weight",
    "encoder.layer.1.attention.output.dense.bias": "layers.1.attention.o.bias",
    "transformer.h.5.mlp.fc_in.weight": "layers.5.mlp.up.weight",
    "gpt_neox.layers.2.mlp.dense_4h_to_h.weight": "layers.2.mlp.down.weight",
    "model.decoder.layers.0.fc1.weight": "layers.0.mlp.up.weight",
    "model.decoder.layers.0.final_layer_norm.weight": "layers.0.mlp.norm.weight",
    "model.layers.0.mlp.gate.weight": "layers.0.mlp.router.weight",
    "model.layers.0.mlp.shared_expert.up_proj.weight": "layers.0.mlp.shared.up.weight",
    "distilbert.transformer.layer.0.attention.q_lin.weight": "layers.0.attention.q.weight",
    "encoder.layer.0.output.LayerNorm.gamma": "layers.0.mlp.post_norm.weight",
    "model.layers.0.a.b.lora_A.weight": "layers.0.a.b.lora_A.weight",
    "something.else": "something.else",
    "logit_scale": "logit_scale",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_becomes_the_canonical_one(name: str) -> None:
    [found] = named(stored(name, 8, 4)).tensors.values()
    assert found.name == NAMES[name]
    assert found.stored == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model.norm.weight", "norm.weight"),
        ("lm_head.weight", "output.weight"),
        ("model.embed_tokens.weight", "embedding.weight"),
        ("vision.embed_tokens.weight", "vision.embed_tokens.weight"),
        ("vision.layers.0.self_attn.o_proj.weight", "vision.layers.0.self_attn.o_proj.weight"),
    ],
)
def test_only_the_main_tower_is_named(name: str, expected: str) -> None:
    layers = [stored(f"model.layers.{at}.mlp.up_proj.weight", 8, 4) for at in range(3)]
    found = named(stored(name, 8, 4), *layers)
    assert expected in found.tensors
    assert found.layers == 3
    if expected == name:
        assert (found.tensors[name].role, found.tensors[name].layer) == ("", None)


def test_norms_around_the_mlp_make_the_one_before_it_another() -> None:
    names = ["input_layernorm", "post_attention_layernorm"]
    plain = named(*(stored(f"model.layers.0.{name}.weight", 4) for name in names))
    assert set(plain.tensors) == {"layers.0.attention.norm.weight", "layers.0.mlp.norm.weight"}
    names += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
    sandwich = named(*(stored(f"model.layers.0.{name}.weight", 4) for name in names))
    assert set(sandwich.tensors) == {
        "layers.0.attention.norm.weight", "layers.0.attention.post_norm.weight",
        "layers.0.mlp.norm.weight", "layers.0.mlp.post_norm.weight",
    }  # fmt: skip


QKV = "layers.0.attention.{}.weight"
FUSED: Mapping[str, tuple[Shape, int, tuple[list[int], list[int], list[int]]]] = {
    "model.layers.0.self_attn.qkv_proj.weight": (
        Shape(architecture="phi3", heads=2, kv_heads=1),
        8,
        ([0, 1, 2, 3], [4, 5], [6, 7]),
    ),
    "gpt_neox.layers.0.attention.query_key_value.weight": (
        Shape(architecture="gpt_neox", heads=2, kv_heads=2),
        12,
        ([0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]),
    ),
    "model.layers.0.attention.wqkv.weight": (
        Shape(architecture="internlm2", heads=4, kv_heads=2),
        8,
        ([0, 1, 4, 5], [2, 6], [3, 7]),
    ),
    "encoder.layers.0.attn.Wqkv.weight": (
        Shape(architecture="nomic_bert", heads=2, kv_heads=2),
        6,
        ([0, 1], [2, 3], [4, 5]),
    ),
}


@pytest.mark.parametrize("name", FUSED)
def test_query_key_and_value_are_told_apart(name: str) -> None:
    shape, count, expected = FUSED[name]
    found = named(stored(name, count, 4), shape=shape)
    assert tuple(rows(found, QKV.format(part)) for part in "qkv") == expected
    bias = named(stored(name.replace("weight", "bias"), count), shape=shape)
    values = [bias.tensors[QKV.format(part).replace("weight", "bias")] for part in "qkv"]
    assert [np.concatenate(list(each.blocks())).ravel().tolist() for each in values] == [
        [float(row) for row in part] for part in expected
    ]


@pytest.mark.parametrize(
    "shape",
    [
        Shape(),
        Shape(architecture="phi3", heads=3, kv_heads=2),
        Shape(architecture="gpt_neox", heads=5, kv_heads=5),
        Shape(architecture="phi3", heads=5, kv_heads=5, head_size=3),
    ],
)
def test_what_cannot_be_told_apart_keeps_its_name(shape: Shape) -> None:
    found = named(stored("model.layers.0.self_attn.qkv_proj.weight", 8, 4), shape=shape)
    assert set(found.tensors) == {"layers.0.self_attn.qkv_proj.weight"}


def test_gate_and_up_are_told_apart() -> None:
    name = "model.layers.0.mlp.gate_up_proj.weight"
    found = named(stored(name, 6, 4))
    assert rows(found, "layers.0.mlp.gate.weight") == [0, 1, 2]
    assert rows(found, "layers.0.mlp.up.weight") == [3, 4, 5]
    assert set(named(stored(name, 5, 4)).tensors) == {"layers.0.mlp.gate_up_proj.weight"}
    found = named(stored("layers.0.mlp.Wi.weight", 6, 4), shape=Shape(architecture="modernbert"))
    assert rows(found, "layers.0.mlp.up.weight") == [0, 1, 2]
    tensors = stored("blk.0.ffn_up.weight", 6, 4), stored("blk.0.ffn_down.weight", 4, 3)
    found = named(*tensors, dialect="gguf")
    assert rows(found, "layers.0.mlp.gate.weight") == [0, 1, 2]
    tensors = stored("blk.0.ffn_up.weight", 6, 4), stored("blk.0.ffn_down.weight", 4, 6)
    assert set(named(*tensors, dialect="gguf").tensors) == {
        "layers.0.mlp.up.weight", "layers.0.mlp.down.weight",
    }  # fmt: skip


@pytest.mark.parametrize("dialect", ["gguf", "meta"])
def test_alternating_rows_are_put_in_order(dialect: str) -> None:
    name = "blk.0.attn_{}.weight" if dialect == "gguf" else "layers.0.attention.w{}.weight"
    tensors = [stored(name.format("q"), 16, 2), stored(name.format("k"), 8, 2)]
    found = named(*tensors, dialect=dialect)
    assert rows(found, QKV.format("q"))[:8] == [0, 2, 1, 3, 4, 6, 5, 7]
    assert rows(found, QKV.format("k")) == [0, 2, 1, 3, 4, 6, 5, 7]
    other = named(*tensors, dialect=dialect, shape=Shape(architecture="llama"))
    assert rows(other, QKV.format("q")) == list(range(16))
    assert {gap.name for gap in other.skipped} == {tensor.name for tensor in tensors}
    assert all("order of its rows" in gap.reason for gap in other.skipped)


def test_rows_of_other_architectures_stay() -> None:
    tensor = stored("blk.0.attn_q.weight", 16, 2)
    found = named(tensor, dialect="gguf", shape=Shape(architecture="qwen2", heads=4, kv_heads=2))
    assert rows(found, QKV.format("q")) == list(range(16))
    assert found.skipped == ()


def test_experts_are_one_tensor() -> None:
    name = "model.layers.0.block_sparse_moe.experts.{}.w1.weight"
    apart = named(*(stored(name.format(at), 3, 4, start=12 * at) for at in (1, 0)))
    [tensor] = apart.tensors.values()
    assert (tensor.name, tensor.shape) == ("layers.0.experts.gate.weight", (2, 3, 4))
    assert (tensor.rows, tensor.columns) == (6, 4)
    together = named(stored("blk.0.ffn_gate_exps.weight", 2, 3, 4), dialect="gguf")
    assert rows(apart, tensor.name) == rows(together, tensor.name) == [0, 1, 2, 3, 4, 5]
    assert together.tensors[tensor.name].shape == tensor.shape


def test_experts_that_do_not_fit_together_keep_their_names() -> None:
    name = "model.layers.0.mlp.experts.{}.up_proj.weight"
    gap = named(stored(name.format(0), 3, 4), stored(name.format(2), 3, 4))
    assert set(gap.tensors) == {f"layers.0.mlp.experts.{at}.up_proj.weight" for at in (0, 2)}
    odd = named(stored(name.format(0), 3, 4), stored(name.format(1), 3, 5))
    assert set(odd.tensors) == {f"layers.0.mlp.experts.{at}.up_proj.weight" for at in (0, 1)}
    fused = named(stored("model.layers.0.mlp.experts.gate_up_proj", 2, 3, 4))
    assert set(fused.tensors) == {"layers.0.mlp.experts.gate_up_proj"}


def test_nothing_is_lost_when_names_meet() -> None:
    first, second = stored("model.norm.weight", 4), stored("norm.weight", 4)
    layer = stored("model.layers.0.mlp.up_proj.weight", 8, 4)
    found = named(first, second, layer)
    assert found.tensors["norm.weight"].stored == "model.norm.weight"
    [gap] = found.skipped
    assert (gap.name, gap.needed) == ("norm.weight", True)
    assert "stands twice" in gap.reason


def test_a_name_that_stands_twice_is_not_believed() -> None:
    twice = stored("model.norm.weight", 4)
    found = named(twice, stored("lm_head.weight", 4, 4), twice._replace(dtype="bf16"))
    assert set(found.tensors) == {"output.weight"}
    assert [gap.name for gap in found.skipped] == ["model.norm.weight"] * 2


def test_columns_that_follow_each_other_are_turned() -> None:
    plain = np.arange(6, dtype="<f4").reshape(2, 3)
    held = BytesArtifact("m", plain.T.tobytes())
    tensor = Stored("a.weight", "f32", (2, 3), held, 0, width=4, column_major=True)
    found = named(tensor)
    assert np.array_equal(np.concatenate(list(found.tensors["a.weight"].blocks())), plain)
    assert found.tensors["a.weight"].values_at([0, 4]).tolist() == [0, 4]


def test_a_file_that_ends_early_is_noticed() -> None:
    short = stored("a.weight", 4, 4)._replace(shape=(8, 4))
    tensor = named(short).tensors["a.weight"]
    with pytest.raises(ReadError, match="is cut off"):
        list(tensor.blocks())
    with pytest.raises(ReadError, match="is cut off"):
        raw_at(tensor, [31])
    with pytest.raises(IndexError):
        tensor.located([32])


def test_consolidated_files_are_known_by_their_names() -> None:
    assert dialect_of(["tok_embeddings.weight", "norm.weight"]) == "meta"
    assert dialect_of(["model.tok_embeddings.weight"]) == "hub"
    assert dialect_of(["model.embed_tokens.weight"]) == "hub"


PIECES = st.sampled_from(
    ["model", "layers", "0", "1", "h", "blk", "self_attn", "qkv_proj", "attn_q", "experts", "mlp",
     "gate_up_proj", "weight", "bias", "lm_head", "norm", "w1", "c_attn", "", "{}"]
)  # fmt: skip


@given(
    st.lists(
        st.tuples(
            st.lists(PIECES, min_size=1, max_size=6), st.lists(st.integers(0, 9), max_size=3)
        ),
        max_size=8,
    ),
    st.sampled_from(["hub", "gguf", "meta"]),
    st.integers(0, 3),
)
@settings(max_examples=200, deadline=None)
def test_any_names_and_shapes_end_up_somewhere(
    tensors: list[tuple[list[str], list[int]]], dialect: str, heads: int
) -> None:
    made = [stored(".".join(pieces), *shape) for pieces, shape in tensors]
    shape = Shape(architecture="llama", heads=heads, kv_heads=max(heads - 1, 0))
    found = named(*made, shape=shape, dialect=dialect)
    elements = sum(tensor.elements for tensor in found.tensors.values())
    gone = {gap.name for gap in found.skipped}
    assert elements <= sum(tensor.elements for tensor in made)
    assert {tensor.name for tensor in made} <= gone | {
        part.source.name for tensor in found.tensors.values() for part in tensor.parts
    }
    for tensor in found.tensors.values():
        assert sum(block.size for block in tensor.blocks()) == tensor.elements


def test_the_one_that_gguf_adds_to_norms_is_taken_off() -> None:
    shape = Shape(architecture="gemma2", heads=4, kv_heads=2)
    raw = np.array([1.0078125, 1.25, 0.5, 1.0], "<f4")
    norm = Stored(
        "blk.0.attn_norm.weight", "f32", (4,), BytesArtifact("m", raw.tobytes()), 0, width=4
    )
    other = norm._replace(name="blk.0.ffn_gate_inp.weight")
    found = named(norm, other, shape=shape, dialect="gguf")
    tensor = found.tensors["layers.0.attention.norm.weight"]
    expected = [0.0078125, 0.25, -0.5, 0.0]
    assert np.concatenate(list(tensor.blocks())).ravel().tolist() == expected
    assert tensor.values_at([3, 0]).tolist() == [0.0, 0.0078125]
    assert np.frombuffer(raw_at(tensor, [0, 1, 2, 3]), "<f4").tolist() == expected
    assert found.tensors["layers.0.mlp.router.weight"].shift == 0
    assert named(norm, dialect="gguf").tensors["layers.0.attention.norm.weight"].shift == 0


def test_a_head_that_is_too_large_is_not_held() -> None:
    huge = Stored(
        "blk.0.attn_q.weight", "bf16", (1 << 15, 1 << 12), BytesArtifact("m", b""), 0, width=2
    )
    one = Shape(architecture="llama", heads=1, kv_heads=1)
    tensor = named(huge, shape=one, dialect="gguf").tensors["layers.0.attention.q.weight"]
    with pytest.raises(ReadError, match="a head of"):
        list(tensor.blocks())
