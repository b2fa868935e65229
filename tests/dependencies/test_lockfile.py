from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.dependencies import lockfile
from modelscan.errors import SourceError, UsageError
from modelscan.vocabulary.lock import Lock, LockedFile, LockedModel, LockedTensor
from tests.forge import locks

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
SAFE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/\\."), min_size=1)
FILES = st.lists(
    st.builds(
        LockedFile,
        path=SAFE,
        size=st.integers(0, 2**63 - 1),
        sha256=HEX,
        format=TEXT,
        declared=st.booleans(),
    ),
    max_size=4,
    unique_by=lambda file: file.path,
)
MODELS = st.builds(
    LockedModel,
    ref=SAFE.map(lambda name: f"hf:{name}"),
    asked=TEXT,
    licence=st.lists(TEXT, max_size=3).map(tuple),
    author=TEXT,
    manual=st.booleans(),
    used_in=st.lists(TEXT, max_size=3, unique=True).map(tuple),
    tensors=st.lists(
        st.builds(LockedTensor, name=TEXT, sha256=HEX), max_size=2, unique_by=lambda each: each.name
    ).map(tuple),
    files=FILES.map(tuple),
)
LOCKS = st.lists(MODELS, max_size=4, unique_by=lambda model: model.key)


@settings(max_examples=80, deadline=None)
@given(LOCKS)
def test_what_is_written_is_what_is_read(models: list[LockedModel]) -> None:
    lock = lockfile.ordered(models)
    data = lockfile.encode(lock)
    assert lockfile.parse(data) == lock
    assert lockfile.encode(lockfile.parse(data)) == data


@settings(max_examples=40, deadline=None)
@given(LOCKS, st.randoms())
def test_the_order_of_models_does_not_matter(models: list[LockedModel], random: Any) -> None:
    shuffled = list(models)
    random.shuffle(shuffled)
    assert lockfile.encode(Lock(model=tuple(shuffled))) == lockfile.encode(
        Lock(model=tuple(models))
    )


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="replace"))
)
def test_any_bytes_end_in_a_clear_message(data: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        lockfile.parse(data)
    assert caught.value.hint


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_lock_is_read_or_refused(data: st.DataObject) -> None:
    whole = lockfile.encode(Lock(model=(locks.model(),)))
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + 1 :]
    message = ""
    try:
        lockfile.parse(damaged)
    except UsageError as error:
        message = error.message
    assert not message or "models.lock" in message


def test_a_table_reads_like_a_list_of_files() -> None:
    text = lockfile.encode(Lock(model=(locks.model(used_in=("b.py", "a.py")),))).decode()
    assert text.startswith("# Models that this code uses")
    body = text.partition("[[model]]\n")[2].splitlines()
    assert body[0] == 'ref = "hf:acme/chat-7b"'
    keys = [line.partition(" = ")[0] for line in body if " = " in line and not line.startswith(" ")]
    rest = keys[1:-2]
    assert rest == sorted(rest)
    assert keys[-2:] == ["used-in", "files"]
    assert 'used-in = ["a.py", "b.py"]' in text
    (config,) = [line for line in body if '"config.json"' in line]
    assert config.startswith('  {path = "config.json", size = 11, sha256 = "')


def test_one_model_is_one_place_in_a_diff() -> None:
    first, second = locks.model("hf:acme/a-1b"), locks.model("hf:acme/b-1b")
    before = lockfile.encode(Lock(model=(first, second))).decode().splitlines()
    moved = locks.other(second, revision=locks.NEWER)
    after = lockfile.encode(Lock(model=(first, moved))).decode().splitlines()
    assert len(before) == len(after)
    changed = [line for line, other in zip(before, after, strict=True) if line != other]
    assert changed == [f'revision = "{locks.COMMIT}"']


def test_names_that_are_not_utf8_are_written_as_escapes() -> None:
    odd = LockedFile(path="a\udc80\x1b\u202e.bin", size=1, sha256="0" * 64)
    data = lockfile.encode(Lock(model=(locks.model(files=(odd,)),)))
    assert b"\x1b" not in data
    assert lockfile.parse(data).model[0].files[0].path == "a\\udc80\x1b\u202e.bin"


def test_lines_of_tables() -> None:
    first = locks.model("hf:acme/a-1b", asked="v1")
    data = lockfile.encode(Lock(model=(first, locks.model())))
    lines = lockfile.lines(data)
    text = data.decode().splitlines()
    assert {text[line - 1] for line in lines.values()} == {"[[model]]"}
    assert set(lines) == {("hf:acme/a-1b", "v1"), ("hf:acme/chat-7b", "")}


CONFLICT = """schema = "modelassay-lock/1"

<<<<<<< HEAD
[[model]]
ref = "hf:acme/a"
=======
[[model]]
ref = "hf:acme/b"
>>>>>>> other
"""


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (CONFLICT, "models.lock:3: a merge conflict is not resolved", "both sides"),
        (CONFLICT.replace("<<<<<<< HEAD\n", ""), "models.lock:5: a merge conflict", "both sides"),
        ("schema = 1", "is no lock", "write it anew"),
        ('schema = "other/1"', "is no lock", "write it anew"),
        ('schema = "modelassay-lock/2"', "is a lock of version 2", "newer"),
        ('schema = "modelassay-lock/1"\nother = 1', "unknown field `other`", "lock write"),
        ('schema = "modelassay-lock/1"\n[[model]]\nref = ""', "length >= 1", "lock write"),
        ('schema = "modelassay-lock/1"\n[[model]]\nref = "hf:a/b"\nrevision = "x"', "regex", "lock write"),
        ('schema = "modelassay-lock/1"\n' + 2 * '[[model]]\nref = "hf:a/b"\n', "stands there twice", "one of"),
        ("schema = [" * 9000, "not TOML", "restore"),
        ("= 1", "not TOML", "restore"),
        ("a." * 200_000 + "a = 1", "very many parts", "restore"),
        ("x = {" + '"a" . ' * 200_000 + "a = 1}", "very many parts", "restore"),
        ("\udcff", "no text in UTF-8", "no lock"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        lockfile.parse(text.encode(errors="surrogateescape"))
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../../x", "\\x", "a\\..\\x", "a\0b", "", ".", "./."]
)
def test_paths_that_lead_outside_are_refused(path: str) -> None:
    entry = LockedFile(path=path or ".", size=1, sha256="0" * 64)
    for model in (locks.model(files=(entry,)), LockedModel(ref=f"./{path}")):
        with pytest.raises(UsageError, match="leads outside"):
            lockfile.parse(lockfile.encode(Lock(model=(model,))))


def test_a_file_stands_once() -> None:
    same = (locks.file("a"), locks.file("a", "other"))
    with pytest.raises(UsageError, match="lists a file twice"):
        lockfile.parse(lockfile.encode(Lock(model=(locks.model(files=same),))))


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    path = locks.write(tmp_path, locks.model())
    lock = lockfile.read(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert lockfile.read(path) == lock


def test_a_lock_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not there"):
        lockfile.read(tmp_path / "models.lock")
    os.mkfifo(tmp_path / "models.lock")
    with pytest.raises(SourceError, match="is not there"):
        lockfile.read(tmp_path / "models.lock")


def test_a_lock_of_impossible_length(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = locks.write(tmp_path, locks.model())
    monkeypatch.setattr(lockfile, "LONGEST", 100)
    with pytest.raises(UsageError, match="longer than"):
        lockfile.read(path)
