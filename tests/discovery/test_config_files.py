from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.discovery import trees
from modelscan.errors import ReadError
from tests.discovery.conftest import Find, Look, refs
from tests.forge.codebases import COMMIT


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.yaml", "modelId: org/m-1", ["hf:org/m-1"]),
        ("a.yaml", "model: org/m-1", ["hf:org/m-1"]),
        ("a.yaml", "model: words/here", []),
        ("a.yaml", "models: [org/m-1, org/n-1]", ["hf:org/m-1", "hf:org/n-1"]),
        ("a.yaml", "data_model: org/m-1", []),
        ("a.yaml", "image: org/m-1\nmodel_type: bert-1", []),
        ("a.yaml", "model_id: ${NAME:-org/m-1}", ["hf:org/m-1"]),
        ("a.yaml", "model_id: ${NAME}", ["${NAME}"]),
        ("a.yaml", "model: ${NAME}", []),
        ("a.yaml", "model_id: '{{ x }}'", ["{{ x }}"]),
        ("a.yaml", "model_path: ./m.gguf", ["./m.gguf"]),
        ("a.yaml", "ollama_model: llama3", ["ollama:llama3"]),
        ("a.yaml", "ollama_model_id: llama3", ["ollama:llama3"]),
        ("a.yaml", "llm: {type: ollama, nested: {model: llama3}}", ["ollama:llama3"]),
        ("a.yaml", "model: ollama/llama3", ["ollama:llama3"]),
        ("a.yaml", "model: huggingface/org/m-1", ["hf:org/m-1"]),
        ("a.yaml", "storage_uri: s3://bucket/m", ["s3://bucket/m"]),
        ("a.yaml", "model_uri: s3://bucket/m", ["s3://bucket/m"]),
        ("a.yaml", "weights: https://huggingface.co/a/b-1/resolve/main/m.bin", ["hf:a/b-1"]),
        ("a.yaml", "link: https://huggingface.co/a/b-1/resolve/main/m.bin\nmodel: 1", ["hf:a/b-1"]),
        ("a.yaml", "model: &a org/m-1\nother_model: *a", ["hf:org/m-1"]),
        ("a.yaml", "model: !!python/object:x.Y {a: 1}", []),
        ("a.yaml", "model_id: org/m-1\n---\nmodel_id: org/n-1", ["hf:org/m-1", "hf:org/n-1"]),
        ("a.yaml", "1: {model_id: org/m-1}\n? [a]\n: b", ["hf:org/m-1"]),
        ("a.yaml", "cmd: |\n  # model\n  hf download org/m-1\n", ["hf:org/m-1"]),
        ("a.yaml", "script: [A=org/m-1, 'hf download $A']", ["hf:org/m-1"]),
        ("a.yaml", "command: sh -c 'ollama pull llama3'", ["ollama:llama3"]),
        ("a.yaml", "command: [sh, -c, 'ollama pull llama3']", ["ollama:llama3"]),
        ("a.yaml", "args: ['--model', '{{ x }}']\nimage: vllm/x", ["{{ x }}"]),
        ("a.yaml", "command: --model org/m-1\nimage: x/vllm", ["hf:org/m-1"]),
        ("a.yaml", "environment: {MODEL_ID: org/m-1, OTHER: 1}", ["hf:org/m-1"]),
        ("a.yaml", "env: [{name: MODEL_ID, value: org/m-1}, {name: X, valueFrom: y}, 3]",
         ["hf:org/m-1"]),
        ("a.yaml", "env: MODEL_ID", []),
        ("a.yaml", "model_id: 3", []),
        ("a.yaml", "model_id:\n  - {}", []),
        ("package.json", '{"model_id": "org/m-1"}', []),
        ("config.json", '{"model_type": "bert", "_name_or_path": "org/m-1"}', []),
        ("adapter_config.json", '{"base_model_name_or_path": "org/m-1", "model_type": 1}',
         ["hf:org/m-1"]),
        ("adapter_config.json", '{"base_model_name_or_path": null}', []),
        ("r.json", '{"schema": "modelassay-inventory/1", "model_id": "org/m-1"}', []),
        ("s.json", '[{"model": "org/m-1"}]', ["hf:org/m-1"]),
        ("s.json", '{"x": 1}', []),
        ("s.toml", "[a]\nmodel_id = 'org/m-1'\n", ["hf:org/m-1"]),
        ("Pipfile", "model = 'org/m-1'\n", ["hf:org/m-1"]),
        ("chart/templates/x.yaml", "model_id: {{ .x }}\nother_model_id: org/m-1\n",
         ["{{ .x }}", "hf:org/m-1"]),
        ("x.dvc", "outs:\n- md5: abc\n  path: data.csv\n# model", []),
        ("dvc.lock", "stages:\n  a:\n    outs:\n    - path: m.pkl\n      md5: 1a\n", ["m.pkl"]),
        ("MLmodel", "flavors: {sklearn: {pickled_model: model.pkl}}", ["model.pkl"]),
        ("compose.yaml", "models: {a: {model: ai/x}, b: 1}\nservices: {}", ["oci:docker.io/ai/x"]),
        ("compose.yaml", "models: 1", []),
        ("k.yaml", "apiVersion: v1\nvolumes: [{image: {reference: 'h.example/m:1'}}] # model",
         ["oci:h.example/m:1"]),
        ("tf/main.tf", 'environment = {\n  HF_MODEL_ID = "org/m-1"\n}\n', ["hf:org/m-1"]),
        (".env.example", "export MODEL_ID='org/m-1' # why\n# MODEL=org/n-1\n", ["hf:org/m-1"]),
        (".env", "A=org/m-1\nMODEL_ID=$A\nB_MODEL_ID=$C\nMODEL=$C\n", ["hf:org/m-1", "$C"]),
        ("s.ini", "[model]\nmodel_id: org/m-1\nx = " + "y" * 3000 + "\n", ["hf:org/m-1"]),
        (".gitmodules", "[submodule]\n  url = https://huggingface.co/org/m-1\n  url = https://x.example\n",
         ["hf:org/m-1"]),
        ("requirements-x.txt", "x @ https://huggingface.co/a/b-1/resolve/main/x.whl", ["hf:a/b-1"]),
        ("requirements-dev.txt", "# x @ https://huggingface.co/a/b-1/resolve/main/x.whl", []),
        ("requirements.txt", "torch\n", []),
    ],
)  # fmt: skip
def test_what_settings_say(find: Find, name: str, text: str, expected: list[str]) -> None:
    assert refs(find(name, text)) == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (".github/workflows/a.yml", "workflow"), (".gitlab-ci.yml", "workflow"),
        ("docker-compose.prod.yml", "compose"), ("values-prod.yaml", "helm"), ("a.json", "json"),
        ("a.toml", "toml"), ("a.yaml", "yaml"), ("prod.env", "env"), ("a.cfg", "settings"),
    ],
)  # fmt: skip
def test_kinds(find: Find, name: str, kind: str) -> None:
    text = {"json": '{"model_id": "org/m-1"}', "toml": "model_id = 'org/m-1'"}.get(
        kind, "model_id: org/m-1"
    )
    (one,) = find(name, text)
    assert one.kind == kind


