"""Fingerprints of weights that are held in memory, and of files in a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Literal

from modelscan.budget import Limits
from modelscan.lineage.descent import weigh
from modelscan.lineage.prints import Fingerprint
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import weights, weights_files
from tests.forge.weights import Array, Config, Tensors

SHAPE = Config(layers=4, width=128, heads=8, kv_heads=4, inner=160, vocabulary=256)
"""Large enough for sketches of 32 in every matrix, small enough for hundreds of tests."""


class _Open(BytesArtifact):
    def changed(self) -> bool:
        return False


class HeldFile:
    """A file of a model whose bytes are in memory."""

    access: Literal["local"] = "local"

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.size = len(data)
        self._data = data

    @contextmanager
    def open(self) -> Iterator[_Open]:
        yield _Open(self.name, self._data)


@cache
def base(seed: int = 0) -> Tensors:
    """A model as its publisher has it: in bfloat16."""
    return weights.rounded(weights.llama(seed, SHAPE), "BF16")


def files(tensors: Mapping[str, Array], dtype: str = "BF16") -> list[HeldFile]:
    """A hub repository; a GGUF file for the types that only GGUF has."""
    if dtype.startswith(("Q", "gguf ")):
        kind = dtype.removeprefix("gguf ")
        shape = SHAPE._replace(width=tensors["model.norm.weight"].size)
        data = weights_files.gguf_bytes(weights.as_gguf(tensors, shape), kind, shape)
        return [HeldFile("model.gguf", data)]
    config = json.dumps(SHAPE.hub()).encode()
    data = weights_files.safetensors_bytes(tensors, dtype)
    return [HeldFile("config.json", config), HeldFile("model.safetensors", data)]


def print_of(
    tensors: Mapping[str, Array], dtype: str = "BF16", *, k: int | None = None, source: str = ""
) -> Fingerprint:
    """The fingerprint of some weights, stored with some element type."""
    return weigh(files(tensors, dtype), source, Limits(), k)


@cache
def base_print(seed: int = 0, k: int | None = None) -> Fingerprint:
    """The fingerprint of `base`."""
    return print_of(base(seed), k=k, source=f"hf:acme/base-{seed}")
