from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelscan.fetcher.sources import take
from modelscan.formats.chat_template.digests import template_digest
from modelscan.lineage.families import families
from modelscan.lineage.tokenizer import Digests, describe
from modelscan.vocabulary.ref import ModelRef
from tests.forge import weights as forge
from tests.forge import weights_files as files

TOKENIZER: dict[str, Any] = {
    "added_tokens": [{"id": 2, "content": "</s>"}],
    "normalizer": {"type": "NFC"},
    "pre_tokenizer": None,
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"], "dropout": None},
}


def described(folder: Path) -> Digests:
    listed = take(ModelRef.parse(str(folder))).files
    return describe(listed, families(listed)[0])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = files.write_model(tmp_path / "m", forge.llama(1))
    (folder / "tokenizer.json").write_text(json.dumps(TOKENIZER))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ a }}\nb"}))
    (folder / "special_tokens_map.json").write_text('{"eos_token": "</s>"}')
    (folder / "tokenizer.model").write_bytes(b"pieces")
    return folder


def test_every_part_has_its_digest(model: Path) -> None:
    found = described(model)
    assert set(found.tokenizer) == {
        "added_tokens", "merges", "model", "normalizer", "sentencepiece", "special_tokens", "vocab",
    }  # fmt: skip
    assert found.templates == {"default": template_digest("{{ a }}\nb")}


def test_another_spelling_of_the_same_is_the_same(model: Path) -> None:
    before = described(model)
    vocabulary = {"b": 1, "a": 0}
    other = {"model": {**TOKENIZER["model"], "vocab": vocabulary}, **TOKENIZER}
    (model / "tokenizer.json").write_text(json.dumps(other, indent=3))
    text = json.dumps({"chat_template": "{{ a }}  \r\nb\n"})
    (model / "tokenizer_config.json").write_text(text)
    assert described(model) == before


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("vocab", {"model": {**TOKENIZER["model"], "vocab": {"a": 1, "b": 0}}}),
        ("merges", {"model": {**TOKENIZER["model"], "merges": []}}),
        ("model", {"model": {**TOKENIZER["model"], "dropout": 0.1}}),
        ("normalizer", {"normalizer": {"type": "NFKC"}}),
        ("added_tokens", {"added_tokens": []}),
    ],
)
def test_a_difference_is_in_its_part(part: str, change: dict[str, Any], model: Path) -> None:
    before = described(model).tokenizer
    (model / "tokenizer.json").write_text(json.dumps({**TOKENIZER, **change}))
    after = described(model).tokenizer
    assert [name for name in before if before[name] != after[name]] == [part]


def test_templates_have_names(model: Path) -> None:
    named = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": "y"}, 7]
    (model / "tokenizer_config.json").write_text(json.dumps({"chat_template": named}))
    assert set(described(model).templates) == {"tool_use", "default"}
    (model / "chat_template.jinja").write_text("z")
    assert described(model).templates["default"] == template_digest("z")


def test_templates_of_a_gguf_file_count(tmp_path: Path) -> None:
    tensors = forge.as_gguf(forge.llama(1))
    pairs = [("tokenizer.chat_template", "{{ a }}"), ("tokenizer.chat_template.tool", "t")]
    (tmp_path / "m.gguf").write_bytes(files.gguf_bytes(tensors, pairs=pairs))
    found = described(tmp_path)
    assert found.templates == {"default": template_digest("{{ a }}"), "tool": template_digest("t")}


def test_what_cannot_be_read_has_no_digest(model: Path) -> None:
    for text in ("{", "[]", '{"model": 3}'):
        (model / "tokenizer.json").write_text(text)
        assert "vocab" not in described(model).tokenizer
    (model / "tokenizer.json").write_text('{"model": {"vocab": [["a", 0.5]]}}')
    assert set(described(model).tokenizer) >= {"vocab", "model"}
    (model / "tokenizer_config.json").write_text("[]")
    assert described(model).templates == {}
