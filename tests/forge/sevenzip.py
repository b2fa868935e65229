"""7z archives built by hand: one stream for each group of files, and a plain or packed header."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

COPY, LZMA2, LZMA, X86, DELTA = b"\0", b"\x21", b"\3\1\1", b"\3\3\1\3", b"\3"
DEFLATE, BZIP2, PPMD, AES, BCJ2 = b"\4\1\x08", b"\4\2\2", b"\3\4\1", b"\6\xf1\7\1", b"\3\3\1\x1b"

_LZMA1 = {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 3, "lp": 0, "pb": 2}
_LZMA2 = {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}
_PROPERTIES = {
    LZMA2: bytes([16]), LZMA: bytes([0x5D]) + struct.pack("<I", 1 << 16), DELTA: bytes([3])
}  # fmt: skip


class Group(NamedTuple):
    """Files that are packed into one stream."""

    files: dict[str, bytes]
    chain: tuple[bytes, ...] = (LZMA2,)
    """Methods, in the order of packing."""
    properties: bytes | None = None
    """Instead of the first method's own."""


def pack(data: bytes, chain: Sequence[bytes]) -> bytes:
    """What Python can pack; other methods leave the data alone."""
    filters = []
    for method in chain:
        if method == X86:
            filters.append({"id": lzma.FILTER_X86})
        elif method == DELTA:
            filters.append({"id": lzma.FILTER_DELTA, "dist": 4})
        elif method in {LZMA, LZMA2}:
            filters.append(_LZMA2 if method == LZMA2 else _LZMA1)
    if chain[-1] in {LZMA, LZMA2}:
        return lzma.compress(data, format=lzma.FORMAT_RAW, filters=filters)
    if chain[-1] == BZIP2:
        return bz2.compress(data)
    if chain[-1] == DEFLATE:
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        return compressor.compress(data) + compressor.flush()
    return data


def number(value: int) -> bytes:
    """A number of up to 14 bits, or of 64."""
    if value < 0x80:
        return bytes([value])
    if value < 0x4000:
        return bytes([0x80 | value >> 8, value & 0xFF])
    return b"\xff" + struct.pack("<Q", value)


def seven_zip(
    *groups: Group,
    packed_header: bool = False,
    empty: Sequence[str] = (),
    modes: dict[str, int] | None = None,
    after: bytes = b"",
) -> bytes:
    """An archive of groups, and of empty files."""
    body = b""
    streams: list[tuple[Group, bytes]] = []
    for group in groups:
        streams.append((group, pack(b"".join(group.files.values()), group.chain)))
        body += streams[-1][1]
    names = [name for group in groups for name in group.files]
    header = b"\1\4" + _streams(0, streams) + b"\5" + _files(names, empty, modes or {}) + b"\0"
    if packed_header:
        body, header = encoded(body, header)
    return whole(body, header) + after


def encoded(
    body: bytes, header: bytes, chain: tuple[bytes, ...] = (LZMA2,), times: int = 1
) -> tuple[bytes, bytes]:
    """The header packed behind the body, and the header of that."""
    group = Group({"": header}, chain)
    raw = pack(header, chain)
    return body + raw * times, b"\x17" + _streams(len(body), [(group, raw)] * times)


def whole(body: bytes, header: bytes) -> bytes:
    """The signature header in front, and the header behind."""
    start = struct.pack("<2QI", len(body), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(start)) + start + body + header


def _streams(start: int, streams: Sequence[tuple[Group, bytes]]) -> bytes:
    count = number(len(streams))
    info = b"\6" + number(start) + count + b"\x09"
    info += b"".join(number(len(packed)) for _, packed in streams) + b"\0"
    info += b"\7\x0b" + count + b"\0" + b"".join(_folder(group) for group, _ in streams) + b"\x0c"
    for group, _ in streams:
        info += number(sum(map(len, group.files.values()))) * len(group.chain)
    info += b"\0\x08\x0d" + b"".join(number(len(group.files)) for group, _ in streams)
    sizes = b"".join(
        number(len(data)) for group, _ in streams for data in list(group.files.values())[:-1]
    )
    checks = b"".join(
        struct.pack("<I", zlib.crc32(data)) for group, _ in streams for data in group.files.values()
    )
    return info + (b"\x09" + sizes if sizes else b"") + b"\x0a\1" + checks + b"\0\0"


def _folder(group: Group) -> bytes:
    coders = b""
    for method in group.chain:
        properties = _PROPERTIES.get(method, b"")
        if group.properties is not None:
            properties = group.properties
        flags = len(method) | (0x20 if properties else 0)
        coders += bytes([flags]) + method
        coders += number(len(properties)) + properties if properties else b""
    bonds = b"".join(bytes([at, at + 1]) for at in range(len(group.chain) - 1))
    return number(len(group.chain)) + coders + bonds


def _files(names: Sequence[str], empty: Sequence[str], modes: dict[str, int]) -> bytes:
    everything = [*names, *empty]
    info = number(len(everything))
    if empty:
        blank = frozenset(empty)
        bits = [name in blank for name in everything]
        flags = bytes(
            sum(0x80 >> place for place, bit in enumerate(bits[at : at + 8]) if bit)
            for at in range(0, len(bits), 8)
        )
        info += b"\x0e" + number(len(flags)) + flags
    text = b"\0" + b"".join(name.encode("utf-16-le") + b"\0\0" for name in everything)
    info += b"\x11" + number(len(text)) + text
    if modes:
        attributes = b"\1\0" + b"".join(
            struct.pack("<I", modes[name] << 16 | 0x8000 if name in modes else 0x20)
            for name in everything
        )
        info += b"\x15" + number(len(attributes)) + attributes
    return info + b"\x19\2\0\0\0"
