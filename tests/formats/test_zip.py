from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError
from tests.forge import tflite
from tests.forge.archives import INERT_PICKLE, Zip, python_zip, streamed_zip, torch_zip
from tests.forge.zip_reading import Read

BIG = bytes(range(256)) * 20_000  # 5 MB: more than is held in memory
FIELDS = {"name": b"again", "flags": 0, "method": 0, "crc": 0, "packed": 1, "size": 1,
          "extra": b"", "offset": 0, "mode": 0, "system": 3}  # fmt: skip
METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


# -- what is benign stays quiet ----------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_yields_what_python_extracts(method: int) -> None:
    members = {"a.txt": b"hello " * 500, "dir/b.pkl": INERT_PICKLE, "empty": b"", "ü.bin": BIG}
    read = Read(python_zip(members, method))
    assert read.recognised
    assert dict(read.members) == members
    assert read.quiet


def test_streamed_zip() -> None:
    members = {"a.txt": b"hello " * 500, "b": b"", "big": BIG}
    read = Read(streamed_zip(members))
    assert dict(read.members) == members
    assert read.quiet


@pytest.mark.parametrize("descriptor", ["marked", "bare", "marked wide", "bare wide"])
def test_data_descriptors(descriptor: str) -> None:
    data = Zip().member("a", b"abc", descriptor=descriptor).member("b", b"12", deflate=True)
    read = Read(data.build())
    assert read.members == [("a", b"abc"), ("b", b"12")]
    assert read.quiet


def test_torch_checkpoint() -> None:
    data = torch_zip()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        expected = {name: archive.read(name) for name in archive.namelist()}
    read = Read(data)
    assert dict(read.members) == expected
    assert read.quiet


def test_checksum_left_out() -> None:
    read = Read(Zip().member("archive/data.pkl", INERT_PICKLE, crc=0).build())
    assert read.quiet


def test_other_tools_habits() -> None:
    timestamp = struct.pack("<2HBI", 0x5455, 5, 1, 0)
    data = Zip().member("dir/", b"", mode=0o40755)
    data.member("dir\\a.txt", b"x", extra=timestamp, system=0)
    data.member("zero-padded", b"y").raw(b"\0" * 7)
    data.member("last", b"z", flags=0x2, local={"flags": 0x802})
    data.member("link", b"dir/a.txt", mode=0o120777)
    read = Read(data.build(comment=b"made somewhere"))
    assert [name for name, _ in read.members] == ["dir\\a.txt", "zero-padded", "last", "link"]
    assert read.quiet


def test_a_line_before_an_archive_that_names_its_interpreter() -> None:
    first = b"#!/usr/bin/env python3\n"
    archive = Zip().member("__main__.py", b"print(1)")
    assert Read(first + archive.build()).quiet
    assert Read(first + b"more\n" + archive.build()).kinds == {"data-before"}
    assert Read(b"# no program\n" + archive.build()).kinds == {"data-before"}


def test_the_signatures_of_an_android_package() -> None:
    pairs = struct.pack("<QI", 4 + len(INERT_PICKLE), 0x7109871A) + INERT_PICKLE
    size = struct.pack("<Q", len(pairs) + 24)
    block = size + pairs + size + b"APK Sig Block 42"
    read = Read(Zip().member("a", b"1").raw(block).build())
    assert not read.defects
    assert [data for _, data in read.members] == [b"1", block]  # what hides there is read
    assert Read(Zip().member("a", b"1").raw(block[1:]).build()).kinds == {"data-before"}


def test_what_tensorflow_lite_packs_behind_a_model() -> None:
    read = Read(tflite.model() + Zip().member("labels.txt", b"cat\ndog\n").build())
    assert [name for name, _ in read.members] == ["labels.txt"]
    assert read.quiet


def test_wide_fields() -> None:
    wide = struct.pack("<2H2Q", 1, 16, 3, 3)
    full = 0xFFFFFFFF
    data = Zip().member("a", b"abc", extra=wide, packed=full, size=full).build(wide=True)
    read = Read(data)
    assert read.members == [("a", b"abc")]
    assert read.quiet


