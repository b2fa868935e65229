"""Python bytecode in a text: `marshal` data in base64, as Keras writes the body of a lambda.

Source: CPython's `Python/marshal.c`: a code object begins with its type, `c`, with or without the
flag 0x80, then counts of arguments as 32-bit numbers, little-endian.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

from modelscan.formats.objects.tree import Table

_SHORTEST: Final = 40
_START: Final = re.compile(r"\s*(?:4[w-z]|Y[w-z])[A-Za-z0-9+/\s]")
"""The first characters of base64 for 0xe3 or 0x63 and a small number."""
_TYPES: Final = frozenset({0xE3, 0x63})
_COUNTS: Final = 3
_MOST: Final = 255


def is_code(text: str) -> bool:
    """True for base64 of a code object."""
    if len(text) < _SHORTEST or _START.match(text) is None:
        return False
    packed = "".join(text[:80].split())[:24]
    try:
        head = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(head) < 1 + 4 * _COUNTS or head[0] not in _TYPES:
        return False
    counts = (int.from_bytes(head[1 + 4 * at : 5 + 4 * at], "little") for at in range(_COUNTS))
    return all(count <= _MOST for count in counts)


def holds_code(table: Table) -> bool:
    """True when a value of a table, or an item right inside one, is bytecode."""
    return any(_holds(value) for value in table.values())


def _holds(value: Any) -> bool:
    if isinstance(value, str):
        return is_code(value)
    return isinstance(value, list) and any(
        isinstance(item, str) and is_code(item) for item in value
    )
