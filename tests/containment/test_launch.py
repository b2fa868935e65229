"""What a contained container starts, and where its model lies in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelscan.containment import manifests
from modelscan.containment.examine import views
from modelscan.containment.harden import launch, places
from modelscan.containment.harden.words import Locked
from modelscan.containment.nodes import documents, table
from modelscan.containment.view import Serving
from modelscan.discovery.walking import Tree
from tests.forge.deployments import COMMIT, write

SHA = "a" * 64
QWEN = Locked("Qwen/Qwen2.5-7B", COMMIT, (("config.json", 2, SHA),))
GEMMA = Locked("ggml-org/gemma-GGUF:Q4", COMMIT, (("gemma.gguf", 2, SHA), ("mmproj.gguf", 2, SHA)))
SHARDS = Locked(
    "a/b", "", (("b-00001-of-00002.gguf", 2, SHA), ("b-00002-of-00002.gguf", 2, SHA))
)  # fmt: skip
SEVERAL = Locked("a/b", "", (("b-Q4.gguf", 2, SHA), ("b-Q8.gguf", 2, SHA)))
LLAMA = Locked("ollama:llama3.2", "", (("model.gguf", 2, SHA),))

_ROOT = "/root"
"""The home of the user that images run as, unless they say otherwise."""


def serving(folder: Path, service: str) -> tuple[Serving, dict[str, Any]]:
    """A service of a compose file, recognised, and as plain data."""
    file = write(folder, "compose.yaml", "services:\n  s: " + service + "\n")
    (view,) = views(manifests.read(Tree(file)))
    (root,) = documents(file.read_text(), "f")
    from modelscan.containment.harden.plain import plain

    return view.serving[0], plain(table(root)["services"]["s"])


def launched(folder: Path, service: str, locked: Locked | None = None) -> dict[str, Any]:
    """The service with what it starts contained; what its script set beside it."""
    each, holder = serving(folder, service)
    holder["set"] = launch.launch(holder, ("entrypoint", "command"), each, locked)
    return holder


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("ollama serve & sleep 5; ollama pull llama3.2; wait", ["ollama", "serve"]),
        (
            "/bin/ollama serve &\npid=$!\nsleep 5\nollama pull x\nwait $pid",
            ["/bin/ollama", "serve"],
        ),
        (
            "until curl -s localhost:11434; do sleep 1; done & exec ollama serve",
            ["ollama", "serve"],
        ),
        ("ollama serve", ["ollama", "serve"]),
        ("export A=b && ollama serve", ["ollama", "serve"]),
        ("if [ ! -d /m ]; then hf download a/b; fi; ollama serve", ["ollama", "serve"]),
        ("./prepare.sh && ollama serve", None),
        ("ollama serve & ollama serve", None),
        ("pip install x; ollama serve", None),
        ("ollama serve $ARGS", None),
        ("ollama pull x", None),
    ],
)
def test_scripts(tmp_path: Path, script: str, expected: list[str] | None) -> None:
    text = script.replace("\n", "\\n")
    made = launched(tmp_path, f'{{image: ollama/ollama, entrypoint: [/bin/sh, -c, "{text}"]}}')
    if expected is None:
        assert made["entrypoint"] == ["/bin/sh", "-c", script]
    else:
        assert made["entrypoint"] == expected
        assert "command" not in made
    assert made["set"] == ({"A": "b"} if expected and "export" in script else {})


def test_a_script_in_two_parts_and_with_known_variables(tmp_path: Path) -> None:
    made = launched(
        tmp_path,
        "{image: 'vllm/vllm-openai:1', entrypoint: bash, environment: {PORT: '80'},"
        " command: [-lc, 'exec vllm serve /m --port ${PORT} --trust-remote-code']}",
    )
    assert made["entrypoint"] == ["vllm", "serve", "/m", "--port", "80"]
    assert "command" not in made


def test_commands_that_are_none_stay(tmp_path: Path) -> None:
    head = "{image: 'vllm/vllm-openai:1', command: "
    assert launched(tmp_path, head + "{a: b}}")["command"] == {"a": "b"}
    made = launched(tmp_path, head + '"--model /m \'unfinished"}')
    assert made["command"] == "--model /m 'unfinished"


@pytest.mark.parametrize(
    ("image", "command", "locked", "expected"),
    [
        ("vllm/vllm-openai", "--model Qwen/Qwen2.5-7B", QWEN,
         ["--model", "Qwen/Qwen2.5-7B", "--revision", COMMIT]),
        ("vllm/vllm-openai", "--model s3://bucket/qwen/", None, ["--model", "/models/qwen"]),
        ("vllm/vllm-openai", "--model=s3://bucket/..", None, ["--model=/models/model"]),
        ("vllm/vllm-openai", f"--model {_ROOT}/.cache/x --port 1", None,
         ["--model", "/models/x", "--port", "1"]),
        ("vllm/vllm-openai", f"--model={_ROOT}/.cache/x", None, ["--model=/models/x"]),
        ("tritonserver", "tritonserver --model-control-mode=explicit --load-model a --load-model=b --model-repository=gs://b/repo", None,
         ["tritonserver", "--model-repository=/models/repo"]),
        ("llama.cpp", "-hf ggml-org/gemma-GGUF:Q4 --port 1", GEMMA,
         ["--port", "1", "-m", "/models/gemma-GGUF/gemma.gguf"]),
        ("llama.cpp", "--hf-repo a/b --hf-file b-00001-of-00002.gguf", SHARDS,
         ["-m", "/models/b/b-00001-of-00002.gguf"]),
        ("llama.cpp", "-hf a/b", SEVERAL, ["-hf", "a/b", "--offline"]),
        ("llama.cpp", "-hf a/b --offline", None, "-hf a/b --offline"),
    ],
)  # fmt: skip
def test_models_come_from_the_store(
    tmp_path: Path, image: str, command: str, locked: Locked | None, expected: object
) -> None:
    service = f"{{image: 'x/{image}:1', command: '{command}', volumes: ['c:{_ROOT}/.cache']}}"
    assert launched(tmp_path, service, locked)["command"] == expected


def test_variables_lead_to_the_store(tmp_path: Path) -> None:
    each, _ = serving(
        tmp_path,
        "{image: 'x/llama.cpp:1', environment: {LLAMA_ARG_HF_REPO: a/b, LLAMA_ARG_PORT: '1'}}",
    )
    env = {"LLAMA_ARG_HF_REPO": "a/b", "LLAMA_ARG_PORT": "1"}
    assert launch.variables(env, each, GEMMA) == {
        "LLAMA_ARG_MODEL": "/models/gemma-GGUF/gemma.gguf",
        "LLAMA_ARG_PORT": "1",
    }
    assert launch.variables(env, each, SEVERAL) == env
    each, _ = serving(
        tmp_path, "{image: 'x/tgi:1', environment: {MODEL_ID: 's3://b/m', OTHER: 's3://b/o'}}"
    )
    env = {"MODEL_ID": "s3://b/m", "OTHER": "s3://b/o"}
    assert launch.variables(env, each, None) == {"MODEL_ID": "/models/m", "OTHER": "s3://b/o"}


@pytest.mark.parametrize(
    ("service", "stores", "env", "locked", "expected"),
    [
        ("{image: 'x/vllm:1', command: --model a/b}", ["/models"], {}, QWEN,
         "/models/models--Qwen--Qwen2.5-7B"),
        ("{image: 'x/vllm:1', command: --model a/b}", ["/c"], {"HF_HOME": "/c/"}, QWEN,
         "/c/hub/models--Qwen--Qwen2.5-7B"),
        ("{image: 'x/vllm:1', command: --model a/b}", ["/c"], {"HF_HUB_CACHE": "/d/"}, QWEN,
         "/d/models--Qwen--Qwen2.5-7B"),
        ("{image: 'x/vllm:1', command: --model a/b --download-dir /e}", [], {}, QWEN,
         "/e/models--Qwen--Qwen2.5-7B"),
        ("{image: 'x/vllm:1', command: --model a/b}", [], {}, None, "/models"),
        ("{image: 'x/vllm:1', command: --model /m/x}", ["/m"], {}, QWEN, "/m/x"),
        ("{image: 'x/vllm:1', command: --model gs://b/x}", ["/m"], {}, QWEN, "/models/x"),
        ("{image: 'x/vllm:1'}", ["/mnt/models"], {}, QWEN, "/mnt/models"),
        ("{image: 'x/llama.cpp:1', command: -hf a/b}", ["/models"], {}, GEMMA,
         "/models/gemma-GGUF"),
        ("{image: 'x/llama.cpp:1', command: -hf a/b}", ["/models"], {}, SEVERAL, "/models"),
        ("{image: ollama/ollama}", ["/s"], {"OLLAMA_MODELS": "/s/models"}, LLAMA,
         "/s/models/manifests/registry.ollama.ai/library/llama3.2/latest"),
        ("{image: ollama/ollama}", ["/s"], {}, Locked("ollama:acme/x:7b", "", ()),
         "/s/manifests/registry.ollama.ai/acme/x/7b"),
    ],
)  # fmt: skip
def test_where_the_model_is_verified(
    tmp_path: Path, service: str, stores: list[str], env: dict[str, str], locked: Locked | None,
    expected: str,
) -> None:  # fmt: skip
    each, _ = serving(tmp_path, service)
    assert places.target(each, stores, env, locked) == expected


@pytest.mark.parametrize(
    ("service", "stores", "env", "expected"),
    [
        ("{image: 'x/vllm:1', command: --model a/b}", ["/w"], {}, {"HF_HUB_CACHE": "/w"}),
        ("{image: 'x/vllm:1', command: --model a/b}", ["/w"], {"HF_HOME": "/w"}, {}),
        ("{image: 'x/vllm:1', command: --model a/b --download-dir /w}", ["/w"], {}, {}),
        ("{image: 'x/vllm:1', command: --model /w/b}", ["/w"], {}, {}),
        ("{image: 'x/text-generation-inference:1', command: --model-id a/b}", ["/data"], {}, {}),
        (
            "{image: 'x/text-generation-inference:1', command: --model-id a/b}",
            ["/w"],
            {},
            {"HF_HUB_CACHE": "/w"},
        ),
        ("{image: ollama/ollama}", ["/w"], {}, {}),
    ],
)
def test_a_store_that_nothing_names_is_named(
    tmp_path: Path, service: str, stores: list[str], env: dict[str, str], expected: object
) -> None:
    each, _ = serving(tmp_path, service)
    assert places.lead(each, stores, env) == expected
