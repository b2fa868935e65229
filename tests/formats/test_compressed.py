from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import inflation
from modelscan.formats.compressed import CompressedReader
from modelscan.formats.reader import Glimpse
from modelscan.formats.routing import Reading
from modelscan.formats.tar import TarReader
from modelscan.formats.zip import ZipReader
from modelscan.vocabulary.artifact import BytesArtifact, StreamArtifact, stream
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ArchiveDefect
from tests.forge.archives import INERT_PICKLE, Zip, python_tar
from tests.forge.reading import fails, gaps, quiet


def _lzma_alone(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_ALONE)


COMPRESSORS: list[Callable[[bytes], bytes]] = [
    gzip.compress, bz2.compress, lzma.compress, zlib.compress, _lzma_alone,
]  # fmt: skip
CHAINED = COMPRESSORS[:3]
BIG = bytes(range(256)) * 20_000


class Read:
    """What the reader says of a stream, and the error that it ends with."""

    def __init__(
        self, data: bytes, name: str = "model.pkl.gz", budget: Budget | None = None
    ) -> None:
        artifact = BytesArtifact(name, data)
        self.recognised = CompressedReader().recognises(Glimpse(artifact))
        self.members: list[BytesArtifact | StreamArtifact] = []
        self.defects: list[ArchiveDefect] = []
        self.error: ReadError | None = None
        try:
            for item in CompressedReader().read(artifact, budget or Budget()):
                if isinstance(item, ArchiveDefect):
                    self.defects.append(item)
                elif isinstance(item, BytesArtifact | StreamArtifact):
                    self.members.append(item)
        except ReadError as error:
            self.error = error

    @property
    def contents(self) -> list[bytes]:
        return [b"".join(stream(member)) for member in self.members]


@pytest.mark.parametrize("compress", COMPRESSORS)
@pytest.mark.parametrize("data", [INERT_PICKLE, b"text " * 2000, BIG])
def test_inflates(compress: Callable[[bytes], bytes], data: bytes) -> None:
    read = Read(compress(data))
    assert read.recognised
    assert read.contents == [data]
    assert read.members[0].size == len(data)
    assert not read.defects
    assert read.error is None


def test_small_is_held_and_large_is_streamed() -> None:
    assert isinstance(Read(gzip.compress(INERT_PICKLE)).members[0], BytesArtifact)
    assert isinstance(Read(gzip.compress(BIG)).members[0], StreamArtifact)


@pytest.mark.parametrize("level", [0, 1, 3, 9])
def test_zlib_levels(level: int) -> None:
    assert Read(zlib.compress(INERT_PICKLE * 9, level)).contents == [INERT_PICKLE * 9]


@pytest.mark.parametrize("compress", CHAINED)
def test_concatenated_streams_are_one(compress: Callable[[bytes], bytes]) -> None:
    read = Read(compress(b"first ") + compress(b"") + compress(b"second"))
    assert read.contents == [b"first second"]
    assert not read.defects


@pytest.mark.parametrize("compress", COMPRESSORS)
def test_data_after(compress: Callable[[bytes], bytes]) -> None:
    read = Read(compress(b"x" * 99) + b"junk")
    assert read.contents == [b"x" * 99]
    assert [found.kind for found in read.defects] == ["data-after"]
    assert not Read(compress(b"x" * 99) + b"\0" * 600).defects


@pytest.mark.parametrize("compress", COMPRESSORS)
def test_cut_off_stream(compress: Callable[[bytes], bytes]) -> None:
    read = Read(compress(BIG)[:-9])
    assert read.recognised
    assert read.contents[0]
    assert BIG.startswith(read.contents[0])
    assert read.error is not None


def test_damaged_stream_keeps_what_came_before() -> None:
    data = bytearray(gzip.compress(BIG, 0))
    data[-8:-4] = b"oops"  # the checksum
    read = Read(bytes(data))
    assert read.contents[0].startswith(BIG[: 4 << 20])
    assert read.error is not None


@pytest.mark.parametrize(
    ("name", "inner"),
    [("a.pkl.gz", "a.pkl"), ("m.TGZ", "m.tar"), ("m.joblib", "m.joblib"), (".gz", ".gz")],
)
def test_inner_name(name: str, inner: str) -> None:
    assert Read(gzip.compress(b"1"), name).members[0].member == inner


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"x^2 + y^2 = z^2 and some more words", b"x\x9c", b"x\x9cnot zlib at all",
     b"\x1f\x8b\x08", b"BZh9 is a name", b"]\0\0\0\1 not lzma", b"\x1f\x8b\x08\xff" * 4],
)  # fmt: skip
def test_does_not_recognise(data: bytes) -> None:
    assert not Read(data).recognised


