"""The same weights in every format, layout and sharding are the same weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from modelscan.errors import SourceError
from modelscan.lineage.prints import Fingerprint
from tests.forge import weights as forge
from tests.forge import weights_files as files
from tests.forge.weights import TINY, Config, Tensors
from tests.forge.weights_opened import opened, printed, sampled
from tests.forge.weights_quants import QUANTISERS

BASE: Tensors = forge.rounded(forge.llama(1), "BF16")
GPT2: Tensors = forge.rounded(forge.gpt2(3), "BF16")
BERT: Tensors = forge.rounded(forge.bert(4), "BF16")
GPT2_CONFIG = {"model_type": "gpt2", "n_head": 4}
_GPT2_NAMES = {
    "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down", "ln_1": "attn_norm", "ln_2": "ffn_norm", "wte": "token_embd",
    "wpe": "position_embd", "ln_f": "output_norm",
}  # fmt: skip
_BERT_NAMES = {
    "attention.self.query": "attn_q", "attention.self.key": "attn_k",
    "attention.self.value": "attn_v", "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm", "intermediate.dense": "ffn_up",
    "output.LayerNorm": "layer_output_norm", "output.dense": "ffn_down",
    "embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm",
    "encoder.layer.": "blk.",
}  # fmt: skip


def one_file(folder: Path, name: str, data: bytes, **documents: object) -> Path:
    folder.mkdir()
    (folder / name).write_bytes(data)
    for stem, document in documents.items():
        (folder / f"{stem}.json").write_text(json.dumps(document))
    return folder


def renamed(tensors: Tensors, names: dict[str, str], *, turn: bool = False) -> Tensors:
    """Under GGUF's names; with the matrices of GPT-2 turned round, as its converter does."""
    found: Tensors = {}
    for name, values in tensors.items():
        new = f"blk.{name[2:]}" if name.startswith("h.") else name
        for old, other in names.items():
            new = new.replace(old, other)
        turned = turn and ".c_" in name and values.ndim == 2
        found[new] = np.ascontiguousarray(values.T) if turned else values
    return found


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Fingerprint:
    folder = tmp_path_factory.mktemp("base")
    return printed(files.write_model(folder, BASE, "BF16"))


COPIES: dict[str, Callable[[Path], Path]] = {
    "upcast": lambda at: files.write_model(at, BASE, "F32"),
    "double": lambda at: files.write_model(at, BASE, "F64"),
    "shards": lambda at: files.write_model(at, BASE, "BF16", shards=3),
    "another-order": lambda at: files.write_model(at, dict(reversed(BASE.items())), "BF16"),
    "fused": lambda at: files.write_model(at, forge.fused(BASE, TINY.layers), "BF16"),
    "another-prefix": lambda at: files.write_model(
        at, {f"language_model.{name}": values for name, values in BASE.items()}, "F32"
    ),
    "gguf-bf16": lambda at: one_file(at, "m.gguf", files.gguf_bytes(forge.as_gguf(BASE), "BF16")),
    "gguf-f32": lambda at: one_file(at, "m.gguf", files.gguf_bytes(forge.as_gguf(BASE), "F32")),
    "torch": lambda at: one_file(
        at,
        "pytorch_model.bin",
        files.torch_zip_bytes(BASE, "BF16", turned=["model.layers.0.self_attn.o_proj.weight"]),
        config=TINY.hub(),
    ),
    "torch-in-a-table": lambda at: one_file(
        at, "m.pt", files.torch_zip_bytes(BASE, within="state_dict"), config=TINY.hub()
    ),
    "torch-legacy": lambda at: one_file(
        at, "pytorch_model.bin", files.torch_legacy_bytes(BASE, "F32"), config=TINY.hub()
    ),
    "consolidated": lambda at: one_file(
        at,
        "consolidated.00.pth",
        files.torch_zip_bytes(forge.as_consolidated(BASE), "BF16"),
        params={"n_heads": TINY.heads, "n_kv_heads": TINY.kv_heads},
    ),
    "npz": lambda at: one_file(at, "weights.npz", files.npz_bytes(BASE), config=TINY.hub()),
}


