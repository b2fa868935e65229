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
from modelscan.formats.tar_sparse import Piece, SparseArtifact
from modelscan.vocabulary.artifact import BytesArtifact, SliceArtifact, stream
from modelscan.vocabulary.coverage import Coverage, Status
from modelscan.vocabulary.fact import ArchiveDefect
from tests.forge.archives import TAR_END, pax, python_tar, sealed, tar_member

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


# -- sparse members ----------------------------------------------------------------------------


def _old_sparse(pieces: list[tuple[int, int]], size: int, data: bytes, *, name: str = "s") -> bytes:
    """GNU's old format: four pieces in the header, 21 in each block behind it."""
    block = bytearray(tar_member(name, data, type=tarfile.GNUTYPE_SPARSE)[:512])
    fields = [b"%011o\0%011o\0" % piece for piece in pieces]
    first, rest = fields[:4], fields[4:]
    block[386 : 386 + 24 * len(first)] = b"".join(first)
    block[482], block[483:495] = bool(rest), b"%011o\0" % size
    blocks = sealed(block)
    while rest:
        more, rest = rest[:21], rest[21:]
        blocks += b"".join(more).ljust(504, b"\0") + bytes([bool(rest)]) + bytes(7)
    return blocks + data + bytes(-len(data) % 512) + TAR_END


def _pax_sparse(records: list[tuple[str, str]], data: bytes) -> bytes:
    return tar_member("x", pax(*records), type=tarfile.XHDTYPE) + tar_member("s", data) + TAR_END


PIECES = [(3, 2), (10, 4)]
FILLED = b"\0\0\0ab\0\0\0\0\0cdef\0\0"
SPARSE = {
    "old": _old_sparse(PIECES, 16, b"abcdef"),
    "0.0": _pax_sparse(
        [("GNU.sparse.size", "16"), ("GNU.sparse.offset", "3"), ("GNU.sparse.numbytes", "2"),
         ("GNU.sparse.offset", "10"), ("GNU.sparse.numbytes", "4")], b"abcdef"),
    "0.1": _pax_sparse(
        [("GNU.sparse.size", "16"), ("GNU.sparse.map", "3,2,10,4")], b"abcdef"),
    "1.0": _pax_sparse(
        [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "16")],
        b"2\n3\n2\n10\n4\n".ljust(512, b"\0") + b"abcdef"),
}  # fmt: skip


def _contents(data: bytes, budget: Budget | None = None) -> tuple[list[bytes], list[Status]]:
    """Everything that is yielded as bytes, and the status of every gap."""
    members: list[bytes] = []
    gaps: list[Status] = []
    for item in TarReader().read(BytesArtifact("m.tar", data), budget or Budget()):
        if isinstance(item, Coverage):
            gaps.append(item.status)
        elif not isinstance(item, ArchiveDefect):
            members.append(b"".join(stream(item)))  # type: ignore[arg-type]  # no other fact
    return members, gaps


@pytest.mark.parametrize("dialect", SPARSE)
def test_sparse_members_are_put_together(dialect: str) -> None:
    members, gaps = _contents(SPARSE[dialect])
    assert members == [FILLED, b"abcdef"]
    assert gaps == []
    with tarfile.open(fileobj=io.BytesIO(SPARSE[dialect])) as archive:
        opened = archive.extractfile("s")
        assert opened is not None
        assert opened.read() == FILLED


def test_a_map_of_many_blocks() -> None:
    pieces = [(2 * at, 1) for at in range(60)]
    members, _ = _contents(_old_sparse(pieces, 120, b"x" * 60))
    assert members[0] == b"x\0" * 60


def test_a_hole_is_paid_for() -> None:
    data = SPARSE["1.0"].replace(b"realsize=16", b"realsize=99")
    budget = Budget(Limits(inflated_bytes=40))
    with pytest.raises(BudgetError):
        _contents(data, budget)


