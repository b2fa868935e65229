"""Compressed streams: inflating in steps, and the reader of files that are one compressed stream.

Invariants: decompression goes forward in steps of `STEP` bytes, each paid for before the next one;
damage is a `ReadError`, whatever the decompressor raises; what came before it is still read.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Literal, Protocol

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.archive import blank, defect
from modelscan.formats.reader import HEAD, Glimpse
from modelscan.vocabulary.artifact import (
    Artifact,
    BytesArtifact,
    StreamArtifact,
    base_name,
    child_name,
)
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

STEP = 256 << 10
"""Bytes inflated at a time."""
KEEP = 4 << 20
"""Inflated members up to this size are held in memory; larger ones are streamed."""

Codec = Literal["deflate", "zlib", "gzip", "bz2", "xz", "lzma", "lzma-zip"]

_INPUT = 64 << 10
_TRIAL = 1 << 20
_DICTIONARY_MAX = 64 << 20
_MAGIC_LENGTH = 10
_CHAINED = frozenset({"gzip", "bz2", "xz"})
_BZ2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")  # a first block, or the end of an empty stream
_SUFFIXES = {
    ".gz": "", ".bz2": "", ".xz": "", ".lzma": "", ".z": "", ".zlib": "",
    ".tgz": ".tar", ".tbz2": ".tar", ".txz": ".tar",
}  # fmt: skip
_ZLIB_HEADS = frozenset({b"x\x01", b"x^", b"x\x9c", b"x\xda"})  # RFC 1950, 32 KiB window
_LZMA_HEAD = 13
_LZMA_SIZE_MAX = 1 << 40


class _Decompressor(Protocol):
    """The interface that `bz2` and `lzma` share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Zlib:
    """`zlib`'s decompressor behind that interface: it hands back input that it did not get to."""

    def __init__(self, window_bits: int) -> None:
        self._inner = zlib.decompressobj(window_bits)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail and not self._full

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        output = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self._full = len(output) == max_length  # then more may be pending without any input
        return output


