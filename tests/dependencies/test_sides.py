"""Differences between locks, reports and git revisions."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelscan import api
from modelscan.dependencies import lockfile, sides
from modelscan.errors import SourceError, UsageError
from modelscan.report.native import Native
from modelscan.report.writer import Output
from modelscan.vocabulary.change import Compared
from modelscan.vocabulary.lock import Lock
from modelscan.vocabulary.result import Report
from tests.forge import locks, models
from tests.forge.locks import NEWER, file, model, other

BASE = model()
GIT = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    return tmp_path


def diff(tmp_path: Path, **new: Any) -> Compared:
    locks.write(tmp_path / "old", BASE)
    locks.write(tmp_path / "new", other(BASE, **new))
    return api.diff("old/models.lock", "new")


@pytest.mark.parametrize(
    ("new", "rules", "exit_code"),
    [
        ({}, set(), 0),
        ({"since": "2026-01-01"}, set(), 0),
        ({"revision": NEWER}, {"model-changed"}, 0),
        ({"licence": ("other",)}, {"model-licence-changed"}, 0),
        ({"author": "mallory"}, {"model-owner-changed"}, 1),
        ({"object_id": "77"}, {"repository-recreated"}, 1),
        ({"repository": "hf:acme/new"}, {"model-renamed"}, 0),
        ({"base": ("acme/base",)}, {"model-base-changed"}, 0),
        ({"signer": "me"}, {"model-changed"}, 0),
        ({"verdict": "unsafe"}, {"model-hub-verdict"}, 1),
        ({"allow_remote_code": True}, {"model-code-consented"}, 0),
        ({"files": (*BASE.files, file("x.py"))}, {"model-code-added"}, 1),
        ({"files": (*BASE.files, file("m.bin", file_format="pickle"))}, {"model-pickle-added"}, 1),
        ({"files": (*BASE.files[:2], file("model.safetensors", "x"))},
         {"model-bytes-replaced", "model-changed"}, 1),
    ],
)  # fmt: skip
def test_each_change_has_its_severity(
    tmp_path: Path, new: Any, rules: set[str], exit_code: int
) -> None:
    compared = diff(tmp_path, **new)
    assert {each.rule for entry in compared.diff.models for each in entry.findings} == rules
    assert compared.diff.decision.exit_code == exit_code
    assert compared.report.decision == compared.diff.decision
    assert compared.diff.unchanged == (0 if rules else 1)


def test_a_signer_that_is_lost(tmp_path: Path) -> None:
    locks.write(tmp_path / "old", other(BASE, signer="release@acme.example"))
    locks.write(tmp_path / "new", BASE)
    compared = api.diff("old", "new")
    assert compared.diff.models[0].summary == "hf:acme/chat-7b: signer lost (release@acme.example)."
    assert compared.diff.decision.exit_code == 1


def test_one_revision_is_one_clear_paragraph(tmp_path: Path) -> None:
    """The pull request that changes `revision=` in the code changes what the lock asks for, too."""
    old = model(asked=locks.COMMIT)
    new = model(
        asked=NEWER,
        revision=NEWER,
        committed="2025-01-22T09:00:00Z",
        licence=("other",),
        files=(*BASE.files, file("modeling_x.py")),
    )
    quiet = model("hf:acme/quiet-1b")
    locks.write(tmp_path / "old", old, quiet)
    locks.write(tmp_path / "new", new, quiet)
    found = api.diff("old", "new").diff
    (entry,) = found.models
    assert entry.summary == (
        "hf:acme/chat-7b: commit 1110a243fdf4 → 9f21b2a01c44, 12 days newer; "
        "licence apache-2.0 → other; new file modeling_x.py."
    )
    assert (entry.status, entry.before, entry.after) == ("changed", locks.COMMIT, NEWER)
    text = (tmp_path / "new/models.lock").read_text().splitlines()
    assert entry.line is not None
    assert text[entry.line - 1 : entry.line + 1] == ["[[model]]", 'ref = "hf:acme/chat-7b"']
    assert found.unchanged == 1


def scan(folder: Path, name: str) -> Report:
    report = api.scan(folder)
    (folder.parent / name).write_bytes(Native().write(report, Output()))
    return report


def test_two_reports(tmp_path: Path) -> None:
    folder = models.plain(tmp_path / "mini")
    scan(folder, "old.json")
    (folder / "weights.pkl").write_bytes(models.ECHO)
    scan(folder, "new.json")
    found = api.diff("old.json", "new.json").diff
    (entry,) = found.models
    kinds = {change.change for change in entry.changes}
    assert kinds == {"pickle-added", "finding-added", "answer-worse"}
    assert "new critical finding: pickle-dangerous-call" in entry.summary
    assert "load hazards none-found → found" in entry.summary
    assert "allowed pass → fail" in entry.summary
    assert found.decision.exit_code == 1
    back = api.diff("new.json", "old.json").diff
    assert back.decision.exit_code == 0
    assert {change.change for change in back.models[0].changes} >= {"finding-gone", "answer-better"}


def test_a_report_and_a_lock_have_models_of_the_same_name(tmp_path: Path) -> None:
    folder = models.plain(tmp_path / "mini")
    report = scan(folder, "old.json")
    renamed = msgspec.structs.replace(report.models[0], ref=f"hf:acme/mini@{locks.COMMIT}")
    data = Native().write(msgspec.structs.replace(report, models=(renamed,)), Output())
    (tmp_path / "hub.json").write_bytes(data)
    state = sides.read("hub.json")
    assert [model.ref for model in state.models] == ["hf:acme/mini"]
    assert not api.diff("hub.json", "hub.json").diff.models


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.lock", None, "is not there"),
        ("x.json", "{}", "not a native report"),
        ("x.json", '{"schema": "modelassay-report/1"}', "broken report"),
        ("x.lock", "<<<<<<< ours\n", "merge conflict"),
        ("x.lock", "\x00\x01", "not TOML"),
    ],
)
def test_what_is_neither(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    locks.write(tmp_path, BASE)
    with pytest.raises((SourceError, UsageError), match=message):
        api.diff(name, "models.lock")


def test_files_of_impossible_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = locks.write(tmp_path, BASE)
    monkeypatch.setattr(sides, "_LONGEST", 10)
    with pytest.raises(UsageError, match="longer than"):
        sides.read(str(path))


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    ran = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return ran.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    locks.write(folder, BASE)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    locks.write(folder, other(BASE, revision=NEWER))
    git(folder, "commit", "-q", "-a", "-m", "two")
    return folder


@GIT
def test_two_revisions_of_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    for old, new in (("HEAD~1", "HEAD"), ("main~1:models.lock", "main"), ("HEAD~1", "models.lock")):
        (entry,) = api.diff(old, new).diff.models
        assert entry.summary.startswith("hf:acme/chat-7b: commit 1110a243fdf4 → 9f21b2a01c44")
    (repository / "sub").mkdir()
    monkeypatch.chdir(repository / "sub")
    assert api.diff("HEAD~1:../models.lock", "HEAD:../models.lock").diff.models


@GIT
def test_what_git_does_not_have(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    for name in ("nowhere", "HEAD:none", "HEAD:models.lock:x"):
        with pytest.raises(SourceError, match="there is no"):
            sides.read(name)
    for name in ("--output=x:models.lock", "-h", ":models.lock", "a\nb:models.lock"):
        with pytest.raises(UsageError, match="is no revision"):
            sides.read(name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="git: not a git repository"):
        sides.read("HEAD")


@GIT
def test_a_large_object_is_not_read(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.setattr(sides, "_LONGEST", 10)
    with pytest.raises(UsageError, match="bytes long"):
        sides.read("HEAD")


@GIT
def test_a_hostile_repository_runs_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its configuration names as a program must not be run."""
    evil = repository / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {repository}/ran\n")
    evil.chmod(0o755)
    hooks = repository / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change"):
        shutil.copy(evil, hooks / hook)
    for key in (
        "core.fsmonitor", "core.pager", "core.sshCommand", "core.editor", "diff.external",
        "core.askPass", "credential.helper", "filter.evil.smudge", "filter.evil.process",
        "filter.evil.clean", "alias.cat-file", "uploadpack.packObjectsHook", "gpg.program",
        "pager.cat-file", "core.gitProxy", "diff.evil.textconv", "core.alternateRefsCommand",
    ):  # fmt: skip
        git(repository, "config", key, str(evil))
    (repository / ".gitattributes").write_text("* filter=evil diff=evil\n")
    monkeypatch.chdir(repository)
    assert api.diff("HEAD~1", "HEAD").diff.models
    assert not (repository / "ran").exists()


