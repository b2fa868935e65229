"""What the symbolic machine has on its stack: descriptions of values, never the values.

Python's own `None`, `bool` and `int` stand for themselves, `bytes` for a short string of text, as
stored, and a Python `tuple` for a short tuple; everything else is one of the classes below.

Invariants:

* containers keep few of their items, and beyond those every item that matters: an import that the
  list does not trust, or something that holds or may come to hold one (see `matters`);
* a value that is not shared is reachable in one way only: once it is an item of another one, it
  cannot change any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from typing import Literal as OneOf

from modelscan.formats.pickle.special import (
    FORMULA,
    HASHING,
    HOLDERS,
    LENGTH,
    OFFSET,
    PATH,
    PICKLED,
    REACTING,
    SPECIAL,
    TEMPLATE,
    is_called,
    runs_methods,
)
from modelscan.formats.pickle.window import Argument
from modelscan.vocabulary.fact import Disposition

OddityKind = OneOf[
    "computed-name", "overwritten-state", "extension-code", "dotted-name", "callable-argument",
    "persistent-id", "broken-stream", "trailing-data", "tensor-outside-storage", "storage-mismatch",
    "reference-bomb", "frame-mismatch", "outside-file",
    "misplaced-value", "misplaced-part", "packaged-module", "method-run", "array-of-addresses",
]  # fmt: skip
"""As in `PickleOddity.kind`."""

KEPT_ITEMS: Final = 16
"""Items that a container keeps whatever they are: enough for arguments and small states. Even, so
that a dictionary's keys and values stay in turns."""
CODE_ITEMS: Final = 128
"""The same once a name was imported that makes code objects: these have many parts."""
FIELD_ITEMS: Final = 4096
"""The same once a type with fields was made, whose fields must all be known."""
HOOKS: Final = frozenset({b"__setstate__", b"__class__", b"__dict__", b"append", b"extend", b"add"})
"""Attributes of an instance that the unpickler itself looks up and calls: for BUILD, for APPEND(S)
and for ADDITEMS (`load_build`, `do_append`, `load_additems` in `Modules/_pickle.c`). A state goes
into `__dict__`, which may be made to be another object's, or a module's."""


_ALWAYS: Final = frozenset({TEMPLATE, FORMULA, PICKLED, PATH, OFFSET, LENGTH})
"""Keys that a dictionary keeps, whatever their values are."""


class Opaque:
    """A constant, or a container whose items do not matter: neither to be called nor a name."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


class Literal:
    """A string of bytes, or a text too long to keep."""

    __slots__ = ("content", "escaped", "text")

    def __init__(self, content: Argument, *, text: bool, escaped: bool = False) -> None:
        self.content = content
        self.text = text
        self.escaped = escaped
        """True when it is stored with the escapes of protocol 0."""


class Global:
    """An imported name."""

    __slots__ = (
        "callable", "called", "consumes", "disposition", "hashes", "held", "instance", "module",
        "name", "offset", "own", "reacts", "result", "simple", "stated", "trusted", "unread",
        "vetted",
    )  # fmt: skip

    def __init__(
        self, module: str, name: str, offset: int, disposition: Disposition, *, own: bool
    ) -> None:
        self.module = module
        self.name = name
        self.callable = f"{module}.{name}"
        """`module.name`."""
        self.offset = offset
        self.disposition = disposition
        self.own = own
        self.trusted = disposition not in {"denied", "unknown"}
        """True when the list has something good to say about it."""
        self.simple = self.trusted and disposition != "nested" and self.callable not in SPECIAL
        """True when its calls need no closer look than its name."""
        self.consumes = runs_methods(module, name)
        """True when it runs methods of what it is given (see `handed`)."""
        self.unread = disposition == "data-class"
        """Only that has been read of the class which making and filling an instance runs."""
        self.reacts = self.unread and module.startswith(REACTING)
        self.hashes = self.unread and module.startswith(HASHING)
        """Instances may do harm when they are given items, or hashed (see `given`)."""
        self.called = False
        self.vetted = False
        """It was called in a way that is harmless, as it would not be with other arguments."""
        self.held = False
        """It was put into something, when the list does not trust it."""
        self.stated = 0
        """How grave the `pickle.call` was that has been stated about it; 0 for none."""
        self.result: Call | None = None
        """What every call of it returns in the quicker ways, once one has been stated."""
        self.instance: Call | None = None
        """The same for making an instance of it."""


class Written(Global):
    """A listed function whose code is in the pickle (see `code_objects`)."""

    __slots__ = ()


class Call:
    """What a call returns, or an instance that was made."""

    __slots__ = (
        "arguments", "armed", "endless", "filled", "function", "hooked", "kept", "links",
        "reported", "shared", "state",
    )  # fmt: skip

    def __init__(
        self, function: Value, arguments: Sequence[Value] = (), *, reported: bool = False
    ) -> None:
        self.function = function
        self.arguments = arguments
        self.reported = reported
        """True when a rule hears of this call, so that calling its result is no news."""
        self.state: Value = None
        self.links: Container | None = None
        """What matters among what it was given: arguments, items, state."""
        self.shared = False
        self.hooked = False
        """True when its state sets an attribute that the unpickler calls."""
        self.kept = False
        """True when its arguments and its state are needed later."""
        self.filled = self.armed = False
        """True when it has a state; when that makes an instance in a way that nobody has read."""
        self.endless = False
        """True for an iterator without an end (see `endless`)."""

    def give(self, values: Sequence[Value]) -> None:
        """Arguments, items or a state that it has been given."""
        given = [value for value in values if matters(value)]
        if given:
            if self.links is None:
                self.links = Container()
            self.links.extend(given)
            self.links.linked = True


class Tensor(Call):
    """A tensor that is rebuilt from a storage."""

    __slots__ = ()


class Unknown:
    """Something that the file does not hold: an extension, a buffer, a persistent object."""

    __slots__ = ("reported", "what")

    def __init__(self, what: str, *, reported: bool) -> None:
        self.what = what
        self.reported = reported


class Storage(Unknown):
    """A storage of torch's, by the persistent id that says how long it is."""

    __slots__ = ("elements", "key", "type")

    def __init__(self, key: bytes, type_: str, elements: int) -> None:
        super().__init__("a storage", reported=False)
        self.key = key
        self.type = type_
        """Name of its class, as in `FloatStorage`."""
        self.elements = elements


