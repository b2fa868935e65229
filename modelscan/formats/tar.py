"""Tar archives (`.nemo`, `.tar.gz` once inflated): headers walked block by block.

Invariants: nothing is unpacked, and no link is followed; a header counts only when its checksum
fits; what lies behind the end of the archive, or behind damage, is searched for members too, since
tools differ in where they stop looking.

Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual,
"Basic Tar Format". Traversal through names and links: CVE-2007-4559, CVE-2025-4517.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.archive import Window, defect, link_escapes, name_defects
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import CHUNK, Artifact, SliceArtifact, child_name
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

Item = Fact | Coverage | Artifact

BLOCK = 512
_HARD_LINK, _SYMBOLIC_LINK, _FOLDER = b"1", b"2", b"5"
_SPECIAL = {b"3": "character device", b"4": "block device", b"6": "fifo"}
_LONG_NAME, _LONG_LINK, _OLD_SPARSE = b"L", b"K", b"S"
_PAX, _PAX_SOLARIS, _PAX_GLOBAL = b"x", b"X", b"g"
_EXTENSION_MAX = 1 << 20
"""Bytes of one extended header; real ones hold a path or two."""
_OCTAL_MAX = 8 << 30
"""Sizes from here on do not fit the header's octal field and need an extension."""
_DECIMAL = re.compile(r"[0-9]{1,18}")
_NUMBER = r"(?:[0-7 ]{6}[ \0]{2}|[0-7 ]{7}[ \0])"
_V7 = re.compile(rf"{_NUMBER}{{3}}[0-7 ]{{11}}[ \0][0-7 ]{{11}}[ \0]".encode())
"""Mode, user, group, size and time, as written before there was a magic number."""


class _Header(msgspec.Struct):
    """One member, with what extended headers said about it."""

    name: str
    kind: bytes
    size: int
    link: str
    start: int
    """Offset of the header."""
    data: int
    """Offset of the data."""
    sparse: bool
    """True when the data is a map of pieces rather than the file itself."""


class TarReader:
    """Tar archives of every dialect: v7, ustar, pax, GNU."""

    @property
    def format(self) -> str:
        """See `Reader.format`."""
        return "tar"

    def recognises(self, glimpse: Glimpse) -> bool:
        """True when the first block is a tar header: by its magic, or by fields and checksum."""
        head = glimpse.head
        if head.startswith(b"ustar", 257):
            return True
        # v7 has no magic number, and raw data must not be taken for it
        fields = _V7.match(head, 100)
        return fields is not None and head[0] > ord(" ") and _is_header(head[:BLOCK])

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Item]:
        """See `Reader.read`."""
        return _Walk(artifact, budget).run()


