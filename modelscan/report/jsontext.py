r"""JSON that is inert wherever it is shown: UTF-8, indented, deterministic.

JSON itself escapes only the C0 controls. Here DEL, the C1 controls, bidirectional and zero-width
characters and the line separators are written as `\u` escapes too, which loses nothing: a parser
reads the same string.

Two kinds of value cannot be written as they are, and only hostile files hold them: lone surrogates
(a file name that is not UTF-8) become visible escapes, and integers of thousands of digits, which
Python refuses to write in decimal, become hexadecimal text.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

_UNSEEN = re.compile(
    rb"\x7f|\xc2[\x80-\x9f\xad]|\xd8\x9c|\xe1\xa0\x8e|\xe2\x80[\x8b-\x8f\xa8-\xae]"
    rb"|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xef\xbf[\xb9-\xbb]|\xf3\xa0[\x80\x81][\x80-\xbf]"
)
"""Each of these characters as UTF-8. Bytes, since a long document takes up to four times as many as
text, and nothing else in UTF-8 looks like them."""
_LONGEST_INTEGER = 10_000
"""Bits, about 3,000 digits; Python's own limit is 4,300 digits (`sys.get_int_max_str_digits`)."""


def encode(value: Any, *, sort: bool = True, fields: bool = False) -> bytes:
    """One JSON document of `value`, indented by two, ending in a line break.

    Args:
        value: a struct or builtin containers.
        sort: sort the keys of dictionaries; a struct's fields keep the order of their declaration.
        fields: sort those, too.
    """
    order: Literal["sorted", "deterministic"] | None = "deterministic" if sort else None
    if fields:
        order = "sorted"
    try:
        data = msgspec.json.encode(value, order=order)
    except ValueError:  # a lone surrogate, or an integer that is too long
        plain = msgspec.to_builtins(value, order=order)
        data = msgspec.json.encode(_representable(plain))
        del plain
    del value  # a document of many megabytes, which whoever passed it on may hold no longer
    if not data.isascii() or b"\x7f" in data:
        data = _UNSEEN.sub(_escape, data)
    data = msgspec.json.format(data, indent=2)
    return data + b"\n"


def _escape(match: re.Match[bytes]) -> bytes:
    units = match[0].decode().encode("utf-16-be")
    pairs = (units[index : index + 2].hex() for index in range(0, len(units), 2))
    return "".join("\\u" + pair for pair in pairs).encode()


def _representable(value: Any) -> Any:
    """The same value, with what JSON cannot hold written as text."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {_representable(key): _representable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_representable(item) for item in value]
    if isinstance(value, int) and value.bit_length() > _LONGEST_INTEGER:
        return hex(value)
    return value
