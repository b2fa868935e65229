from __future__ import annotations

import bz2
import lzma
import random
import zlib

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError
from modelscan.formats.zip import ZipReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from tests.forge.archives import (
    INERT_PICKLE,
    Zip,
    overlapping_zip,
    python_zip,
    slack_zip,
    unicode_path,
)
from tests.forge.zip_reading import Read

BIG = bytes(range(256)) * 20_000  # 5 MB: more than is held in memory
FIELDS = {"name": b"again", "flags": 0, "method": 0, "crc": 0, "packed": 1, "size": 1,
          "extra": b"", "offset": 0, "mode": 0, "system": 3}  # fmt: skip


def test_bytes_behind_a_stream() -> None:
    read = Read(slack_zip(b"shown", INERT_PICKLE))
    assert read.kinds == {"size-mismatch"}
    assert [data for _, data in read.members] == [b"shown", INERT_PICKLE]
    assert Read(slack_zip(b"shown", bytes(9))).quiet


def test_a_long_member_that_goes_on() -> None:
    read = Read(Zip().member("a", BIG + b"more", deflate=True, size=len(BIG)).build())
    assert read.kinds == {"size-mismatch"}
    assert [len(data) for _, data in read.members] == [len(BIG), len(BIG) + 4]


def test_a_long_member_that_ends_early() -> None:
    read = Read(Zip().member("a", BIG, deflate=True, size=len(BIG) + 4).build())
    assert read.kinds == {"size-mismatch"}


def test_a_long_member_that_is_damaged() -> None:
    plain = random.Random(1).randbytes(6 << 20)  # noqa: S311  # a sample, no secret
    packed = bytearray(bz2.compress(plain))
    packed[len(packed) * 9 // 10] ^= 1
    data = Zip().member("a", bytes(packed), method=12, size=len(plain)).build()
    assert Read(data).error is not None
    unread = list(ZipReader().read(BytesArtifact("a.zip", data), Budget()))
    assert [item.status for item in unread if isinstance(item, Coverage)] == ["unreadable"]


def test_another_name_in_an_extra_field() -> None:
    extra = unicode_path(b"good.txt", b"evil.pkl")
    read = Read(Zip().member("good.txt", b"1", extra=extra).build())
    assert read.kinds == {"name-mismatch"}
    assert read.members == [("good.txt", b"1"), ("evil.pkl", b"1")]
    climbing = unicode_path(b"caf\x82", "../café".encode())
    views = {"name": b"caf\x82", "extra": climbing}
    read = Read(Zip().member("x", b"1", local=views, central=views).build())
    assert read.kinds == {"traversal"}


def test_harmless_second_names() -> None:
    own = "café".encode("cp437")
    same = unicode_path(b"a", b"a") + unicode_path(b"other", b"evil") + b"up"
    archive = Zip().member("a", b"1", extra=same)
    views = {"name": own, "extra": unicode_path(own, "café".encode())}
    archive.member("b", b"2", local=views, central=views)
    assert Read(archive.build()).quiet


def test_a_name_ends_at_a_nul() -> None:
    read = Read(Zip().member("evil.pkl\0.txt", b"1").build())
    assert read.kinds == {"name-mismatch"}
    assert [name for name, _ in read.members] == ["evil.pkl\0.txt", "evil.pkl"]


def test_names_that_become_one() -> None:
    def kinds(*names: str) -> set[str]:
        archive = Zip()
        for name in names:
            archive.member(name, b"1")
        return Read(archive.build()).kinds

    assert kinds("a/B", "A/b") == {"name-collision"}
    assert kinds("caf\u00e9", "cafe\u0301") == {"name-collision"}
    assert kinds("a/./b", "a//b") == {"name-collision"}
    assert kinds("a", "A", "A") == {"name-collision", "duplicate-member"}
    assert kinds("a/", "a/b", "ab") == set()


def test_two_directories_that_differ_in_one_field() -> None:
    first = Zip().member("a", b"1")
    fields = FIELDS | {"name": b"a", "crc": zlib.crc32(b"1"), "size": 1}
    second = Zip(first.build()).list(fields | {"method": 8})
    read = Read(second.list(fields | {"method": 8}).build())
    assert "missing-from-directory" in read.kinds
    assert ("a", b"1") in read.members


def test_offsets_that_some_programs_correct() -> None:
    inner = Zip().member("a", b"1").member("b", b"2")
    cut = inner.build()[10:]  # every offset points ten bytes too far
    assert ("b", b"2") in Read(b"PK\3\4" + cut).members
    moved = b"#" * 10 + inner.build(base=-10)
    assert Read(moved).members == [("a", b"1"), ("b", b"2")]


def test_offsets_as_written() -> None:
    """The end record promises bytes in front that are not there."""
    archive = Zip().member("a", b"1")
    read = Read(archive.build(base=7))
    assert ("a", b"1") in read.members
    assert "missing-local-header" in read.kinds


def test_two_wide_end_records() -> None:
    archive = Zip().member("a", b"1", listed=False).member("b", b"2")
    data = archive.build(wide=True)
    at = data.index(b"PK\6\6")
    other = data[at : at + 56]
    read = Read(data[:at] + other + b"extra data" + data[at:])
    assert {("a", b"1"), ("b", b"2")} <= set(read.members)


def test_a_pipe_with_contents_was_read_from_a_pipe() -> None:
    assert Read(Zip().member("-", b"1", mode=0o010600).build()).quiet
    assert Read(Zip().member("-", b"", mode=0o010600).build()).kinds == {"special-member"}


def test_written_through_a_link() -> None:
    data = Zip().member("l", b"b", mode=0o120777).member("l/x", b"1").build()
    assert Read(data).kinds == {"link"}


def test_members_that_overlap_are_few() -> None:
    limits = Limits(ratio=10, ratio_floor=1 << 20)
    read = Read(overlapping_zip(bytes(range(256)) * 400, 90), Budget(limits))
    assert isinstance(read.error, BudgetError)
    assert len(read.members) < 90


def test_one_kind_of_defect_is_stated_so_often() -> None:
    archive = Zip()
    for number in range(130):
        archive.member(f"../{number}", b"1")
    read = Read(archive.build())
    assert len(read.defects) == 100
    assert len(read.members) == 130


def test_marks_that_are_no_headers() -> None:
    read = Read(b"PK\3\4" * 9000)
    assert read.members == []
    assert read.error is not None


def test_xz_inside() -> None:
    packed = lzma.compress(b"abc")
    read = Read(Zip().member("a", packed, method=95, size=3, crc=zlib.crc32(b"abc")).build())
    assert read.members == [("a", b"abc")]
    assert read.quiet


def test_zeros_behind_an_archive_with_a_prefix() -> None:
    data = b"#!junk\n" + python_zip({"a": b"1"})
    assert Read(data + bytes(3), name="model").recognised
    assert not Read(data + bytes(1024), name="model").recognised  # as in a tar
    assert not Read(data + b"\0x", name="model").recognised


def test_a_directory_that_accounts_for_all_before_it() -> None:
    data = b"PK\xff\xff" + python_zip({"a": b"1", "b": b"2"})[4:] + b"tail"
    assert Read(data, name="model").recognised
