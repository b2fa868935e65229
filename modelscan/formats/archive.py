"""What archive readers share: member names, defects, a read window, and the records of a zip.

Invariants: names are judged as both POSIX and Windows would resolve them, since nobody knows where
an archive will be unpacked; records are parsed one by one, so that memory grows with the bytes of
the directory only.

Source of the zip records: PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5.
"""

from __future__ import annotations

import posixpath
import re
import struct
import unicodedata
from collections.abc import Iterator
from typing import Literal

import msgspec

from modelscan.errors import BudgetError
from modelscan.formats.reader import TAIL
from modelscan.vocabulary.artifact import CHUNK, Artifact, place
from modelscan.vocabulary.fact import ArchiveDefect

DefectKind = Literal[
    "duplicate-member", "name-mismatch", "size-mismatch", "method-mismatch", "flag-mismatch",
    "missing-from-directory", "missing-local-header", "data-before", "data-after", "traversal",
    "link", "special-member", "overlap", "checksum", "deceptive-name",
]  # fmt: skip

LOCAL_MARK, CENTRAL_MARK, END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
LOCATOR_MARK, END64_MARK = b"PK\x06\x07", b"PK\x06\x06"
DESCRIPTOR_MARK = b"PK\x07\x08"
LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")

SIZES_FOLLOW = 0x8
"""The flag of a data descriptor behind the data."""
OPAQUE_FLAGS = 0x2061
"""Encryption, patched data, strong encryption, masked headers: what changes how data is read."""

_FULL32, _FULL16 = 0xFFFFFFFF, 0xFFFF
_DIRECTORIES = 8
DIRECTORY_BYTES = 32 << 20
"""Directories longer than this are refused; 200,000 members with long names need less."""
_NEAR = 64 << 10
_NEAREST = 1024
_PLAIN = re.compile(r"[\x20-.0-9;-\[\]-~][\x20-9;-\[\]-~]*")
"""A relative name of printable ASCII, without backslash or colon."""
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def name_problem(name: str) -> Literal["traversal", "deceptive-name"] | None:
    """What is wrong with a member's name, if anything.

    `traversal` is a name that leaves the folder it is unpacked in: absolute, with a drive letter,
    or with a `..` component (CWE-22). Backslashes separate on Windows only, and alone are no
    problem: archivers there write them. `deceptive-name` is one that shows otherwise than it is:
    control characters, NUL, bidirectional overrides (CWE-451).
    """
    if ".." not in name and _PLAIN.fullmatch(name):
        return None
    slashed = name.replace("\\", "/")
    if slashed.startswith("/") or _DRIVE.match(name) or ".." in slashed.split("/"):
        return "traversal"
    if not name.isprintable() and any(_deceives(character) for character in name):
        return "deceptive-name"
    return None


def _deceives(character: str) -> bool:
    category = unicodedata.category(character)
    return category == "Cc" or unicodedata.bidirectional(character) in {
        "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
    }  # fmt: skip


def link_escapes(member: str, target: str, *, from_root: bool = False) -> bool:
    """True when a link inside an archive points outside the folder it is unpacked in.

    Args:
        member: name of the link.
        target: where it points, as written.
        from_root: hard links in tar name a member from the root, symbolic links start at theirs.
    """
    target = target.replace("\\", "/")
    if target.startswith("/") or _DRIVE.match(target):
        return True
    start = "" if from_root else posixpath.dirname(member.strip("/"))
    return posixpath.normpath(posixpath.join(start, target)).split("/")[0] == ".."


def defect(
    archive: Artifact,
    kind: DefectKind,
    *,
    member: str = "",
    detail: str = "",
    offset: int | None = None,
) -> ArchiveDefect:
    """A defect, located at `offset` bytes from the start of the archive itself."""
    return ArchiveDefect(location=place(archive, offset), kind=kind, member=member, detail=detail)


def name_defects(archive: Artifact, name: str, offset: int) -> Iterator[ArchiveDefect]:
    """The defect of a member's name, if it has one."""
    problem = name_problem(name)
    if problem is not None:
        yield defect(archive, problem, member=name, detail=name, offset=offset)


class Window:
    """Small reads from an artifact, served from one buffer while they lie close together.

    Records that lie apart (headers between large members) cost one short read each; records that
    follow one another cost one long read for many.
    """

    __slots__ = ("_artifact", "_buffer", "_missed", "_start")

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._start = 0
        self._buffer = b""
        self._missed = 0

    def at(self, offset: int, length: int) -> bytes:
        """The bytes from `offset` on; fewer than `length` only at the end of the artifact."""
        if offset >= self._artifact.size:  # hostile offsets reach past what a file can seek to
            return b""
        lead = offset - self._start
        if lead < 0 or lead + length > len(self._buffer):
            near = 0 <= offset - self._missed < _NEAR
            self._buffer = self._artifact.read_at(offset, max(length, _NEAR if near else 1024))
            self._start = self._missed = offset
            lead = 0
        return self._buffer[lead : lead + length]


