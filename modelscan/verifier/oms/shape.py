"""JSON taken apart strictly: a value that is not what the format says is a broken signature.

Invariants: no name stands twice in an object, no object has a name that the format does not know
(two parsers could otherwise read two bundles in one), no number is `NaN`. Whatever the bytes are,
nothing but `BrokenSignatureError` is raised.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from typing import Any

from modelscan.formats import json_text
from modelscan.verifier.oms.failures import BrokenSignatureError


def document(data: bytes, what: str) -> dict[str, Any]:
    """The JSON object in some bytes.

    Args:
        data: UTF-8.
        what: what errors call it.

    Raises:
        BrokenSignatureError: it is not one JSON object, or can be read in two ways.
    """
    try:
        found = json_text.parse(data.decode("utf-8"))
    except RecursionError:
        raise BrokenSignatureError(f"{what} is nested too deeply") from None
    except ValueError as error:  # includes what is not UTF-8, and numbers of too many digits
        raise BrokenSignatureError(f"{what} is not JSON: {error}") from None
    if found.repeated:
        raise BrokenSignatureError(f"{what} has the name {found.repeated[0]!r} twice in one object")
    if found.constants:
        raise BrokenSignatureError(f"{what} holds {found.constants[0]}, which is not JSON")
    return table(found.root, what)


def table(value: Any, what: str, known: Collection[str] | None = None) -> dict[str, Any]:
    """An object; with `known`, one that has no other names.

    Raises:
        BrokenSignatureError: it is none.
    """
    if not isinstance(value, dict):
        raise BrokenSignatureError(f"{what} is not an object")
    stranger = next((name for name in value if known is not None and name not in known), None)
    if stranger is not None:
        raise BrokenSignatureError(f"{what} has an unknown name {stranger!r}")
    return value


def items(value: Any, what: str, *, least: int = 0, most: int | None = None) -> list[Any]:
    """An array with a number of items within bounds.

    Raises:
        BrokenSignatureError: it is none.
    """
    if not isinstance(value, list):
        raise BrokenSignatureError(f"{what} is not an array")
    if len(value) < least or (most is not None and len(value) > most):
        raise BrokenSignatureError(f"{what} has {len(value):,} items")
    return value


def text(value: Any, what: str) -> str:
    """A string that is not empty and is Unicode text: no half of a surrogate pair.

    Raises:
        BrokenSignatureError: it is none.
    """
    if not isinstance(value, str) or not value:
        raise BrokenSignatureError(f"{what} is not a text")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise BrokenSignatureError(f"{what} is not Unicode text") from None
    return value


def octets(value: Any, what: str) -> bytes:
    """The bytes that a base64 text stands for (RFC 4648, section 4), at least one.

    Raises:
        BrokenSignatureError: it stands for none.
    """
    try:
        return base64.b64decode(text(value, what), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BrokenSignatureError(f"{what} is not base64: {error}") from None
