"""Names that stood in the code before the repository of the name was made."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelscan import api
from modelscan.dependencies.referenced import registered_later, since
from tests.forge import safetensors
from tests.hub.scanning import fake_hub, options
from tests.hub.server import FakeHub

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
NAME = "acme/chat-7b"
CODE = f'from transformers import AutoModel\nAutoModel.from_pretrained("{NAME}")\n'


def git(folder: Path, day: str, *arguments: str) -> None:
    time = f"{day}T12:00:00+0000"
    subprocess.run(
        ["git", "-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", *arguments],
        cwd=folder, check=True, capture_output=True,
        env=os.environ | {"GIT_COMMITTER_DATE": time, "GIT_AUTHOR_DATE": "1999-01-01T00:00:00Z"},
    )  # fmt: skip


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Code that first named nothing, then a model, and then moved the line."""
    folder = tmp_path / "app"
    folder.mkdir()
    git(folder, "2024-01-01", "init", "-q", "-b", "main")
    for day, text in (
        ("2024-01-01", "import os\n"), ("2025-03-04", CODE), ("2025-05-06", f"\n\n{CODE}"),
    ):  # fmt: skip
        (folder / "main.py").write_text(text)
        git(folder, day, "add", ".")
        git(folder, day, "commit", "-q", "-m", "a step")
    return folder


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as made:
        made.add(NAME, {"config.json": b"{}", "model.safetensors": safetensors.small()})
        yield made


def test_the_day_on_which_a_name_came_into_the_code(app: Path, tmp_path: Path) -> None:
    assert since(app, NAME, ["main.py"]) == "2025-03-04"
    assert since(app, NAME, ["other.py"]) == since(app, "acme/other", ["main.py"]) == ""
    assert since(app, NAME, []) == since(app, "", ["main.py"]) == ""
    assert since(tmp_path, NAME, ["main.py"]) == ""


def test_a_name_is_no_option_and_no_pattern(app: Path) -> None:
    (app / "left").write_text("x")
    assert since(app, "-output=left", ["main.py"]) == since(app, "a.me/chat-7b", ["main.py"]) == ""
    assert since(app, NAME, ["--output=left"]) == ""
    assert (app / "left").read_text() == "x"


def test_nothing_that_a_repository_names_is_run(app: Path, tmp_path: Path) -> None:
    evil, ran = tmp_path / "evil", tmp_path / "ran"
    evil.write_text(f"#!/bin/sh\ntouch '{ran}'\ncat\n")
    evil.chmod(0o700)
    (app / ".gitattributes").write_text("* filter=evil diff=evil\n")
    for key in ("diff.evil.textconv", "diff.evil.command", "diff.external", "gpg.program",
                "filter.evil.smudge", "filter.evil.clean", "core.pager", "core.fsmonitor"):  # fmt: skip
        git(app, "2025-06-01", "config", key, str(evil))
    git(app, "2025-06-01", "config", "log.showSignature", "true")
    assert since(app, NAME, ["main.py"]) == "2025-03-04"
    assert not ran.exists()


@pytest.mark.parametrize(
    ("created", "known", "later"),
    [("2025-06-01T00:00:00Z", "2025-03-04", True), ("2025-03-20T00:00:00Z", "2025-03-04", False),
     ("2020-01-01T00:00:00Z", "2025-03-04", False), ("", "2025-03-04", False),
     ("2025-06-01T00:00:00Z", "", False), ("soon", "2025-03-04", False),
     ("2025-06-01", "9999-12-31", False)],
)  # fmt: skip
def test_what_is_later(created: str, known: str, *, later: bool) -> None:
    assert registered_later(created, known) == later


@pytest.mark.parametrize("created", ["2022-01-01", "2025-11-20"])
def test_a_name_that_was_registered_since_is_not_locked(
    hub: FakeHub, app: Path, created: str
) -> None:
    hub[NAME].info["createdAt"] = f"{created}T00:00:00.000Z"
    (written,) = api.lock_write(app, fetch=options(hub))
    if created < "2025":
        assert not written.refused
        assert [model.ref for model in written.new.model] == [f"hf:{NAME}"]
        return
    (refused,) = written.refused
    assert "named it since 2025-03-04" in refused.refused
    assert "made on 2025-11-20" in refused.refused
    assert not (app / "models.lock").exists()
    (forced,) = api.lock_write(app, fetch=options(hub), force=True)
    assert not forced.refused
    (again,) = api.lock_write(app, fetch=options(hub))  # what was agreed to stays
    assert not again.refused
