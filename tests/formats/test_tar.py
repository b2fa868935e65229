from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.reader import Glimpse
from modelscan.formats.tar import TarReader
from modelscan.vocabulary.artifact import BytesArtifact, SliceArtifact, stream
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ArchiveDefect
from tests.forge.archives import TAR_END, python_tar, tar_member

DIALECTS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
MEMBERS = {
    "a.txt": b"hello",
    "empty": b"",
    "dir/exact": b"x" * 512,
    "d" * 90 + "/" + "f" * 90: b"a long name",
}


class Read:
    """What the reader says of an archive, and the error that it ends with."""

    def __init__(self, data: bytes, budget: Budget | None = None) -> None:
        artifact = BytesArtifact("model.nemo", data)
        self.recognised = TarReader().recognises(Glimpse(artifact))
        self.members: list[tuple[str, bytes]] = []
        self.defects: list[ArchiveDefect] = []
        self.coverage: list[Coverage] = []
        self.error: ReadError | None = None
        try:
            for item in TarReader().read(artifact, budget or Budget()):
                if isinstance(item, ArchiveDefect):
                    self.defects.append(item)
                elif isinstance(item, Coverage):
                    self.coverage.append(item)
                elif isinstance(item, SliceArtifact):
                    self.members.append((str(item.member), b"".join(stream(item))))
        except ReadError as error:
            self.error = error

    @property
    def kinds(self) -> list[str]:
        return [found.kind for found in self.defects]

    @property
    def quiet(self) -> bool:
        return not (self.defects or self.coverage or self.error)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_yields_what_python_extracts(dialect: int) -> None:
    read = Read(python_tar(MEMBERS, dialect))
    assert read.recognised
    assert dict(read.members) == MEMBERS
    assert read.quiet


@given(st.dictionaries(st.from_regex(r"[a-zü]{1,80}(/[a-z]{1,120}){0,2}", fullmatch=True),
                       st.binary(max_size=1200), max_size=6),
       st.sampled_from(DIALECTS[1:]))  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_any_python_archive(members: dict[str, bytes], dialect: int) -> None:
    read = Read(python_tar(members, dialect))
    assert dict(read.members) == members
    assert read.quiet


def test_folders_links_and_metadata_are_quiet() -> None:
    data = tar_member("dir/", type=tarfile.DIRTYPE) + tar_member("dir/a", b"1")
    data += tar_member("dir/l", type=tarfile.SYMTYPE, linkname="../b")
    data += tar_member("dir/h", type=tarfile.LNKTYPE, linkname="dir/a") + TAR_END
    read = Read(data + b"\0" * 8192)
    assert read.members == [("dir/a", b"1")]
    assert read.quiet


def test_v7_archive() -> None:
    info = tarfile.TarInfo("old")
    info.size = 3
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT)[:257] + b"\0" * 255)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    read = Read(bytes(block) + b"abc" + b"\0" * 509 + TAR_END)
    assert read.recognised
    assert read.members == [("old", b"abc")]


@pytest.mark.parametrize("data", [b"", b"\0" * 1024, b"a" * 4096, bytes(range(256)) * 16])
def test_does_not_recognise(data: bytes) -> None:
    assert not Read(data).recognised


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x"])
def test_traversal(name: str) -> None:
    assert Read(tar_member(name, b"1") + TAR_END).kinds == ["traversal"]


@pytest.mark.parametrize(
    ("kind", "target"),
    [(tarfile.SYMTYPE, "../../x"), (tarfile.SYMTYPE, "/x"), (tarfile.LNKTYPE, "../x")],
)
def test_link_that_leaves_the_archive(kind: bytes, target: str) -> None:
    read = Read(tar_member("a/l", type=kind, linkname=target) + TAR_END)
    assert read.kinds == ["link"]
    assert read.defects[0].detail == target


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_special_member(kind: bytes) -> None:
    assert Read(tar_member("dev", type=kind) + TAR_END).kinds == ["special-member"]


def test_member_behind_the_end() -> None:
    read = Read(tar_member("a", b"1") + TAR_END + tar_member("evil", b"2") + TAR_END)
    assert read.kinds == ["data-after"]
    assert read.members == [("a", b"1"), ("evil", b"2")]


def test_bytes_behind_the_end() -> None:
    read = Read(tar_member("a", b"1") + TAR_END + b"junk" * 300)
    assert read.kinds == ["data-after"]
    assert read.error is None


def test_member_behind_damage() -> None:
    read = Read(tar_member("a", b"1") + b"?" * 512 + tar_member("evil", b"2") + TAR_END)
    assert read.members == [("a", b"1"), ("evil", b"2")]
    assert read.error is not None


def test_sizes_that_disagree() -> None:
    info = tarfile.TarInfo("a")
    info.size = 512
    record = b"13 size=1024\n"
    data = tar_member("x", record, type=tarfile.XHDTYPE) + info.tobuf(tarfile.USTAR_FORMAT)
    read = Read(data + b"1" * 1024 + TAR_END)
    assert read.kinds == ["size-mismatch"]
    assert read.members == [("a", b"1" * 1024)]


def test_size_in_base_256() -> None:
    block = bytearray(tar_member("a", b"1" * 600)[:512])
    block[124:136] = b"\x80" + (600).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    read = Read(bytes(block) + b"1" * 600 + b"\0" * 424 + TAR_END)
    assert read.members == [("a", b"1" * 600)]
    assert read.quiet


def test_cut_off_member() -> None:
    read = Read(tar_member("a", b"1") + tar_member("b", b"2" * 4000)[:1500])
    assert [name for name, _ in read.members] == ["a", "b"]
    assert read.error is not None


def test_too_many_members() -> None:
    data = b"".join(tar_member(str(number), b"") for number in range(20))
    read = Read(data, Budget(Limits(members=10)))
    assert isinstance(read.error, BudgetError)
    assert len(read.members) == 10


def test_long_extended_header_is_refused() -> None:
    data = tar_member("x", b" " * (2 << 20), type=tarfile.GNUTYPE_LONGNAME) + tar_member("a")
    assert isinstance(Read(data).error, BudgetError)


@given(st.sampled_from(DIALECTS[1:]), st.lists(
    st.tuples(st.floats(0, 1), st.binary(max_size=12)), max_size=6))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_mutated_archives(dialect: int, edits: list[tuple[float, bytes]]) -> None:
    data = bytearray(python_tar(MEMBERS, dialect))
    for where, patch in edits:
        at = int(where * 4000)
        data[at : at + len(patch)] = patch
    Read(bytes(data))


@given(st.binary(max_size=700))
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes(data: bytes) -> None:
    Read(data)
    Read(tar_member("x", data, type=tarfile.XHDTYPE) + tar_member("a", data))


def test_reads_what_tarfile_lists() -> None:
    data = python_tar(MEMBERS)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.getnames() == [name for name, _ in Read(data).members]
