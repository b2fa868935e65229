"""Computes the text that source hides: joins, formats, escapes, codes of characters, decoders.

Invariants: only constants are computed, by code of ours that mirrors the method of `str` or
`bytes`; every result is paid for, and a decompressor stops at `MAX_TEXT`. A part that is not known
becomes `UNKNOWN`. What is not folded is unknown, never an error.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Sequence
from typing import Final

from modelscan.formats.python_code.values import (
    MAX_TEXT,
    UNKNOWN,
    Plain,
    Purse,
    Value,
    shown,
)

_BYTE: Final = 255
_LAST: Final = 0x10FFFF
_LZMA_MEMORY: Final = 16 << 20
_GZIP: Final = 31
_RAW_TEXT: Final = frozenset({"utf-8", "utf8", "ascii", "latin-1", "latin1", "iso-8859-1"})
_ROT13: Final = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "NOPQRSTUVWXYZABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm",
)
_FIELD_COST: Final = 8
"""What a field costs beside the text put into it."""
_FIELD: Final = re.compile(r"\{(\w*)\}")
_PERCENT: Final = re.compile(r"%[sdr]")


def concatenated(parts: Sequence[Value], purse: Purse, separator: str = "") -> Plain:
    """Texts, one after the other; bytes only when all are."""
    if parts and all(isinstance(part.text, bytes) for part in parts) and not separator:
        pieces = [part.text for part in parts if isinstance(part.text, bytes)]
        return b"".join(pieces) if purse.affords(sum(map(len, pieces))) else None
    texts = [shown(part) for part in parts]
    length = sum(map(len, texts)) + len(separator) * len(texts)
    return separator.join(texts) if purse.affords(length) else None


def repeated(text: Plain, count: Plain, purse: Purse) -> Plain:
    """`text * count`."""
    if isinstance(text, str | bytes) and isinstance(count, int) and 0 <= count <= MAX_TEXT:
        return text * count if purse.affords(len(text) * count) else None
    return None


def percent(text: str, parts: Sequence[Value], purse: Purse) -> Plain:
    """`text % parts`, for the plain fields."""
    left = list(parts)
    return _substituted(
        _PERCENT, text, lambda _: shown(left.pop(0)) if left else UNKNOWN, parts, purse
    )


def formatted(text: str, parts: Sequence[Value], named: dict[str, Value], purse: Purse) -> Plain:
    """`text.format(*parts, **named)`, for fields without a width or an attribute."""
    left = iter(parts)

    def field(found: re.Match[str]) -> str:
        key = found[1]
        if not key:
            return shown(next(left, Value()))
        if key.isdecimal() and len(key) < 4:  # noqa: PLR2004  # nobody numbers a thousand fields
            return shown(parts[int(key)]) if int(key) < len(parts) else UNKNOWN
        return shown(named.get(key, Value()))

    return _substituted(_FIELD, text, field, [*parts, *named.values()], purse)


def _substituted(
    pattern: re.Pattern[str],
    text: str,
    field: Callable[[re.Match[str]], str],
    parts: Sequence[Value],
    purse: Purse,
) -> Plain:
    longest = max((len(shown(part)) for part in parts), default=1)
    fields = sum(1 for _ in pattern.finditer(text)) if len(text) <= MAX_TEXT else MAX_TEXT
    return (
        pattern.sub(field, text)
        if purse.affords(len(text) + (longest + _FIELD_COST) * fields)
        else None
    )


def method(text: Plain, name: str, arguments: Sequence[Value], purse: Purse) -> Plain:
    """`text.name(*arguments)` for the methods that make text out of text."""
    plain = [argument.text for argument in arguments]
    if not isinstance(text, str | bytes) or not purse.affords(len(text)):
        return None
    if name in {"decode", "encode"}:
        return recoded(text, plain[0] if plain else "utf-8")
    if name in {"lower", "upper", "swapcase", "title", "hex"} and not plain:
        result = getattr(text, name, None)
        return (
            str(result())
            if isinstance(text, str) and result is not None
            else (text.hex() if isinstance(text, bytes) and name == "hex" else None)
        )
    if name in {"strip", "lstrip", "rstrip"} and not plain:
        return text.strip()
    if name == "replace" and isinstance(text, str) and len(plain) >= 2:  # noqa: PLR2004  # old, new
        old, new = plain[:2]
        if isinstance(old, str) and isinstance(new, str):
            grown = len(text) + text.count(old) * len(new)
            return text.replace(old, new) if purse.affords(grown) else None
    return None


def recoded(text: Plain, encoding: Plain) -> Plain:
    """`decode` and `encode` with an encoding of text, and the codecs that hide it."""
    codec = encoding.lower().replace("_", "-") if isinstance(encoding, str) else ""
    try:
        if codec in _RAW_TEXT:
            return text.decode(codec) if isinstance(text, bytes) else _raw(text)
        if codec in {"rot13", "rot-13"} and isinstance(text, str):
            return text.translate(_ROT13)
        if codec in {"unicode-escape", "raw-unicode-escape"} and isinstance(text, bytes):
            return text.decode(codec)
    except UnicodeError:
        return None
    decoder = _CODECS.get(codec)
    return decoded(decoder, text) if decoder else None


def decoded(decoder: str, text: Plain) -> Plain:
    """What a decoder makes of a constant, at most `MAX_TEXT` bytes of it.

    Args:
        decoder: the function's name, such as `base64.b64decode`.
        text: its first argument.
    """
    function = DECODERS.get(decoder)
    raw = _raw(text)
    if function is None or raw is None:
        return None
    try:
        return function(raw)[:MAX_TEXT]
    except (ValueError, EOFError, OSError, zlib.error, lzma.LZMAError, MemoryError):
        return None


def characters(codes: Plain | Sequence[Value], *, binary: bool, purse: Purse) -> Plain:
    """`chr(code)`, `bytes([…])`: text out of numbers."""
    if isinstance(codes, int):
        return chr(codes) if 0 <= codes <= _LAST else None
    if codes is None or isinstance(codes, str | bytes) or not purse.affords(len(codes)):
        return None
    numbers = [code.text for code in codes if isinstance(code.text, int)]
    top = _BYTE if binary else _LAST
    if len(numbers) != len(codes) or not all(0 <= number <= top for number in numbers):
        return None
    return bytes(numbers) if binary else "".join(map(chr, numbers))


def _raw(text: Plain) -> bytes | None:
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    return text if isinstance(text, bytes) else None


def _zlib(bits: int) -> Callable[[bytes], bytes]:
    return lambda data: zlib.decompressobj(bits).decompress(data, MAX_TEXT)


def _base64(data: bytes) -> bytes:
    return base64.b64decode(data + b"=" * (-len(data) % 4))


DECODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "base64.b64decode": _base64,
    "base64.standard_b64decode": _base64,
    "base64.urlsafe_b64decode": lambda data: _base64(data.replace(b"-", b"+").replace(b"_", b"/")),
    "base64.decodebytes": _base64,
    "base64.b32decode": base64.b32decode,
    "base64.b16decode": lambda data: base64.b16decode(data, casefold=True),
    "base64.b85decode": base64.b85decode,
    "base64.a85decode": base64.a85decode,
    "binascii.a2b_base64": binascii.a2b_base64,
    "binascii.a2b_hex": binascii.unhexlify,
    "binascii.unhexlify": binascii.unhexlify,
    "bytes.fromhex": lambda data: bytes.fromhex(data.decode("ascii")),
    "bytearray.fromhex": lambda data: bytes.fromhex(data.decode("ascii")),
    "zlib.decompress": _zlib(zlib.MAX_WBITS),
    "gzip.decompress": _zlib(_GZIP),
    "bz2.decompress": lambda data: bz2.BZ2Decompressor().decompress(data, MAX_TEXT),
    "lzma.decompress": lambda data: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY).decompress(
        data, MAX_TEXT
    ),
}
"""Functions that turn text which says nothing into text that does."""

_CODECS: Final = {
    "base64": "base64.b64decode", "base-64": "base64.b64decode", "base64-codec": "base64.b64decode",
    "hex": "bytes.fromhex", "hex-codec": "bytes.fromhex",
    "zlib": "zlib.decompress", "zip": "zlib.decompress", "zlib-codec": "zlib.decompress",
    "bz2": "bz2.decompress", "bz2-codec": "bz2.decompress",
}  # fmt: skip
