from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.discovery import shelltext
from modelscan.discovery.mention import Mention
from modelscan.discovery.shelltext import Embedded
from modelscan.discovery.shellwords import Variables, commands, expand
from tests.discovery.conftest import Find, refs
from tests.forge.codebases import COMMIT


def _words(text: str) -> list[list[str]]:
    return [[word.text for word in command.words] for command in commands(text, Variables())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b; c && d | e", [["a", "b"], ["c"], ["d"], ["e"]]),
        ("a \\\n  b", [["a", "b"]]),
        ("a 'b c' \"d e\" f\\ g", [["a", "b c", "d e", "f g"]]),
        ("a # comment; b\nc", [["a"], ["c"]]),
        ("a#b", [["a#b"]]),
        ("X=1; a $X ${X} \"$X\" '$X'", [["X=1"], ["a", "1", "1", "1", "$X"]]),
        ("a ${X:-d} ${Y:-'q'}", [["a", "d", "q"]]),
        ("a > out 2>&1 < in b", [["a", "b"]]),
        ('a "b', [["a", '"b']]),
        ("(a; b)", [["a"], ["b"]]),
        ('a "x \\"y\\" \'$Z\'"', [["a", "x \"y\" '$Z'"]]),
        ("a $(b c) `d e`", [["a", "$(b c)", "`d e`"]]),
        ("export A=b\nc $A", [["export", "A=b"], ["c", "b"]]),
        ("cat <<EOF\nx y\nEOF\nafter", [["cat"], ["after"]]),
        ("cat <<EOF\nno end", [["cat", "<<EOF"], ["no", "end"]]),
        ("# cat <<EOF\nx\nEOF", [["x"], ["EOF"]]),
    ],
)
def test_words(text: str, expected: list[list[str]]) -> None:
    assert _words(text) == expected


def test_here_documents_belong_to_their_commands() -> None:
    found = list(commands("a\npython - <<-'X' | b\n\tone\n\tX\nc", Variables(), 10))
    assert [(each.words[0].text, each.line) for each in found] == [
        ("a", 10), ("python", 11), ("b", 11), ("c", 14),
    ]  # fmt: skip
    assert (found[1].document, found[1].document_line) == ("\tone", 12)


def test_what_is_not_known_is_marked() -> None:
    known = Variables()
    assert not expand("$X", known).known
    assert not expand('"$(x)"', known).known
    assert expand("${X:-a}", known) == expand("a", known)._replace(sure=False)
    assert not expand("${X:-$Y}", known).known
    assert not expand('"${X:-$Y}"', known).known
    assert not expand("${X//a/b}", known).known
    assert not expand("\"a '$X'\"", known).known


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("hf download org/m-1", ["hf:org/m-1"]),
        ("huggingface-cli download org/m-1 a.bin b.bin --quiet", ["hf:org/m-1"]),
        ("hf download --repo-type dataset org/m-1", []),
        ("hf download --local-dir org/x-1 org/m-1", ["hf:org/m-1"]),
        ("sudo -E time nohup ollama run --verbose llama3", ["ollama:llama3"]),
        ("ollama run --keepalive 5m llama3", ["ollama:llama3"]),
        ("A=1 vllm serve --enable-lora org/m-1 --tensor-parallel-size 2", ["hf:org/m-1"]),
        ("vllm serve --tensor-parallel-size 2 org/m-1", ["hf:org/m-1"]),
        ("vllm serve org/m-1 --lora-modules sql=org/lora-1", ["hf:org/lora-1", "hf:org/m-1"]),
        ("python3.11 -m vllm.entrypoints.openai.api_server --model=org/m-1", ["hf:org/m-1"]),
        ("python -m spacy download en_core_web_sm", ["spacy:en_core_web_sm"]),
        ("python train.py --model_name_or_path org/m-1 --data x/y", ["hf:org/m-1"]),
        ("python -m my.train --base-model org/m-1", ["hf:org/m-1"]),
        ("python train.py --model resnet", []),
        ("llama-server -hf org/m-GGUF:Q4_K_M -m ./x.gguf", ["./x.gguf", "hf:org/m-GGUF:Q4_K_M"]),
        ("./llama-cli --model-url https://x.example/m.gguf", ["https://x.example/m.gguf"]),
        ("llama-cli -dr ai/smollm2", ["oci:docker.io/ai/smollm2"]),
        ("git clone -b v1 https://huggingface.co/org/m-1", ["hf:org/m-1"]),
        ("git lfs clone --branch=v1 git@hf.co:org/m-1", ["hf:org/m-1"]),
        ("git clone https://github.com/org/m-1", []),
        ("git clone https://huggingface.co/datasets/org/d-1", []),
        ("curl -o x https://example.com/page.html", []),
        ("wget -q https://example.com/m.safetensors", ["https://example.com/m.safetensors"]),
        ("docker run -e MODEL_ID=org/m-1 image", ["hf:org/m-1"]),
        ("docker run --env=HF_MODEL_ID=org/m-1 image", ["hf:org/m-1"]),
        ("docker run ghcr.io/huggingface/text-generation-inference:2 --model-id org/m-1",
         ["hf:org/m-1"]),
        ("docker run -p 1:1 vllm/vllm-openai:v1 org/m-1", ["hf:org/m-1"]),
        ("docker run -p 1:1 image org/m-1", []),
        ("docker run x/y --model-id org/m-1", ["hf:org/m-1"]),
        ("docker compose exec -T box ollama pull llama3", ["ollama:llama3"]),
        ("kubectl exec pod -- hf download org/m-1", ["hf:org/m-1"]),
        ("docker run vllm/vllm-openai --enable-lora org/m-1", ["hf:org/m-1"]),
        ("curl localhost:11434/api/pull -d '{\"name\": \"llama3\"}'", ["ollama:llama3"]),
        ("curl https://api.example/x -d '{\"name\": \"llama3\"}'", []),
        ("curl localhost:11434/api/tags -d name", []),
        ("docker model run ai/qwen3", ["oci:docker.io/ai/qwen3"]),
        ("lm_eval --model hf --model_args pretrained=org/m-1,revision=main", ["hf:org/m-1"]),
        ("export MODEL_ID=org/m-1", ["hf:org/m-1"]),
        ("NAME=org/m-1", []),
        ("whisper a.wav --model large-v3", ["whisper:large-v3"]),
        ("text-generation-server download-weights org/m-1", ["hf:org/m-1"]),
        ("echo org/m-1", []),
        ("x=$(hf download org/m-1)", ["hf:org/m-1"]),
        ("bash -c 'hf download org/m-1'", ["hf:org/m-1"]),
        ("bash -x script.sh", []),
        ("bash <<E\nhf download org/m-1\nE", ["hf:org/m-1"]),
        ("hf", []),
        ("sudo", []),
        ("vllm serve -", []),
        ("hf download", []),
        ("mlflow models serve -m models:/x/1", ["models:/x/1"]),
        ("python -c 'from transformers import AutoModel as A; A.from_pretrained(\"org/m-1\")'",
         ["hf:org/m-1"]),
    ],
)  # fmt: skip
def test_command_lines(find: Find, line: str, expected: list[str]) -> None:
    assert refs(find("run.sh", line + "\n")) == expected


