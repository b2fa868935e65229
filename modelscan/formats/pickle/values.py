"""What the symbolic machine has on its stack: descriptions of values, never the values.

Python's own `None`, `bool` and `int` stand for themselves and `bytes` for a short string of text,
as stored; everything else is one of the classes below. Containers keep few of their items, but keep
every item that could matter (see `linked`), so that a large list costs little and hides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from typing import Literal as OneOf

from modelscan.formats.pickle.window import Argument, Blob
from modelscan.vocabulary.fact import Disposition

OddityKind = OneOf[
    "computed-name", "overwritten-state", "extension-code", "dotted-name", "callable-argument",
    "persistent-id", "broken-stream", "trailing-data",
]  # fmt: skip
"""As in `PickleOddity.kind`."""

_KEPT_ITEMS: Final = 16
"""Items that a container keeps whatever they are: enough for arguments and small states."""
_SHOWN: Final = 120
"""Characters of abbreviated arguments."""
_SHOWN_ITEMS: Final = 6
_SHOWN_DEPTH: Final = 3
_SHOWN_BITS: Final = 64


class Opaque:
    """A constant whose value does not matter: it can be neither called nor a name."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


class Literal:
    """A string of bytes, or a text too long to keep."""

    __slots__ = ("content", "text")

    def __init__(self, content: Argument, *, text: bool) -> None:
        self.content = content
        self.text = text


class Global:
    """An imported name."""

    __slots__ = ("called", "disposition", "module", "name", "offset", "own", "stated")

    def __init__(
        self, module: str, name: str, offset: int, disposition: Disposition, *, own: bool
    ) -> None:
        self.module = module
        self.name = name
        self.offset = offset
        self.disposition = disposition
        self.own = own
        self.called = False
        self.stated = 0
        """How grave the `pickle.call` was that has been stated about it; 0 for none."""

    @property
    def callable(self) -> str:
        """`module.name`."""
        return f"{self.module}.{self.name}"

    @property
    def trusted(self) -> bool:
        """True when the list has something good to say about it."""
        return self.disposition not in {"denied", "unknown"}


class Call:
    """What a call returns, or an instance that was made."""

    __slots__ = ("arguments", "function", "reported", "state")

    def __init__(
        self, function: Value, arguments: Sequence[Value] = (), *, reported: bool = False
    ) -> None:
        self.function = function
        self.arguments = arguments
        self.reported = reported
        """True when a rule hears of this call, so that calling its result is no news."""
        self.state: Value = None


class Unknown:
    """Something that the file does not hold: an extension, a buffer, a persistent object."""

    __slots__ = ("reported", "what")

    def __init__(self, what: str, *, reported: bool) -> None:
        self.what = what
        self.reported = reported


class Container:
    """A tuple, list, set, frozen set or dictionary (keys and values in turns)."""

    __slots__ = ("items", "kind", "linked")

    def __init__(self, kind: str, items: list[Value]) -> None:
        self.kind = kind
        self.items = items
        """The first items, or all of a tuple's when they are few."""
        self.linked: list[Value] | None = None
        """Among the items that were not kept: those that are, or hold, imports."""
        if len(items) > _KEPT_ITEMS:
            self.items = []
            self.extend(items)

    def extend(self, items: Sequence[Value]) -> int:
        """Add items; returns how many were kept."""
        room = _KEPT_ITEMS - len(self.items)
        self.items.extend(items[:room] if room > 0 else ())
        kept = min(max(room, 0), len(items))
        if kept < len(items):
            links = [v for v in items[kept:] if isinstance(v, _LINKS)]
            if links:
                self.linked = (self.linked or []) + links
                kept += len(links)
        return kept

    def mapping(self) -> dict[bytes, Value]:
        """The items of a small dictionary by their textual keys."""
        pairs = zip(self.items[::2], self.items[1::2], strict=False)
        return {key: value for key, value in pairs if isinstance(key, bytes)}


Value = None | bool | int | bytes | Opaque | Literal | Global | Call | Unknown | Container
_LINKS = (Global, Container)

FLOAT: Final = Opaque("float")
BYTEARRAY: Final = Opaque("bytearray")
BUFFER: Final = Unknown("an out-of-band buffer", reported=False)
STORAGE: Final = Unknown("a storage", reported=False)


def imports_in(values: Iterable[Value]) -> Iterator[Global | None]:
    """The imported names in some values and in the containers among them.

    Yields `None` for each container that is looked into, so that the caller can account for it.
    """
    waiting = list(values)
    seen: set[int] = set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, Global):
            yield value
        elif isinstance(value, Container) and id(value) not in seen:
            seen.add(id(value))
            yield None
            waiting.extend(value.items)
            waiting.extend(value.linked or ())


def abbreviated(values: Sequence[Value]) -> str:
    """Arguments as a person would write them, cut to a line."""
    text = ", ".join(_show(value, _SHOWN_DEPTH) for value in values[:_SHOWN_ITEMS])
    if len(values) > _SHOWN_ITEMS:
        text += ", …"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _show(value: Value, depth: int) -> str:  # noqa: C901, PLR0911  # one line for each class of value
    if isinstance(value, bytes):
        return repr(value[:_SHOWN].decode("utf-8", "replace"))
    if isinstance(value, Literal):
        if isinstance(value.content, Blob):
            return f"<{value.content.length:,} {'characters' if value.text else 'bytes'}>"
        return repr(value.content[:_SHOWN])
    if isinstance(value, Global):
        return value.callable
    if isinstance(value, Call):
        return f"{_show(value.function, 0)}(…)"
    if isinstance(value, Unknown):
        return f"<{value.what}>"
    if isinstance(value, Opaque):
        return f"<{value.kind}>"
    if isinstance(value, Container):
        if depth == 0 or not value.items:
            return f"<{value.kind}>"
        inner = ", ".join(_show(item, depth - 1) for item in value.items[:_SHOWN_ITEMS])
        return f"{value.kind}({inner})"
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        return f"<a number of {value.bit_length()} bits>"
    return repr(value)


def tuple_items(value: Value) -> Sequence[Value]:
    """The arguments in a call's tuple; none when it is not a literal tuple."""
    return [*value.items, *(value.linked or ())] if isinstance(value, Container) else ()
