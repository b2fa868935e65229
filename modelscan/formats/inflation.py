"""Inflating compressed streams in steps.

Invariants: decompression goes forward in steps of `STEP` bytes, each paid for before the next one;
damage is a `ReadError`, whatever the decompressor raises; what came before it stays valid.
"""

from __future__ import annotations

import bz2
import importlib
import lzma
import zlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Literal, Protocol, cast

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, StreamArtifact, child_name

STEP = 256 << 10
"""Bytes inflated at a time."""
_FINER = (512, 1)
"""The same where a step has failed, one after the other."""
_EVERYTHING = 1 << 62
KEEP = 4 << 20
"""Inflated members up to this size are held in memory; larger ones are streamed."""
DICTIONARY_MAX = 64 << 20
"""Decompressors that want to look back further than this are refused."""

Codec = Literal["deflate", "zlib", "gzip", "bz2", "xz", "lzma", "lzma-zip", "zstd", "lz4", "raw"]
"""`lzma-zip` is LZMA as zip wraps it, `raw` a chain of lzma filters that the caller names."""

_LIBRARIES = {"zstd": ("compression.zstd", "backports.zstd"), "lz4": ("lz4.frame",)}
_LIMIT = "Memory usage limit exceeded"
_FIRST_INPUT, _INPUT = 4 << 10, 64 << 10
"""Bytes read at a time: few at first, since a file may hold thousands of tiny streams."""
_TRIAL = 1 << 20
_ZIP_LZMA_HEAD = 9
_PROPERTIES = 225
"""Combinations of the three parameters that LZMA packs into one byte."""


class UnsupportedError(ReadError):
    """The stream is whole for all we know, and nothing here can open it."""


class _Decompressor(Protocol):
    """The interface that `bz2`, `lzma`, `lz4.frame` and Python's `zstd` share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
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
        expected: inflated bytes, for the codecs that need not mark their end.
        filters: for `raw`, the chain as `lzma` wants it.
        before: of a chain of streams, bytes consumed and produced by those before this one.
    """

    def __init__(
        self,
        source: Artifact,
        start: int,
        end: int,
        codec: Codec,
        budget: Budget,
        expected: int | None = None,
        filters: list[dict[str, Any]] | None = None,
        before: tuple[int, int] = (0, 0),
    ) -> None:
        self._before = before
        self._source = source
        self._start = start
        self._end = min(end, source.size)
        self._codec = codec
        self._budget = budget
        self._coarse = _EVERYTHING
        """Bytes that are inflated in large steps."""
        self._fine = STEP
        """The steps behind them."""
        self._expected = expected if codec in {"lzma-zip", "raw"} else None
        self._filters = filters
        self.position = start
        """The byte after the compressed stream, once `pieces` is exhausted."""
        self.produced = 0
        """Bytes inflated so far."""
        self.finished = False
        """True once the stream has been inflated to its own end."""

    def pieces(self, *, to_the_last: bool = False) -> Iterator[bytes]:
        """The inflated bytes in order, in pieces of at most `STEP`.

        Args:
            to_the_last: of a damaged stream, everything that stands before the damage.

        Raises:
            ReadError: the stream is damaged or ends early; what came before is valid.
            UnsupportedError: the library that opens it is not installed.
            BudgetError: the budget is used up.
        """
        try:
            yield from self._pieces()
        except ReadError:
            raise
        except MemoryError as error:
            raise BudgetError(f"{self._codec} data that needs too much memory") from error
        except Exception as error:  # each of six libraries has its own
            if isinstance(error, lzma.LZMAError) and str(error) == _LIMIT:
                raise BudgetError("an lzma dictionary that is too large") from error
            if to_the_last:
                yield from self._up_to_the_damage()
            raise ReadError(f"damaged {self._codec} data: {error}", offset=self.position) from error

    def _up_to_the_damage(self) -> Iterator[bytes]:
        """What an error has swallowed, such as that of a wrong sum behind all the data.

        A library gives out nothing of a step in which it fails. Loaders take smaller ones, and come
        to the sum only when they have used what is before it: so does this, from the start. Only
        the last byte may stay with the sum.
        """
        for step in _FINER:
            again = Inflation(
                self._source, self._start, self._end, self._codec, self._budget, self._expected,
                self._filters, self._before,
            )  # fmt: skip
            again._coarse, again._fine = self.produced, step
            try:
                for piece in again.pieces():
                    if again.produced > self.produced:
                        yield piece[self.produced - again.produced :]
                        self.produced = again.produced
            except BudgetError:
                raise
            except ReadError:  # the damage, which is being told
                continue

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
        if self._expected == 0:
            self.finished = True
            return
        decompressor = self._open()
        length = _FIRST_INPUT
        while not decompressor.eof:
            data = b""
            if decompressor.needs_input:
                data = self._source.read_at(self.position, min(length, self._end - self.position))
                length = _INPUT
                if not data:
                    raise ReadError(f"{self._codec} data ends early", offset=self.position)
                self.position += len(data)
            step = max(self._fine, min(STEP, self._coarse - self.produced))
            piece = decompressor.decompress(data, step)
            if self._expected is not None:
                piece = piece[: self._expected - self.produced]
            self.produced += len(piece)
            consumed, produced = self._before
            self._budget.inflate(
                len(piece),
                total=produced + self.produced,
                compressed=consumed + self.position - self._start,
            )
            if piece:
                yield piece
            if self._expected is not None and self.produced >= self._expected:
                break
        self.finished = True
        self.position -= len(decompressor.unused_data or b"")  # lz4 has none for nothing

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
            case "zstd" | "lz4":
                return _open_optional(self._codec)
            case "lzma-zip":
                return self._open_lzma()
            case "raw":
                return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=self._filters)
            case "xz" | "lzma":
                kind = lzma.FORMAT_XZ if self._codec == "xz" else lzma.FORMAT_ALONE
                # room for the strongest preset's dictionary, whose pages are touched only when used
                return lzma.LZMADecompressor(kind, memlimit=DICTIONARY_MAX + (16 << 20))

    def _open_lzma(self) -> _Decompressor:
        """LZMA inside a zip: version, size of the properties, properties (APPNOTE 5.8.8)."""
        length = min(_ZIP_LZMA_HEAD, self._end - self.position)
        head = self._source.read_at(self.position, length)
        if len(head) < _ZIP_LZMA_HEAD or head[2:4] != b"\x05\x00":
            raise ReadError("damaged lzma properties", offset=self.position)
        filters = [lzma_filter(head[4:], self._expected)]
        self.position += _ZIP_LZMA_HEAD
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)


