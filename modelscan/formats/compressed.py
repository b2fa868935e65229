"""Files that are one compressed stream or several in a row: `.gz`, `.bz2`, `.xz`, joblib's.

Invariants: streams that a decompressor takes for one file are one member here, zeros between them
included; what follows the last stream is stated, and read as a file of its own.

Source: RFC 1952 section 2.2 (gzip members), RFC 1950, the xz file format 1.2.1 (stream padding),
RFC 8878 (zstd), the LZ4 frame format 1.6.4; joblib's `compressor.py` and `numpy_pickle_compat.py`
for what its loader opens, whatever the file's name.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.archive import Item, Window, after_zeros, defect, find, hidden
from modelscan.formats.inflation import Codec, Inflation, UnsupportedError, unpack
from modelscan.formats.reader import HEAD, Glimpse
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, base_name
from modelscan.vocabulary.coverage import Coverage

_MAGIC_LENGTH = 18  # of a gzip header, and the longest of them: an lzma header with its first byte
_BZ2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")  # a first block, or the end of an empty stream
_ZSTD, _SKIPPABLE = b"\x28\xb5\x2f\xfd", b"\x2a\x4d\x18"
_OLD_LZ4 = b"\x02\x21\x4c\x18"
_LZ4 = (b"\x04\x22\x4d\x18", _OLD_LZ4)
_JOBLIB, _JOBLIB_HEAD = b"ZF0x", 21
"""How joblib before 0.10 began a file: a mark, and the inflated size in hexadecimal."""
_SUFFIXES = {
    ".gz": "", ".bz2": "", ".xz": "", ".lzma": "", ".z": "", ".zlib": "", ".zst": "", ".lz4": "",
    ".tgz": ".tar", ".tbz2": ".tar", ".txz": ".tar", ".tzst": ".tar",
}  # fmt: skip
_FAMILIES: dict[Codec, frozenset[Codec]] = {
    "xz": frozenset({"xz", "lzma"}),
    "lzma": frozenset({"xz", "lzma"}),
}
"""Streams of which kinds go on with one another, where that is not only the same kind."""
_LZMA_HEAD = 13
_LZMA_SIZE_MAX = 1 << 38
_FIRST_BYTES = tuple(
    bytes((first,))
    for first in range(256)
    if first & 0x8F == 8 or first >> 4 == 5 or first in b"\x1fB\xfd\x04\x02\x28"  # noqa: PLR2004
)
"""Of zlib; of skippable frames, lzma and joblib; of the rest."""
_GZIP_FIXED, _GZIP_EXTRA, _GZIP_NAME, _GZIP_COMMENT = 10, 4, 8, 16
_HIDES = 32
"""Bytes from which on a field in front of a stream is looked at like a member."""
_GZIP_RESERVED = 0x20
"""Flags from here on must be zero (RFC 1952 section 2.3.1.2)."""


class CompressedReader:
    """Compressed streams of every kind that a model loader opens.

    zlib and lzma streams carry no magic number: they count only when their beginning inflates.
    """

    @property
    def format(self) -> str:
        """See `Reader.format`."""
        return "compressed"

    def recognises(self, glimpse: Glimpse) -> bool:
        """See `Reader.recognises`."""
        return _codec(glimpse.head) is not None

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Item]:
        """See `Reader.read`; what follows the last stream is a `data-after` defect."""
        head = artifact.read_at(0, HEAD)
        codec = _codec(head)
        if codec is None:
            raise ReadError("not a compressed stream", offset=0)
        budget.member()
        if head.startswith(_OLD_LZ4):
            yield _unopened(artifact, "lz4 data in the old frames, which nothing here opens")
            return
        if codec == "gzip":
            yield from _header_texts(artifact, budget)
        chain = _Chain(artifact, codec, budget)
        unpacked = unpack(artifact, _inner_name(artifact), chain.pieces)
        if isinstance(unpacked.damage, UnsupportedError):
            yield _unopened(artifact, unpacked.damage.message)
            return
        end = chain.position  # before the artifact is read again, which starts the chain anew
        yield unpacked.artifact
        if unpacked.damage is not None:
            try:
                raise unpacked.damage
            finally:  # an error that this frame holds would hold the frame, and what it inflated
                del unpacked, chain
        start = after_zeros(artifact, end, artifact.size)
        if start < artifact.size:
            detail = f"{artifact.size - end:,} bytes after the end of the {codec} data"
            yield defect(artifact, "data-after", detail=detail, offset=end)
            yield hidden(artifact, start, artifact.size)


def _unopened(artifact: Artifact, reason: str) -> Coverage:
    return Coverage(
        file=artifact.name, member=artifact.member, status="unsupported", needed=True,
        reason=reason,
    )  # fmt: skip


def _header_texts(artifact: Artifact, budget: Budget) -> Iterator[Artifact]:
    """The fields in front of a gzip stream that are long enough to hold a file.

    No decompressor looks at them: extra field, original name, comment (RFC 1952 section 2.3.1).
    """
    head = artifact.read_at(0, _GZIP_FIXED + 2)
    flags, at = head[3], _GZIP_FIXED
    if flags & _GZIP_EXTRA:
        length = int.from_bytes(head[_GZIP_FIXED:], "little")
        at += 2
        if length >= _HIDES:
            budget.member()
            yield hidden(artifact, at, at + length)
        at += length
    window = Window(artifact)
    for flag in (_GZIP_NAME, _GZIP_COMMENT):
        if flags & flag:
            end = find(artifact, window, b"\0", at, artifact.size)
            if end - at >= _HIDES:
                budget.member()
                yield hidden(artifact, at, end)
            at = end + 1


class _Chain:
    """Compressed streams of one kind, one after the other."""

    def __init__(self, artifact: Artifact, codec: Codec, budget: Budget) -> None:
        self._artifact = artifact
        self._codec = codec
        self._budget = budget
        self.position = 0
        """The byte after the last stream, once `pieces` is exhausted."""

    def pieces(self) -> Iterator[bytes]:
        """The inflated bytes of all streams in order; starts anew at each call."""
        artifact, codec = self._artifact, self._codec
        size = artifact.size
        family = _FAMILIES.get(codec, frozenset({codec}))
        position = _JOBLIB_HEAD if artifact.read_at(0, len(_JOBLIB)) == _JOBLIB else 0
        produced = 0
        while True:
            before = position, produced  # as one stream: hundreds of them may be small one by one
            inflation = Inflation(artifact, position, size, codec, self._budget, before=before)
            yield from inflation.pieces(to_the_last=True)
            produced += inflation.produced
            self._budget.member()  # thousands of empty streams produce nothing to pay for
            self.position = inflation.position
            position = after_zeros(artifact, self.position, size)
            following = _codec(artifact.read_at(position, HEAD)) if position < size else None
            if following is None or following not in family:
                return
            codec = following


def _codec(head: bytes) -> Codec | None:
    """How a file that begins with `head` is compressed."""
    found = _by_magic(head)
    if found is not None:
        return found
    if _zlib_header(head):
        usual = head[:1] == b"x"  # the only window that anybody writes
        return "zlib" if _inflates(head, "zlib", whole=not usual) else None
    if head.startswith(_JOBLIB) and _zlib_header(head[_JOBLIB_HEAD:]):
        return "zlib"
    if head[:1] == b"\x5d" and _plausible_lzma(head) and _inflates(head, "lzma"):
        return "lzma"
    return None


def _by_magic(head: bytes) -> Codec | None:
    if head.startswith(b"\x1f\x8b\x08"):
        plausible = len(head) >= _MAGIC_LENGTH and head[3] < _GZIP_RESERVED
        return "gzip" if plausible else None
    if head.startswith(b"BZh") and head[3:4] in b"123456789" and head.startswith(_BZ2_BLOCKS, 4):
        return "bz2"
    if head.startswith(b"\xfd7zXZ\0"):
        return "xz"
    if head.startswith(_LZ4):
        return "lz4"
    skippable = head.startswith(_SKIPPABLE, 1) and head[0] >> 4 == 5  # noqa: PLR2004 - 0x50 to 0x5f
    return "zstd" if skippable or head.startswith(_ZSTD) else None


def _zlib_header(head: bytes) -> bool:
    """Deflate, a window of up to 32 KiB, no preset dictionary, and the check (RFC 1950)."""
    if len(head) < 2 or head[0] & 0x8F != 8 or head[1] & 0x20:  # noqa: PLR2004
        return False
    return int.from_bytes(head[:2], "big") % 31 == 0


def _plausible_lzma(head: bytes) -> bool:
    """Default properties, a dictionary as encoders make it, a believable size, a coder's zero."""
    if len(head) <= _LZMA_HEAD or head[_LZMA_HEAD]:
        return False
    dictionary = int.from_bytes(head[1:5], "little")
    size = int.from_bytes(head[5:_LZMA_HEAD], "little")
    lowest = dictionary & -dictionary
    # 2**n or 2**n + 2**(n-1), as liblzma demands of files without a magic number
    usual = dictionary == 0xFFFFFFFF or dictionary in {lowest, 3 * lowest}  # noqa: PLR2004
    return bool(dictionary) and usual and (size < _LZMA_SIZE_MAX or size == (1 << 64) - 1)


def _inflates(head: bytes, codec: Codec, *, whole: bool = False) -> bool:
    """True when the beginning of a file inflates as far as it goes.

    Args:
        head: the beginning.
        codec: as what.
        whole: demand the end of the stream of a file that is all in sight.
    """
    if head.isascii():  # compressed data never is, and a text may well begin with "x^"
        return False
    inflation = Inflation(BytesArtifact("", head), 0, len(head), codec, Budget())
    if whole and len(head) < HEAD:
        return inflation.succeeds(whole=True)
    try:
        next(inflation.pieces(), b"")
    except BudgetError:
        return True  # a stream, and one that wants too much
    except ReadError:
        return False
    return True


def _inner_name(artifact: Artifact) -> str:
    """The name that the decompressed file would have."""
    name = base_name(artifact)
    stem, dot, extension = name.rpartition(".")
    suffix = _SUFFIXES.get(dot + extension.lower())
    return stem + suffix if stem and suffix is not None else name