class Inflation:
    """One compressed stream, inflated once, forwards.

    Args:
        source: where the compressed bytes lie.
        start: their first byte.
        end: where they end at the latest; the stream itself usually knows better.
        codec: how they are compressed.
        budget: pays for every step.
        expected: inflated bytes, needed only for `lzma-zip`, which need not mark its end.
    """

    def __init__(
        self,
        source: Artifact,
        start: int,
        end: int,
        codec: Codec,
        budget: Budget,
        expected: int | None = None,
    ) -> None:
        self._source = source
        self._start = start
        self._end = min(end, source.size)
        self._codec = codec
        self._budget = budget
        self._expected = expected if codec == "lzma-zip" else None
        self.position = start
        """The byte after the compressed stream, once `pieces` is exhausted."""
        self.produced = 0
        """Bytes inflated so far."""

    def pieces(self) -> Iterator[bytes]:
        """The inflated bytes in order, in pieces of at most `STEP`.

        Raises:
            ReadError: the stream is damaged or ends early; what came before is valid.
            BudgetError: the budget is used up.
        """
        try:
            yield from self._pieces()
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
            raise ReadError(f"damaged {self._codec} data: {error}", offset=self.position) from error

    def succeeds(self, *, whole: bool = False) -> bool:
        """True when this really is such a stream: it inflates to its end, or very far.

        Args:
            whole: go to the end in any case, so that `position` and `produced` are final.

        Raises:
            BudgetError: the budget is used up.
        """
        try:
            for _ in self.pieces():
                if self.produced >= _TRIAL and not whole:  # random bytes never get this far
                    self.position = self._end
                    return True
        except BudgetError:
            raise
        except ReadError:
            return False
        return True

    def _pieces(self) -> Iterator[bytes]:
        decompressor = self._open()
        while not decompressor.eof:
            data = b""
            if decompressor.needs_input:
                data = self._source.read_at(self.position, min(_INPUT, self._end - self.position))
                if not data:
                    raise ReadError(f"{self._codec} data ends early", offset=self.position)
                self.position += len(data)
            piece = decompressor.decompress(data, STEP)
            if self._expected is not None:
                piece = piece[: self._expected - self.produced]
            self.produced += len(piece)
            consumed = self.position - self._start
            self._budget.inflate(len(piece), total=self.produced, compressed=consumed)
            if piece:
                yield piece
            if self._expected is not None and self.produced >= self._expected:
                return
        self.position -= len(decompressor.unused_data)

    def _open(self) -> _Decompressor:
        match self._codec:
            case "deflate":
                return _Zlib(-zlib.MAX_WBITS)
            case "zlib":
                return _Zlib(zlib.MAX_WBITS)
            case "gzip":
                return _Zlib(16 + zlib.MAX_WBITS)
            case "bz2":
                return bz2.BZ2Decompressor()
            case "lzma-zip":
                return self._open_lzma()
            case "xz" | "lzma":
                kind = lzma.FORMAT_XZ if self._codec == "xz" else lzma.FORMAT_ALONE
                # room for the strongest preset's dictionary, whose pages are touched only when used
                return lzma.LZMADecompressor(kind, memlimit=_DICTIONARY_MAX + (16 << 20))

    def _open_lzma(self) -> _Decompressor:
        """LZMA inside a zip: version, size of the properties, properties (APPNOTE 5.8.8)."""
        head = self._source.read_at(self.position, min(9, self._end - self.position))
        if len(head) < 9 or head[2:4] != b"\x05\x00" or head[4] >= 225:  # noqa: PLR2004 - 9 * 5 * 5
            raise ReadError("damaged lzma properties", offset=self.position)
        dictionary = int.from_bytes(head[5:9], "little")
        if dictionary > _DICTIONARY_MAX:
            raise BudgetError(f"an lzma dictionary of {dictionary:,} bytes")
        self.position += 9
        properties = {
            "id": lzma.FILTER_LZMA1,
            "dict_size": max(dictionary, 4096),
            "lc": head[4] % 9,
            "lp": head[4] // 9 % 5,
            "pb": head[4] // 45,
        }
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[properties])


class Unpacked(msgspec.Struct, frozen=True):
    """A compressed member once its size is known."""

    artifact: Artifact
    """Its bytes, up to the damage if there is any."""
    damage: ReadError | None
    """Why it ends where it ends."""


def unpack(
    parent: Artifact,
    member: str,
    pieces: Callable[[], Iterator[bytes]],
    *,
    keep: int = KEEP,
    declared: int = 0,
) -> Unpacked:
    """Inflate a member once to learn its size; hold it in memory when it is small.

    Args:
        parent: the archive.
        member: the member's name.
        pieces: starts the stream anew at each call.
        keep: hold it in memory up to this size.
        declared: the size that the archive states. Once more than `keep` has been inflated and the
            statement may still be true, it is taken on trust: inflating gigabytes twice is dear.
    """
    kept: list[bytes] = []
    size = 0
    damage: ReadError | None = None
    try:
        for piece in pieces():
            if size <= keep:
                kept.append(piece)
            size += len(piece)
            if keep < size < declared:
                return Unpacked(StreamArtifact(parent, member, declared, pieces), None)
    except ReadError as error:
        damage = error
    if size <= keep or isinstance(damage, BudgetError):
        # no budget is left to inflate it a second time, but its beginning still gets read
        return Unpacked(_in_memory(parent, member, b"".join(kept)), damage)
    return Unpacked(StreamArtifact(parent, member, size, pieces), damage)


def _in_memory(parent: Artifact, member: str, data: bytes) -> BytesArtifact:
    return BytesArtifact(
        parent.name, data, member=child_name(parent, member), depth=parent.depth + 1
    )