class _Walk:
    """One archive, from its first block to the end of the file."""

    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._tar = artifact
        self._budget = budget
        self._window = Window(artifact)
        self._position = 0
        self._defaults: dict[str, str] = {}  # from global extended headers

    def run(self) -> Iterator[Item]:
        """Members, and what is wrong with them."""
        ended = False
        damage: ReadError | None = None
        while self._position < self._tar.size:
            self._budget.step()
            block = self._window.at(self._position, BLOCK)
            if block.count(0) == len(block):
                ended = True
                self._skip_zeros()
                continue
            valid = _is_header(block)
            if ended or len(block) < BLOCK:
                yield self._data_after()
            elif not valid and damage is None:
                damage = ReadError("not a tar header", offset=self._position)
            ended = False
            if valid:
                yield from self._member()
            else:
                self._skip_garbage()
        if damage is not None:
            raise damage

    def _data_after(self) -> Fact:
        extra = self._tar.size - self._position
        detail = f"{extra:,} bytes after the end of the archive"
        return defect(self._tar, "data-after", detail=detail, offset=self._position)

    def _skip_zeros(self) -> None:
        position = self._position
        while piece := self._tar.read_at(position, CHUNK):
            rest = len(piece.lstrip(b"\0"))
            position += len(piece) - rest
            if rest:
                break
        self._position = min(position - position % BLOCK, self._tar.size)
        if position >= self._tar.size:
            self._position = self._tar.size

    def _skip_garbage(self) -> None:
        """Go to the next block that is a header, as GNU tar does."""
        position = self._position + BLOCK
        while position < self._tar.size:
            block = self._window.at(position, BLOCK)
            if block.startswith(b"ustar", 257) and _is_header(block):
                break
            position += BLOCK
            if position % CHUNK == 0:
                self._budget.step(CHUNK // BLOCK)
        self._position = position

    # -- headers -------------------------------------------------------------------------------

    def _member(self) -> Iterator[Item]:
        """A header with the extended headers before it, and the member that they describe."""
        start = self._position
        said = dict(self._defaults)
        while True:
            block = self._window.at(self._position, BLOCK)
            if not _is_header(block):
                raise ReadError("an extended header without a member", offset=self._position)
            kind = block[156:157]
            if kind not in {_LONG_NAME, _LONG_LINK, _PAX, _PAX_SOLARIS, _PAX_GLOBAL}:
                break
            self._budget.step()
            self._extend(kind, said)
            if kind == _PAX_GLOBAL and self._position >= self._tar.size:
                return  # `git archive` of nothing
        header, stated = self._parse(block, start, said)
        yield from name_defects(self._tar, header.name, start)
        if header.size != stated and header.size < _OCTAL_MAX:
            detail = f"{stated} in the header, {header.size} in the extended header"
            yield self._defect("size-mismatch", header, detail)
        yield from self._contents(header)

    def _extend(self, kind: bytes, said: dict[str, str]) -> None:
        """Take in one extended header: a long name, a long link, or pax records."""
        block = self._window.at(self._position, BLOCK)
        size = _number(block[124:136], self._position)
        if size > _EXTENSION_MAX:
            raise BudgetError(f"an extended tar header of {size:,} bytes")
        data = self._tar.read_at(self._position + BLOCK, size)
        if kind == _LONG_NAME:
            said["path"] = _text(data)
        elif kind == _LONG_LINK:
            said["linkpath"] = _text(data)
        else:
            records = _pax_records(data, self._position)
            said.update(records)
            if kind == _PAX_GLOBAL:
                self._defaults.update(records)
        self._position += BLOCK + _padded(size)

    def _parse(self, block: bytes, start: int, said: dict[str, str]) -> tuple[_Header, int]:
        """The member that a header describes, and the size that the header itself states."""
        at = self._position
        name = _text(block[:100])
        prefix = _text(block[345:500]) if block.startswith(b"ustar\0", 257) else ""
        kind = block[156:157]
        stated = _number(block[124:136], at)
        size = said.get("size", "")
        sparse = kind == _OLD_SPARSE or any(key.startswith("GNU.sparse.") for key in said)
        data = at + BLOCK
        if kind == _OLD_SPARSE and block[482]:
            while self._window.at(data, BLOCK)[504:505] not in {b"", b"\0"}:
                self._budget.step()
                data += BLOCK
            data += BLOCK
        path = said.get("GNU.sparse.name") or said.get("path")
        header = _Header(
            name=path or (f"{prefix}/{name}" if prefix else name),
            kind=kind,
            size=int(size) if _DECIMAL.fullmatch(size) else stated,
            link=said.get("linkpath") or _text(block[157:257]),
            start=start,
            data=data,
            sparse=sparse,
        )
        return header, stated

    # -- members -------------------------------------------------------------------------------

    def _contents(self, header: _Header) -> Iterator[Item]:
        self._position = header.data
        if header.kind in {_HARD_LINK, _SYMBOLIC_LINK}:
            hard = header.kind == _HARD_LINK
            if link_escapes(header.name, header.link, from_root=hard):
                yield self._defect("link", header, header.link)
            return
        if header.kind in _SPECIAL:
            yield self._defect("special-member", header, _SPECIAL[header.kind])
            return
        if header.kind == _FOLDER:
            return
        self._position += _padded(header.size)
        if header.name.endswith("/") and not header.size:
            return  # how v7 writes a folder
        self._budget.member()
        if header.sparse:
            member = child_name(self._tar, header.name)
            yield Coverage(
                file=self._tar.name, member=member, status="unsupported", needed=True,
                reason="a sparse member: its pieces were not put together",
            )  # fmt: skip
        yield SliceArtifact(self._tar, header.data, header.size, header.name)
        if header.data + header.size > self._tar.size:
            raise ReadError(f"ends inside the member {header.name!r}", offset=self._tar.size)

    def _defect(
        self, kind: Literal["size-mismatch", "link", "special-member"], header: _Header, detail: str
    ) -> Fact:
        return defect(self._tar, kind, member=header.name, detail=detail, offset=header.start)


def _is_header(block: bytes) -> bool:
    """True when the checksum fits; some old programs summed the bytes as signed numbers."""
    if len(block) < BLOCK:
        return False
    digits = block[148:156].rstrip(b"\0 ").lstrip(b" ")
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        return False
    stated = int(digits, 8)
    counted = block[:148] + block[156:]
    found = sum(counted) + 8 * ord(" ")
    return stated == found or stated == found - 256 * sum(byte > 0x7F for byte in counted)  # noqa: PLR2004 - the sign bit


def _number(field: bytes, offset: int) -> int:
    """A number field: octal digits, or base 256 behind a set first bit (GNU)."""
    if field[0] & 0x80:
        number = int.from_bytes(field[1:], "big")
        if field[0] == 0x80 and number < 1 << 63:  # noqa: PLR2004 - anything else is negative
            return number
        raise ReadError("a size that no file has", offset=offset)
    digits = field.split(b"\0", 1)[0].strip()
    try:
        return int(digits or b"0", 8)
    except ValueError:
        raise ReadError("a size that is not octal", offset=offset) from None


def _pax_records(data: bytes, offset: int) -> dict[str, str]:
    """Records of the form "length key=value newline", where length counts the whole record."""
    records: dict[str, str] = {}
    at = 0
    while at < len(data) and data[at]:
        space = data.find(b" ", at, at + 20)
        digits = data[at:space] if space > 0 else b""
        length = int(digits) if digits.isdigit() else 0
        record = data[space + 1 : at + length]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise ReadError("a damaged pax record", offset=offset)
        records[key.decode(errors="replace")] = value[:-1].decode(errors="backslashreplace")
        at += length
    return records


def _text(field: bytes) -> str:
    """A name up to its NUL; bytes that are not UTF-8 stay visible as escapes."""
    return field.split(b"\0", 1)[0].decode(errors="backslashreplace")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