@pytest.mark.parametrize(
    "records",
    [
        [("GNU.sparse.map", "1,x")],
        [("GNU.sparse.map", "1,2"), ("GNU.sparse.offset", "1")],
        [("GNU.sparse.size", "9")],
        [("GNU.sparse.offset", "1")],
        [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0")],
    ],
)
def test_a_map_that_is_none_is_a_needed_gap(records: list[tuple[str, str]]) -> None:
    members, gaps = _contents(_pax_sparse(records, b"abc"))
    assert members == [b"abc"]
    assert gaps == ["unsupported"]


def test_reading_a_sparse_member_in_any_order() -> None:
    pieces = [Piece(10, 4, 2), Piece(3, 2, 0), Piece(14, 9, 100)]
    artifact = SparseArtifact(BytesArtifact("m", b"abcdef"), "s", 16, pieces, Budget())
    assert [artifact.read_at(at, 3) for at in (9, 0, 15, 12, 4, 16, 99)] == [
        b"\0cd", b"\0\0\0", b"\0", b"ef\0", b"b\0\0", b"", b"",
    ]  # fmt: skip


# -- what only some programs see ---------------------------------------------------------------


def test_a_prefix_that_only_some_programs_add() -> None:
    block = bytearray(tar_member("x")[:512])
    block[345:350] = b"../.."
    assert Read(sealed(block) + TAR_END).kinds == ["traversal"]


def test_a_folder_with_data() -> None:
    block = bytearray(tar_member("folder/", b"1" * 512)[:512])
    block[156] = 0
    read = Read(sealed(block) + tar_member("inside", b"2") + TAR_END)
    assert read.kinds == ["size-mismatch"]
    assert read.members == [("inside", b"2")]


def test_both_ends_of_a_member_are_walked() -> None:
    data = tar_member("x", b"12 size=512\n", type=tarfile.XHDTYPE) + tar_member("a")
    read = Read(data + tar_member("inside") + tar_member("after", b"1") + TAR_END)
    assert [name for name, _ in read.members] == ["a", "inside", "after"]


def test_statements_for_all_members() -> None:
    data = tar_member("x", b"12 size=512\n", type=b"g")
    assert Read(data + tar_member("a", b"1" * 512) + TAR_END).error is not None
    comment = tar_member("x", pax(("comment", "0" * 40)), type=b"g")
    assert Read(comment + tar_member("a", b"1") + TAR_END).quiet
    assert Read(comment).quiet


@pytest.mark.parametrize("records", [b"no record", b"1", b"0 a=b\n", b"6 a=bc", b"999 a=b\n"])
def test_damaged_records(records: bytes) -> None:
    data = tar_member("x", records, type=tarfile.XHDTYPE) + tar_member("a", b"1") + TAR_END
    read = Read(data)
    assert read.error is not None
    assert read.members == [("a", b"1")]


def test_a_checksum_in_base_256() -> None:
    block = bytearray(tar_member("a", b"1")[:512])
    total = int(block[148:154], 8)
    block[148:156] = b"\x80" + total.to_bytes(7, "big")
    read = Read(bytes(block) + b"1".ljust(512, b"\0") + TAR_END)
    assert read.recognised
    assert read.members == [("a", b"1")]


@pytest.mark.parametrize("size", [b"\xff" * 12, b"-1\0", b"nine\0"])
def test_sizes_that_are_none(size: bytes) -> None:
    block = bytearray(tar_member("a")[:512])
    block[124:136] = size.ljust(12, b"\0")
    read = Read(sealed(block) + tar_member("b", b"1") + TAR_END)
    assert read.error is not None
    assert read.members == [("b", b"1")]


def test_names_that_collide() -> None:
    assert Read(tar_member("a", b"1") + tar_member("A") + TAR_END).kinds == ["name-collision"]
    assert Read(tar_member("a", b"1") + tar_member("a") + TAR_END).quiet


def test_written_through_a_link() -> None:
    link = tar_member("l", type=tarfile.SYMTYPE, linkname="b")
    assert Read(link + tar_member("l/x", b"1") + TAR_END).kinds == ["link"]


def test_names_of_which_each_program_takes_another() -> None:
    long = tar_member("././@LongLink", b"evil.py\0", type=b"L")
    path = tar_member("x", pax(("path", "good.txt")), type=b"x")
    for headers, shown in ((long + path, "good.txt"), (path + long, "evil.py")):
        read = Read(headers + tar_member("a", b"1") + TAR_END)
        assert read.kinds == ["name-mismatch"]
        names = [name for name, _ in read.members]
        assert names[0] == shown
        assert sorted(names) == ["evil.py", "good.txt"]
    twice = tar_member("x", pax(("path", "b"), ("path", "c")), type=b"x")
    assert Read(twice + tar_member("a", b"1") + TAR_END).kinds == ["name-mismatch"]


@pytest.mark.parametrize("name", ["../up", "/abs"])
def test_a_name_that_only_some_programs_replace(name: str) -> None:
    path = tar_member("x", pax(("path", "good.txt")), type=b"x")
    assert Read(path + tar_member(name, b"1") + TAR_END).kinds == ["traversal"]
    cut = "d" * 90 + "/model."  # the rest stands in the extended header
    path = tar_member("x", pax(("path", cut + "safetensors")), type=b"x")
    assert Read(path + tar_member(cut, b"1") + TAR_END).quiet


def test_links_of_which_each_program_takes_another() -> None:
    long = tar_member("././@LongLink", b"/etc/passwd\0", type=b"K")
    path = tar_member("x", pax(("linkpath", "near")), type=b"x")
    for headers in (long + path, path + long):
        assert Read(headers + tar_member("l", type=b"2") + TAR_END).kinds == ["link"]
