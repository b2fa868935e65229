"""Configurations against weights and tokenizers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan import api
from modelscan.budget import Budget
from modelscan.formats import model_shape
from modelscan.formats.hub_config import HubConfigReader
from modelscan.formats.tensor_layout import layout
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import ConfigGeneration, ConfigShape, RemoteCode
from modelscan.vocabulary.location import Location
from tests.forge import cards, models, safetensors
from tests.forge import tokenizers as forge

HERE = Location("x")
Tensors = dict[str, tuple[str, list[int]]]


def _llama(layers: int = 2, rows: int = 32, width: int = 4) -> Tensors:
    found: Tensors = {"model.embed_tokens.weight": ("F16", [rows, width])}
    for layer in range(layers):
        found[f"model.layers.{layer}.mlp.up_proj.weight"] = ("F16", [width, width])
    found["lm_head.weight"] = ("F16", [rows, width])
    return found


def _lora(rank: int = 8, module: str = "q_proj", **more: list[int]) -> Tensors:
    name = f"base_model.model.model.layers.0.self_attn.{module}"
    found: Tensors = {
        f"{name}.lora_A.weight": ("F16", [rank, 4]),
        f"{name}.lora_B.weight": ("F16", [4, rank]),
    }
    return found | {f"base_model.model.{key}.weight": ("F16", shape) for key, shape in more.items()}


def _write(
    folder: Path, config: dict[str, Any], tensors: Tensors, name: str = "config.json"
) -> Path:
    model = models.plain(folder)
    (model / name).write_text(json.dumps(config))
    (model / "model.safetensors").write_bytes(safetensors.assemble(safetensors.header(tensors)))
    return model


def _checks(model: Path) -> set[tuple[str, str]]:
    (report,) = api.scan(model).models
    rules = {"config-contradicts-weights", "adapter-contradicts-config"}
    return {
        (found.rule, found.message.partition(": ")[0])
        for found in report.findings
        if found.rule in rules
    }


CONFIG = {"vocab_size": 32, "hidden_size": 4, "num_hidden_layers": 2}


@pytest.mark.parametrize(
    ("config", "tensors"),
    [
        (CONFIG, _llama()),
        ({"text_config": CONFIG, "vision_config": {"hidden_size": 9}}, _llama()),
        (CONFIG | {"num_nextn_predict_layers": 1}, _llama(3)),
        ({"model_type": "bert"}, _llama()),
        (CONFIG, {"weight": ("F16", [3])}),
        (CONFIG | {"quantization_config": {"quant_method": "gptq"}}, {"model.layers.0.x.qweight": ("U8", [4]), "model.layers.1.x.qweight": ("U8", [4])}),
        (CONFIG, _llama() | {"vision.blocks.0.x.weight": ("F16", [4])}),
    ],
)  # fmt: skip
def test_sizes_that_agree(tmp_path: Path, config: dict[str, Any], tensors: Tensors) -> None:
    assert _checks(_write(tmp_path / "model", config, tensors)) == set()


@pytest.mark.parametrize(
    ("config", "tensors", "about"),
    [
        (CONFIG, _llama(rows=40), "vocabulary"),
        (CONFIG, _llama(width=5), "width"),
        (CONFIG, _llama(3), "layers"),
        (CONFIG, _llama() | {"model.layers.1.x.qweight": ("U8", [4])}, "quantisation"),
    ],
)
def test_sizes_that_disagree(
    tmp_path: Path, config: dict[str, Any], tensors: Tensors, about: str
) -> None:
    (report,) = api.scan(_write(tmp_path / "model", config, tensors)).models
    (found,) = report.findings
    assert (found.rule, found.severity) == ("config-contradicts-weights", "low")
    assert f"({about})" in found.message


def test_layers_are_not_counted_while_a_shard_is_missing(tmp_path: Path) -> None:
    model = _write(tmp_path / "model", CONFIG, _llama(1))
    listed = {"a": "model.safetensors", "b": "model-2.safetensors"}
    (model / "model.safetensors.index.json").write_bytes(cards.index(listed))
    assert _checks(model) == set()


def test_tokens_without_a_row(tmp_path: Path) -> None:
    model = _write(tmp_path / "model", CONFIG, _llama())
    (model / "tokenizer.json").write_bytes(forge.raw(forge.bpe()))
    (report,) = api.scan(model).models
    assert [found.rule for found in report.findings] == ["config-contradicts-weights"]
    assert "225 in tokenizer.json" in report.findings[0].message


ADAPTER = {"peft_type": "LORA", "base_model_name_or_path": "a/b", "r": 8, "target_modules": ["q_proj"]}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "tensors", "expected"),
    [
        (ADAPTER, _lora(), set()),
        (ADAPTER | {"target_modules": "all-linear"}, _lora(module="k_proj"), set()),
        (ADAPTER | {"rank_pattern": {"q_proj": 16}}, _lora(16), set()),
        (ADAPTER | {"modules_to_save": ["lm_head"]}, _lora(lm_head=[4, 4]), set()),
        (ADAPTER, _lora(64), {"rank"}),
        (ADAPTER, _lora(module="o_proj"), {"targets"}),
        (ADAPTER, _lora(lm_head=[4, 4]), {"replaced-tensor"}),
    ],
)
def test_adapters(
    tmp_path: Path, config: dict[str, Any], tensors: Tensors, expected: set[str]
) -> None:
    (report,) = api.scan(_write(tmp_path / "model", config, tensors, "adapter_config.json")).models
    found = [each for each in report.findings if each.rule == "adapter-contradicts-config"]
    assert {kind for kind in ("rank", "targets", "replaced-tensor") if any(f"({kind})" in each.message for each in found)} == expected  # fmt: skip


def _generation(document: dict[str, Any]) -> list[str]:
    data = json.dumps(document).encode()
    facts = HubConfigReader().read(BytesArtifact("generation_config.json", data), Budget())
    return [fact.kind for fact in facts if isinstance(fact, ConfigGeneration)]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"sequence_bias": [[[5], 9.0]]}, ["biases-words"]),
        ({"eos_token_id": 2, "suppress_tokens": [1, 2]}, ["suppresses-end"]),
        ({"eos_token_id": [7, 2], "bad_words_ids": [[2]]}, ["suppresses-end"]),
        ({"bad_words_ids": [[5, 6]]}, ["bans-words"]),
        ({"eos_token_id": -1}, ["no-end"]),
        ({"force_words_ids": [[5]]}, ["forces-words"]),
        ({"eos_token_id": [2, 7], "pad_token_id": 0, "temperature": 0.6, "top_p": 0.9}, []),
        ({"bad_words_ids": [[58100]], "eos_token_id": 0, "forced_eos_token_id": 0}, []),
        (
            {
                "begin_suppress_tokens": [220, 50257],
                "eos_token_id": 50257,
                "suppress_tokens": [1, 2],
            },
            [],
        ),
        ({"sequence_bias": None, "bad_words_ids": "x"}, []),
    ],
)
def test_settings_of_generation(document: dict[str, Any], expected: list[str]) -> None:
    assert _generation(document) == expected


@pytest.mark.parametrize(
    ("value", "repository"), [("acme/sampler", "acme/sampler"), ("./here", ""), (None, None)]
)
def test_generation_by_code(value: str | None, repository: str | None) -> None:
    found = list(model_shape.generation({"custom_generate": value}, HERE))
    assert [one.repository for one in found if isinstance(one, RemoteCode)] == (
        [] if repository is None else [repository]
    )


def test_odd_documents_state_nothing() -> None:
    assert (
        list(model_shape.model({"vocab_size": True, "hidden_size": -1, "n_layer": "x"}, HERE)) == []
    )
    assert list(model_shape.adapter({"r": "8"}, HERE)) == []
    (shape,) = model_shape.adapter({"r": -8, "target_modules": [1, "a"]}, HERE)
    assert isinstance(shape, ConfigShape)
    assert (shape.rank, shape.targets) == (0, ("a",))


_NAMES = st.sampled_from(
    ["model.embed_tokens.weight", "x.lora_A.weight", "x.lora_A.default.weight", "lora_", "h.3.x",
     "layers.1.", "a.qweight", "lm_head.weight", "x" * 900]
)  # fmt: skip


@given(
    st.dictionaries(
        _NAMES,
        st.none()
        | st.fixed_dictionaries({"shape": st.lists(st.integers(), max_size=3) | st.none()}),
    )
)
@settings(max_examples=200, deadline=None)
def test_any_table_is_taken(header: dict[str, Any]) -> None:
    assert len(list(layout(header, lambda name: (header[name] or {}).get("shape"), HERE))) <= 1


def _attention(rows: int) -> Tensors:
    return _llama() | {"model.layers.0.self_attn.k_proj.weight": ("F16", [rows, 4])}


@pytest.mark.parametrize(
    ("config", "rows", "found"),
    [
        ({"num_key_value_heads": 8, "head_dim": 128}, 1024, False),
        ({"num_key_value_heads": 8, "head_dim": 128}, 4096, True),
        ({"text_config": {"num_key_value_heads": 2, "head_dim": 64}}, 128, False),
        ({"num_key_value_heads": 8}, 2048, False),
        ({"num_key_value_heads": 8}, 2044, True),
        ({"num_attention_heads": 8, "head_dim": 128}, 7, False),
        ({"num_key_value_heads": None, "head_dim": 128}, 7, False),
    ],
)
def test_heads_against_the_matrices_of_keys(
    tmp_path: Path, config: dict[str, Any], rows: int, *, found: bool
) -> None:
    model = _write(tmp_path / "model", {"vocab_size": 32} | config, _attention(rows))
    assert any("(heads)" in message for _, message in _checks(model)) is found