def lzma_filter(properties: bytes, size: int | None = None) -> dict[str, Any]:
    """LZMA's five bytes of properties as `lzma` wants them.

    Args:
        properties: one byte of parameters, four of the dictionary's size.
        size: inflated bytes, when known: no dictionary needs to be larger.

    Raises:
        ReadError: they are none.
        BudgetError: the dictionary is too large.
    """
    if len(properties) < 5 or properties[0] >= _PROPERTIES:  # noqa: PLR2004 - as the docstring says
        raise ReadError("damaged lzma properties")
    dictionary = int.from_bytes(properties[1:5], "little")
    return {
        "id": lzma.FILTER_LZMA1,
        "dict_size": dictionary_size(dictionary, size),
        "lc": properties[0] % 9,
        "lp": properties[0] // 9 % 5,
        "pb": properties[0] // 45,
    }


def dictionary_size(stated: int, size: int | None) -> int:
    """A dictionary that suffices for `size` inflated bytes.

    Raises:
        BudgetError: it is too large.
    """
    needed = stated if size is None else min(stated, size)
    if needed > DICTIONARY_MAX:
        raise BudgetError(f"an lzma dictionary of {needed:,} bytes")
    return max(needed, 4096)


def _open_optional(codec: Literal["zstd", "lz4"]) -> _Decompressor:
    """A decompressor that Python has from 3.14 on, or that the extra `archives` brings.

    Raises:
        UnsupportedError: neither is there.
    """
    library = _library(codec)
    if library is None:
        raise UnsupportedError(f"{codec} data: the extra modelassay[archives] opens it")
    if codec == "lz4":
        return cast("_Decompressor", library.LZ4FrameDecompressor())
    limit = {library.DecompressionParameter.window_log_max: DICTIONARY_MAX.bit_length() - 1}
    return cast("_Decompressor", library.ZstdDecompressor(options=limit))


def _library(codec: str) -> ModuleType | None:
    for name in _LIBRARIES[codec]:
        try:
            return importlib.import_module(name)  # lazy and by name: each is there or not
        except ImportError:
            continue
    return None


class InflatedArtifact(StreamArtifact):
    """A member whose size is stated rather than measured."""

    __slots__ = ()

    def overrun(self) -> int:
        """Bytes that the stream holds beyond the stated size, read on from where reading stopped.

        Raises:
            ReadError: the stream is damaged or ends early.
        """
        self.read_at(max(self.size - 1, 0), 1)
        return self._start + len(self._window) + sum(map(len, self._stream)) - self.size


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
            The artifact is an `InflatedArtifact` then, which can be asked afterwards.
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
                return Unpacked(InflatedArtifact(parent, member, declared, pieces), None)
    except ReadError as error:
        # without the frames that it went through: they hold `kept`, and would keep it alive
        damage = error.with_traceback(None)
    if size <= keep or isinstance(damage, BudgetError):
        # no budget is left to inflate it a second time, but its beginning still gets read
        return Unpacked(in_memory(parent, member, b"".join(kept)), damage)
    return Unpacked(StreamArtifact(parent, member, size, pieces), damage)


def in_memory(parent: Artifact, member: str, data: bytes) -> BytesArtifact:
    """Something inside an artifact whose bytes are at hand."""
    return BytesArtifact(
        parent.name, data, member=child_name(parent, member), depth=parent.depth + 1
    )
