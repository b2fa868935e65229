from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelscan._cli.main import run

VARIABLE = "_MODELASSAY_COMPLETE"
ROOT = Path(__file__).parents[2]
Offered = Callable[..., list[str]]


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Offered:
    """What the shell is offered for the last of some words."""

    def complete(*words: str) -> list[str]:
        monkeypatch.setenv(VARIABLE, "bash_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(("modelassay", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            run([])
        assert ended.value.code == 0
        out, err = capfd.readouterr()
        assert err == ""
        return [line.partition(",")[2] for line in out.splitlines() if line]

    return complete


def test_commands_are_offered_though_they_are_imported_late(offered: Offered) -> None:
    assert {"doctor", "rules", "scan"} <= set(offered(""))
    assert offered("doc") == ["doctor"]
    assert offered("no-such") == []


def test_commands_below_a_command_are_offered(offered: Offered) -> None:
    assert set(offered("rules", "")) == {"lint", "list", "show", "test"}
    assert offered("rules", "sh") == ["show"]


def test_options_and_their_values_are_offered(offered: Offered) -> None:
    assert "--fail-on" in offered("scan", "--")
    assert offered("scan", "--fail-on", "c") == ["critical"]
    assert offered("doctor", "-f", "") == ["terminal", "json"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], shell: str
) -> None:
    monkeypatch.setenv(VARIABLE, f"{shell}_source")
    with pytest.raises(SystemExit) as ended:
        run([])
    assert ended.value.code == 0
    assert f"{VARIABLE}={shell}_complete" in capfd.readouterr().out
    page = (ROOT / "docs" / "completion.md").read_text(encoding="utf-8")
    assert f"{VARIABLE}={shell}_source modelassay" in page


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_a_real_bash_completes_with_it(tmp_path: Path) -> None:
    command = tmp_path / "modelassay"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m modelscan "$@"\n')
    command.chmod(0o755)
    script = f"""
        eval "$({VARIABLE}=bash_source modelassay)"
        COMP_WORDS=(modelassay scan --fail-on cr) COMP_CWORD=3
        _modelassay_completion modelassay
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = os.environ | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert re.split(r"\s+", done.stdout.strip()) == ["critical"]
