from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import sevenzip_records
from modelscan.formats.reader import Glimpse
from modelscan.formats.sevenzip import SevenZipReader
from modelscan.vocabulary.artifact import BytesArtifact, stream
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ArchiveDefect, Fact
from tests.forge import reading
from tests.forge import sevenzip as forge
from tests.forge.sevenzip import Group, seven_zip

FILES = {"a.txt": b"hello " * 90, "dir/b.pkl": bytes(range(256)) * 20, "ü": b"\xe8abcd" * 50}
LONG = {"first": b"1" * 100, "long": bytes(range(256)) * 20_000, "last": b"3"}


class Read:
    """What the reader says of an archive, and the error that it ends with."""

    def __init__(self, data: bytes, limits: Limits | None = None) -> None:
        artifact = BytesArtifact("model.7z", data)
        self.recognised = SevenZipReader().recognises(Glimpse(artifact))
        self.members: dict[str, bytes] = {}
        self.kinds: list[str] = []
        self.coverage: list[Coverage] = []
        self.error: ReadError | None = None
        try:
            for item in SevenZipReader().read(artifact, Budget(limits)):
                if isinstance(item, ArchiveDefect):
                    self.kinds.append(item.kind)
                elif isinstance(item, Coverage):
                    self.coverage.append(item)
                elif not isinstance(item, Fact):
                    self.members[str(item.member)] = b"".join(stream(item))
        except ReadError as error:
            self.error = error

    @property
    def quiet(self) -> bool:
        return not (self.kinds or self.coverage or self.error)

    @property
    def gaps(self) -> set[tuple[str, bool]]:
        return {(gap.status, gap.needed) for gap in self.coverage}


@pytest.mark.parametrize("packed_header", [False, True])
@pytest.mark.parametrize(
    "chain",
    [
        (forge.COPY,), (forge.LZMA2,), (forge.LZMA,), (forge.BZIP2,), (forge.DEFLATE,),
        (forge.X86, forge.LZMA2), (forge.DELTA, forge.LZMA2), (forge.DELTA, forge.X86, forge.LZMA2),
    ],
)  # fmt: skip
def test_yields_what_was_packed(chain: tuple[bytes, ...], *, packed_header: bool) -> None:
    groups = Group(FILES, chain), Group({"second": b"2"}, chain)
    read = Read(seven_zip(*groups, packed_header=packed_header, empty=["empty"]))
    assert read.recognised
    assert read.members == FILES | {"second": b"2"}
    assert read.quiet


def test_long_members_are_streamed() -> None:
    assert Read(seven_zip(Group(LONG))).members == LONG
    assert Read(seven_zip(Group(LONG, (forge.COPY,)))).members == LONG


def test_an_empty_archive() -> None:
    read = Read(forge.whole(b"", b""))
    assert read.quiet
    assert not read.members


@pytest.mark.parametrize(
    ("chain", "status"),
    [((forge.PPMD,), "unsupported"), ((forge.AES,), "encrypted"),
     ((forge.BCJ2,), "unsupported"), ((forge.X86, forge.DEFLATE), "unsupported"),
     ((forge.LZMA2, forge.AES), "encrypted")],
)  # fmt: skip
def test_what_cannot_be_opened_is_a_needed_gap(chain: tuple[bytes, ...], status: str) -> None:
    read = Read(seven_zip(Group(FILES, chain), Group({"open": b"2"})))
    assert read.gaps == {(status, True)}
    assert len(read.coverage) == len(FILES)
    assert read.members == {"open": b"2"}


def test_damaged_data_is_a_needed_gap_and_loses_nothing() -> None:
    data = seven_zip(Group(FILES))
    read = Read(data[:200] + b"\xff" * 40 + data[240:])
    assert read.gaps == {("unreadable", True)}


def test_a_stream_that_is_too_short() -> None:
    group = Group({"a": b"1" * 50, "b": b"2" * 50}, (forge.COPY,))
    data = seven_zip(group)
    header = data[32 + 100 :].replace(b"\x06\x00\x01\x09\x80\x64", b"\x06\x00\x01\x09\x80\x46")
    header = header.replace(b"\x06\x00\x01\x09\x64", b"\x06\x00\x01\x09\x46")
    read = Read(forge.whole(data[32:132], header))
    assert read.members == {"a": b"1" * 50, "b": b"2" * 20}
    assert read.gaps == {("unreadable", True)}


@pytest.mark.parametrize(
    ("name", "kind"),
    [("../x", "traversal"), ("a\x1bb", "deceptive-name"), ("NUL", "reserved-name"),
     ("A.TXT", "name-collision")],
)  # fmt: skip
def test_names(name: str, kind: str) -> None:
    assert Read(seven_zip(Group({"a.txt": b"1", name: b"2"}))).kinds == [kind]


def test_duplicates_and_data_behind() -> None:
    first, second = Group({"a": b"1"}), Group({"a": b"2"})
    assert Read(seven_zip(first, second)).kinds == ["duplicate-member"]
    read = Read(seven_zip(first, after=b"behind"))
    assert read.kinds == ["data-after"]
    assert b"behind" in read.members.values()


def test_links_and_devices() -> None:
    link, device = stat.S_IFLNK | 0o777, stat.S_IFBLK | 0o600
    files = {"l": b"../../x", "l/y": b"1", "d": b""}
    read = Read(seven_zip(Group(files), modes={"l": link, "d": device}))
    assert sorted(read.kinds) == ["link", "link", "special-member"]
    assert not Read(seven_zip(Group({"a/l": b"../b"}), modes={"a/l": link})).kinds


@pytest.mark.parametrize("cut", [6, 20, 40, -1])
def test_cut_off(cut: int) -> None:
    assert Read(seven_zip(Group(FILES))[:cut]).error is not None