def test_nested_archive_near_the_end_is_not_a_second_directory() -> None:
    inner = python_zip({"x": b"1"}, zipfile.ZIP_STORED)
    data = Zip().member("inner.zip", inner, local={"extra": b"FB\x40\0" + b"Z" * 64}).build()
    read = Read(data)
    assert read.members == [("inner.zip", inner)]
    assert read.quiet


def test_empty_archive() -> None:
    read = Read(Zip().build())
    assert read.recognised
    assert read.members == []
    assert read.quiet


@given(st.dictionaries(st.from_regex(r"[a-m]{1,8}(/[a-m]{1,8})?", fullmatch=True),  # spells no device
                       st.binary(max_size=300), max_size=8), st.sampled_from(METHODS))  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_any_python_archive(members: dict[str, bytes], method: int) -> None:
    read = Read(python_zip(members, method))
    assert dict(read.members) == members
    assert read.quiet


# -- recognition -------------------------------------------------------------------------------


def test_recognises_an_archive_behind_something_else() -> None:
    assert Read(b"#!/bin/sh\n" * 900 + python_zip({"a": b"1"})).recognised


def test_trailing_bytes_are_accepted_by_name_only() -> None:
    data = b"#!/bin/sh\n" + python_zip({"a": b"1"}) + b"x"
    assert Read(data, name="model.keras").recognised
    assert not Read(data, name="model.tar").recognised


@pytest.mark.parametrize("data", [b"", b"PK", b"text" * 9000, b"x" * 40 + b"PK\5\6" + b"\1" * 18])
def test_does_not_recognise(data: bytes) -> None:
    assert not Read(data).recognised


def test_an_end_record_in_front_of_another() -> None:
    data = b"#!junk" + python_zip({"a": b"1"})
    fake = b"PK\5\6" + bytes(8) + struct.pack("<2IH", 60, 1, 0)
    assert Read(data + fake, name="model.pt").members[0] == ("a", b"1")
    assert not Read(b"#!junk" + fake).recognised
    assert Read(b"#!junk" + fake).quiet


def test_an_end_record_that_counts_nothing() -> None:
    data = bytearray(b"#!junk" + python_zip({"a": b"1"}))
    data[-14:-10] = bytes(4)
    assert Read(bytes(data)).recognised


def test_a_directory_at_its_offset() -> None:
    archive = Zip(b"#!junk").member("a", b"1")
    data = archive.build()
    read = Read(data[:-22] + b"between" + data[-22:])
    assert read.recognised
    assert read.members[0] == ("a", b"1")


# -- disagreements -----------------------------------------------------------------------------


def _one(**fields: Any) -> Read:
    return Read(Zip().member("good.txt", b"abc", **fields).build())


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("name-mismatch", {"local": {"name": b"evil.pkl"}}),
        ("method-mismatch", {"local": {"method": 8}}),
        ("size-mismatch", {"local": {"packed": 2, "size": 2}}),
        ("size-mismatch", {"central": {"size": 2}}),
        ("size-mismatch", {"central": {"packed": 9_999, "size": 9_999}}),
        ("flag-mismatch", {"flags": 1}),
        ("flag-mismatch", {"central": {"flags": 1}}),
        ("flag-mismatch", {"local": {"flags": 0x40}}),
        ("flag-mismatch", {"flags": 0x21, "deflate": True}),
        ("checksum", {"crc": 0x1234}),
        ("checksum", {"local": {"crc": 0x1234}}),
        ("checksum", {"crc": 0x1234, "deflate": True}),
        ("missing-local-header", {"central": {"offset": 1}}),
        ("missing-from-directory", {"listed": False}),
        ("special-member", {"mode": 0o020666}),
    ],
)
def test_states_the_disagreement_and_reads_on(kind: str, fields: dict[str, Any]) -> None:
    read = _one(**fields)
    assert kind in read.kinds
    assert b"abc" in [data for _, data in read.members]


def test_both_names_are_read() -> None:
    read = _one(local={"name": b"evil.pkl"})
    assert {name for name, _ in read.members} == {"good.txt", "evil.pkl"}


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "\\x", "..\\x", "C:\\x", "c:/x"])
def test_traversal(name: str) -> None:
    read = Read(Zip().member(name, b"").build())
    assert read.kinds == {"traversal"}
    assert read.defects[0].member == name