def test_revisions_and_switches(find: Find) -> None:
    (one,) = find("x.sh", f"hf download org/m-1 a.bin b.bin --revision {COMMIT}")
    assert (one.revision, one.options) == (COMMIT, {"filename": "a.bin, b.bin"})
    (one,) = find("x.sh", "vllm serve org/m-1 --trust-remote-code --load-format dummy")
    assert one.options == {"trust_remote_code": True, "load_format": "dummy"}
    (one,) = find("x.sh", "vllm serve org/m-1 --trust_remote_code=false")
    assert one.options == {"trust_remote_code": False}
    (one,) = find("x.sh", "lm_eval --model_args pretrained=org/m-1,trust_remote_code=True")
    assert one.options == {"trust_remote_code": True}


def test_an_unknown_model_of_a_known_program_is_listed(find: Find) -> None:
    (one,) = find("x.sh", 'vllm serve "$MODEL"')
    assert (one.ref, one.certainty) == ("$MODEL", "unresolved")
    assert find("y.sh", "other --model $MODEL") == []


def test_files_that_are_shell(find: Find) -> None:
    assert refs(find("run", "#!/usr/bin/env bash\nollama pull llama3")) == ["ollama:llama3"]
    assert refs(find("Procfile", "web: vllm serve org/m-1")) == ["hf:org/m-1"]


def test_a_script_without_models(find: Find) -> None:
    assert find("x.sh", "ls -l") == []


def test_a_makefile(find: Find) -> None:
    text = "A = org/m-1\nB := $(A)\nall: x\n\t@hf download $(B)\n\tfor i in 1; do echo $$i; done\n"
    found = find("Makefile", text + "# hf download c/d-1\n\nodd line\n")
    assert [(each.ref, each.where.line) for each in found] == [("hf:org/m-1", 4)]
    assert refs(find("other.mk", "x:\n\tls")) == []


def test_python_inside_shell_is_handed_back() -> None:
    found = list(shelltext.mentions("python3 - <<X\nprint(1)\nX\npython -c 'a'", Budget()))
    assert found == [Embedded("print(1)", 2), Embedded("a", 4)]


def test_shell_in_shell_ends() -> None:
    text = "hf download org/m-1"
    for _ in range(8):
        text = f"x=$({text})"
    assert len(list(shelltext.mentions(text, Budget()))) <= 1


def test_downloads_in_any_text() -> None:
    text = "x\nsee https://huggingface.co/a/b-1/resolve/main/m.bin), https://example.com"
    assert [each.line for each in shelltext.address_mentions(text)] == [2]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab $(){}'\"\\`<>|&;#\n=-EOF", max_size=200))
def test_any_text_is_shell(text: str) -> None:
    for each in shelltext.mentions(text, Budget()):
        assert isinstance(each, Mention | Embedded)