class CompressedReader:
    """Files that are one compressed stream, or several in a row: `.gz`, `.bz2`, `.xz`, joblib's.

    Concatenated streams are one file to every decompressor (RFC 1952 section 2.2), so they are one
    member here. zlib and lzma streams carry no magic number: they count only when their beginning
    inflates.
    """

    @property
    def format(self) -> str:
        """See `Reader.format`."""
        return "compressed"

    def recognises(self, glimpse: Glimpse) -> bool:
        """See `Reader.recognises`."""
        return _codec(glimpse.head) is not None

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """See `Reader.read`; what follows the last stream is a `data-after` defect."""
        codec = _codec(artifact.read_at(0, HEAD))
        if codec is None:
            raise ReadError("not a compressed stream", offset=0)
        budget.member()
        chain = _Chain(artifact, codec, budget)
        unpacked = unpack(artifact, _inner_name(artifact), chain.pieces)
        yield unpacked.artifact
        if unpacked.damage is not None:
            raise unpacked.damage
        if not blank(artifact, chain.position, artifact.size):
            extra = artifact.size - chain.position
            yield defect(
                artifact,
                "data-after",
                detail=f"{extra:,} bytes after the end of the {codec} data",
                offset=chain.position,
            )


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
        position, size = 0, self._artifact.size
        while True:
            inflation = Inflation(self._artifact, position, size, self._codec, self._budget)
            yield from inflation.pieces()
            self._budget.step()  # thousands of empty streams produce nothing to pay for
            position = self.position = inflation.position
            head = self._artifact.read_at(position, _MAGIC_LENGTH)
            if self._codec not in _CHAINED or _by_magic(head) != self._codec:
                return


def _codec(head: bytes) -> Codec | None:
    """How a file that begins with `head` is compressed."""
    found = _by_magic(head)
    if found is not None:
        return found
    if head[:2] in _ZLIB_HEADS:
        return "zlib" if _inflates(head, "zlib") else None
    if head[:1] == b"\x5d" and _plausible_lzma(head) and _inflates(head, "lzma"):
        return "lzma"
    return None


def _by_magic(head: bytes) -> Codec | None:
    # reserved flags of gzip must be zero (RFC 1952 section 2.3.1.2)
    if head.startswith(b"\x1f\x8b\x08") and len(head) >= _MAGIC_LENGTH and head[3] < 0x20:  # noqa: PLR2004
        return "gzip"
    if head.startswith(b"BZh") and head[3:4] in b"123456789" and head.startswith(_BZ2_BLOCKS, 4):
        return "bz2"
    return "xz" if head.startswith(b"\xfd7zXZ\0") else None


def _plausible_lzma(head: bytes) -> bool:
    """Default properties, a power of two as dictionary, a believable size, a range coder's zero."""
    if len(head) <= _LZMA_HEAD or head[_LZMA_HEAD]:
        return False
    dictionary = int.from_bytes(head[1:5], "little")
    size = int.from_bytes(head[5:_LZMA_HEAD], "little")
    return (
        dictionary >= 1 << 12
        and dictionary & (dictionary - 1) == 0
        and (size < _LZMA_SIZE_MAX or size == (1 << 64) - 1)
    )


def _inflates(head: bytes, codec: Codec) -> bool:
    """True when the beginning of a file inflates as far as it goes."""
    if head.isascii():  # compressed data never is, and a text may well begin with "x^"
        return False
    inflation = Inflation(BytesArtifact("", head), 0, len(head), codec, Budget())
    try:
        next(inflation.pieces(), b"")
    except ReadError:
        return False
    return True


def _inner_name(artifact: Artifact) -> str:
    """The name that the decompressed file would have."""
    name = base_name(artifact)
    stem, dot, extension = name.rpartition(".")
    suffix = _SUFFIXES.get(dot + extension.lower())
    return stem + suffix if stem and suffix is not None else name
