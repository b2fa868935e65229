"""The records of a zip, parsed one by one: end records, directory entries, local headers.

Invariants: nothing is believed, only parsed; memory grows with the bytes of the directory alone.

Source: PKWARE APPNOTE 6.3.10, sections 4.3 to 4.6; the Unicode path field is Info-ZIP's (4.6.9).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

import msgspec

from modelscan.errors import BudgetError
from modelscan.formats.archive import DefectKind, Window
from modelscan.vocabulary.artifact import Artifact

LOCAL_MARK, CENTRAL_MARK, END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
LOCATOR_MARK, END64_MARK = b"PK\x06\x07", b"PK\x06\x06"
DESCRIPTOR_MARK = b"PK\x07\x08"
LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")

ANY_LOCAL = re.compile(rb"PK\x03\x04.{4}[\0-\x63]\0.{16}(?!\0\0)", re.DOTALL)
"""A local header with a method that exists, and a name: what merely repeats the mark is none."""
ANY_DESCRIPTOR = re.compile(re.escape(DESCRIPTOR_MARK))

SIZES_FOLLOW = 0x8
"""The flag of a data descriptor behind the data."""
OPAQUE_FLAGS = 0x2061
"""Encryption, patched data, strong encryption, masked headers: what changes how data is read."""

_FULL32, _FULL16 = 0xFFFFFFFF, 0xFFFF
_DIRECTORIES = 8
_REACH = 72 << 10
"""Where end records are looked for, from behind: some tools look further than a comment is long."""
_WIDE_FIELD, _UNICODE_FIELD = 1, 0x7075
_UNIX = frozenset({2, 3, 5, 16, 19, 30})
"""Systems whose attributes are Unix modes, for which unpackers make links (APPNOTE 4.4.2)."""
DIRECTORY_BYTES = 32 << 20
"""Directories longer than this are refused; 200,000 members with long names need less."""


class Directory(msgspec.Struct, frozen=True):
    """A central directory, as one end record describes it."""

    start: int
    """Its first byte."""
    size: int
    """Its length in bytes."""
    base: int
    """What its offsets count from: not 0 when something was put before the archive, or taken away
    from it, and below 0 in the second case."""
    count: int
    """How many members the end record promises."""
    records: int
    """Where the end records begin."""
    comment: int
    """Where the archive's comment begins: right behind the end record."""
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
    other: bytes = b""
    """A second name, in the Unicode path field, where it is bound to the first one."""

    @property
    def text(self) -> str:
        """The name as text. Many archivers write UTF-8 without saying so."""
        try:
            return self.name.decode()
        except UnicodeDecodeError:
            return self.name.decode("cp437")

    @property
    def names(self) -> tuple[str, ...]:
        """The names that programs see: as written, up to a NUL, and the Unicode path."""
        name = self.text
        if not self.other and "\0" not in name:
            return (name,)
        return tuple(
            dict.fromkeys((name, name.split("\0")[0], self.other.decode(errors="replace") or name))
        )


def directories(artifact: Artifact) -> list[Directory]:
    """The central directories that the end records in the tail point to, the last record's first.

    The last one is what most loaders use. A record is plausible when a directory, or nothing, lies
    where it says; both ways to say it count: right before the record (what Python's `zipfile` does)
    and the absolute offset (what C libraries do).
    """
    start = max(0, artifact.size - _REACH)
    tail = artifact.read_at(start, _REACH)
    found: list[Directory] = []
    at = tail.rfind(END_MARK)
    while at >= 0 and len(found) < _DIRECTORIES:
        if len(tail) - at >= END.size:
            found += _pointed_to(artifact, tail, at, start)
        at = tail.rfind(END_MARK, 0, at)
    return found


def directories_at(artifact: Artifact, end: int) -> list[Directory]:
    """The directories that the end record at `end` points to, wherever in the artifact it is."""
    start = max(0, end - _LOCATOR.size - _END64.size)
    data = artifact.read_at(start, end + END.size - start)
    whole = len(data) == end + END.size - start
    return list(_pointed_to(artifact, data, end - start, start)) if whole else []


def _pointed_to(artifact: Artifact, tail: bytes, at: int, start: int) -> Iterator[Directory]:
    """The directories that the end record at `tail[at:]` points to; `tail` begins at `start`."""
    *_, count, size, offset, comment = END.unpack_from(tail, at)
    text = start + at + END.size
    stop = text + comment
    claims = [(count, size, offset, start + at)]
    wide = _wide_records(artifact, tail, at, start)
    if wide:
        # A reader that knows zip64 believes the wide record, an older one the narrow record; that
        # says nothing of its own when it repeats the wide one, as torch writes them.
        full = _FULL32 in {size, offset} or count == _FULL16
        repeats = any(claim[:3] == (count, size, offset) for claim in wide)
        claims = wide if full or repeats else [*wide, *claims]
    seen: set[int] = set()
    for count, size, offset, records in claims:
        for first in (records - size, offset) if size else (records,):
            if first in seen or not 0 <= first <= records - size:
                continue
            if size == 0 or artifact.read_at(first, 4) == CENTRAL_MARK:
                seen.add(first)
                yield Directory(first, size, first - offset, count, records, text, stop)