@pytest.mark.parametrize("name", ["a\x1b[2J", "gpj.\u202egif"])
def test_deceptive_name(name: str) -> None:
    assert Read(Zip().member(name, b"").build()).kinds == {"deceptive-name"}


@pytest.mark.parametrize("name", ["a..b", "w:0.npy", "…/ü", "a/./b", "\U0001f469\u200d\U0001f680"])
def test_harmless_name(name: str) -> None:
    assert Read(Zip().member(name, b"").build()).quiet


def test_link_that_leaves_the_archive() -> None:
    assert Read(Zip().member("a/l", b"../../x", mode=0o120777).build()).kinds == {"link"}
    assert Read(Zip().member("a/l", b"../x", mode=0o120777).build()).quiet


def test_duplicate_member() -> None:
    read = Read(Zip().member("a", b"1").member("a", b"2").build())
    assert read.kinds == {"duplicate-member"}
    assert read.members == [("a", b"1"), ("a", b"2")]


@pytest.mark.parametrize("fields", [{}, {"deflate": True}, {"descriptor": "marked"},
                                    {"deflate": True, "descriptor": "bare"}])  # fmt: skip
def test_hidden_member(fields: dict[str, Any]) -> None:
    data = Zip().member("a", b"1").member("evil", b"hidden" * 9, listed=False, **fields)
    read = Read(data.member("b", b"2").build())
    assert read.kinds == {"missing-from-directory"}
    assert ("evil", b"hidden" * 9) in read.members
    assert len(read.members) == 3


def test_hidden_behind_shorter_local_size() -> None:
    inner = Zip().member("evil", b"hidden")
    data = Zip().member("a", b"1" + bytes(inner.body), local={"packed": 1, "size": 1}).build()
    read = Read(data)
    assert {"size-mismatch", "missing-from-directory"} <= read.kinds
    assert ("evil", b"hidden") in read.members


def test_concatenated_archives() -> None:
    read = Read(python_zip({"first": b"1"}) + python_zip({"second": b"2"}))
    assert sorted(read.members) == [("first", b"1"), ("second", b"2")]
    assert read.kinds == {"missing-from-directory"}


def test_a_file_in_the_comment_is_read() -> None:
    hidden = INERT_PICKLE + b"\0" * 32
    read = Read(Zip().member("a", b"1").build(comment=hidden))
    assert hidden in [data for _, data in read.members]


def test_second_end_record_in_the_comment() -> None:
    real = Zip().member("real", b"1")
    empty = Zip().build()
    read = Read(real.build(comment=empty))
    assert ("real", b"1") in read.members
    assert "missing-from-directory" in read.kinds


def test_two_directories_of_one_end_record() -> None:
    archive = Zip().member("shown", b"1").member("hidden", b"22")
    only_hidden = Zip().list(FIELDS | {"name": b"hidden", "offset": 36, "packed": 2, "size": 2})
    data = bytearray(archive.build())
    # the record's offset still leads to the whole directory, its size to the one just before it
    at = len(archive.body) + len(archive.directory)
    data[at:at] = only_hidden.directory
    data[-10:-6] = struct.pack("<I", len(only_hidden.directory))
    read = Read(bytes(data))
    assert {"missing-from-directory", "size-mismatch"} <= read.kinds
    assert {("shown", b"1"), ("hidden", b"22")} == set(read.members)


def test_data_before_and_after() -> None:
    assert Read(b"#!stub" + Zip().member("a", b"1").build()).kinds == {"data-before"}
    assert Read(Zip(b"#!stub").member("a", b"1").build()).kinds == {"data-before"}
    assert Read(Zip().member("a", b"1").raw(b"junk").build()).kinds == {"data-before"}
    assert Read(Zip().member("a", b"1").build(after=b"junk")).kinds == {"data-after"}


def test_overlap() -> None:
    data = Zip().member("a", b"1" * 40).list(FIELDS | {"packed": 40, "size": 40}).build()
    assert "overlap" in Read(data).kinds


def test_count_of_the_end_record() -> None:
    archive = Zip().member("a", b"1")
    archive.count = 3
    assert Read(archive.build()).kinds == {"size-mismatch"}


def test_lying_descriptor() -> None:
    data = Zip().member("a", b"1", descriptor="marked").member("b", b"2").build()
    data = data.replace(b"PK\x07\x08" + struct.pack("<I", zlib.crc32(b"1")), b"PK\x07\x08abcd")
    assert Read(data).kinds == {"size-mismatch"}