@pytest.mark.parametrize("compress", COMPRESSORS)
def test_bomb_is_cut_off(compress: Callable[[bytes], bytes]) -> None:
    limits = Limits(ratio=50, ratio_floor=1 << 20)
    read = Read(compress(b"\0" * (8 << 20)), budget=Budget(limits))
    assert isinstance(read.error, BudgetError)
    assert len(read.contents[0]) < 2 << 20


def test_dictionary_of_gigabytes_is_refused() -> None:
    data = bytearray(_lzma_alone(b"x" * 400))
    data[1:5] = (1 << 31).to_bytes(4, "little")
    read = Read(bytes(data))
    assert isinstance(read.error, ReadError)


@given(st.sampled_from(COMPRESSORS), st.binary(max_size=200),
       st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_mutated_streams(
    compress: Callable[[bytes], bytes], payload: bytes, edits: list[tuple[float, int]]
) -> None:
    data = bytearray(compress(payload))
    for where, value in edits:
        data[int(where * (len(data) - 1))] = value
    Read(bytes(data), budget=Budget(Limits(inflated_bytes=1 << 24)))


@given(st.sampled_from([b"", b"\x1f\x8b\x08\0", b"BZh91AY&SY", b"\xfd7zXZ\0", b"x\x9c", b"]\0\0"]),
       st.binary(max_size=200))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes(head: bytes, data: bytes) -> None:
    Read(head + data, budget=Budget(Limits(inflated_bytes=1 << 24)))


# -- what loaders take for one stream ----------------------------------------------------------


@pytest.mark.parametrize("compress", COMPRESSORS)
def test_streams_of_one_kind_are_one_member(compress: Callable[[bytes], bytes]) -> None:
    read = Read(compress(b"first, ") + compress(b"second"))
    assert read.contents == [b"first, second"]
    assert not read.defects


@pytest.mark.parametrize("compress", CHAINED)
def test_zeros_between_streams(compress: Callable[[bytes], bytes]) -> None:
    read = Read(compress(b"first, ") + bytes(100) + compress(b"second") + bytes(8))
    assert read.contents == [b"first, second"]
    assert not read.defects


def test_lzma_goes_on_as_xz() -> None:
    assert Read(_lzma_alone(b"a") + lzma.compress(b"b")).contents == [b"ab"]


def test_what_follows_is_a_member() -> None:
    read = Read(gzip.compress(b"a") + bytes(3) + INERT_PICKLE)
    assert [found.kind for found in read.defects] == ["data-after"]
    assert read.members[0].member == "model.pkl"


@pytest.mark.parametrize("bits", range(9, 16))
def test_zlib_of_any_window(bits: int) -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, bits)
    data = compressor.compress(INERT_PICKLE * 9) + compressor.flush()
    assert Read(data).contents == [INERT_PICKLE * 9]
    assert not CompressedReader().recognises(Glimpse(BytesArtifact("a", data[:-20]))) or bits == 15


def test_zlib_by_joblib_before_0_10() -> None:
    data = b"ZF" + hex(len(INERT_PICKLE)).encode().ljust(19) + zlib.compress(INERT_PICKLE)
    assert Read(data).contents == [INERT_PICKLE]
    assert not Read(data[:21] + b"no zlib" * 9).recognised


@pytest.mark.parametrize("dictionary", [1 << 12, 3 << 12, 1 << 23, 3 << 23])
def test_lzma_dictionaries(dictionary: int) -> None:
    data = bytearray(_lzma_alone(INERT_PICKLE))
    data[1:5] = dictionary.to_bytes(4, "little")
    assert Read(bytes(data)).contents == [INERT_PICKLE]


def test_a_dictionary_that_is_too_large() -> None:
    data = bytearray(_lzma_alone(INERT_PICKLE))
    data[1:5] = (1 << 31).to_bytes(4, "little")
    read = Read(bytes(data))
    assert read.recognised
    assert isinstance(read.error, BudgetError)


def test_thousands_of_empty_streams() -> None:
    read = Read(gzip.compress(b"") * 50, budget=Budget(Limits(members=20)))
    assert isinstance(read.error, BudgetError)


@pytest.mark.parametrize("data", [b"\x1f\x8b\x08", b"\x1f\x8b\x08\xff" + bytes(30), b"x\x9c",
                                  b"BZh9" + bytes(30), b"\x5d" + bytes(30)])  # fmt: skip
def test_beginnings_that_are_none(data: bytes) -> None:
    assert not Read(data).recognised


# -- libraries that may be missing -------------------------------------------------------------

