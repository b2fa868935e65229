"""Locks that git could not merge."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan import api
from modelscan.dependencies import lockfile, merging
from modelscan.errors import UsageError
from modelscan.fetcher.options import FetchOptions
from modelscan.vocabulary.lock import Lock, LockedModel
from tests.forge import codebases, locks
from tests.forge.locks import model, other


def text(*models: LockedModel) -> bytes:
    return lockfile.encode(Lock(model=models))


def merge(tmp_path: Path, base: bytes, ours: bytes, theirs: bytes, *style: str) -> bytes:
    """What git makes of it, conflicts and all."""
    for name, data in (("base", base), ("ours", ours), ("theirs", theirs)):
        (tmp_path / name).write_bytes(data)
    ran = subprocess.run(
        ["git", "merge-file", "-p", *style, "ours", "base", "theirs"],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    assert ran.returncode < 128  # the number of conflicts
    return ran.stdout


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize("style", [(), ("--diff3",)])
def test_models_of_both_sides_are_kept(tmp_path: Path, style: tuple[str, ...]) -> None:
    first = model("hf:acme/a-1b")
    one, two = model("hf:acme/b-1b"), model("hf:acme/c-1b", revision=locks.NEWER)
    third = model("hf:acme/bb-1b", licence=("mit",))
    data = merge(tmp_path, text(first), text(first, one, third), text(first, two), *style)
    with pytest.raises(UsageError, match="a merge conflict is not resolved"):
        lockfile.parse(data)
    found = merging.merged(data, "models.lock")
    assert not found.contested
    assert set(found.lock.model) == {first, one, two, third}
    ours, theirs = other(first, licence=("mit",)), other(first, licence=("bsd",))
    conflict = merge(tmp_path, text(first), text(ours), text(theirs), *style)
    again = merging.merged(conflict, "models.lock")
    assert [each.ref for each in (*again.lock.model, *again.contested)] == ["hf:acme/a-1b"]


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_an_added_and_a_changed_model_are_no_conflict(tmp_path: Path) -> None:
    first, one = model("hf:acme/a-1b"), model("hf:acme/b-1b")
    moved = other(first, revision=locks.NEWER)
    data = merge(tmp_path, text(first), text(first, one), text(moved))
    assert lockfile.parse(data).model == (moved, one)


def test_writing_resolves_a_conflict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "app"
    names = ("acme/a-1b", "acme/b-1b", "acme/c-1b")
    calls = "".join(f'AutoModel.from_pretrained("{name}")\n' for name in names)
    codebases.write(folder, "main.py", "from transformers import AutoModel\n" + calls)
    cache = locks.hub_cache(tmp_path / "cache", "acme/a-1b")
    monkeypatch.chdir(folder)
    first = model("hf:acme/a-1b", used_in=("main.py",))
    ours = other(first, revision=locks.NEWER)
    conflict = b"".join(
        (
            b'schema = "modelassay-lock/1"\n<<<<<<< HEAD\n',
            text(ours, model("hf:acme/b-1b")).partition(b"\n\n")[2],
            b"=======\n",
            text(other(first, licence=()), model("hf:acme/c-1b")).partition(b"\n\n")[2],
            b">>>>>>> other\n",
        )
    )
    (folder / "models.lock").write_bytes(conflict)
    offline = FetchOptions(offline=True)
    (written,) = api.lock_write(folder, fetch=offline, cache=cache)
    assert not written.troubles
    by_ref = {each.ref: each for each in lockfile.read(folder / "models.lock").model}
    assert list(by_ref) == ["hf:acme/a-1b", "hf:acme/b-1b", "hf:acme/c-1b"]
    assert by_ref["hf:acme/a-1b"].revision == locks.COMMIT  # looked at again
    # and where nobody can look again, the later side stands
    (folder / "models.lock").write_bytes(conflict)
    (written,) = api.lock_write(folder, fetch=offline, cache=tmp_path)
    assert [each.ref for each in written.troubles] == ["hf:acme/a-1b"]
    assert len(lockfile.read(folder / "models.lock").model) == 3


@pytest.mark.parametrize(
    "marks",
    ["<<<<<<< a\n", "=======\n", ">>>>>>> b\n", "<<<<<<< a\n<<<<<<< a\n", "<<<<<<< a\n>>>>>>> b\n",
     "||||||| base\n", "<<<<<<< a\n=======\n||||||| base\n"],
)  # fmt: skip
def test_marks_that_do_not_fit(marks: str) -> None:
    with pytest.raises(UsageError, match="merge conflict"):
        merging.merged(marks.encode() + text(model()), "models.lock")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["<<<<<<< a", "=======", ">>>>>>> b", "||||||| c", "x = 1", ""])))
def test_any_order_of_marks_ends(lines: list[str]) -> None:
    with pytest.raises(UsageError):
        merging.merged("\n".join(lines).encode(), "models.lock")
