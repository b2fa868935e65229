"""The confusion table on a real encoder: weights that somebody trained, in the package that the
demo scans. Skipped where that package is not installed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from modelscan.budget import Limits
from modelscan.fetcher.sources import take
from modelscan.lineage.compare import compare
from modelscan.lineage.descent import weigh
from modelscan.lineage.judgement import judge
from modelscan.lineage.opening import open_weights
from modelscan.lineage.prints import Fingerprint
from modelscan.vocabulary.ref import ModelRef
from tests.forge import kinship, weights_files
from tests.forge.kinship_prints import HeldFile
from tests.forge.weights import Tensors
from tools.demo import real_model

MODEL = real_model()
pytestmark = pytest.mark.skipif(MODEL is None, reason="the real model is not installed")

WRITERS = ("attention.output.dense.weight", "output.dense.weight")


@cache
def genuine() -> Tensors:
    """The model's tensors under their stored names."""
    files = take(ModelRef.parse(str(MODEL))).files
    with open_weights(files) as opened:
        return {
            tensor.stored: np.concatenate([block.ravel() for block in tensor.blocks()]).reshape(
                tensor.shape
            )
            for tensor in opened.tensors.values()
            if tensor.dtype == "f32"
        }


def print_of(tensors: Tensors, dtype: str) -> Fingerprint:
    assert isinstance(MODEL, Path)
    config = HeldFile("config.json", (MODEL / "config.json").read_bytes())
    data = weights_files.safetensors_bytes(tensors, dtype)
    return weigh([config, HeldFile("model.safetensors", data)], "", Limits(), None)


@cache
def known() -> Fingerprint:
    return print_of(genuine(), "F32")


def projected(tensors: Tensors) -> Tensors:
    direction = kinship.unit(np.random.default_rng(0).standard_normal((384,)))
    return kinship.each(
        tensors,
        lambda name, v: (
            v - 0.3 * np.outer(direction, direction @ v) if name.endswith(WRITERS) else v
        ),
    )


def shuffled(tensors: Tensors) -> Tensors:
    random = np.random.default_rng(1)
    return kinship.each(tensors, lambda _, v: v[random.permutation(len(v))])


def adapted(tensors: Tensors) -> Tensors:
    return kinship.adapted(tensors, 8, 0.02, roles=("query.weight", "value.weight"))


def tuned(tensors: Tensors) -> Tensors:
    return kinship.finetuned(tensors, 0.01)


@pytest.mark.parametrize(
    ("change", "dtype", "relation", "tier"),
    [
        (dict, "F32", "identical", "proved"),
        (dict, "BF16", "cast", "proved"),
        (dict, "F16", "cast", "proved"),
        (tuned, "F32", "finetune", "measured"),
        (adapted, "BF16", "low-rank", "measured"),
        (projected, "BF16", "abliteration-like", "measured"),
        (kinship.pruned, "F32", "derived", "measured"),
        (kinship.noisy, "F32", "derived", "measured"),
        (shuffled, "F32", "unrelated", "measured"),
    ],
)
def test_real_weights(
    change: Callable[[Tensors], Tensors], dtype: str, relation: str, tier: str
) -> None:
    first = judge(compare(print_of(change(genuine()), dtype), known()))[0]
    assert (first.relation, first.tier) == (relation, tier)
