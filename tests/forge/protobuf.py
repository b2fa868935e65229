"""Writes the wire format of protocol buffers, and nothing of what it means."""

from __future__ import annotations


def varint(value: int) -> bytes:
    value %= 1 << 64
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def data(field: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def fixed32(field: int, value: bytes = bytes(4)) -> bytes:
    return varint(field << 3 | 5) + value


def fixed64(field: int, value: bytes = bytes(8)) -> bytes:
    return varint(field << 3 | 1) + value


def group(field: int, inside: bytes) -> bytes:
    return varint(field << 3 | 3) + inside + varint(field << 3 | 4)