def _wide_records(
    artifact: Artifact, tail: bytes, at: int, start: int
) -> list[tuple[int, int, int, int]]:
    """The zip64 end records before the end record at `at`: count, size, offset, own position.

    Programs look right before the locator, or where the locator says: it has extra data then, or
    there are two.
    """
    locator = at - _LOCATOR.size
    if locator < 0 or not tail.startswith(LOCATOR_MARK, locator):
        return []
    _, _, stated, _ = _LOCATOR.unpack_from(tail, locator)
    found = []
    for position in dict.fromkeys((start + locator - _END64.size, stated)):
        inside = 0 <= position < artifact.size
        record = artifact.read_at(position, _END64.size) if inside else b""
        if len(record) == _END64.size and record.startswith(END64_MARK):
            *_, count, size, offset = _END64.unpack(record)
            found.append((count, size, offset, position))
    return found


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
    unix = mode >> 16 if made >> 8 in _UNIX else 0
    own = data[at:middle]
    other = _unicode_path(own, data[middle:end]) if extra else b""
    entry = Entry(own, flags, method, crc, packed, size, base + offset, 0, unix, other)
    return entry, end + comment


def local_at(window: Window, offset: int) -> Entry | None:
    """The local header at `offset`, with the place of its data; `None` when there is none."""
    head = window.at(offset, LOCAL.size) if offset >= 0 else b""
    if len(head) < LOCAL.size or not head.startswith(LOCAL_MARK):
        return None
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = LOCAL.unpack(head)
    rest = window.at(offset + LOCAL.size, name_length + extra_length)
    if _FULL32 in {packed, size}:
        size, packed = _widen(rest[name_length:], size, packed)
    data = offset + LOCAL.size + name_length + extra_length
    name = rest[:name_length]
    other = _unicode_path(name, rest[name_length:]) if extra_length else b""
    return Entry(name, flags, method, crc, packed, size, offset, data, 0, other)


def _widen(extra: bytes, *values: int) -> list[int]:
    """Values with those that did not fit 32 bits taken from the zip64 field (APPNOTE 4.5.3)."""
    for kind, field in _fields(extra):
        if kind == _WIDE_FIELD:
            wide = []
            for value in values:
                if value == _FULL32 and len(field) >= 8:  # noqa: PLR2004 - 64 bits
                    wide.append(int.from_bytes(field[:8], "little"))
                    field = field[8:]  # noqa: PLW2901 - what is left of it
                else:
                    wide.append(value)
            return wide
    return list(values)


def _unicode_path(name: bytes, extra: bytes) -> bytes:
    """The name in the Unicode path field, unless it repeats the name or belongs to another one."""
    if b"up" not in extra:  # the field's number: every member pays for this
        return b""
    for kind, field in _fields(extra):
        if kind == _UNICODE_FIELD and field[1:5] == zlib.crc32(name).to_bytes(4, "little"):
            return field[5:] if field[5:] != name else b""
    return b""


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """The extra fields: number and content."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def differences(entry: Entry, local: Entry) -> Iterator[tuple[DefectKind, str]]:
    """Where the directory and the local header of a member disagree: kind and both values.

    Sizes and checksum of 0 in a local header are no statement when a data descriptor follows. Flags
    count only where they change how the data is read; writers differ in the others.
    """
    if entry.name.replace(b"\\", b"/") != local.name.replace(b"\\", b"/"):
        yield "name-mismatch", f"{entry.text} in the directory, {local.text} before the data"
    for view in (entry, local):
        # a name in the archiver's character set may differ; ASCII is the same in all of them
        if view.other and view.name.isascii() and view.other.isascii():
            yield "name-mismatch", f"{view.text}, and {view.other.decode()} as its Unicode path"
    if entry.method != local.method:
        yield "method-mismatch", f"{entry.method} in the directory, {local.method} before the data"
    follows = local.flags & SIZES_FOLLOW
    sizes, local_sizes = (entry.packed, entry.size), (local.packed, local.size)
    stated = local_sizes if not follows else tuple(map(_or, local_sizes, sizes))
    if sizes != stated:
        yield "size-mismatch", f"{sizes} in the directory, {local_sizes} before the data"
    if entry.crc != local.crc and not (follows and local.crc == 0):
        yield "checksum", f"{entry.crc:08x} in the directory, {local.crc:08x} before the data"
    if (entry.flags ^ local.flags) & OPAQUE_FLAGS:
        yield "flag-mismatch", f"{entry.flags:#06x} in the directory, {local.flags:#06x} before"


def _or(stated: int, otherwise: int) -> int:
    return stated or otherwise


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
