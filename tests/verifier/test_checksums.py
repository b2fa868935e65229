"""Lists of checksums: what is read, what is compared, and what they never prove."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.fetcher.local import LocalFile
from modelscan.verifier.checksums import (
    Checksums,
    Line,
    List,
    find_lists,
    named_like_list,
    parse_list,
)
from modelscan.vocabulary.fact import ChecksumList
from tests.forge.releases import entries

FILES = {"model.bin": b"weights", "sub/vocab.txt": b"a"}


def local_files(folder: Path) -> list[LocalFile]:
    return [LocalFile(p.name, p, p.stat().st_size) for p in sorted(folder.iterdir())]


def digest(name: str, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, FILES[name]).hexdigest()


def held(text: str, files: Mapping[str, bytes] = FILES, name: str = "SHA256SUMS") -> ChecksumList:
    data = text.encode()
    found = List(name, parse_list(data, name), hashlib.sha256(data).hexdigest())
    algorithms = ("sha256", "sha512", "blake2b")
    listed = entries({**files, name: data}, algorithms=algorithms)
    (fact,) = Checksums([found]).run(listed, (), "").facts
    assert isinstance(fact, ChecksumList)
    return fact


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (f"{digest('model.bin')}  model.bin\n", "matches"),
        (f"{digest('model.bin').upper()} *./model.bin\r\n", "matches"),
        (f"# comment\nSHA256 (model.bin) = {digest('model.bin')}\n", "matches"),
        (f"SHA512 (model.bin) = {digest('model.bin', 'sha512')}\n", "matches"),
        (f"BLAKE2b (model.bin) = {digest('model.bin', 'blake2b')}\n", "matches"),
        (f"{'0' * 64}  model.bin\n", "differs"),
        (f"{'0' * 64}  gone.bin\n", "not-compared"),
        (f"{digest('model.bin', 'md5')}  model.bin\n", "weak"),
        (f"{'0' * 40}  model.bin\n", "weak"),
        (f"{digest('model.bin', 'sha512')}  model.bin\n", "matches"),
    ],
)
def test_a_list(text: str, outcome: str) -> None:
    assert held(text).outcome == outcome


def test_what_is_named() -> None:
    text = f"{'0' * 64}  model.bin\n{digest('sub/vocab.txt')}  sub/vocab.txt\n{'1' * 64}  gone\n"
    fact = held(text)
    assert (fact.listed, fact.same, fact.differing, fact.missing) == (
        3,
        1,
        ("model.bin",),
        ("gone",),
    )


def test_paths_are_relative_to_the_list_and_lead_nowhere_else() -> None:
    lines = parse_list(
        b"\n".join(
            b"0" * 64 + b"  " + path
            for path in (b"vocab.txt", b"../model.bin", b"../../etc/passwd", b"/etc/passwd")
        ),
        "sub/sums.sha256",
    )
    assert [line.path for line in lines] == ["sub/vocab.txt", "model.bin"]


def test_names_with_escapes_and_lone_digests() -> None:
    assert parse_list(b"\\" + b"0" * 64 + b"  a\\nb\\\\c", "SHA256SUMS")[0].path == "a\nb\\c"
    (line,) = parse_list(b"0" * 64, "sub/model.bin.sha256")
    assert line == Line("sub/model.bin", "sha256", "0" * 64)
    (line,) = parse_list(b"0" * 128 + b"  x", "x.b2sum")
    assert line.algorithm == "blake2b"


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"prose\nmore prose\n" + b"0" * 64 + b"  x", b"0" * 50 + b"  x",
     b"SHA9 (x) = " + b"0" * 64, b"0" * (5 << 20), b"x\n" * 100_001],
)  # fmt: skip
def test_what_is_no_list(data: bytes) -> None:
    assert parse_list(data, "SHA256SUMS") == ()


@pytest.mark.parametrize(
    ("name", "is_list"),
    [
        ("SHA256SUMS", True), ("sha256sum.txt", True), ("sub/checksums.txt", True),
        ("checklist.chk", True), ("model.bin.sha256", True), ("MD5SUMS", True), ("b2sums", True),
        ("sha256.py", False), ("checksum_test.json", False), ("model.bin", False),
    ],
)  # fmt: skip
def test_names_of_lists(name: str, is_list: bool) -> None:
    assert named_like_list(name) is is_list


def test_lists_are_found_and_ask_for_their_algorithm(tmp_path: Path) -> None:
    (tmp_path / "sums.sha512").write_text(digest("model.bin", "sha512") + "  model.bin\n")
    (tmp_path / "SHA256SUMS").write_text("nothing\n")
    (tmp_path / "model.bin").write_bytes(FILES["model.bin"])
    lists = find_lists(local_files(tmp_path))
    assert [found.name for found in lists] == ["sums.sha512"]
    assert Checksums(lists).algorithms_for("model.bin") == ("sha512",)
    assert Checksums(lists).algorithms_for("other.bin") == ()
    assert not lists[0].weak
    (tmp_path / "SHA256SUMS").unlink()
    files = local_files(tmp_path)
    (tmp_path / "sums.sha512").unlink()
    assert find_lists(files) == []  # what cannot be opened is left to the pass over all files


def test_a_list_that_changed_meanwhile_says_nothing() -> None:
    found = List("SHA256SUMS", parse_list(b"0" * 64 + b"  gone", "SHA256SUMS"), "0" * 64)
    (fact,) = Checksums([found]).run(entries({"SHA256SUMS": b"new"}), (), "").facts
    assert isinstance(fact, ChecksumList)
    assert fact.outcome == "not-compared"
    assert Checksums([found]).carried(frozenset({"SHA256SUMS"}), entries({})) == frozenset()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0af *()=./\\\n\rSHA256MDx", max_size=300))
def test_any_text_is_bounded(text: str) -> None:
    for line in parse_list(text.encode(), "sub/SHA256SUMS"):
        assert not line.path.startswith(("/", "../"))
        assert ".." not in line.path.split("/")
