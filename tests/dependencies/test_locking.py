from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from modelscan import api
from modelscan.dependencies import folders, lockfile, locking, resolving, scopes, wanted
from modelscan.dependencies.locking import Written
from modelscan.errors import SourceError, UsageError
from modelscan.fetcher.options import FetchOptions
from modelscan.vocabulary.lock import Lock
from tests.forge import codebases, locks, models

OFFLINE = FetchOptions(offline=True)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = locks.application(tmp_path / "app")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return locks.hub_cache(tmp_path / "cache")


def write(folder: Path, cache: Path, **options: object) -> Written:
    (written,) = api.lock_write(folder, fetch=OFFLINE, cache=cache, **options)  # type: ignore[arg-type]
    return written


def read(folder: Path) -> Lock:
    return lockfile.read(folder / "models.lock")


def test_everything_that_is_used_is_locked(app: Path, cache: Path) -> None:
    written = write(app, cache)
    assert written.changed
    local, hub = read(app).model
    assert (local.ref, hub.ref) == ("./models/mini", "hf:acme/chat-7b")
    assert hub.revision == hub.asked == locks.COMMIT
    assert hub.used_in == local.used_in == ("app/main.py",)
    assert [file.path for file in hub.files] == ["README.md", "config.json", "model.safetensors"]
    assert local.licence == ("apache-2.0",)
    assert local.digest == hub.digest
    assert not any(file.declared for file in (*local.files, *hub.files))