@GIT
def test_replaced_objects_do_not_count(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    blob = git(repository, "rev-parse", "HEAD:models.lock")
    (repository / "fake").write_bytes(lockfile.encode(Lock()))
    fake = git(repository, "hash-object", "-w", "fake")
    git(repository, "replace", blob, fake)
    assert sides.read("HEAD").models == (other(BASE, revision=NEWER),)


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="git is not installed"):
        sides.read("HEAD")


def test_a_git_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("git", 60)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(SourceError, match="could not be run"):
        sides.git_file("HEAD", "models.lock", tmp_path)


def test_the_document_is_plain_json(tmp_path: Path) -> None:
    document = json.loads(msgspec.json.encode(diff(tmp_path, licence=("other",)).diff))
    assert document["schema"] == "modelassay-diff/1"
    assert document["models"][0]["changes"][0]["before"] == "apache-2.0"


def test_targets_of_the_same_name_and_targets_that_could_not_be_read(tmp_path: Path) -> None:
    for name in ("a", "b"):
        models.plain(tmp_path / name / "model")
    targets = [tmp_path / "a/model", tmp_path / "b/model", tmp_path / "none"]
    for name in ("old.json", "new.json"):
        (tmp_path / name).write_bytes(Native().write(api.scan(*targets), Output()))
        (tmp_path / "b/model/notes.txt").write_text("more")
    found = api.diff("old.json", "new.json").diff
    assert [entry.ref for entry in found.models] == ["model~2"]
    assert [gap.file for gap in found.coverage] == ["none", "none"]
    assert found.decision.exit_code == 3
