"""The header of a `.npy` file: a Python dictionary as text, read by a parser of its own.

NumPy evaluates the text as a literal. Of that language only what NumPy writes is taken: strings,
whole numbers, truth values, `None`, tuples, lists and one dictionary. Everything else is an error.
Invariants: one pass over the tokens, nesting of bounded depth, nothing evaluated.

Source: `numpy.lib.format`, versions 1.0 to 3.0 (NEP 1).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from modelscan.errors import ReadError

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>[bu]?(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"))"""
    r"""|(?P<number>-?\d{1,20})L?|(?P<word>True|False|None)|(?P<mark>[{}()\[\],:])|(?P<end>\Z))"""
)
_WORDS: Final = {"True": True, "False": False, "None": None}
_CLOSING: Final = {"(": ")", "[": "]"}
_MAX_DEPTH: Final = 32
_MAX_DIMENSIONS: Final = 64
"""NumPy's own limit; products of the extents stay small numbers."""
_KEYS: Final = frozenset({"descr", "fortran_order", "shape"})
_DTYPE: Final = re.compile(
    r"[<>=|]?(?P<kind>[?bBhHiIlLqQnNpPefdgFDGSaUVOmMcu])(?P<digits>\d{0,9})(?P<unit>\[\w{1,9}\])?"
)
_SIZES: Final = {
    "?": 1, "h": 2, "H": 2, "i": 4, "I": 4, "l": 8, "L": 8, "q": 8, "Q": 8, "n": 8, "N": 8, "p": 8,
    "P": 8, "e": 2, "f": 4, "d": 8, "g": 16, "F": 8, "D": 16, "G": 32, "m": 8, "M": 8, "c": 1,
    "b": 1, "B": 1,
}  # fmt: skip
"""Bytes of a type code without digits."""
_CHARACTER: Final = 4
_PAIR: Final = 2  # a field is a name and a type
_TRIPLE: Final = 3  # and, for an array within an array, its shape


class Element(NamedTuple):
    """An element type."""

    size: int | None
    """Bytes; `None` when the type is not known."""
    objects: bool
    """True when the type is, holds, or may be a Python object."""


class Header(NamedTuple):
    """What the header says."""

    dtype: str
    """The element type, as written."""
    shape: tuple[int, ...]
    element: Element
    fortran: bool = False
    """The first dimension runs fastest."""

    @property
    def size(self) -> int | None:
        """Bytes of all elements; `None` when they cannot be told."""
        return None if self.element.size is None else self.element.size * math.prod(self.shape)


def parse(text: str) -> Header:
    """Read the text of a header.

    Raises:
        ReadError: NumPy would refuse it, or would need more than literals to take it.
    """
    parser = _Parser(text)
    table = parser.value(0)
    parser.finish()
    if not isinstance(table, dict) or set(table) != _KEYS:
        raise ReadError("the header is not a table of descr, fortran_order and shape")
    shape = table["shape"]
    if not isinstance(shape, tuple) or not all(type(extent) is int for extent in shape):
        raise ReadError("the shape is not a tuple of whole numbers")
    if len(shape) > _MAX_DIMENSIONS or not all(0 <= extent < 1 << 63 for extent in shape):
        raise ReadError("a shape that no array has")
    if type(table["fortran_order"]) is not bool:
        raise ReadError("fortran_order is not a truth value")
    element = _element(table["descr"], 0)
    return Header(str(table["descr"])[:200], shape, element, table["fortran_order"])


def _element(description: Any, depth: int) -> Element:
    """The element type that a `descr` stands for.

    NumPy hands a string to `numpy.dtype`, which knows many spellings: one that is not known here
    may be an object.
    """
    if depth > _MAX_DEPTH:
        raise ReadError("an element type nested too deeply")
    if isinstance(description, str):
        return _simple(description)
    if isinstance(description, list):
        return _record(description, depth)
    if isinstance(description, tuple) and len(description) == _PAIR:
        return _repeated(_element(description[0], depth + 1), description[1])
    raise ReadError("an element type that is neither a string nor a list of fields")


