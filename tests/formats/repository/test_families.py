"""The layouts of well-known families: an ordinary repository shows next to nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelscan import api
from modelscan.vocabulary.result import ModelReport
from tests.forge import cards, gguf, safetensors, templates
from tests.forge import tokenizers as forge

LICENCE = "Apache License\nVersion 2.0, January 2004\n"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
MODELING = '''"""Model code."""
import math
import torch
from torch import nn
from transformers import PreTrainedModel
from .configuration_x import XConfig

class XModel(PreTrainedModel):
    config_class = XConfig

    def __init__(self, config):
        super().__init__(config)
        self.embed = nn.Embedding(config.vocab_size, config.hidden_size)

    def forward(self, input_ids):
        return self.embed(input_ids) * math.sqrt(2)
'''
CONFIGURATION = """from transformers import PretrainedConfig

class XConfig(PretrainedConfig):
    model_type = "x"

    def __init__(self, hidden_size=8, **kwargs):
        self.hidden_size = hidden_size
        super().__init__(**kwargs)
"""

TEMPLATES = {
    "llama-3": "llama 3.1 with tools", "qwen": "qwen 3", "mistral": "mistral with tools",
    "gemma": "gemma 3", "deepseek": "deepseek", "phi": "phi", "glm": "glm 4",
    "command": "command r", "granite": "granite", "llama-2": "llama 2",
}  # fmt: skip
REMOTE = frozenset({"deepseek", "glm", "phi"})
"""Families that bring code of their own in some releases."""
PLAIN = ("whisper", "clip", "bert", "t5", "nllb")


def _tensors(layers: range, *, embeddings: bool) -> bytes:
    found: dict[str, tuple[str, list[int]]] = {}
    if embeddings:
        found["model.embed_tokens.weight"] = ("BF16", [320, 8])
    for layer in layers:
        found[f"model.layers.{layer}.self_attn.q_proj.weight"] = ("BF16", [8, 8])
    return safetensors.assemble(safetensors.header(found, {"format": "pt"}))


def repository(folder: Path, family: str) -> Path:
    """The layout of a family, with the parts that its publisher usually ships."""
    folder.mkdir()
    document = forge.FAMILIES[family]
    names = {token["content"]: token["id"] for token in document["added_tokens"]}
    ends = list(names)[-1] if names else None
    config: dict[str, Any] = {
        "architectures": ["XForCausalLM"], "model_type": family, "vocab_size": 320, "hidden_size": 8,
        "num_hidden_layers": 4, "torch_dtype": "bfloat16", "tie_word_embeddings": True,
        "transformers_version": "4.51.0",
    }  # fmt: skip
    if family in REMOTE:
        config["auto_map"] = {"AutoConfig": "configuration_x.XConfig", "AutoModelForCausalLM": "modeling_x.XModel"}  # fmt: skip
        (folder / "modeling_x.py").write_text(MODELING)
        (folder / "configuration_x.py").write_text(CONFIGURATION)
    tokenizer: dict[str, Any] = {
        "added_tokens_decoder": {str(number): {"content": name, "special": True} for name, number in names.items()},
        "eos_token": ends, "model_max_length": 131072, "tokenizer_class": "PreTrainedTokenizerFast",
    }  # fmt: skip
    if family in TEMPLATES:
        tokenizer["chat_template"] = templates.ORDINARY[TEMPLATES[family]]
    generation = {"eos_token_id": [names[ends]] if ends else [], "do_sample": True, "top_p": 0.9}
    listed = {"model.embed_tokens.weight": SHARDS[0]}
    listed |= {
        f"model.layers.{layer}.self_attn.q_proj.weight": SHARDS[layer // 2] for layer in range(4)
    }
    documents = {
        "config.json": config, "tokenizer_config.json": tokenizer, "tokenizer.json": document,
        "generation_config.json": generation, "special_tokens_map.json": {"eos_token": ends},
    }  # fmt: skip
    for name, value in documents.items():
        (folder / name).write_text(json.dumps(value, indent=2))
    (folder / SHARDS[0]).write_bytes(_tensors(range(2), embeddings=True))
    (folder / SHARDS[1]).write_bytes(_tensors(range(2, 4), embeddings=False))
    (folder / "model.safetensors.index.json").write_bytes(
        cards.index(listed, 320 * 8 * 2 + 4 * 64 * 2)
    )
    (folder / "README.md").write_bytes(cards.card(cards.SENTENCES))
    (folder / "LICENSE").write_text(LICENCE)
    (folder / ".gitattributes").write_text("*.safetensors filter=lfs diff=lfs merge=lfs -text\n")
    _older(folder, document)
    return folder


def _older(folder: Path, document: forge.Document) -> None:
    """The files that slow tokenizers read."""
    vocabulary = document["model"]["vocab"]
    kind = document["model"]["type"]
    if kind == "BPE":
        (folder / "vocab.json").write_text(json.dumps(vocabulary))
        (folder / "tokenizer.model").write_bytes(forge.sentencepiece())
        (folder / "qwen.tiktoken").write_bytes(forge.tiktoken())
    elif kind == "WordPiece":
        (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    else:
        rows = [(name, score, 1 if score else 3) for name, score in vocabulary]
        (folder / "spiece.model").write_bytes(forge.sentencepiece(rows, algorithm=1))


def _scan(path: Path) -> ModelReport:
    (report,) = api.scan(path).models
    return report


@pytest.mark.parametrize("family", [*TEMPLATES, *PLAIN])
def test_an_ordinary_layout_passes_with_next_to_nothing(tmp_path: Path, family: str) -> None:
    report = _scan(repository(tmp_path / family, family))
    above = [found.rule for found in report.findings if found.severity != "info"]
    assert above == (["remote-code-requested"] if family in REMOTE else [])
    assert report.answers.allowed.status == "pass"
    assert not [gap for gap in report.coverage if gap.needed]


def test_a_repository_of_gguf_files(tmp_path: Path) -> None:
    (tmp_path / "x-Q4_K_M.gguf").write_bytes(gguf.small())
    (tmp_path / "README.md").write_bytes(cards.card(cards.SENTENCES))
    report = _scan(tmp_path)
    assert [found.rule for found in report.findings if found.severity != "info"] == []
    assert report.answers.allowed.status == "pass"