# -- silence is recorded -----------------------------------------------------------------------


def test_encrypted() -> None:
    sealed = b"\xa7" * 12 + b"secret"
    read = Read(Zip().member("a", sealed, flags=1, size=6).member("b", b"2").build())
    assert [(gap.status, gap.needed, gap.member) for gap in read.coverage] == [
        ("encrypted", True, "a")
    ]
    assert ("b", b"2") in read.members


def test_encrypted_and_deflated() -> None:
    read = Read(Zip().member("a", b"\xa7" * 90, flags=1, method=8, size=300).build())
    assert [gap.status for gap in read.coverage] == ["encrypted"]
    assert read.members == []


@pytest.mark.parametrize(("method", "status"), [(9, "unsupported"), (98, "unsupported"),
                                                (99, "encrypted")])  # fmt: skip
def test_unknown_method(method: int, status: str) -> None:
    read = Read(Zip().member("a", b"abc", method=method, size=5).member("b", b"2").build())
    assert [(gap.status, gap.needed) for gap in read.coverage] == [(status, True)]
    assert read.members == [("b", b"2")]


def test_damaged_member_does_not_hide_the_next() -> None:
    read = Read(Zip().member("a", b"\xff\xff", method=8, size=9).member("b", b"2").build())
    assert [(gap.status, gap.needed) for gap in read.coverage] == [("unreadable", True)]
    assert ("b", b"2") in read.members


@pytest.mark.parametrize("make", [python_zip, streamed_zip])
def test_cut_off_archive(make: Any) -> None:
    members = {"a": b"hello" * 9, "b": b"x" * 300}
    data = make(members)
    read = Read(data[: data.index(b"PK\1\2")])
    assert dict(read.members) == members
    assert read.error is not None


# -- bombs -------------------------------------------------------------------------------------


def test_bomb_is_cut_off() -> None:
    limits = Limits(inflated_bytes=10 << 20, ratio=100, ratio_floor=1 << 20)
    read = Read(python_zip({"bomb": b"\0" * (4 << 20), "b": b"2"}), Budget(limits))
    assert isinstance(read.error, BudgetError)


def test_declared_size_of_gigabytes() -> None:
    read = Read(Zip().member("a", b"tiny", deflate=True, size=0xFFFFFFF0).build())
    assert read.members == [("a", b"tiny")]
    assert read.kinds == {"size-mismatch"}


def test_too_many_members() -> None:
    archive = Zip()
    for number in range(20):
        archive.member(str(number), b"")
    read = Read(archive.build(), Budget(Limits(members=10)))
    assert isinstance(read.error, BudgetError)
    assert len(read.members) == 10


# -- arbitrary bytes ---------------------------------------------------------------------------

SEEDS = [
    torch_zip(),
    streamed_zip({"a": b"1" * 90, "b": b"2" * 90}),
    python_zip({"a": b"1" * 90}, zipfile.ZIP_LZMA),
]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=9)),
                                        max_size=6))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_mutated_archives(seed: bytes, edits: list[tuple[float, bytes]]) -> None:
    data = bytearray(seed)
    for where, patch in edits:
        at = int(where * len(data))
        data[at : at + len(patch)] = patch
    Read(bytes(data), Budget(Limits(inflated_bytes=1 << 24, members=100)))


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes(data: bytes) -> None:
    Read(data, Budget(Limits(inflated_bytes=1 << 24, members=100)))
    Read(b"PK\3\4" + data + b"PK\1\2" + data + b"PK\5\6" + data)


def test_a_first_entry_as_long_as_the_wide_end_records_is_no_second_directory() -> None:
    """46 bytes and a name of 30: what `torch.save` makes of some names, with both end records."""
    name = "module_SoftMarginLoss/data.pkl"
    data = python_zip({name: b"1", "module_SoftMarginLoss/version": b"3"}, 0)
    end = data.rfind(b"PK\5\6")
    *_, count, size, offset, _ = struct.unpack("<4s4H2IH", data[end:])
    wide = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    assert len(wide + locator) == 46 + len(name)
    read = Read(data[:end] + wide + locator + data[end:])
    assert read.defects == []
    assert len(read.members) == 2
