from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.discovery import strings
from modelscan.discovery.dockerfile import instructions
from tests.discovery.conftest import Find, Look, refs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM x\nRUN hf download org/m-1", ["hf:org/m-1"]),
        ("FROM x\nRUN --mount=type=cache,target=/x hf download org/m-1", ["hf:org/m-1"]),
        ('FROM x\nRUN ["hf", "download", "org/m-1"]', ["hf:org/m-1"]),
        ('FROM x\nRUN ["sh", "-c", "hf download org/m-1"]', ["hf:org/m-1"]),
        ('FROM x\nRUN ["python", "-c", "import torch; torch.load(\'m.pt\')"]', ["m.pt"]),
        ("FROM x\nRUN [broken hf download org/m-1", []),
        ("FROM x\nENV MODEL_ID org/m-1", ["hf:org/m-1"]),
        ("FROM x\nARG M=org/m-1\nRUN hf download ${M}", ["hf:org/m-1"]),
        ("FROM x\nENV A=b MODEL_ID='org/m-1'", ["hf:org/m-1"]),
        ("FROM x\nCMD vllm serve org/m-1", ["hf:org/m-1"]),
        ('FROM x\nENTRYPOINT ["vllm", "serve"]\nCMD ["--model", "org/m-1"]', ["hf:org/m-1"]),
        ('FROM vllm/vllm-openai\nCMD ["--model", "org/m-1"]', ["hf:org/m-1"]),
        ('FROM x\nCMD ["echo"]\nCMD []', []),
        ("FROM x\nCOPY m.gguf /m.gguf", ["m.gguf"]),
        ("FROM x\nCOPY --from=y m.gguf /m.gguf", []),
        ('FROM x\nCOPY --chown=1 ["m.onnx", "/x"]', ["m.onnx"]),
        ("FROM x\nADD https://example.com/m.safetensors /m", ["https://example.com/m.safetensors"]),
        ("FROM x\nCOPY *.gguf README.md /x", []),
        ("FROM x\nONBUILD RUN hf download org/m-1", ["hf:org/m-1"]),
        ("FROM x\nONBUILD USER x", []),
        ("FROM x\nRUN a && \\\n# note\n  hf download \\\n  org/m-1", ["hf:org/m-1"]),
        ("# escape=`\nFROM x\nRUN hf download `\n  org/m-1", ["hf:org/m-1"]),
        ("FROM x\nRUN <<A\n#!/usr/bin/env python\nimport torch\ntorch.load('m.pt')\nA", ["m.pt"]),
        ("FROM x\nCOPY <<A /x.sh\nhf download org/m-1\nA\nUSER y", []),
        ("FROM x\nRUN cat <<A\nunfinished", []),
        ("nonsense\nFROM x\nLABEL a=b", []),
    ],
)  # fmt: skip
def test_dockerfiles(find: Find, text: str, expected: list[str]) -> None:
    assert refs(find("app.Dockerfile", text)) == expected


def test_lines_of_a_dockerfile(find: Find) -> None:
    text = "FROM x\nENV A=1 \\\n    MODEL_ID=org/m-1\nRUN a; \\\n  hf download org/n-1\n"
    assert [(each.ref, each.where.line) for each in find("Containerfile", text)] == [
        ("hf:org/m-1", 3), ("hf:org/n-1", 5),
    ]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="FROM RUN<EOF\\\n #ab=\"'[]`", max_size=100))
def test_any_text_is_a_dockerfile(text: str) -> None:
    for each in instructions(text):
        assert each.line >= 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from ./m.gguf", ["./m.gguf"]),
        ("FROM hf.co/org/m-1:Q4_K_M", ["hf:org/m-1:Q4_K_M"]),
        ('FROM "llama3"\nTEMPLATE """\nFROM x\n"""\nADAPTER lora', ["ollama:llama3", "lora"]),
        ("PARAMETER x 1", []),
    ],
)
def test_modelfiles(find: Find, text: str, expected: list[str]) -> None:
    assert refs(find("Modelfile.dev", text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pipeline('x', 'Xenova/m-1') // transformers", ["hf:Xenova/m-1"]),
        ("pipeline('x', name) // transformers", ["name"]),
        ("pipeline('x', other('a/b-1')) // transformers", []),
        ("pipeline('x') // transformers", []),
        ("AutoModel.from_pretrained(`Xenova/${M}`); // x", ["Xenova/${M}"]),
        ("const M = 'm-1'; AutoModel.from_pretrained(`Xenova/${M}`)", ["hf:Xenova/m-1"]),
        ("let M = 'a/b-1'; M = 'a/c-1'; AutoModel.from_pretrained(M)", ["M"]),
        ("/* AutoModel.from_pretrained('a/b-1') */", []),
        ("fetch('https://huggingface.co/a/b-1/resolve/main/m.onnx')", ["hf:a/b-1"]),
        ("ort.InferenceSession.create('./m.onnx')", ["./m.onnx"]),
        (
            "new ChatOllama({ model: 'llama3', baseUrl: 'http://localhost:11434' })",
            ["ollama:llama3"],
        ),
        ("openai('gpt-4o')", ["hosted:gpt-4o"]),
        ("openai(name)", []),
        ("x = { modelName: 'claude-3-haiku-20240307' }", ["hosted:claude-3-haiku-20240307"]),
        ("x = { model_id: 'org/m-1', 'model': `a${b}` }", ["hf:org/m-1"]),
        ("x = { 'modelId': 'org/m-1', path: 'a/b-1' } // openai", ["hf:org/m-1"]),
        ("function pipeline(x, y) {} // transformers", []),
        ("from_pretrained('a/b-1', { revision: 'v1', dtype: q, subfolder: s })", ["hf:a/b-1"]),
        ("from_pretrained(", []),
        ("from_pretrained('a/b-1'", []),
        ("const x = 'https://example.com'; // hf.co/", []),
    ],
)
def test_javascript(find: Find, text: str, expected: list[str]) -> None:
    assert refs(find("app.mjs", text)) == expected


def test_options_of_javascript(find: Find) -> None:
    (one,) = find("a.ts", "from_pretrained('a/b-1', { revision: 'v1', subfolder: s })")
    assert (one.kind, one.revision, one.options) == ("typescript", "v1", {"subfolder": "s"})


def test_bundles_are_left_out_and_said(look: Look) -> None:
    found = look({"x.min.js": "from_pretrained('a/b-1')"})
    assert found.references == ()
    assert "bundle" in found.coverage[0].reason


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="from_pretrained('\"`/*{}:=,)\n\\ ", max_size=100))
def test_any_text_is_javascript_and_python(text: str) -> None:
    list(strings.javascript(text, Budget()))
    list(strings.python(text, Budget()))


def _notebook(*cells: str) -> str:
    made = [{"cell_type": "code", "source": cell} for cell in cells]
    return json.dumps({"cells": made, "nbformat": 4})


def test_notebooks(find: Find) -> None:
    text = _notebook("from transformers import AutoModel as M", "M.from_pretrained('org/m-1')")
    (one,) = find("a.ipynb", text)
    assert (one.ref, one.where.line, one.where.member) == ("hf:org/m-1", 1, "cell 2")


def test_a_notebook_with_a_broken_cell(find: Find) -> None:
    text = _notebook(
        "def :", "from transformers import AutoModel as M\nM.from_pretrained('org/m-1')"
    )
    (one,) = find("a.ipynb", text)
    assert (one.where.line, one.where.member, one.certainty) == (2, "cell 2", "declared")


def test_a_notebook_without_models(find: Find) -> None:
    assert find("a.ipynb", _notebook("1 + 1")) == []
