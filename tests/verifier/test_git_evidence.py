"""A commit's raw objects, and what they prove of a manifest's digests."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan._cli.main import run
from modelscan.errors import ReadError
from modelscan.fetcher.git_objects import object_id
from modelscan.verifier import git_evidence
from modelscan.verifier.git_evidence import prove, stored
from modelscan.verifier.release import GitAnchor, Release, parse_manifest
from tests.forge import releases

WEIGHTS = hashlib.sha256(b"weights").hexdigest()
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{WEIGHTS}\nsize 7\n".encode()
FILES: Mapping[str, bytes] = {"config.json": b"{}", "model.bin": POINTER, "sub/vocab.txt": b"a"}


def tree(entries: Mapping[str, tuple[str, str]]) -> bytes:
    return b"".join(
        f"{mode} {name}\0".encode() + bytes.fromhex(found)
        for name, (mode, found) in sorted(entries.items())
    )


def commit(leave_out: tuple[str, ...] = ()) -> GitAnchor:
    """A commit of the files, as a manifest holds it."""
    inner = tree({"vocab.txt": ("100644", object_id("blob", FILES["sub/vocab.txt"]))})
    outer = tree(
        {
            "config.json": ("100644", object_id("blob", FILES["config.json"])),
            "model.bin": ("100644", object_id("blob", FILES["model.bin"])),
            "sub": ("40000", object_id("tree", inner)),
        }
    )
    text = f"tree {object_id('tree', outer)}\nauthor a <a@example.org> 0 +0000\n\nx".encode()
    objects = [stored("commit", text), stored("tree", outer), stored("tree", inner)]
    objects += [stored("blob", data) for name, data in FILES.items() if name not in leave_out]
    return GitAnchor(object_id("commit", text), tuple(objects))


def release(anchor: GitAnchor, **changes: bytes) -> Release:
    held = {"config.json": b"{}", "model.bin": b"weights", "sub/vocab.txt": b"a", **changes}
    described = releases.release(
        "acme/m@1",
        [releases.listed(path, data) for path, data in held.items()],
        revision=anchor.commit,
        git_anchor={"commit": anchor.commit, "objects": list(anchor.objects)},
    )
    return releases.manifest(described).releases[0]


def test_every_digest_is_proved() -> None:
    anchor = commit()
    assert prove(release(anchor), anchor) == (("config.json", "model.bin", "sub/vocab.txt"), (), ())


def test_a_blob_that_is_not_there_proves_nothing() -> None:
    anchor = commit(leave_out=("sub/vocab.txt",))
    found = prove(release(anchor), anchor)
    assert (found.proved, found.unproved) == (("config.json", "model.bin"), ("sub/vocab.txt",))


def test_other_digests_and_other_files_are_contradicted() -> None:
    anchor = commit()
    found = prove(release(anchor, **{"model.bin": b"other", "more.bin": b"1"}), anchor)
    assert found.contradicted == ("model.bin", "more.bin")


@pytest.mark.parametrize(
    "objects",
    [
        (),
        ("no base64!",),
        (base64.b64encode(b"no zlib").decode(),),
        (base64.b64encode(zlib.compress(b"commit 3\0abc")[:-4]).decode(),),
        (stored("commit", b"tree " + b"0" * 40 + b"\n"),),
        (stored("blob", b"x"),),
    ],
)
def test_objects_that_lead_nowhere(objects: tuple[str, ...]) -> None:
    text = b"tree " + b"0" * 40 + b"\n"
    anchor = GitAnchor(object_id("commit", text), objects)
    with pytest.raises(ReadError):
        prove(release(anchor), anchor)


def test_what_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    anchor = commit()
    for name, value in (("_LARGEST", 10), ("_ALTOGETHER", 10), ("_MOST_FILES", 1)):
        with monkeypatch.context() as patch:
            patch.setattr(git_evidence, name, value)
            with pytest.raises(ReadError):
                prove(release(anchor), anchor)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=4))
def test_any_objects(data: list[bytes]) -> None:
    anchor = GitAnchor("0" * 40, tuple(stored("tree", each) for each in data))
    with pytest.raises(ReadError):
        prove(release(anchor), anchor)


def test_the_command_line_says_what_is_proved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anchor = commit()
    path = tmp_path / "m.json"
    for changes, code in (({}, 0), ({"model.bin": b"other"}, 2)):
        listed = release(anchor, **changes)
        described = releases.document(msgspec.to_builtins(listed))
        path.write_text(json.dumps(described))
        assert parse_manifest(path.read_bytes(), "m").releases[0] == listed
        assert run(["manifest", "check", str(path)]) == code
    printed = capsys.readouterr()
    assert "model.bin: the git objects of its commit say otherwise" in printed.out
    assert run(["manifest", "show", str(path)]) == 0
    assert "git anchor: proves 2 of 3 files" in capsys.readouterr().out
