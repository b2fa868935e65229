from __future__ import annotations

import pytest

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.formats.repository.twins import TwinRelator
from modelscan.vocabulary.fact import RepositoryCheck
from tests.forge.repository import view


def _twins(repository: RepositoryView) -> list[tuple[str, str]]:
    found = TwinRelator().relate(repository, Facts(()))
    return [(fact.subject, fact.value) for fact in found if isinstance(fact, RepositoryCheck)]


@pytest.mark.parametrize(
    ("pickle", "safe"),
    [
        ("pytorch_model.bin", "model.safetensors"),
        ("pytorch_model-00001-of-00003.bin", "model-00001-of-00002.safetensors"),
        ("adapter_model.bin", "adapter_model.safetensors"),
        ("unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.safetensors"),
        ("v1-5-pruned.ckpt", "v1-5-pruned.safetensors"),
    ],
)
def test_the_same_weights_twice(pickle: str, safe: str) -> None:
    assert _twins(view(pickle, safe, formats={pickle: "pytorch"})) == [(pickle, safe)]
    assert _twins(view(pickle, safe, formats={pickle: "pytorch"}, folder=False)) == []


@pytest.mark.parametrize(
    ("pickle", "safe", "form"),
    [
        ("pytorch_model.bin", "adapter_model.safetensors", "pytorch"),
        ("pytorch_model.bin", "sub/model.safetensors", "pytorch"),
        ("model.bin", "model.safetensors", "unknown"),
        ("model.onnx", "model.safetensors", "onnx"),
        ("training_args.bin", "model.safetensors", "pytorch"),
        ("pytorch_model.bin", "model.txt", "pytorch"),
    ],
)
def test_other_weights(pickle: str, safe: str, form: str) -> None:
    assert _twins(view(pickle, safe, formats={pickle: form})) == []


def test_shards_are_stated_once() -> None:
    shards = [f"pytorch_model-0000{number}-of-00003.bin" for number in (1, 2, 3)]
    formats = dict.fromkeys(shards, "pytorch")
    assert len(_twins(view(*shards, "model.safetensors", formats=formats))) == 1