class Skipped(Unknown):
    """One of the values that a stretch left behind which was not followed (see `survey`)."""

    __slots__ = ()


class Container(list["Value"]):
    """A tuple, list, set, frozen set or dictionary (keys and values in turns).

    It holds the first items and, of the others, those that matter; of a dictionary, always the key
    and the value.
    """

    kind = "object"
    linked = False
    """True when an item matters."""
    shared = False
    """True when it may be reached in more than one way, and so change at any time."""
    computed = False
    """True when a key that was not kept is more than plain text."""
    worded = False
    """True when there was a text, or bytes, among the items that were not kept."""
    room = KEPT_ITEMS
    """How many items are kept whatever they are."""

    def grow(self, room: int) -> None:
        """Keep so many items from now on; 0 for as many as before."""
        if room:
            self.room = room

    def put(self, items: Sequence[Value]) -> int:
        """Add items; returns how many were kept."""
        if not self.linked:
            self.linked = any(matters(value) for value in items if value.__class__ in ACTIVE)
        return self.keep(items)

    def keep(self, items: Sequence[Value]) -> int:
        """Add items without a look at what matters, as long as there is room."""
        before = len(self)
        room = max(self.room - before, 0)
        self.extend(items[:room])
        if room < len(items):
            self.extend(self._kept(items[room:]))
        return len(self) - before

    def _kept(self, rest: Sequence[Value]) -> list[Value]:
        """What has to be kept of items beyond the first ones."""
        self.worded = self.worded or any(value.__class__ in _WORDS for value in rest)
        if self.kind != "dict":
            return [value for value in rest if value.__class__ in ACTIVE and matters(value)]
        kept: list[Value] = []
        for key, value in zip(rest[::2], rest[1::2], strict=False):
            if key.__class__ in ACTIVE:
                self.computed = True
                wanted = matters(key) or (value.__class__ in ACTIVE and _hooks(key, value))
            else:
                wanted = key.__class__ is bytes and key in _ALWAYS
            if wanted or (value.__class__ in ACTIVE and (matters(value) or _hooks(key, value))):
                kept += (key, value)
        return kept

    def mapping(self) -> dict[bytes, Value]:
        """The items of a small dictionary by their textual keys."""
        return {key: value for key, value in self.pairs() if isinstance(key, bytes)}

    def pairs(self) -> Iterator[tuple[Value, Value]]:
        """The keys and values of a dictionary."""
        return zip(self[::2], self[1::2], strict=False)


