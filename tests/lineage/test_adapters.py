from __future__ import annotations

import numpy as np

from modelscan.lineage.adapters import adapter_verdict
from tests.forge.kinship_prints import base_print, print_of
from tests.forge.weights import Tensors


def adapter(
    width: int = 128, module: str = "model.layers.0.self_attn.q_proj", rank: int = 8
) -> Tensors:
    rng = np.random.default_rng(0)
    stem = f"base_model.model.{module}"
    return {
        "model.norm.weight": np.ones(128, np.float32),
        f"{stem}.lora_A.weight": rng.standard_normal((rank, width)).astype(np.float32),
        f"{stem}.lora_B.default.weight": rng.standard_normal((width, rank)).astype(np.float32),
    }


def test_an_adapter_that_fits_is_a_hint() -> None:
    found = adapter_verdict(print_of(adapter(), "F32"), base_print())
    assert found is not None
    assert (found.relation, found.tier) == ("adapter", "hint")
    assert found.text.startswith("an adapter of rank 8 for 1 matri")


def test_an_adapter_that_does_not_fit_is_proved_unusable() -> None:
    found = adapter_verdict(print_of(adapter(256), "F32"), base_print())
    assert found is not None
    assert (found.relation, found.tier) == ("unrelated", "proved")


def test_an_adapter_for_matrices_that_the_base_does_not_have() -> None:
    found = adapter_verdict(print_of(adapter(module="vision.q_proj"), "F32"), base_print())
    assert found is not None
    assert (found.relation, found.tier) == ("unknown", "none")


def test_a_model_is_no_adapter() -> None:
    assert adapter_verdict(base_print(1), base_print()) is None