@pytest.mark.parametrize("way", COPIES)
def test_a_copy_has_the_root_of_its_original(way: str, base: Fingerprint, tmp_path: Path) -> None:
    copy = printed(COPIES[way](tmp_path / "copy"))
    assert list(copy.tensors) == list(base.tensors)
    assert copy.root == base.root
    assert not [gap for gap in copy.skipped if gap.needed]
    for name, mine in copy.tensors.items():
        theirs = base.tensors[name]
        assert (mine.digest, mine.role, mine.layer) == (theirs.digest, theirs.role, theirs.layer)
        assert mine.shape == theirs.shape
        assert mine.sketch == theirs.sketch
        assert mine.values() == theirs.values()
        assert mine.rows == theirs.rows
    assert copy.invariants == base.invariants
    assert (copy.architecture, copy.layers) in {("llama", 4), ("", 4)}


def test_other_weights_have_another_root(base: Fingerprint, tmp_path: Path) -> None:
    other = printed(files.write_model(tmp_path / "other", forge.llama(2), "BF16"))
    assert other.root != base.root
    differing = [
        name for name, made in other.tensors.items() if made.digest != base.tensors[name].digest
    ]
    assert len(differing) == len(base.tensors)


def test_one_changed_value_is_named(base: Fingerprint, tmp_path: Path) -> None:
    changed = dict(BASE)
    name = "model.layers.2.mlp.down_proj.weight"
    changed[name] = BASE[name].copy()
    changed[name][5, 7] *= 2
    edited = printed(files.write_model(tmp_path / "edited", changed, "BF16"))
    differing = [
        at for at, made in edited.tensors.items() if made.digest != base.tensors[at].digest
    ]
    assert differing == ["layers.2.mlp.down.weight"]


def test_casts_have_the_digests_that_the_original_foretold(
    base: Fingerprint, tmp_path: Path
) -> None:
    wide = forge.llama(5)
    original = printed(files.write_model(tmp_path / "wide", wide, "F32"))
    for dtype, kept in (("BF16", "bf16"), ("F16", "f16")):
        cast = printed(files.write_model(tmp_path / dtype, wide, dtype))
        for name, made in cast.tensors.items():
            assert made.digest == getattr(original.tensors[name], kept)
    half = printed(one_file(tmp_path / "g", "m.gguf", files.gguf_bytes(forge.as_gguf(BASE), "F16")))
    for name, made in half.tensors.items():
        theirs = base.tensors[name]
        assert made.digest in {theirs.digest, theirs.f16}


@pytest.mark.parametrize("kind", QUANTISERS)
def test_a_quantised_file_is_near_and_bounds_its_original(kind: str, tmp_path: Path) -> None:
    config = Config(layers=1, width=256, heads=4, kv_heads=2, inner=512, vocabulary=64)
    tensors = forge.rounded(forge.llama(7, config), "BF16")
    original = printed(files.write_model(tmp_path / "a", tensors, "BF16", config=config.hub()))
    data = files.gguf_bytes(forge.as_gguf(tensors, config), kind, config)
    copy = printed(one_file(tmp_path / "b", "m.gguf", data), k=original.k)
    assert copy.root != original.root
    quantised = 0
    for name, made in copy.tensors.items():
        theirs = original.tensors[name]
        if made.dtype == "f32":
            assert made.digest == theirs.digest
            continue
        quantised += 1
        assert made.dtype == kind.lower()
        assert made.rows == ()
        inside = [
            low <= value <= high
            for (low, high), value in zip(made.bounds(), theirs.values(), strict=True)
        ]
        assert all(inside)
        difference = made.matrix() - theirs.matrix()
        expected = made.noise * original.k**2
        assert 0.3 * expected < float(np.square(difference).sum()) < 3 * expected
    assert quantised == 9
    few = sampled(tmp_path / "b")
    assert not few.skipped
    for name, tensor in few.tensors.items():
        np.testing.assert_allclose(
            tensor.values(), copy.tensors[name].values(), rtol=1e-5, atol=1e-7
        )