def test_revisions_beside_a_model(find: Find) -> None:
    text = f"model_id: org/m-1\nmodel_revision: {COMMIT}\ntokenizer_id: 1\nrevision: main\n"
    (one,) = find("a.yaml", text)
    assert one.revision == COMMIT
    (one,) = find("a.yaml", "llm_model_id: org/m-1\nrevision: v1\ntrust_remote_code: 'yes'\n")
    assert (one.revision, one.options) == ("v1", {"trust_remote_code": True})
    (one,) = find("a.yaml", "model_id: org/m-1\nsubfolder: x\nother_revision: y\n")
    assert (one.revision, one.options) == (None, {"subfolder": "x"})


def test_lines_in_json_and_toml(find: Find) -> None:
    text = json.dumps({"a": "x", "b": ["org/m-1", 'q"uote'], "model_id": "org/m-1"}, indent=1)
    (one,) = find("a.json", text)
    assert one.where.line == 7
    (one,) = find("a.toml", "x = 'org/m-1'\n\nmodel_id = 'org/m-1'\n")
    assert one.where.line == 3


def test_broken_files_are_said(look: Look) -> None:
    found = look(
        {
            "model.json": '{"model": ',
            "model.toml": "= model",
            "model.yaml": "model: [",
            "a.ipynb": "x",
        }
    )
    assert {gap.file for gap in found.coverage} == {"model.json", "model.toml"}
    found = look({"a.ipynb": '{"x": "from_pretrained"}'})
    assert [gap.file for gap in found.coverage if gap.needed] == ["a.ipynb"]
    assert found.exit_code == 3


def test_what_broke_a_yaml_does_not_hide_the_rest(find: Find) -> None:
    assert refs(find("a.yaml", "model_id: org/m-1\nx: [")) == ["hf:org/m-1"]
    assert refs(find("a.yaml", "model_id: org/m-1\nx: \t- {")) == ["hf:org/m-1"]


def test_documents_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = "[" * 100 + "]" * 100
    assert "deeply" in trees.yaml(deep, Budget()).error
    assert trees.parse_json(deep)
    monkeypatch.setattr(trees, "_LONGEST", 3)
    assert trees.yaml("a: b", Budget()).error
    for read in (trees.parse_json, trees.toml):
        with pytest.raises(ReadError):
            read("a = 123")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="model_id: -[]{}\"'|>\n&*!#,\t", max_size=80))
def test_any_text_is_a_document_or_is_not(text: str) -> None:
    trees.yaml(text, Budget())
    for read in (trees.parse_json, trees.toml):
        with suppress(ReadError):
            read(text)


def test_plain_words_are_values_and_quoted_ones_are_text() -> None:
    text = 'a: true\nb: "true"\nc: null\nd: False\ne: !!str no\nf: yesterday\n'
    (found,) = trees.yaml(text, Budget()).roots
    assert found == {"a": True, "b": "true", "c": None, "d": False, "e": "no", "f": "yesterday"}