class Directory(msgspec.Struct, frozen=True):
    """A central directory, as one end record describes it."""

    start: int
    """Its first byte."""
    size: int
    """Its length in bytes."""
    base: int
    """What its offsets count from: more than 0 when something was put before the archive."""
    count: int
    """How many members the end record promises."""
    records: int
    """Where the end records begin."""
    stop: int
    """The byte after the end record and its comment."""


class Entry(msgspec.Struct, frozen=True):
    """What one view says about a member."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    """Bytes as stored."""
    size: int
    """Bytes once inflated."""
    offset: int
    """Of the local header, from the start of the archive artifact."""
    data: int = 0
    """First byte of the data; 0 when only the local header can tell."""
    mode: int = 0
    """Unix file mode, where a Unix wrote the entry."""

    @property
    def text(self) -> str:
        """The name as text. Many archivers write UTF-8 without saying so."""
        try:
            return self.name.decode()
        except UnicodeDecodeError:
            return self.name.decode("cp437")


def directories(artifact: Artifact) -> list[Directory]:
    """The central directories that the end records in the tail point to, the last record's first.

    The last one is what most loaders use. A record is plausible when a directory, or nothing, lies
    where it says; both ways to say it count: right before the record (what Python's `zipfile` does)
    and the absolute offset (what C libraries do).
    """
    start = max(0, artifact.size - TAIL)
    tail = artifact.read_at(start, TAIL)
    found: list[Directory] = []
    at = tail.rfind(END_MARK)
    while at >= 0 and len(found) < _DIRECTORIES:
        if len(tail) - at >= END.size:
            found += _pointed_to(artifact, tail, at, start)
        at = tail.rfind(END_MARK, 0, at)
    return found


def _pointed_to(artifact: Artifact, tail: bytes, at: int, start: int) -> Iterator[Directory]:
    """The directories that the end record at `tail[at:]` points to; `tail` begins at `start`."""
    *_, count, size, offset, comment = END.unpack_from(tail, at)
    stop = start + at + END.size + comment
    claims = [(count, size, offset, start + at)]
    wide = _wide_record(artifact, tail, at, start)
    if wide is not None:
        # a reader that knows zip64 believes the wide record, an older one the narrow record
        full = _FULL32 in {size, offset} or count == _FULL16
        claims = [wide] if full else [wide, *claims]
    seen: set[int] = set()
    for count, size, offset, records in claims:
        for first in (records - size, offset) if size else (records,):
            if first in seen or not 0 <= first <= records - size:
                continue
            if size == 0 or artifact.read_at(first, 4) == CENTRAL_MARK:
                seen.add(first)
                yield Directory(first, size, max(0, first - offset), count, records, stop)


def _wide_record(
    artifact: Artifact, tail: bytes, at: int, start: int
) -> tuple[int, int, int, int] | None:
    """The zip64 end record before the end record at `at`: count, size, offset, own position."""
    locator = at - _LOCATOR.size
    if locator < 0 or not tail.startswith(LOCATOR_MARK, locator):
        return None
    _, _, stated, _ = _LOCATOR.unpack_from(tail, locator)
    for position in (start + locator - _END64.size, stated):  # the second when it has extra data
        inside = 0 <= position < artifact.size
        record = artifact.read_at(position, _END64.size) if inside else b""
        if len(record) == _END64.size and record.startswith(END64_MARK):
            *_, count, size, offset = _END64.unpack(record)
            return count, size, offset, position
    return None


def entries(data: bytes, base: int) -> Iterator[tuple[int, Entry]]:
    """The entries of a directory in its order, each with its position inside the directory.

    They end early where the directory breaks: the caller compares the count.
    """
    at = 0
    while (found := entry_at(data, at, base)) is not None:
        yield at, found[0]
        at = found[1]


def load(artifact: Artifact, directory: Directory) -> bytes:
    """The bytes of a directory.

    Raises:
        BudgetError: it is too long to be held in memory.
    """
    if directory.size > DIRECTORY_BYTES:
        raise BudgetError(f"a central directory of {directory.size:,} bytes")
    return artifact.read_at(directory.start, directory.size)


def entry_at(data: bytes, at: int, base: int) -> tuple[Entry, int] | None:
    """The directory entry at `at` and where the next one begins; `None` when there is none."""
    if len(data) - at < CENTRAL.size or not data.startswith(CENTRAL_MARK, at):
        return None
    (
        _, made, _, flags, method, _, _, crc, packed, size, name, extra, comment, _, _, mode, offset
    ) = CENTRAL.unpack_from(data, at)  # fmt: skip
    at += CENTRAL.size
    middle, end = at + name, at + name + extra
    if _FULL32 in {packed, size, offset}:
        size, packed, offset = _widen(data[middle:end], size, packed, offset)
    unix = mode >> 16 if made >> 8 == 3 else 0  # noqa: PLR2004 - 3 is Unix (APPNOTE 4.4.2)
    entry = Entry(data[at:middle], flags, method, crc, packed, size, base + offset, 0, unix)
    return entry, end + comment


def local_at(window: Window, offset: int) -> Entry | None:
    """The local header at `offset`, with the place of its data; `None` when there is none."""
    head = window.at(offset, LOCAL.size)
    if len(head) < LOCAL.size or not head.startswith(LOCAL_MARK):
        return None
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = LOCAL.unpack(head)
    rest = window.at(offset + LOCAL.size, name_length + extra_length)
    if _FULL32 in {packed, size}:
        size, packed = _widen(rest[name_length:], size, packed)
    data = offset + LOCAL.size + name_length + extra_length
    return Entry(rest[:name_length], flags, method, crc, packed, size, offset, data)


def _widen(extra: bytes, *values: int) -> list[int]:
    """Values with those that did not fit 32 bits taken from the zip64 field (APPNOTE 4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            wide = []
            for value in values:
                if value == _FULL32 and len(field) >= 8:  # noqa: PLR2004 - 64 bits
                    wide.append(int.from_bytes(field[:8], "little"))
                    field = field[8:]
                else:
                    wide.append(value)
            return wide
        at += 4 + length
    return list(values)


def differences(entry: Entry, local: Entry) -> Iterator[tuple[DefectKind, str]]:
    """Where the directory and the local header of a member disagree: kind and both values.

    Sizes and checksum of 0 in a local header are no statement when a data descriptor follows. Flags
    count only where they change how the data is read; writers differ in the others.
    """
    if entry.name.replace(b"\\", b"/") != local.name.replace(b"\\", b"/"):
        yield "name-mismatch", f"{entry.text} in the directory, {local.text} before the data"
    if entry.method != local.method:
        yield "method-mismatch", f"{entry.method} in the directory, {local.method} before the data"
    follows = local.flags & SIZES_FOLLOW
    sizes, local_sizes = (entry.packed, entry.size), (local.packed, local.size)
    if sizes != local_sizes and not (follows and 0 in local_sizes):
        yield "size-mismatch", f"{sizes} in the directory, {local_sizes} before the data"
    if entry.crc != local.crc and not (follows and local.crc == 0):
        yield "checksum", f"{entry.crc:08x} in the directory, {local.crc:08x} before the data"
    if (entry.flags ^ local.flags) & OPAQUE_FLAGS:
        yield "flag-mismatch", f"{entry.flags:#06x} in the directory, {local.flags:#06x} before"


def descriptor_length(found: bytes, entry: Entry) -> int:
    """The length of a member's data descriptor at the start of `found`; 0 when there is none.

    With or without its mark, with sizes of 32 or 64 bits (APPNOTE 4.3.9): writers vary.
    """
    narrow = struct.pack("<3I", entry.crc, entry.packed & _FULL32, entry.size & _FULL32)
    wide = struct.pack("<I2Q", entry.crc, entry.packed, entry.size)
    for expected in (
        DESCRIPTOR_MARK + narrow, DESCRIPTOR_MARK + wide, narrow, wide
    ):  # fmt: skip
        if found.startswith(expected):
            return len(expected)
    return 0


def find(artifact: Artifact, window: Window, mark: bytes, start: int, end: int) -> int:
    """Where `mark` next begins between `start` and `end`; `end` when it does not."""
    at = window.at(start, min(_NEAREST, end - start)).find(mark) if start < end else -1
    if at >= 0:  # marks that lie close together must not cost a long read each
        return start + at
    while start < end:
        piece = artifact.read_at(start, min(CHUNK, end - start))
        at = piece.find(mark)
        if at >= 0:
            return start + at
        if len(piece) < CHUNK:
            break
        start += len(piece) - len(mark) + 1
    return end


def blank(artifact: Artifact, start: int, end: int) -> bool:
    """True when only zeros lie between `start` and `end`: writers pad with them."""
    while start < end:
        piece = artifact.read_at(start, min(CHUNK, end - start))
        if piece.count(0) != len(piece):
            return False
        if not piece:
            break
        start += len(piece)
    return True