class LongTuple(Container):
    """A tuple, in the thorough way."""

    kind = "tuple"


class ListValue(Container):
    """A list, in the thorough way."""

    kind = "list"


class SetValue(Container):
    """A set, in the thorough way."""

    kind = "set"


class FrozenSetValue(Container):
    """A frozen set, in the thorough way."""

    kind = "frozenset"


class DictValue(Container):
    """A dictionary."""

    kind = "dict"


CONTAINERS: Final[dict[str, type[Container]]] = {
    cls.kind: cls for cls in (LongTuple, ListValue, SetValue, FrozenSetValue, DictValue)
}
"""The class of each kind of container."""
Value = (
    None | bool | int | bytes | tuple["Value", ...] | Opaque | Literal | Global | Call | Unknown
    | Container
)  # fmt: skip

_WORDS: Final = frozenset({bytes, Literal})
FLOAT: Final = Opaque("float")
BYTEARRAY: Final = Opaque("bytearray")
PLAIN: Final = {kind: Opaque(kind) for kind in ("list", "set", "frozenset", "dict", "tuple")}
"""Containers of which nothing needs to be known, by kind."""
BUFFER: Final = Unknown("an out-of-band buffer", reported=False)
STORAGE: Final = Unknown("a storage", reported=False)
ACTIVE: Final = frozenset(
    {Global, Written, Call, Tensor, Unknown, Storage, Skipped, *CONTAINERS.values()}
)
"""The classes of values that may matter."""
SKIPPED: Final = Skipped("something before", reported=False)
FILLED: Final = Skipped("something before that was given keys and values", reported=False)
"""So it is a dictionary, or has read them: no method of it is run but those that were read."""


def matters(value: Value) -> bool:
    """True for an import that the list does not trust, and for what (maybe later) holds one.

    Whoever asks is about to put it into something.
    """
    if isinstance(value, Global):
        value.held |= not value.trusted
        return not value.trusted
    if isinstance(value, Container):
        return value.shared or value.linked
    if isinstance(value, Call):
        return value.shared or value.links is not None
    return isinstance(value, Skipped)


def _hooks(key: Value, value: Value) -> bool:
    """True when a state of this would set an attribute that is called while the pickle is loaded.

    A key that is no plain text may be any: an instance of a class derived from `str`, say.
    """
    if isinstance(key, bytes):
        if key in HOOKS and isinstance(value, Global | Call | Unknown):
            return True
        return is_called(key) and (isinstance(value, Global | Skipped) or _holds_function(value))
    return isinstance(key, Call | Unknown) and (isinstance(value, Global) or _holds_function(value))


def _holds_function(value: Value) -> bool:
    return isinstance(value, Call) and getattr(value.function, "callable", "") in HOLDERS


def hooks_in(items: Sequence[Value]) -> bool:
    """True when these keys and values name an attribute that the unpickler calls."""
    for index in range(1, len(items), 2):  # a plain loop: most states are small, and have none
        value = items[index]
        if value.__class__ in ACTIVE and _hooks(items[index - 1], value):
            return True
    return False


def sets_hook(state: Value) -> bool:
    """True when BUILD with this state sets an attribute that the unpickler calls, or may do so."""
    if isinstance(state, tuple):
        return any(map(sets_hook, state))
    if isinstance(state, Container):
        if state.kind == "tuple":
            return any(map(sets_hook, state))
        return state.kind == "dict" and hooks_in(state)
    return isinstance(state, Call) and (state.reported or state.links is not None)


def imports_in(values: Iterable[Value]) -> Iterator[Global | None]:
    """The imported names in some values, in containers among them and in what calls were given.

    Yields `None` for each container or call that is looked into, so that the caller can account
    for it.
    """
    waiting = list(values)
    seen: set[int] = set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, Global):
            yield value
        elif isinstance(value, tuple | Container | Call) and id(value) not in seen:
            seen.add(id(value))
            yield None
            waiting.extend((value.links or ()) if isinstance(value, Call) else value)


def tuple_items(value: Value) -> Sequence[Value]:
    """The arguments in a call's tuple; what is known of them when it is not a literal one."""
    if isinstance(value, tuple | Container):
        return value
    if isinstance(value, Call):
        return value.links or (value,)  # never as if there were none
    return (value,) if isinstance(value, Skipped) else ()
