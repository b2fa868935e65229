"""7z archives, opened with the decompressors that Python brings.

Invariants: members come out of one pass over each stream, since 7z packs many of them into one;
what is packed in a way that Python has no decompressor for, or encrypted, is needed coverage.

Source: as in `sevenzip_records`. Malware hid in 7z because scanners could not open it
(ReversingLabs, "nullifAI", 2025).
"""

from __future__ import annotations

import stat
import zlib
from collections.abc import Iterator, Sequence

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.archive import Defects, Item, after_zeros, hidden
from modelscan.formats.archive_names import Links, Names
from modelscan.formats.inflation import (
    KEEP,
    STEP,
    InflatedArtifact,
    Inflation,
    UnsupportedError,
    in_memory,
)
from modelscan.formats.reader import HEAD as GLIMPSE
from modelscan.formats.reader import Glimpse
from modelscan.formats.sevenzip_records import (
    ENCODED_HEADER,
    HEAD,
    HEADER,
    MAGIC,
    File,
    Folder,
    Parser,
)
from modelscan.vocabulary.artifact import Artifact, SliceArtifact, child_name
from modelscan.vocabulary.coverage import Coverage, Status

_HEADER_MAX = 16 << 20
_ENCODINGS = 4
"""Headers packed in headers; writers stop at one."""
_MAIN, _FILES = 0x04, 0x05
_SPECIAL = frozenset({stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK})


class SevenZipReader:
    """7z archives."""

    format = "7z"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By the magic number at the start."""
        return glimpse.head.startswith(MAGIC)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Item]:
        """See `Reader.read`."""
        return _Walk(artifact, budget).run()


class _Cutter:
    """Cuts a stream into files."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = b""
        self._at = 0
        self.partial = b""
        """What there is of a file that could not be cut off whole."""

    def take(self, size: int) -> bytes:
        """The next `size` bytes; nothing of them when they are too many to be held.

        Raises:
            ReadError: the stream is damaged, or shorter.
        """
        kept: list[bytes] = []
        wanted = size
        try:
            while wanted:
                if self._at >= len(self._piece):
                    self._piece, self._at = self._next(), 0
                part = self._piece[self._at : self._at + wanted]
                self._at += len(part)
                wanted -= len(part)
                if size <= KEEP:
                    kept.append(part)
        except ReadError:
            self.partial = b"".join(kept)
            raise
        return b"".join(kept)

    def _next(self) -> bytes:
        piece = next(self._pieces, b"")
        if not piece:
            raise ReadError("a 7z stream that is shorter than its files")
        return piece


