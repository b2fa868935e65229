"""The file with the main directions, read by the reference implementation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load

from modelscan.budget import Budget, Limits
from modelscan.formats import safetensors
from modelscan.lineage import deepening
from modelscan.lineage.asked import Ancestry, Base
from modelscan.lineage.descent import Descent, descent
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import kinship
from tests.forge.kinship_prints import base, base_print, files
from tests.forge.weights import Tensors


def written(tensors: Tensors) -> tuple[Descent, list[bytes]]:
    taken: list[bytes] = []
    ours = Base("hf:acme/base", "", base_print(), asked=True, files=tuple(files(base())))
    ancestry = Ancestry((ours,), deep=True, directions=taken.append)
    return descent(files(tensors, "F32"), [], ancestry, Limits()), taken


def loaded(data: bytes) -> Mapping[str, NDArray[Any]]:
    found: Mapping[str, NDArray[Any]] = load(data)
    return found


def test_what_an_adapter_writes() -> None:
    changed = kinship.adapted(base(), 3, 0.3)
    found, (data,) = written(changed)
    tensors = loaded(data)
    name, stored = "layers.1.attention.q.weight", "model.layers.1.self_attn.q_proj.weight"
    left, values = tensors[f"{name}/left"], tensors[f"{name}/values"]
    assert (left.shape, values.shape) == ((8, 128), (8,))
    assert np.allclose(left @ left.T, np.eye(8), atol=1e-4)
    exact, expected, _ = np.linalg.svd((changed[stored] - base()[stored]).astype(np.float64))
    assert np.allclose(values[:3], expected[:3], rtol=1e-3)
    inside = exact[:, :3].T @ left[:3].T
    assert np.allclose(inside @ inside.T, np.eye(3), atol=1e-3)
    assert found.picture["deep"]["directions"] == len(tensors) // 2
    assert not found.coverage


def test_the_common_direction_and_where_it_is_from() -> None:
    _, (data,) = written(kinship.ablated(base()))
    direction = loaded(data)["write_direction"]
    assert np.isclose(np.linalg.norm(direction), 1.0)
    down = "layers.2.mlp.down.weight/left"
    assert abs(float(loaded(data)[down][0] @ direction)) > 0.99
    said = safetensors.metadata(BytesArtifact("d", data), Budget())
    assert said == {
        "format": "modelassay-directions/1", "base": "hf:acme/base",
        "relation": "abliteration-like",
    }  # fmt: skip


def test_of_a_large_model_fewer_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepening, "_HELD", 4 * 2 * 39 * 128)
    _, (data,) = written(kinship.finetuned(base()))
    assert loaded(data)["layers.0.mlp.down.weight/left"].shape == (2, 128)


def test_where_nothing_differs_there_are_none() -> None:
    found, taken = written(base())
    assert not taken
    (gap,) = found.coverage
    assert (gap.needed, "no directions were written: identical" in gap.reason) == (False, True)
