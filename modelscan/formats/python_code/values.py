"""What is known about the value of an expression, without computing more than text.

A name spells where a thing comes from: `os.system`, and with `()` for the result of a call, as in
`socket.socket().connect`. An unknown part of a text stands as one `UNKNOWN` character, so that a
command with one variable in it can still be recognised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # a circle of types, none at run time
    from modelscan.formats.python_code.scopes import Class, Function

UNKNOWN: Final = "…"
"""Stands for a part of a text that was not computed."""
MAX_VALUES: Final = 6
"""Values kept for one expression; a name that is assigned more often is not followed further."""
MAX_TEXT: Final = 1 << 16
"""Characters of one computed text; literals are kept at any length."""
MAX_COMPUTED: Final = 32 << 20
"""Characters computed for one file."""

Plain = str | bytes | int | None


@dataclass(frozen=True, slots=True)
class Value:
    """One thing that an expression may stand for; all fields empty when nothing is known."""

    name: str = ""
    """Dotted name; `?` for a module whose name is computed."""
    text: Plain = None
    """A constant, or text of which at least a part is known."""
    items: tuple[Value, ...] | None = None
    """What a display (tuple, list, set, dictionary's values) holds."""
    decoded: bool = False
    """True for what came out of a decoder, or was put together from character codes."""
    secret: bool = False
    """True for what holds credentials or the whole environment."""
    downloads: frozenset[int] = frozenset()
    """The calls, by node id, that fetched it."""
    other: bool = False
    """True when it may also be something else: the text is one of several, or made of such."""
    function: Function | None = None
    """A function of this module."""
    cls: Class | None = None
    """A class of this module, or an instance of it."""
    made: bool = False
    """True for an instance of `cls`."""

    @property
    def known(self) -> str:
        """The text, when every part of it is known; else empty."""
        return self.text if isinstance(self.text, str) and UNKNOWN not in self.text else ""


Values = tuple[Value, ...]

NOTHING: Final[Values] = ()


def shown(value: Value) -> str:
    """A text for the value inside another text."""
    if isinstance(value.text, str):
        return value.text
    return str(value.text) if isinstance(value.text, int) else UNKNOWN


def tainted(values: Values, *, text: Plain = None, name: str = "", decoded: bool = False) -> Value:
    """A value computed from others: what is true of one of them is true of it."""
    secret = other = False
    downloads = frozenset[int]()
    for value in values:
        decoded |= value.decoded
        secret |= value.secret
        other |= value.other
        if value.downloads:
            downloads |= value.downloads
    return Value(
        name=name, text=text, decoded=decoded, secret=secret, downloads=downloads, other=other
    )


class Purse:
    """Pays for computed text: hostile source could double a string a thousand times."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MAX_COMPUTED

    def affords(self, length: int) -> bool:
        """True when a text of that length may be computed; accounts for it."""
        if length > MAX_TEXT or length > self._left:
            return False
        self._left -= length
        return True