def _simple(code: str) -> Element:
    found = _DTYPE.fullmatch(code)
    if found is None or found["kind"] == "O":
        return Element(8 if found else None, objects=True)
    kind, digits = found["kind"], found["digits"]
    if kind in "SaV":
        return Element(int(digits or 0), objects=False)
    if kind == "U":
        return Element(int(digits or 0) * _CHARACTER, objects=False)
    if digits and (kind not in "?bBiufcmMV" or not int(digits)):
        return Element(None, objects=True)
    size = int(digits) if digits else _SIZES.get(kind)
    return Element(size, objects=size is None)


def _record(fields: Sequence[Any], depth: int) -> Element:
    size: int | None = 0
    objects = False
    for field in fields:
        if not isinstance(field, tuple) or len(field) not in {_PAIR, _TRIPLE}:
            raise ReadError("a field that is not a name and an element type")
        element = _element(field[1], depth + 1)
        if len(field) == _TRIPLE:
            element = _repeated(element, field[2])
        size = None if size is None or element.size is None else size + element.size
        objects |= element.objects
    return Element(size, objects)


def _repeated(element: Element, shape: Any) -> Element:
    extents = shape if isinstance(shape, tuple) else (shape,)
    if len(extents) > _MAX_DIMENSIONS or not all(
        type(extent) is int and extent >= 0 for extent in extents
    ):
        raise ReadError("a field with a shape that no array has")
    size = None if element.size is None else element.size * math.prod(extents)
    return Element(size, element.objects)


class _Parser:
    """Literals, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._kind = ""
        self._token = ""
        self._advance()

    def finish(self) -> None:
        """Refuse anything behind the value."""
        if self._kind != "end":
            raise self._error("something follows the table")

    def value(self, depth: int) -> Any:
        """The next literal."""
        kind, token = self._kind, self._token
        if depth > _MAX_DEPTH:
            raise self._error("nested too deeply")
        if self._at_mark("{"):
            return self._table(depth)
        if kind == "mark" and token in _CLOSING:
            return self._sequence(token, depth)
        if kind not in {"text", "number", "word"}:
            raise self._error("not a literal")
        self._advance()
        if kind == "number":
            return int(token)
        return _WORDS[token] if kind == "word" else token.lstrip("bu")[1:-1]

    def _table(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self._at_mark("}"):
            key = self.value(depth + 1)
            if not isinstance(key, str) or key in found:
                raise self._error("a key that is no string, or stands twice")
            self._expect(":")
            found[key] = self.value(depth + 1)
            if not self._at_mark("}", peek=True):
                self._expect(",")
        return found

    def _sequence(self, opening: str, depth: int) -> Any:
        found: list[Any] = []
        closing, comma = _CLOSING[opening], False
        self._advance()
        while not self._at_mark(closing):
            found.append(self.value(depth + 1))
            if not self._at_mark(closing, peek=True):
                self._expect(",")
                comma = True
        if opening == "[":
            return found
        return tuple(found) if comma or not found else found[0]

    def _at_mark(self, mark: str, *, peek: bool = False) -> bool:
        """True at this mark, which is stepped over unless only looked at."""
        if self._kind != "mark" or self._token != mark:
            return False
        if not peek:
            self._advance()
        return True

    def _expect(self, mark: str) -> None:
        if self._kind != "mark" or self._token != mark:
            raise self._error(f"no {mark!r} where one must be")
        self._advance()

    def _advance(self) -> None:
        found = _TOKEN.match(self._text, self._at)
        if found is None or found.lastgroup is None:
            raise self._error("not a literal")
        self._kind, self._token = found.lastgroup, found[found.lastgroup]
        self._at = found.end()

    def _error(self, what: str) -> ReadError:
        return ReadError(f"the header is not a Python literal: {what}", offset=self._at)
