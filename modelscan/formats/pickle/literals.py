"""What the textual arguments of protocols 0 and 1 stand for, and where they are certainly wrong.

The C unpickler is generous with numbers (any base, anything after a NUL), so only what it would
certainly refuse is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from modelscan.errors import ReadError
from modelscan.formats.pickle.values import Opaque
from modelscan.formats.pickle.window import Argument, Blob

_INT: Final = re.compile(rb"\s*[-+]?[0-9]+")
_FLOAT: Final = re.compile(rb"\s*[-+]?(?:[0-9.]|inf|nan)", re.IGNORECASE)
_INDEX: Final = re.compile(rb"\s*+([-+]?[0-9_]++)\s*+(?:\Z|\0)")
_LONGEST_INDEX: Final = 1 << 20
"""Bytes that the index of a memo entry may be written in: blanks and zeros count for nothing."""
_SIMPLE: Final = 18
"""Digits of an integer that is worth its value."""


class BrokenError(ReadError):
    """The unpickler would fail here."""


def written_int(argument: Argument, at: int) -> int | Opaque:
    """`INT` and `LONG`: `I01` is true, the rest are integers; large ones are not worth their value.

    Raises:
        BrokenError: it does not begin like a number.
    """
    if isinstance(argument, Blob):
        return Opaque("int")
    if argument in {b"00", b"01"}:
        return argument == b"01"
    found = _INT.match(argument)
    if found is None:
        if argument and not argument.partition(b"\0")[0].strip():  # to `strtol`, that is zero
            return Opaque("int")
        raise BrokenError("a number without digits", offset=at)
    simple = found.end() <= _SIMPLE and found.end() >= len(argument.rstrip(b"L\r "))
    return int(found.group()) if simple else Opaque("int")


def check_float(argument: Argument, at: int) -> None:
    """`FLOAT`.

    Raises:
        BrokenError: it does not begin like a number.
    """
    if isinstance(argument, bytes) and not _FLOAT.match(argument):
        raise BrokenError("a number without digits", offset=at)


def written_index(
    argument: Argument, at: int, read: Callable[[int, int], bytes] | None = None
) -> int:
    """`GET` and `PUT`: an index into the memo.

    Args:
        argument: how it is written.
        at: the offset of the opcode.
        read: gives bytes from an offset on, so many of them. Without it, a long one is refused.

    Raises:
        BrokenError: it is no index.
    """
    if isinstance(argument, Blob):
        argument = read(argument.start, min(argument.length, _LONGEST_INDEX)) if read else b""
    found = _INDEX.match(argument)
    try:
        index = int(found[1]) if found else -1
    except ValueError:  # underscores in the wrong places, or more digits than Python reads
        index = -1
    if index < 0:
        raise BrokenError("a memo index that is no number", offset=at)
    return index


def unquoted(argument: Argument, at: int) -> Argument:
    r"""`STRING`: the text between the quotes, with its escapes resolved when there are any.

    Raises:
        BrokenError: there are no quotes around it.
    """
    if isinstance(argument, Blob):
        return argument
    text = argument.strip()
    if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in {b"'", b'"'}:  # noqa: PLR2004  # a pair of quotes
        raise BrokenError("a string without quotes", offset=at)
    text = text[1:-1]
    return _unescaped(text) if b"\\" in text else text


def unescaped_text(text: bytes) -> bytes:
    r"""`UNICODE`: text in Latin-1 whose only escapes are `\u` and `\U`, as UTF-8."""
    try:
        return text.decode("raw-unicode-escape").encode("utf-8", "surrogatepass")
    except UnicodeError:
        return text


def name_pair(module: bytes, name: bytes, at: int) -> tuple[str, str]:
    """A module and a qualified name, as text.

    Raises:
        BrokenError: they cannot be names: not UTF-8, or empty.
    """
    try:
        pair = module.decode("utf-8"), name.decode("utf-8")
    except UnicodeDecodeError:
        raise BrokenError("a name that is not UTF-8", offset=at) from None
    if not pair[0] or not pair[1]:
        raise BrokenError("an empty name", offset=at)
    return pair


def python3_name(module: str, name: str) -> tuple[str, str]:
    """What Python 3 imports for a name of Python 2, as the unpickler's `fix_imports` does."""
    names, modules = _renamed()
    found = names.get((module, name))
    return found if found is not None else (modules.get(module, module), name)


@cache
def _renamed() -> tuple[dict[tuple[str, str], tuple[str, str]], dict[str, str]]:
    import _compat_pickle  # lazy: only old pickles need it; it holds tables and no code

    return _compat_pickle.NAME_MAPPING, _compat_pickle.IMPORT_MAPPING


def _unescaped(text: bytes) -> bytes:
    return _ESCAPE.sub(_escape, text)


_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))", re.DOTALL)
_LETTERS: Final = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v",
                   b"a": b"\a", b"\\": b"\\", b"'": b"'", b'"': b'"'}  # fmt: skip


def _escape(found: re.Match[bytes]) -> bytes:
    hexadecimal, octal, letter = found.groups()
    if hexadecimal:
        return bytes([int(hexadecimal, 16)])
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    return _LETTERS.get(letter, b"\\" + letter)