def test_gpt2_turns_its_matrices(tmp_path: Path) -> None:
    plain = printed(files.write_model(tmp_path / "a", GPT2, "BF16", config=GPT2_CONFIG))
    assert plain.tensors["layers.0.attention.q.weight"].shape == (64, 64)
    assert plain.tensors["layers.0.mlp.up.weight"].shape == (256, 64)
    assert plain.tensors["layers.0.mlp.up.weight"].layer == 0
    assert plain.tied == ("output.weight",)
    bare = files.write_model(tmp_path / "b", GPT2, "F32", config={})
    assert printed(bare).root == plain.root
    prefixed = {f"transformer.{name}": values for name, values in GPT2.items()}
    prefixed["transformer.h.0.attn.bias"] = np.ones((4, 4), np.float32)
    held = printed(files.write_model(tmp_path / "c", prefixed, "F32", config=GPT2_CONFIG))
    assert held.root == plain.root
    assert [gap.name for gap in held.skipped] == ["transformer.h.0.attn.bias"]
    laid = renamed(GPT2, _GPT2_NAMES, turn=True)
    data = files.gguf_bytes(laid, "F32", Config(heads=4, kv_heads=4), architecture="gpt2")
    assert printed(one_file(tmp_path / "d", "m.gguf", data)).root == plain.root
    lm = printed(
        files.write_model(
            tmp_path / "e", {**GPT2, "lm_head.weight": GPT2["wte.weight"]}, config=GPT2_CONFIG
        )
    )
    assert lm.root == plain.root
    assert lm.tied == ("output.weight",)


def test_bert_is_bert_in_any_format(tmp_path: Path) -> None:
    config = {"model_type": "bert", "num_attention_heads": 4}
    plain = printed(files.write_model(tmp_path / "a", BERT, "BF16", config=config))
    roles = {made.role for made in plain.tensors.values()}
    assert "" not in roles
    assert plain.tied == ()
    old = {
        f"bert.{name}".replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): values
        for name, values in BERT.items()
    }
    old["bert.embeddings.position_ids"] = np.arange(8, dtype=np.float32)
    assert printed(files.write_model(tmp_path / "b", old, "F32", config=config)).root == plain.root
    laid = renamed({n: v for n, v in BERT.items() if "pooler" not in n}, _BERT_NAMES)
    data = files.gguf_bytes(laid, "F32", Config(heads=4, kv_heads=4), architecture="bert")
    copy = printed(one_file(tmp_path / "c", "m.gguf", data))
    assert set(plain.tensors) - set(copy.tensors) == {"pooler.weight", "pooler.bias"}
    assert all(plain.tensors[name].digest == made.digest for name, made in copy.tensors.items())


def test_blocks_are_the_values_and_stay_small(tmp_path: Path) -> None:
    with opened(files.write_model(tmp_path / "a", GPT2, "BF16", config=GPT2_CONFIG)) as weights:
        tensor = weights.tensors["layers.1.attention.k.weight"]
        whole = np.concatenate(list(tensor.blocks()))
        fused = GPT2["h.1.attn.c_attn.weight"]
        assert np.array_equal(whole, fused.T[64:128])
        assert whole.dtype == np.float32
        at = [0, 64 * 64 - 1, 777, 3, 2048]
        assert np.array_equal(tensor.values_at(at), whole.ravel()[at])
        assert tensor.bounds_at(at) is None
        assert tensor.stored == "h.1.attn.c_attn.weight"
        assert tensor.stored_bytes == 64 * 64 * 2
        raw = np.concatenate(list(tensor.native_blocks()))
        assert raw.dtype == np.uint16


def test_a_model_without_weights_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(SourceError, match="no weights found"):
        printed(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"too short")
    with pytest.raises(SourceError, match="no weights could be read"):
        printed(tmp_path)


def test_samples_need_no_digest(base: Fingerprint, tmp_path: Path) -> None:
    found = sampled(files.write_model(tmp_path / "a", BASE, "BF16", shards=2))
    assert (found.mode, found.root, found.k) == ("samples", "", 0)
    assert {name: made.samples for name, made in found.tensors.items()} == {
        name: made.samples for name, made in base.tensors.items()
    }
    assert not any(made.digest or made.sketch for made in found.tensors.values())
