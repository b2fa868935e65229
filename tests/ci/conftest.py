"""Scratch repositories: a base branch, and what a pull request makes of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.forge import codebases, locks

Git = Callable[..., str]
LOAD = """
from transformers import AutoModel

AutoModel.from_pretrained("acme/chat-7b", revision="{}")
"""


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Run git with no configuration of the machine's."""

    def call(folder: Path, *words: str) -> str:
        settings = ("user.name=A", "user.email=a@example.org", "init.defaultBranch=main")
        options = [part for each in settings for part in ("-c", each)]
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        done = subprocess.run(
            ["git", *options, *words], cwd=folder, env=environment, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        return done.stdout

    return call


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The base branch: code and lock agree."""
    folder = tmp_path / "work" / "base"
    codebases.write(folder, "app/main.py", LOAD.format(locks.COMMIT))
    locks.write(folder, locks.model(asked=locks.COMMIT))
    return folder


@pytest.fixture
def head(tmp_path: Path, base: Path) -> Path:
    """A pull request that changes nothing yet."""
    folder = base.parent / "head"
    codebases.write(folder, "app/main.py", LOAD.format(locks.COMMIT))
    locks.write(folder, locks.model(asked=locks.COMMIT))
    assert folder.parent.parent == tmp_path
    return folder