ZSTD, LZ4 = b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"
SKIPPABLE = b"\x5a\x2a\x4d\x18\4\0\0\0abcd"


def _raw_zstd(data: bytes) -> bytes:
    """One frame of one raw block (RFC 8878)."""
    block = (len(data) << 3 | 1).to_bytes(3, "little")
    return ZSTD + b"\x20" + bytes([len(data)]) + block + data


def _raw_lz4(data: bytes) -> bytes:
    """One frame of one raw block, with the checksum of this one header."""
    size = (len(data) | 1 << 31).to_bytes(4, "little")
    return LZ4 + b"\x60\x40\x82" + size + data + bytes(4)


@pytest.mark.parametrize(
    "data", [_raw_zstd(b"abc"), SKIPPABLE + _raw_zstd(b"abc"), _raw_lz4(b"abc")]
)
def test_a_library_that_is_missing(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflation, "_LIBRARIES", {"zstd": ("no_such", "nor_this"), "lz4": ()})
    artifact = BytesArtifact("model.pkl.zst", data)
    items = list(CompressedReader().read(artifact, Budget()))
    assert [(item.status, item.needed) for item in items if isinstance(item, Coverage)] == [
        ("unsupported", True)
    ]
    assert len(items) == 1


@pytest.mark.parametrize("data", [_raw_zstd(b"abc"), SKIPPABLE + _raw_zstd(b"abc")])
def test_zstd(data: bytes) -> None:
    if inflation._library("zstd") is None:
        pytest.skip("neither Python 3.14 nor the extra")
    assert b"".join(Read(data + data).contents) == b"abcabc"
    assert Read(data[:-2]).error is not None


def test_lz4() -> None:
    pytest.importorskip("lz4.frame", reason="the extra is not installed")
    assert Read(_raw_lz4(b"abc")).contents == [b"abc"]
    assert Read(_raw_lz4(b"abc")[:-5]).error is not None


def test_zstd_inside_a_zip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflation, "_LIBRARIES", {"zstd": (), "lz4": ()})
    packed = _raw_zstd(b"abc")
    data = Zip().member("a", packed, method=93, size=3, crc=zlib.crc32(b"abc")).build()
    items = list(ZipReader().read(BytesArtifact("a.zip", data), Budget()))
    assert [(item.status, item.needed) for item in items if isinstance(item, Coverage)] == [
        ("unsupported", True)
    ]


@pytest.mark.parametrize("field", [4, 8, 16])
def test_what_hides_before_a_gzip_stream_is_read(field: int) -> None:
    text = b"cos\nsystem\n(S'echo hi and hi again'\ntR."
    extra = len(text).to_bytes(2, "little") + text if field == 4 else text + b"\0"
    plain = gzip.compress(b"words")
    data = plain[:3] + bytes([field]) + plain[4:10] + extra + plain[10:]
    assert gzip.decompress(data) == b"words"
    assert fails(data, "model.gz") == ["pickle-dangerous-call"]


def test_ordinary_gzip_headers_are_quiet() -> None:
    plain = gzip.compress(b"words")
    named = plain[:3] + b"\x18" + plain[4:10] + b"a-file-with-a-rather-long-name.txt\0hi\0"
    assert quiet(named + plain[10:], "model.gz")
    assert gaps(named[:-2], "model.gz")


def test_lz4_in_the_old_frames_is_a_needed_gap() -> None:
    data = b"\x02\x21\x4c\x18" + len(BIG).to_bytes(4, "little") + b"\xf0" + INERT_PICKLE
    assert gaps(data, "m.pkl.lz4") == ["lz4 data in the old frames, which nothing here opens"]


@pytest.mark.parametrize("compress", CHAINED)
def test_many_small_bombs_in_a_row_are_one(compress: Callable[[bytes], bytes]) -> None:
    limits = Limits(ratio=100, ratio_floor=1 << 20)
    one = compress(bytes(256 << 10))
    assert Read(one, budget=Budget(limits)).error is None
    assert isinstance(Read(one * 20, budget=Budget(limits)).error, BudgetError)


def test_many_small_bombs_side_by_side_are_one() -> None:
    bomb = gzip.compress(bytes(256 << 10))
    data = python_tar({f"{number}.gz": bomb for number in range(40)})
    limits = Limits(ratio_total=10, total_floor=1 << 20)
    reading = Reading(
        BytesArtifact("a.tar", data), (TarReader(), CompressedReader()), Budget(limits)
    )
    gaps_found = [item for item in reading if isinstance(item, Coverage) and item.needed]
    assert gaps_found
    assert gaps_found[-1].reason.startswith("given up: 16 parts")
