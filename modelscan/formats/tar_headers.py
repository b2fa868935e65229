"""Tar headers: blocks, numbers, names, extended headers and the maps of sparse members.

Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual,
"Basic Tar Format" and "Storing Sparse Files".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.archive import Window
from modelscan.formats.tar_sparse import Piece

BLOCK = 512
LONG_NAME, LONG_LINK, OLD_SPARSE = b"L", b"K", b"S"
PAX, PAX_SOLARIS, PAX_GLOBAL = b"x", b"X", b"g"
EXTENSIONS = frozenset({LONG_NAME, LONG_LINK, PAX, PAX_SOLARIS, PAX_GLOBAL})
EXTENSION_MAX = 1 << 20
"""Bytes of one extended header; real ones hold a path or two."""

_DECIMAL = re.compile(r"[0-9]{1,18}")
_PIECES = 100_000
_OLD_PIECES, _OLD_MORE = range(386, 482, 24), range(0, 504, 24)
_MORE_FLAG, _MORE_FLAG_NEXT, _REAL_SIZE = 482, 504, slice(483, 495)


class Header(msgspec.Struct):
    """One member, with what extended headers said about it."""

    name: str
    others: tuple[str, ...]
    """Names that only some programs see: with a prefix, without the extended headers."""
    claims: tuple[str, ...]
    """Other names that extended headers give it, of which each program takes another one."""
    kind: bytes
    size: int
    """Bytes stored."""
    stated: int
    """The size that the header itself states."""
    links: tuple[str, ...]
    """Where it points: the first one is what most programs go by."""
    start: int
    """Offset of the first header that belongs to the member."""
    data: int
    """Offset of the data."""
    pieces: list[Piece] | None = None
    """Where the stored bytes belong in a sparse member; `None` when it is not sparse."""
    real: int = 0
    """Size of a sparse member once its holes are filled."""


def is_header(block: bytes) -> bool:
    """True when the checksum fits; some old programs summed the bytes as signed numbers."""
    if len(block) < BLOCK:
        return False
    field = block[148:156]
    if field[0] & 0x80:
        stated = int.from_bytes(field[1:], "big")
    else:
        digits = field.split(b"\0", 1)[0].strip()
        if not digits.isdigit() or b"8" in digits or b"9" in digits:
            return False
        stated = int(digits, 8)
    if not stated <= BLOCK * 0xFF:  # no sum is larger; most other data states one that is
        return False
    counted = block[:148] + block[156:]
    found = sum(counted) + 8 * ord(" ")
    return stated == found or stated == found - 256 * sum(byte > 0x7F for byte in counted)  # noqa: PLR2004 - the sign bit


def number(field: bytes, offset: int) -> int:
    """A number field: octal digits, or base 256 behind a set first bit (GNU).

    Raises:
        ReadError: it is neither, or negative.
    """
    if field[0] & 0x80:
        value = int.from_bytes(field[1:], "big")
        if field[0] == 0x80 and value < 1 << 63:  # noqa: PLR2004 - anything else is negative
            return value
        raise ReadError("a size that no file has", offset=offset)
    digits = field.split(b"\0", 1)[0].strip()
    try:
        value = int(digits or b"0", 8)
    except ValueError:
        raise ReadError("a size that is not octal", offset=offset) from None
    if value < 0:
        raise ReadError("a size that no file has", offset=offset)
    return value


def text(field: bytes) -> str:
    """A name up to its NUL; bytes that are not UTF-8 stay visible as escapes."""
    return field.split(b"\0", 1)[0].decode(errors="backslashreplace")


def padded(size: int) -> int:
    """The size with the zeros that fill the last block."""
    return -(-size // BLOCK) * BLOCK


def pax_records(data: bytes) -> Iterator[tuple[str, str, bool]]:
    """Records of the form "length key=value newline", where length counts the whole record.

    Each with whether it is whole: some programs do not care, and go by what is there.
    """
    at = 0
    while at < len(data) and data[at]:
        space = data.find(b" ", at, at + 20)
        digits = data[at:space] if space > 0 else b""
        length = int(digits) if digits.isdigit() else 0
        record = data[space + 1 : at + length]
        key, equals, value = record.partition(b"=")
        if not equals or space < at:
            yield "", "", False
            return
        whole = value.endswith(b"\n") and at + length <= len(data)
        yield key.decode(errors="replace"), value[:-1].decode(errors="backslashreplace"), whole
        at += length


class Extensions:
    """What extended headers say about the member behind them."""

    def __init__(self, defaults: dict[str, str]) -> None:
        self.said = dict(defaults)
        self.damage: ReadError | None = None
        """What is wrong with an extended header that some programs take all the same."""
        self._pieces: list[str] = []  # offset, length, offset, length ... of sparse format 0.0
        self._paths: list[str] = []
        self._links: list[str] = []

    def take(self, kind: bytes, data: bytes, at: int, defaults: dict[str, str]) -> None:
        """Take in the data of one extended header at `at`: a long name or link, or pax records."""
        if kind == LONG_NAME:
            self._say("path", text(data))
        elif kind == LONG_LINK:
            self._say("linkpath", text(data))
        else:
            for key, value, whole in pax_records(data):
                if not whole:
                    self.damage = ReadError("a damaged pax record", offset=at)
                if key in {"GNU.sparse.offset", "GNU.sparse.numbytes"}:
                    self._pieces.append(value)
                if kind == PAX_GLOBAL:
                    self.said[key] = value
                    defaults[key] = value
                    if key == "size" or key.startswith("GNU.sparse."):
                        self.damage = ReadError(f"{key} for all members at once", offset=at)
                else:
                    self._say(key, value)

    def _say(self, key: str, value: str) -> None:
        self.said[key] = value
        if key == "path":
            self._paths.append(value)
        elif key == "linkpath":
            self._links.append(value)

    def header(self, block: bytes, at: int, start: int) -> Header:
        """The member that the header at `at` describes.

        Raises:
            ReadError: a number in it is none.
        """
        name, said = text(block[:100]), self.said
        prefix = text(block[345:500])
        kind = block[156:157]
        stated = number(block[124:136], at)
        size = said.get("size", "")
        path = said.get("GNU.sparse.name") or said.get("path")
        joined = f"{prefix}/{name}" if prefix else name
        ustar = block.startswith(b"ustar\0", 257)
        shown = path or (joined if ustar else name)
        links = dict.fromkeys((said.get("linkpath", ""), *self._links, text(block[157:257])))
        return Header(
            name=shown,
            others=tuple(dict.fromkeys(one for one in (name, joined) if one != shown)),
            claims=tuple(dict.fromkeys(one for one in self._paths if one != said["path"])),
            kind=kind,
            size=int(size) if _DECIMAL.fullmatch(size) else stated,
            stated=stated,
            links=tuple(filter(None, links)),
            start=start,
            data=at + BLOCK,
        )

    def spread(self, header: Header, block: bytes, window: Window, budget: Budget) -> None:
        """Fill in the map of a sparse member: GNU's old one, or one of the three in pax records.

        Raises:
            ReadError: the map is damaged.
            BudgetError: it has too many pieces.
        """
        said = self.said
        stated = said.get("GNU.sparse.realsize") or said.get("GNU.sparse.size")
        in_data = said.get("GNU.sparse.major") == "1" and said.get("GNU.sparse.minor") == "0"
        maps = (header.kind == OLD_SPARSE, "GNU.sparse.map" in said, bool(self._pieces), in_data)
        if sum(maps) != 1:
            if sum(maps) or stated:
                raise ReadError("maps that contradict each other", offset=header.start)
            return
        real = _decimals([stated], header)[0] if stated else header.size
        if header.kind == OLD_SPARSE:
            values = _old_map(header, block, window, budget)
            real = number(block[_REAL_SIZE], header.start)
        elif in_data:
            values = _map_in_data(header, window, budget)
        else:
            words = said["GNU.sparse.map"].split(",") if maps[1] else self._pieces
            values = _decimals(words, header)
        if len(values) % 2 or len(values) > 2 * _PIECES:
            raise BudgetError(f"a sparse member of {len(values) // 2:,} pieces")
        header.pieces, at = [], header.data
        for offset, length in zip(values[::2], values[1::2], strict=True):
            header.pieces.append(Piece(offset, length, at))
            at += length
        header.real = real


def _old_map(header: Header, block: bytes, window: Window, budget: Budget) -> list[int]:
    values: list[int] = []
    places, flag = _OLD_PIECES, _MORE_FLAG
    while True:
        for place in places:
            offset = number(block[place : place + 12], header.start)
            length = number(block[place + 12 : place + 24], header.start)
            if length:
                values += (offset, length)
        if len(block) < BLOCK or not block[flag] or len(values) > 2 * _PIECES:
            return values
        budget.step()
        block = window.at(header.data, BLOCK)
        header.data += BLOCK
        places, flag = _OLD_MORE, _MORE_FLAG_NEXT


def _map_in_data(header: Header, window: Window, budget: Budget) -> list[int]:
    """Sparse format 1.0: decimal lines in front of the data, padded to whole blocks."""
    end = header.data + header.size
    lines: list[str] = []
    rest = b""
    wanted = 1
    while len(lines) < wanted:
        budget.step()
        block = window.at(header.data, BLOCK)
        if len(block) < BLOCK or header.data >= end or wanted > 2 * _PIECES:
            raise ReadError("a damaged sparse map", offset=header.data)
        header.data += BLOCK
        *found, rest = (rest + block).split(b"\n")
        lines += [line.decode(errors="replace") for line in found]
        if lines:
            wanted = 1 + 2 * _decimals(lines[:1], header)[0]
    header.size = max(0, end - header.data)
    return _decimals(lines[1:wanted], header)


def _decimals(words: list[str], header: Header) -> list[int]:
    if not all(map(_DECIMAL.fullmatch, words)):
        raise ReadError("a damaged sparse map", offset=header.start)
    return [int(word) for word in words]
