"""A local target, and any target offline, opens no socket and imports no network library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forge import models

_PROBE = """
import json, socket, sys
def refuse(*arguments, **more):
    raise AssertionError("a socket was opened")
socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = socket.create_connection = refuse
from modelscan.__main__ import main
sys.argv = ["modelassay", *sys.argv[1:]]
code = 0
try:
    code = main()
except SystemExit as end:
    code = end.code
heavy = {"huggingface_hub", "httpx2", "httpcore2", "sigstore", "numpy", "fsspec", "requests"}
print(json.dumps({"code": code, "heavy": sorted(heavy & set(sys.modules))}), file=sys.stderr)
"""


def _probe(*arguments: str) -> tuple[int, list[str], str]:
    """Exit code, network libraries that were imported, and what was printed."""
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stderr.splitlines()[-1])
    return found["code"], found["heavy"], done.stdout


@pytest.mark.parametrize("command", ["scan", "verify"])
def test_a_local_target_opens_no_socket_even_without_offline(tmp_path: Path, command: str) -> None:
    models.plain(tmp_path / "model")
    _, heavy, out = _probe(command, str(tmp_path / "model"))
    assert heavy == []
    assert "model" in out


@pytest.mark.parametrize(
    "target",
    ["hf:org/name", "https://huggingface.co/org/name", "https://example.org/m.safetensors",
     "oci:registry.example.org/a/b:latest", "s3://bucket/model"],
)  # fmt: skip
def test_offline_opens_no_socket_for_a_remote_target(target: str) -> None:
    code, heavy, out = _probe("scan", "--offline", target)
    assert code == 3
    assert heavy == []
    assert "offline" in out


@pytest.mark.parametrize("command", ["lineage", "pull", "lock"])
def test_offline_holds_for_every_command_that_could_fetch(tmp_path: Path, command: str) -> None:
    arguments = {
        "lineage": ("lineage", "hf:org/name", "--base", "hf:org/base"),
        "pull": ("pull", "hf:org/name", str(tmp_path / "model")),
        "lock": ("lock", "write", "--add", "hf:org/name", str(tmp_path)),
    }[command]
    code, heavy, _ = _probe(*arguments, "--offline")
    assert code == 3
    assert heavy == []
    assert list(tmp_path.iterdir()) == []


def test_the_variable_of_the_hubs_library_means_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    code, heavy, out = _probe("verify", "hf:org/name")
    assert code == 3
    assert heavy == []
    assert "offline" in out
