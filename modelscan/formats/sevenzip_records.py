"""The header of a 7z archive: which packed streams there are, how they are packed, and the files.

Invariants: every count is checked against the bytes that are left before anything is allocated for
it; nothing is believed beyond what the bytes can hold.

Source: Igor Pavlov, "7z Format description" (`7zFormat.txt` of the LZMA SDK 23.01), and
`Methods.txt` beside it.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from typing import Any

import msgspec

from modelscan.errors import BudgetError, ReadError
from modelscan.formats.inflation import Codec, dictionary_size, lzma_filter

MAGIC = b"7z\xbc\xaf\x27\x1c"
HEAD = 32
"""Bytes of the signature header; positions in the archive count from its end."""
HEADER, ENCODED_HEADER = 0x01, 0x17
_END, _PROPERTIES, _ADDITIONAL, _MAIN, _FILES = 0x00, 0x02, 0x03, 0x04, 0x05
_PACK, _UNPACK, _SUBSTREAMS, _SIZE, _CRC, _FOLDER = 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B
_UNPACK_SIZE, _NUM_UNPACK, _EMPTY_STREAM, _NAMES, _ATTRIBUTES = 0x0C, 0x0D, 0x0E, 0x11, 0x15
_CODERS_MAX = 32
_MOST = 100_000
"""Files, and streams, of one archive: what is held of each takes some hundred bytes."""
_UNIX_EXTENSION = 0x8000

_COPY, _DELTA = b"\x00", b"\x03"
_LZMA2, _LZMA = b"\x21", b"\x03\x01\x01"
_WHOLE: dict[bytes, Codec] = {b"\x04\x01\x08": "deflate", b"\x04\x02\x02": "bz2",
                              b"\x04\xf7\x11\x01": "zstd", b"\x04\xf7\x11\x04": "lz4"}  # fmt: skip
_BRANCHES = {
    b"\x04": lzma.FILTER_X86, b"\x03\x03\x01\x03": lzma.FILTER_X86,
    b"\x05": lzma.FILTER_POWERPC, b"\x03\x03\x02\x05": lzma.FILTER_POWERPC,
    b"\x06": lzma.FILTER_IA64, b"\x03\x03\x04\x01": lzma.FILTER_IA64,
    b"\x07": lzma.FILTER_ARM, b"\x03\x03\x05\x01": lzma.FILTER_ARM,
    b"\x08": lzma.FILTER_ARMTHUMB, b"\x03\x03\x07\x01": lzma.FILTER_ARMTHUMB,
    b"\x09": lzma.FILTER_SPARC, b"\x03\x03\x08\x05": lzma.FILTER_SPARC,
}  # fmt: skip
_ENCRYPTION = b"\x06\xf1\x07\x01"


class Coder(msgspec.Struct, frozen=True):
    """One step of unpacking."""

    method: bytes
    properties: bytes
    inputs: int
    outputs: int


class Folder(msgspec.Struct):
    """Streams that are unpacked together."""

    coders: list[Coder]
    bonds: list[tuple[int, int]]
    """Which input takes which output."""
    packed: list[int]
    """Inputs that take the packed streams."""
    sizes: list[int] = []
    """Size of each output."""
    start: int = 0
    """First byte of the first packed stream, from the start of the file."""
    stop: int = 0
    """The byte after it."""
    files: list[int] = []
    """Sizes of the files in it."""
    checked: bool = False
    """True when it has a checksum as a whole."""

    @property
    def size(self) -> int:
        """Bytes of what is unpacked in the end: the output that nothing takes."""
        taken = {output for _, output in self.bonds}
        return next((size for at, size in enumerate(self.sizes) if at not in taken), 0)

    @property
    def encrypted(self) -> bool:
        """True when one of the steps decrypts."""
        return any(coder.method == _ENCRYPTION for coder in self.coders)

    def plan(self) -> tuple[Codec | None, list[dict[str, Any]]] | None:
        """How Python unpacks it: a codec, or filters for `raw`; `None` when it cannot.

        Without a codec and without filters the bytes are stored as they are.

        Raises:
            ReadError: properties are damaged.
        """
        if any(coder.inputs != 1 or coder.outputs != 1 for coder in self.coders):
            return None
        chain = list(self._order())
        if len(chain) != len(self.coders):
            return None
        if all(coder.method == _COPY for coder in chain):
            return None, []
        if len(chain) == 1 and chain[0].method in _WHOLE:
            return _WHOLE[chain[0].method], []
        filters = [_filter(coder, self.size) for coder in reversed(chain)]
        if None in filters or chain[0].method not in {_LZMA, _LZMA2}:
            return None
        return "raw", [found for found in filters if found is not None]

    def _order(self) -> Iterator[Coder]:
        """The steps of a simple chain, from the packed stream on."""
        takes = {output: taker for taker, output in self.bonds}
        at = self.packed[0] if len(self.packed) == 1 else len(self.coders)
        for _ in self.coders:
            if at >= len(self.coders):
                return
            yield self.coders[at]
            at = takes.get(at, len(self.coders))


class File(msgspec.Struct):
    """One entry."""

    name: str = ""
    has_data: bool = True
    attributes: int = 0

    @property
    def mode(self) -> int:
        """Unix file mode; 0 when there is none."""
        return self.attributes >> 16 if self.attributes & _UNIX_EXTENSION else 0


def _filter(coder: Coder, size: int) -> dict[str, Any] | None:
    if coder.method == _LZMA:
        return lzma_filter(coder.properties, size)
    if coder.method == _LZMA2:
        code = coder.properties[0] if coder.properties else 41
        if code > 40:  # noqa: PLR2004  # the largest that the format has
            raise ReadError("damaged lzma2 properties")
        stated = 0xFFFFFFFF if code == 40 else (2 | code & 1) << code // 2 + 11  # noqa: PLR2004  # the formula's
        return {"id": lzma.FILTER_LZMA2, "dict_size": dictionary_size(stated, size)}
    if coder.method == _DELTA:
        return {"id": lzma.FILTER_DELTA, "dist": (coder.properties or b"\0")[0] + 1}
    branch = _BRANCHES.get(coder.method)
    return None if branch is None else {"id": branch}


class Parser:
    """Reads one header, which is in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def take(self, length: int) -> bytes:
        """So many bytes."""
        found = self._data[self._at : self._at + length]
        if len(found) < length:
            raise ReadError("a 7z header that ends early")
        self._at += length
        return found

    def number(self) -> int:
        """A number whose first byte says how many follow."""
        first = self.byte()
        value, mask = 0, 0x80
        for shift in range(0, 64, 8):
            if not first & mask:
                return value | (first & (mask - 1)) << shift
            value |= self.byte() << shift
            mask >>= 1
        return value

    def count(self, least: int = 1) -> int:
        """A count of things that take at least `least` bytes each of what is left."""
        value = self.number()
        if value * least > len(self._data) - self._at:
            raise ReadError("a 7z header that promises more than it holds")
        return value

    def bits(self, count: int) -> list[bool]:
        """So many flags, eight in a byte."""
        data = self.take((count + 7) // 8)
        return [bool(data[at // 8] & 0x80 >> at % 8) for at in range(count)]

    def flags(self, count: int) -> list[bool]:
        """Flags that may be left out when all are set."""
        return [True] * count if self.byte() else self.bits(count)

    def folders(self) -> list[Folder]:
        """The streams of the archive: packed, unpacked, and split into files."""
        folders: list[Folder] = []
        start, packed = HEAD, list[int]()
        while (kind := self.byte()) != _END:
            if kind == _PACK:
                start, packed = self._pack_info()
            elif kind == _UNPACK:
                folders = self._unpack_info()
                _place(folders, start, packed)
            elif kind == _SUBSTREAMS:
                self._substreams(folders)
            else:
                raise ReadError(f"an unknown part {kind:#x} of a 7z header")
        return folders

    def files(self) -> list[File]:
        """The entries. Kinds of properties that say nothing here are stepped over."""
        files = [File() for _ in range(_bounded(self.count(2)))]
        while (kind := self.number()) != _END:
            inner = Parser(self.take(self.number()))
            if kind == _EMPTY_STREAM:
                for file, empty in zip(files, inner.bits(len(files)), strict=True):
                    file.has_data = not empty
            elif kind == _NAMES:
                inner.byte()
                _name(files, inner)
            elif kind == _ATTRIBUTES:
                defined = inner.flags(len(files))
                inner.byte()
                for file, has in zip(files, defined, strict=True):
                    file.attributes = int.from_bytes(inner.take(4), "little") if has else 0
        return files

    def parts(self) -> Iterator[int]:
        """The parts of a header, each to be read before the next is asked for."""
        while (kind := self.byte()) != _END:
            if kind == _PROPERTIES:
                while self.number() != _END:
                    self.take(self.number())
            elif kind == _ADDITIONAL:
                self.folders()
            else:
                yield kind

    def _pack_info(self) -> tuple[int, list[int]]:
        start, count = HEAD + self.number(), _bounded(self.count(0))
        sizes: list[int] = []
        while (kind := self.byte()) != _END:
            if kind == _SIZE:
                sizes = [self.number() for _ in range(count)]  # ends with the bytes
            elif kind == _CRC:
                self._checksums(count)
            else:
                raise ReadError(f"an unknown part {kind:#x} of a 7z header")
        return start, sizes

    def _unpack_info(self) -> list[Folder]:
        folders: list[Folder] = []
        while (kind := self.byte()) != _END:
            if kind == _FOLDER:
                count = _bounded(self.count())
                if self.byte():
                    raise ReadError("a 7z header with parts elsewhere")
                folders = [self._folder() for _ in range(count)]
            elif kind == _UNPACK_SIZE:
                for folder in folders:
                    outputs = sum(coder.outputs for coder in folder.coders)
                    folder.sizes = [self.number() for _ in range(outputs)]
            elif kind == _CRC:
                for folder, checked in zip(folders, self._checksums(len(folders)), strict=True):
                    folder.checked = checked
            else:
                raise ReadError(f"an unknown part {kind:#x} of a 7z header")
        for folder in folders:
            folder.files = [folder.size]
        return folders

    def _folder(self) -> Folder:
        count = self.number()
        if not 0 < count <= _CODERS_MAX:
            raise ReadError(f"{count} steps to unpack one stream")
        coders = [self._coder() for _ in range(count)]
        inputs = sum(coder.inputs for coder in coders)
        bonds = [(self.number(), self.number()) for _ in range(sum(c.outputs for c in coders) - 1)]
        packed = inputs - len(bonds)
        if packed <= 0:
            raise ReadError("a 7z stream that nothing goes into")
        if packed > 1:
            return Folder(coders, bonds, [self.number() for _ in range(packed)])
        taken = {taker for taker, _ in bonds}
        return Folder(coders, bonds, [at for at in range(inputs) if at not in taken][:1])

    def _coder(self) -> Coder:
        flags = self.byte()
        method = self.take(flags & 0x0F)
        inputs, outputs = (self.number(), self.number()) if flags & 0x10 else (1, 1)
        if max(inputs, outputs) > _CODERS_MAX or not outputs:
            raise ReadError("an impossible step of unpacking")
        return Coder(method, self.take(self.number()) if flags & 0x20 else b"", inputs, outputs)

    def _substreams(self, folders: list[Folder]) -> None:
        counts = [1] * len(folders)
        kind = self.byte()
        if kind == _NUM_UNPACK:
            counts = [self.number() for _ in folders]
            kind = self.byte()
        _bounded(sum(counts))
        for folder, count in zip(folders, counts, strict=True):
            if count > 1 and (count - 1) > len(self._data) - self._at:
                raise ReadError("a 7z header that promises more than it holds")
            sizes = [self.number() for _ in range(count - 1)] if kind == _SIZE else []
            folder.files = [*sizes, max(0, folder.size - sum(sizes))] if count else []
        if kind == _SIZE:
            kind = self.byte()
        if kind == _CRC:
            self._checksums(
                sum(
                    count
                    for folder, count in zip(folders, counts, strict=True)
                    if count != 1 or not folder.checked  # else it is known already
                )
            )
            kind = self.byte()
        if kind != _END:
            raise ReadError(f"an unknown part {kind:#x} of a 7z header")

    def _checksums(self, count: int) -> list[bool]:
        """Step over checksums; which of the streams have one."""
        if count > len(self._data) * 8:
            raise ReadError("a 7z header that promises more than it holds")
        defined = self.flags(count)
        self.take(4 * sum(defined))
        return defined


def _bounded(count: int) -> int:
    """A count of files or streams.

    Raises:
        BudgetError: there are more than are held.
    """
    if count > _MOST:
        raise BudgetError(f"{count:,} files or streams in a 7z archive")
    return count


def _place(folders: list[Folder], start: int, packed: list[int]) -> None:
    """Give each folder its packed bytes, which follow one another."""
    sizes = iter(packed)
    for folder in folders:
        own = [next(sizes, 0) for _ in folder.packed]
        folder.start, folder.stop = start, start + (own[0] if own else 0)
        start += sum(own)


def _name(files: list[File], inner: Parser) -> None:
    for file in files:
        units = bytearray()
        while (unit := inner.take(2)) != b"\0\0":
            units += unit
        file.name = units.decode("utf-16-le", errors="backslashreplace")
