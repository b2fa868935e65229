"""Rewriting a model without changing what it computes leaves its invariants alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from modelscan.lineage.prints import Fingerprint
from tests.forge import weights as forge
from tests.forge import weights_files as files
from tests.forge.weights import Config, Tensors
from tests.forge.weights_opened import printed

CONFIG = Config(layers=3, width=96, heads=6, kv_heads=2, inner=200, vocabulary=400)
BASE = forge.llama(1, CONFIG)
READERS = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "lm_head", "embed_tokens")
WRITERS = ("o_proj", "down_proj")


def made(tensors: Tensors, folder: Path, config: Config = CONFIG) -> Fingerprint:
    return printed(files.write_model(folder, tensors, config=config.hub()), k=16)


def correlation(first: Fingerprint, second: Fingerprint) -> float:
    """The mean over all layers and kinds."""
    found = [
        float((_matrix(first.invariants[layer][kind]) * _matrix(data)).sum())
        for layer, kinds in second.invariants.items()
        for kind, data in kinds.items()
    ]
    return float(np.mean(found))


def _matrix(data: bytes) -> NDArray[np.float64]:
    return np.frombuffer(data, "<f2").reshape(16, 16).astype(np.float64)


def folded(tensors: Tensors) -> Tensors:
    """Every norm's weights in the matrices behind it, and ones in their place."""
    found = {name: values.copy() for name, values in tensors.items()}
    for layer in range(CONFIG.layers):
        before = f"model.layers.{layer}."
        for norm, behind in {
            "input_layernorm": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
            "post_attention_layernorm": ("mlp.gate_proj", "mlp.up_proj"),
        }.items():
            scale = found[f"{before}{norm}.weight"].copy()
            found[f"{before}{norm}.weight"][:] = 1
            for name in behind:
                found[f"{before}{name}.weight"] *= scale
    found["lm_head.weight"] *= found["model.norm.weight"]
    found["model.norm.weight"][:] = 1
    return found


def rotated(tensors: Tensors) -> Tensors:
    """The residual stream in another basis; norms have to be folded first."""
    random = np.random.default_rng(7)
    basis = np.linalg.qr(random.standard_normal((CONFIG.width, CONFIG.width)))[0]
    found: Tensors = {}
    for name, values in folded(tensors).items():
        part = name.split(".")[-2]
        if part in READERS:
            found[name] = np.asarray(values @ basis, np.float32)
        elif part in WRITERS:
            found[name] = np.asarray(basis.T @ values, np.float32)
        else:
            found[name] = values
    return found


def permuted(tensors: Tensors) -> Tensors:
    """Hidden units of the MLP in another order."""
    found = dict(tensors)
    order = np.random.default_rng(8).permutation(CONFIG.inner)
    for layer in range(CONFIG.layers):
        before = f"model.layers.{layer}.mlp."
        for part in ("gate_proj", "up_proj"):
            found[f"{before}{part}.weight"] = tensors[f"{before}{part}.weight"][order]
        down = tensors[f"{before}down_proj.weight"]
        found[f"{before}down_proj.weight"] = np.ascontiguousarray(down[:, order])
    return found


REWRITES: dict[str, Callable[[Tensors], Tensors]] = {
    "folded": folded, "rotated": rotated, "permuted": permuted,
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Fingerprint:
    return made(BASE, tmp_path_factory.mktemp("base"))


@pytest.mark.parametrize("way", REWRITES)
def test_a_rewritten_model_is_recognised(way: str, base: Fingerprint, tmp_path: Path) -> None:
    copy = made(REWRITES[way](BASE), tmp_path / "copy")
    assert correlation(base, copy) > 0.99
    assert copy.root != base.root


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_another_model_is_not(seed: int, base: Fingerprint, tmp_path: Path) -> None:
    other = made(forge.llama(seed, CONFIG), tmp_path / "other")
    assert abs(correlation(base, other)) < 0.3


def test_every_layer_has_all_four(base: Fingerprint) -> None:
    assert set(base.invariants) == {0, 1, 2}
    assert all(list(kinds) == ["qk", "ov", "gu", "ud"] for kinds in base.invariants.values())
    matrix = _matrix(base.invariants[0]["qk"])
    assert np.linalg.norm(matrix) == pytest.approx(1, abs=0.01)
    assert np.abs(matrix.mean(0)).max() < 1e-3


def test_without_heads_there_is_no_guess(tmp_path: Path) -> None:
    folder = files.write_model(tmp_path / "m", BASE, config={"model_type": "llama"})
    found = printed(folder).invariants
    assert all(list(kinds) == ["gu", "ud"] for kinds in found.values())


def test_without_embeddings_there_are_none(tmp_path: Path) -> None:
    bare = {name: values for name, values in BASE.items() if "embed" not in name}
    assert made(bare, tmp_path / "bare").invariants == {}
    small = Config(layers=1, vocabulary=20)
    assert made(forge.llama(1, small), tmp_path / "small", small).invariants == {}


def test_what_is_no_number_is_no_invariant(tmp_path: Path) -> None:
    broken = {name: values.copy() for name, values in BASE.items()}
    broken["model.layers.0.self_attn.q_proj.weight"][0, 0] = np.nan
    found = made(broken, tmp_path / "broken")
    assert not any(found.invariants[0]["qk"])
    assert any(found.invariants[1]["qk"])
    assert found.tensors["layers.0.attention.q.weight"].nonfinite == 1


def test_tied_weights_are_read_off_the_embedding(tmp_path: Path) -> None:
    tied = CONFIG._replace(tied=True)
    tensors = forge.llama(1, tied)
    alone = made(tensors, tmp_path / "alone", tied)
    twice = {**tensors, "lm_head.weight": tensors["model.embed_tokens.weight"]}
    both = made(twice, tmp_path / "both", tied)
    assert alone.tied == both.tied == ("output.weight",)
    assert alone.root == both.root
    assert alone.invariants == both.invariants


def test_experts_count_together(tmp_path: Path) -> None:
    tensors = dict(BASE)
    for layer in range(CONFIG.layers):
        before = f"model.layers.{layer}.mlp."
        for part, name in (("gate", "w1"), ("up", "w3")):
            whole = tensors.pop(f"{before}{part}_proj.weight")
            for number, half in enumerate(np.split(whole, 2)):
                expert = f"model.layers.{layer}.block_sparse_moe.experts.{number}.{name}.weight"
                tensors[expert] = half
    found = made(tensors, tmp_path / "m")
    assert found.tensors["layers.0.experts.gate.weight"].shape == (2, 100, 96)
    gate = found.tensors["layers.0.experts.gate.weight"]
    assert gate.sketch
    assert gate.sides == (200, 96)
    down = msgspec.structs.replace(gate, role="experts.down", shape=(2, 96, 100))
    assert down.sides == (96, 200)
    assert found.tensors["layers.0.attention.o.weight"].sides == (96, 96)
    assert found.tensors["norm.weight"].sides == (96, 1)
    assert all("gu" in kinds for kinds in found.invariants.values())