def test_writing_twice_changes_nothing(app: Path, cache: Path) -> None:
    write(app, cache)
    before = (app / "models.lock").stat()
    again = write(app, cache)
    assert not again.changed
    after = (app / "models.lock").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_what_cannot_be_looked_at_is_named(app: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    written = write(app, tmp_path / "empty")
    assert [each.trouble for each in written.troubles] == ["offline, and not in the hub's cache"]
    assert [model.ref for model in read(app).model] == ["./models/mini"]
    assert written.gaps[0].file == f"hf:acme/chat-7b@{locks.COMMIT}"


def test_what_the_lock_had_stays_when_it_cannot_be_looked_at(
    app: Path, cache: Path, tmp_path: Path
) -> None:
    write(app, cache)
    (tmp_path / "empty").mkdir()
    before = (app / "models.lock").read_bytes()
    updated = api.lock_update(fetch=OFFLINE, cache=tmp_path / "empty")
    assert updated.troubles
    assert (app / "models.lock").read_bytes() == before


def test_a_model_that_the_policy_refuses_is_not_locked(app: Path, cache: Path) -> None:
    (app / "models/mini/pytorch_model.bin").write_bytes(models.ECHO)
    written = write(app, cache)
    assert [each.ref for each in written.refused] == ["./models/mini"]
    assert not (app / "models.lock").exists()
    assert not write(app, cache, force=True).refused
    assert len(read(app).model) == 2


def test_local_models_follow_what_lies_there(app: Path, cache: Path) -> None:
    write(app, cache)
    since = read(app).model[0].since
    (app / "models/mini/notes.txt").write_text("more")
    written = write(app, cache)
    changed = api.lock_changes(written).diff.models
    assert [model.summary for model in changed] == [
        "./models/mini: 1 other file differs: notes.txt."
    ]
    assert read(app).model[0].since == since  # of the same day


def test_models_by_name(app: Path, cache: Path, tmp_path: Path) -> None:
    locks.hub_cache(tmp_path / "cache", "acme/more-1b")
    models.plain(app / "models/other")
    write(app, cache, add=["hf:acme/more-1b@main", "./models/other"])
    by_ref = {model.ref: model for model in read(app).model}
    assert by_ref["hf:acme/more-1b"].manual
    assert by_ref["hf:acme/more-1b"].asked == "main"
    codebases.write(app, "app/main.py", "")
    write(app, cache)
    assert "hf:acme/more-1b" in {model.ref for model in read(app).model}
    assert "hf:acme/chat-7b" not in {model.ref for model in read(app).model}


def test_consent(app: Path, cache: Path) -> None:
    locks.remote_code(app / "models/own")
    with pytest.raises(UsageError, match="is not in the lock"):
        write(app, cache, consent=["./models/none"])
    with pytest.raises(UsageError, match="holds no Python"):
        write(app, cache, consent=["./models/mini"])
    assert not (app / "models.lock").exists()
    write(app, cache, consent=["./models/own"])
    own = next(model for model in read(app).model if model.ref == "./models/own")
    assert own.allow_remote_code
    assert own.remote_code
    write(app, cache)
    assert next(model for model in read(app).model if model.ref == own.ref).allow_remote_code
    locks.remote_code(app / "models/own", "import os\n")
    write(app, cache)
    own = next(model for model in read(app).model if model.ref == own.ref)
    assert not own.allow_remote_code


def test_updates_of_single_models(app: Path, cache: Path) -> None:
    write(app, cache)
    (app / "models/mini/notes.txt").write_text("more")
    assert not api.lock_update("hf:acme/chat-7b", fetch=OFFLINE, cache=cache).changed
    assert api.lock_update("./models/mini", fetch=OFFLINE, cache=cache).changed
    with pytest.raises(UsageError, match="does not have hf:acme/none"):
        api.lock_update("hf:acme/none", fetch=OFFLINE, cache=cache)


def test_a_monorepo_has_several_locks(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "top"
    for name in ("one", "two"):
        (locks.application(top / "services" / name) / ".git").rmdir()
    (top / ".git").mkdir()
    monkeypatch.chdir(top)
    locks.write(top / "services/one")
    written = api.lock_write(top, fetch=OFFLINE, cache=cache)
    assert [each.path.parent.name for each in written] == ["top", "one"]
    assert [model.ref for model in read(top).model] == [
        "./services/two/models/mini",
        "hf:acme/chat-7b",
    ]
    assert [model.ref for model in read(top / "services/one").model] == [
        "./models/mini",
        "hf:acme/chat-7b",
    ]
    checked = api.lock_check(top)
    assert not checked.report.models[0].findings
    assert "(2 locks)" in checked.summary
    (top / "services/one/models/mini/config.json").write_text("{}")
    (finding,) = api.lock_check(top).report.models[0].findings
    assert finding.location.file == "services/one/models/mini/config.json"
    # a part of the code, and a single file of it: the nearest lock upward is in charge
    assert not api.lock_check(top / "services/two").report.models[0].findings
    single = api.lock_check(top / "services/two/app/main.py")
    assert single.report.decision.exit_code == 0
    assert single.summary.startswith("2 references held against 2 locked models")


HOLDER = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_one_writer_at_a_time(app: Path, cache: Path) -> None:
    with locking.exclusive(app), pytest.raises(UsageError, match="somebody else is writing"):
        write(app, cache)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(app)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(UsageError, match="somebody else is writing"):
            write(app, cache)
        assert not (app / "models.lock").exists()
    assert write(app, cache).changed
    assert sorted(path.name for path in app.iterdir()) == [".git", "app", "models", "models.lock"]


def test_where_folders_cannot_be_locked_a_file_does(tmp_path: Path) -> None:
    with (
        locking._exclusive_file(tmp_path),
        pytest.raises(UsageError, match="somebody else"),
        locking._exclusive_file(tmp_path),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_folders_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError), locking.exclusive(tmp_path / "none"):
        pass
    with pytest.raises(SourceError, match="is not a folder"):
        api.lock_write(codebases.write(tmp_path, "a.py", ""))
    with pytest.raises(SourceError, match="is not there"):
        api.lock_update(lock=tmp_path / "models.lock")


def test_a_failure_leaves_the_lock_as_it_was(
    app: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(app, cache)
    before = (app / "models.lock").read_bytes()
    (app / "models/mini/notes.txt").write_text("more")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        write(app, cache)
    assert (app / "models.lock").read_bytes() == before
    assert sorted(path.name for path in app.iterdir()) == [".git", "app", "models", "models.lock"]


def test_a_hubs_cache_answers_for_branches_and_commits_it_has(tmp_path: Path) -> None:
    cache = locks.hub_cache(tmp_path)
    snapshot = tmp_path / "models--acme--chat-7b/snapshots" / locks.COMMIT
    for asked in ("", "main", locks.COMMIT):
        assert resolving.cached(cache, "hf:acme/chat-7b", asked) == snapshot
    for asked in ("v1", locks.NEWER, "../../x", "a b"):
        assert resolving.cached(cache, "hf:acme/chat-7b", asked) is None
    assert resolving.cached(cache, "hf:acme/other", "") is None


def test_where_the_hubs_cache_is(tmp_path: Path) -> None:
    assert resolving.hub_cache({"HF_HUB_CACHE": str(tmp_path)}) == tmp_path
    assert resolving.hub_cache({"HF_HOME": str(tmp_path)}) == tmp_path / "hub"
    assert resolving.hub_cache({}).parts[-3:] == (".cache", "huggingface", "hub")


def test_which_folders_are_models(tmp_path: Path) -> None:
    """Weights beside an application's own code do not make the application a model."""
    models.plain(tmp_path / "models/mini")
    models.plain(tmp_path / "models/mini/onnx")
    codebases.write(tmp_path, "app/main.py", "x = 1")
    codebases.write(tmp_path, "app/config.json", '{"port": 80}')
    (tmp_path / "app/clf.pkl").write_bytes(b"\x80\x04N.")
    (tmp_path / "top.pkl").write_bytes(b"\x80\x04N.")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a.pkl").write_bytes(b"\x80\x04K\x01.")
    (tmp_path / "raw/b.pkl").write_bytes(b"\x80\x04K\x02.")
    (scope,) = scopes.scopes(tmp_path)
    found = wanted.code(scope.inventory, scope.marked)
    assert found.folders == ("app/clf.pkl", "models/mini", "raw/a.pkl", "raw/b.pkl", "top.pkl")
    codebases.write(tmp_path, "app/main.py", 'from x import Y\nY.from_pretrained("./raw")\n')
    (scope,) = scopes.scopes(tmp_path)
    called = wanted.code(scope.inventory, scope.marked)
    assert "raw" in called.folders
    assert called.local("../raw/a.pkl", "app/main.py") == "./raw"
    assert called.local("/raw/a.pkl", "app/main.py") is None
    assert called.local("../../raw", "app/main.py") is None
    assert folders.models((), ()) == ()


def test_what_lies_in_a_hubs_cache_is_no_local_model(tmp_path: Path) -> None:
    locks.hub_cache(tmp_path / "cache")
    (scope,) = scopes.scopes(tmp_path)
    assert wanted.code(scope.inventory, scope.marked).folders == ()


def test_pointers_are_locked_as_what_they_name(app: Path, cache: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 123\n"
    (app / "models/mini/model.safetensors").write_text(pointer)
    write(app, cache)
    local = read(app).model[0]
    weights = local.files[-1]
    assert (weights.sha256, weights.size, weights.declared) == ("ab" * 32, 123, True)
    assert local.digest == ""


def test_tensors_say_what_differs(app: Path, cache: Path) -> None:
    write(app, cache, tensors=True)
    before = read(app).model[0]
    assert [tensor.name for tensor in before.tensors]
    assert before.weights_root.startswith("sha256:")
    assert not write(app, cache).changed  # and they stay, without being read again
    weights = app / "models/mini/model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    written = write(app, cache)
    (model,) = api.lock_changes(written).diff.models
    phrases = {change.change: change.phrase for change in model.changes}
    count = len(before.tensors)
    assert phrases["tensors"].startswith(f"1 of {count} tensors differ (")
    after = read(app).model[0]
    assert after.weights_root != before.weights_root


def test_a_model_without_readable_tensors_is_locked_without_them(app: Path, cache: Path) -> None:
    (app / "clf.pkl").write_bytes(b"\x80\x04K\x01.")
    written = write(app, cache, tensors=True)
    assert [note.file for note in written.notes] == ["./clf.pkl"]
    assert "no digests of tensors" in written.gaps[0].reason
    assert read(app).model[0].ref == "./clf.pkl"
