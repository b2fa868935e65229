from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelscan.errors import ReadError, SourceError
from modelscan.fetcher.names import collisions
from modelscan.fetcher.sources import take
from modelscan.vocabulary.fact import FileName, SourceDefect, SpecialFile
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot


def _take(path: Path | str) -> Snapshot:
    return take(ModelRef.parse(str(path)))


def _special(snapshot: Snapshot) -> dict[str, str]:
    return {
        fact.location.file: fact.kind for fact in snapshot.facts if isinstance(fact, SpecialFile)
    }


def _needed(snapshot: Snapshot) -> set[str]:
    return {entry.file for entry in snapshot.coverage if entry.needed}


def test_a_folder_is_listed_sorted_with_slashes(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("z.txt", "b/a.txt", "a.txt"):
        (tmp_path / name).write_text("x")
    snapshot = _take(tmp_path)
    assert [file.name for file in snapshot.files] == ["a.txt", "b/a.txt", "z.txt"]
    assert snapshot.ref == tmp_path.name
    assert snapshot.source.kind == "directory"


def test_a_file_is_a_model_without_siblings(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"x")
    (tmp_path / "b.pkl").write_bytes(b"x")
    snapshot = _take(tmp_path / "a.pkl")
    assert [file.name for file in snapshot.files] == ["a.pkl"]
    assert snapshot.source.kind == "file"


def test_one_open_file_serves_any_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    (file,) = _take(tmp_path).files
    with file.open() as artifact:
        assert artifact.read_at(3, 4) == b"3456"
        assert artifact.read_at(8, 100) == b"89"
        assert artifact.read_at(10, 1) == artifact.read_at(50, 1) == b""
        assert not artifact.changed()


def test_a_file_that_changes_under_us_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    (file,) = _take(tmp_path).files
    with file.open() as artifact:
        (tmp_path / "a").write_bytes(b"0123456789 and more")
        assert artifact.changed()


def test_links_are_followed_inside_and_never_outside(tmp_path: Path) -> None:
    model = tmp_path / "model"
    (model / "sub").mkdir(parents=True)
    (tmp_path / "secret").write_text("x")
    (model / "real").write_text("x")
    (model / "inside").symlink_to("real")
    (model / "outside").symlink_to("../secret")
    (model / "outside_folder").symlink_to("..")
    (model / "broken").symlink_to("nowhere")
    (model / "loop").symlink_to("loop")
    (model / "folder").symlink_to("sub")
    snapshot = _take(model)
    assert [file.name for file in snapshot.files] == ["inside", "real"]
    assert _special(snapshot) == {
        "outside": "link-outside",
        "outside_folder": "link-outside",
        "broken": "link-broken",
        "loop": "link-broken",
    }
    assert _needed(snapshot) == {"outside", "outside_folder", "broken", "loop"}


def test_a_sibling_with_our_name_as_prefix_is_outside(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model-secret").mkdir()
    (tmp_path / "model-secret" / "file").write_text("x")
    (tmp_path / "model" / "link").symlink_to("../model-secret/file")
    assert _special(_take(tmp_path / "model")) == {"link": "link-outside"}


def test_a_fifo_is_stated_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    snapshot = _take(tmp_path)
    assert not snapshot.files
    assert _special(snapshot) == {"pipe": "fifo", "device": "link-outside"}
    with pytest.raises(SourceError, match="neither a file nor a folder"):
        _take(tmp_path / "pipe")


def test_a_fifo_that_takes_a_files_place_does_not_make_us_wait(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (file,) = _take(tmp_path).files
    (tmp_path / "a").unlink()
    os.mkfifo(tmp_path / "a")
    with pytest.raises(ReadError, match="no longer a plain file"), file.open():
        pass


def test_a_link_that_takes_a_files_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (file,) = _take(tmp_path).files
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("/etc/hostname")
    with pytest.raises(ReadError), file.open():
        pass


def test_git_keeps_its_own_data_but_hooks_are_read(tmp_path: Path) -> None:
    for name in (".git/objects/ab/cd", ".git/hooks/post-checkout", ".git/config", "objects/x"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    snapshot = _take(tmp_path)
    assert [file.name for file in snapshot.files] == [
        ".git/config",
        ".git/hooks/post-checkout",
        "objects/x",
    ]
    assert [(entry.file, entry.needed) for entry in snapshot.coverage] == [(".git/objects", False)]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (b"a\nb", "control-character"),
        (b"a\x1b[31m", "control-character"),
        ("gnp.\u202etxt".encode(), "bidirectional"),
        (b"a\xff", "not-utf8"),
        ("modèle-模型.txt".encode(), None),
        (b"a b [red]c[red]", None),
    ],
)
def test_names_that_deceive_are_facts(tmp_path: Path, name: bytes, problem: str | None) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("x")
    snapshot = _take(tmp_path)
    found = [fact.problem for fact in snapshot.facts if isinstance(fact, FileName)]
    assert found == ([problem] if problem else [])
    assert len(snapshot.files) == 1


def test_what_is_missing_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not found"):
        _take(tmp_path / "nothing")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_listed_is_a_needed_gap(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o000)
    (tmp_path / "a").write_text("x")
    assert _needed(_take(tmp_path)) == {"closed"}
    (tmp_path / "closed").chmod(0o700)


_CASE_COUNTS = os.path.normcase("A") == "A"


def _repeated(snapshot: Snapshot) -> dict[str, str]:
    return {
        fact.value: fact.detail
        for fact in snapshot.facts
        if isinstance(fact, SourceDefect) and fact.kind == "name-repeated"
    }


@pytest.mark.parametrize(
    ("name", "other"),
    [("Config.json", "config.json"), ("sub/ÉTÉ.json", "sub/été.json"),
     ("e\u0301.bin", "\u00e9.bin"), ("config.json.", "config.json"),
     ("config.json::$DATA", "config.json"), ("WEIGHTS/a.bin", "weights/A.bin")],
)  # fmt: skip
@pytest.mark.skipif(not _CASE_COUNTS, reason="such names are one name here")
def test_names_that_are_one_on_other_disks(tmp_path: Path, name: str, other: str) -> None:
    for each in (name, other, "model.safetensors"):
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).write_bytes(each.encode())
    if len(list(tmp_path.rglob("*.*"))) < 3:
        pytest.skip("this disk takes them for one")
    ((value, detail),) = _repeated(_take(tmp_path)).items()
    assert {value, detail.removeprefix("collides with ")} == {name, other}


@pytest.mark.parametrize(
    "names",
    [("a.json", "b.json"), ("a/x.json", "b/x.json"), ("v1.0", "v1"), ("a.b/c", "a/c"),
     ("sha256:aa", "sha256:bb"), (".", "x")[1:], ("...", "..x"), ("a b", "a  b")],
)  # fmt: skip
def test_names_that_are_two_everywhere(names: tuple[str, ...]) -> None:
    assert list(collisions(names)) == []


def test_a_name_cannot_be_a_file_and_a_folder() -> None:
    assert list(collisions(["Model/config.json", "model", "model/a/b", "x"])) == [
        ("Model/config.json", "model")
    ]