def test_another_checksum_of_the_header() -> None:
    assert Read(seven_zip(Group(FILES))[:-1] + b"\1").error is not None


def test_properties_that_are_none() -> None:
    assert Read(seven_zip(Group(FILES, (forge.LZMA2,), b"\x7f"))).error is not None
    assert Read(seven_zip(Group(FILES, (forge.LZMA,), b"\xff\0\0\0\0"))).error is not None


def test_a_bomb_is_cut_off() -> None:
    data = seven_zip(Group({"bomb": bytes(32 << 20)}))
    read = Read(data, Limits(ratio=100, ratio_floor=1 << 20))
    assert isinstance(read.error, BudgetError)


FOLDER = b"\4\x06\0\1\x09\1\0\7\x0b\1\0"
"""One packed byte, and one folder, whose coders come next."""


@pytest.mark.parametrize(
    "header",
    [
        b"\x09",
        b"\4\x0f",
        b"\4\x06\0\1\x0f",
        b"\4\x07\x0f",
        b"\4\x07\x0b\1\1",
        FOLDER + b"\0",
        FOLDER + b"\1\x11\0\x50\1",
        FOLDER + b"\1\x11\0\1\2\0\0",
        FOLDER + b"\1\1\0\x0c\1\0\x08\x0f",
        FOLDER + b"\1\1\0\x0c\1\0\x08\x0d\x7f\x09",
        FOLDER + b"\1\1\0\x0c\1\x0a\0",
        b"\5\xff" + b"\xff" * 8,
        b"\5\1\x0a",
    ],
)
def test_headers_that_are_none(header: bytes) -> None:
    assert Read(forge.whole(b"x", b"\1" + header)).error is not None


def test_parts_that_say_nothing_here() -> None:
    checked = b"\4\x06\0\1\x09\1\x0a\1CRCS\0\7\x0b\1\0\1\1\0\x0c\1\x0a\1CRCS\0\x08\x0a\1\0\0"
    names = b"\5\1\x11\5\0a\0\0\0\0\0"
    read = Read(forge.whole(b"x", b"\1\2\1\1x\0\3\0" + checked + names))
    assert read.members == {"a": b"x"}
    assert read.quiet


@pytest.mark.parametrize(
    "coders",
    [
        b"\1\x11\0\4\1" + bytes([0, 1, 2, 3]),  # several packed streams into one step
        b"\2\1\0\1\0\1\1",  # a step that feeds itself
    ],
)
def test_streams_that_are_no_chain(coders: bytes) -> None:
    header = b"\1" + FOLDER + coders + b"\x0c\1\1\0\0\5\1\x11\5\0a\0\0\0\0\0"
    if coders[0] == 1:
        header = header.replace(b"\x0c\1\1", b"\x0c\1")
    assert Read(forge.whole(b"x", header)).gaps == {("unsupported", True)}


@pytest.mark.parametrize(
    ("chain", "times", "says"),
    [((forge.PPMD,), 1, "unknown way"), ((forge.AES,), 1, "encrypted"),
     ((forge.LZMA2,), 2, "several parts")],
)  # fmt: skip
def test_packed_headers_that_cannot_be_opened(
    chain: tuple[bytes, ...], times: int, says: str
) -> None:
    read = Read(forge.whole(*forge.encoded(b"", b"\1\0", chain, times)))
    assert says in str(read.error)


def test_headers_that_are_too_long() -> None:
    read = Read(forge.whole(*forge.encoded(b"", bytes(33 << 20))))
    assert isinstance(read.error, BudgetError)
    assert isinstance(Read(forge.whole(b"", bytes(33 << 20))).error, BudgetError)
    assert Read(forge.whole(*forge.encoded(b"", b"no header"))).error is not None


@pytest.mark.skipif(not shutil.which("7z"), reason="7-Zip is not installed")
@pytest.mark.parametrize("options", [(), ("-mx=9",), ("-ms=off",), ("-m0=LZMA",), ("-m0=Copy",)])
def test_what_7_zip_makes(tmp_path: Path, options: tuple[str, ...]) -> None:
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    command = ["7z", "a", "-bd", "-t7z", *options, "made.7z", *FILES]
    subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    read = Read((tmp_path / "made.7z").read_bytes())
    assert read.members == FILES
    assert read.quiet


SEEDS = [
    seven_zip(Group(FILES), empty=["e"], modes={"a.txt": 0o100644}),
    seven_zip(Group(FILES), Group({"x": b"1"}, (forge.COPY,)), packed_header=True),
]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6)),
                                        max_size=5))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_mutated_headers(seed: bytes, edits: list[tuple[float, bytes]]) -> None:
    at = 32 + int.from_bytes(seed[12:20], "little")
    header = bytearray(seed[at:])
    for where, patch in edits:
        place = int(where * len(header))
        header[place : place + len(patch)] = patch
    Read(forge.whole(seed[32:at], bytes(header)), Limits(members=1000, inflated_bytes=1 << 24))


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes(data: bytes) -> None:
    Read(b"7z\xbc\xaf\x27\x1c" + data)
    Read(forge.whole(b"", b"\1" + data))
    Read(forge.whole(data, b"\1\4" + data))


def test_files_and_streams_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sevenzip_records, "_MOST", 3)
    one = Group({"a": b"1"})
    streams = Group({f"{at}": b"1" for at in range(5)})
    for data in (
        seven_zip(empty=[f"{at}" for at in range(5)]),
        seven_zip(one, one, one, one),
        seven_zip(streams),
    ):
        (gap,) = reading.gaps(data, "a.7z")
        assert gap.endswith("files or streams in a 7z archive")