class _Walk:
    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._archive = artifact
        self._budget = budget
        self._state = Defects(artifact)
        self._names = Names(self._state)
        self._links = Links()

    def run(self) -> Iterator[Item]:
        """Members in the order of their streams, and what is wrong with their names."""
        header, end = self._header()
        folders: list[Folder] = []
        files: list[File] = []
        parser = Parser(header)
        parser.byte()
        for part in parser.parts():
            if part == _MAIN:
                folders = parser.folders()
            elif part == _FILES:
                files = parser.files()
            else:
                raise ReadError(f"an unknown part {part:#x} of a 7z header")
        yield from self._judge(files)
        with_data = iter([file for file in files if file.has_data])
        for folder in folders:
            own = [(next(with_data, File()), size) for size in folder.files]
            yield from self._folder(folder, own)
        start = after_zeros(self._archive, end, self._archive.size)
        if start < self._archive.size:
            detail = f"{self._archive.size - start:,} bytes after the end of the archive"
            yield from self._state("data-after", detail=detail, offset=start)
            yield hidden(self._archive, start, self._archive.size)

    def _header(self) -> tuple[bytes, int]:
        """The header, unpacked, and the byte after it in the file.

        Raises:
            ReadError: it is damaged, or packed in a way that cannot be opened.
        """
        head = self._archive.read_at(0, HEAD)
        if len(head) < HEAD:
            raise ReadError("a 7z archive that ends early", offset=len(head))
        start = HEAD + int.from_bytes(head[12:20], "little")
        size = int.from_bytes(head[20:28], "little")
        end = start + size
        if not size:
            return bytes([HEADER, 0]), HEAD
        if end > self._archive.size:
            raise ReadError("a 7z archive that ends before its header", offset=self._archive.size)
        if size > _HEADER_MAX:
            raise BudgetError(f"a 7z header of {size:,} bytes")
        data = self._archive.read_at(start, size)
        if zlib.crc32(data) != int.from_bytes(head[28:32], "little"):
            raise ReadError("a 7z header with another checksum", offset=start)
        for _ in range(_ENCODINGS):
            if data[:1] != bytes([ENCODED_HEADER]):
                break
            parser = Parser(data)
            parser.byte()
            data = self._decoded(parser.folders())
        if data[:1] != bytes([HEADER]):
            raise ReadError("not a 7z header", offset=start)
        return data, end

    def _decoded(self, folders: Sequence[Folder]) -> bytes:
        if len(folders) != 1:
            raise ReadError("a 7z header in several parts")
        if folders[0].encrypted:
            raise ReadError("an encrypted 7z header")
        if folders[0].size > _HEADER_MAX:
            raise BudgetError(f"a 7z header of {folders[0].size:,} bytes")
        pieces = self._stream(folders[0])
        if pieces is None:
            raise ReadError("a 7z header that is packed in an unknown way")
        return b"".join(pieces)

    def _judge(self, files: Sequence[File]) -> Iterator[Item]:
        for file in files:
            self._budget.member()
            yield from self._names.judge(file.name, 0)
            yield from self._names.add(file.name, 0, twice=True)
            kind = stat.S_IFMT(file.mode)
            if kind in _SPECIAL:
                detail = f"file type {kind:#o}"
                yield from self._state("special-member", file.name, detail, offset=0)

    def _folder(self, folder: Folder, files: Sequence[tuple[File, int]]) -> Iterator[Item]:
        """The files of one stream, in one pass over it."""
        if folder.encrypted:
            yield from self._gaps(files, "encrypted", "encrypted")
            return
        pieces = self._stream(folder)
        if pieces is None:
            methods = ", ".join(coder.method.hex() for coder in folder.coders)
            yield from self._gaps(files, "unsupported", f"7z methods {methods}")
            return
        cutter = _Cutter(pieces)
        offset = 0
        for done, (file, size) in enumerate(files):
            try:
                data = cutter.take(size)
            except BudgetError:
                raise
            except ReadError as error:
                yield in_memory(self._archive, file.name, cutter.partial)
                unsupported = isinstance(error, UnsupportedError)
                status: Status = "unsupported" if unsupported else "unreadable"
                yield from self._gaps(files[done:], status, error.message)
                return
            yield from self._member(folder, file, size, offset, data)
            offset += size

    def _member(
        self, folder: Folder, file: File, size: int, offset: int, data: bytes
    ) -> Iterator[Item]:
        if size > KEEP:
            yield InflatedArtifact(
                self._archive, file.name, size, lambda: self._part(folder, offset, size)
            )
            return
        if stat.S_ISLNK(file.mode):
            target = data[:GLIMPSE].decode(errors="replace")
            if self._links.add(file.name, target):
                yield from self._state("link", file.name, target, offset=0)
        elif self._links.passes(file.name):
            yield from self._state("link", file.name, "is written through a link", offset=0)
        yield in_memory(self._archive, file.name, data)

    def _part(self, folder: Folder, offset: int, size: int) -> Iterator[bytes]:
        """A long file of a stream: what comes before it is unpacked and dropped."""
        end = offset + size
        reached = 0
        for piece in self._stream(folder) or ():
            lead, reached = max(0, offset - reached), reached + len(piece)
            if reached > offset:
                yield piece[lead : len(piece) - max(0, reached - end)]
            if reached >= end:
                return

    def _stream(self, folder: Folder) -> Iterator[bytes] | None:
        """The bytes that a folder unpacks to; `None` when there is no way to unpack it."""
        plan = folder.plan()
        if plan is None:
            return None
        codec, filters = plan
        if codec is None:
            return self._stored(folder)
        return Inflation(
            self._archive, folder.start, folder.stop, codec, self._budget, folder.size, filters
        ).pieces()

    def _stored(self, folder: Folder) -> Iterator[bytes]:
        stored = SliceArtifact(self._archive, folder.start, folder.stop - folder.start, "")
        for offset in range(0, stored.size, STEP):
            self._budget.step()
            yield stored.read_at(offset, STEP)

    def _gaps(
        self, files: Sequence[tuple[File, int]], status: Status, reason: str
    ) -> Iterator[Coverage]:
        for file, _ in files:
            yield Coverage(
                file=self._archive.name, member=child_name(self._archive, file.name),
                status=status, needed=True, reason=reason,
            )  # fmt: skip
