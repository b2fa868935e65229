"""Which tensors a torch pickle describes, read statically: names, storages, shapes and strides.

The scanner's own machine judges what a pickle would do, and forgets plain data on purpose. Here it
is the other way round: tables of tensors are kept, and everything else is `OTHER`. Nothing is
imported, called or built; the opcodes are split by the house's decoder.

Invariants: memory is bounded by the budget's values, time by its steps; what would make the
unpickler fail ends the reading with a `ReadError`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.pickle import literals
from modelscan.formats.pickle.opcodes import NAMES
from modelscan.formats.pickle.window import Argument, Window, decode
from modelscan.lineage.torch_values import OTHER, Name, Unread, Value, View, result_of, storage_of

_BATCH: Final = 4096


class _Mark:
    """What MARK puts on the stack."""


_MARK: Final = _Mark()


class Read(NamedTuple):
    """What one pickle amounts to."""

    value: Value
    end: int
    """Where the next one begins."""


def read(window: Window, offset: int, budget: Budget) -> Read:
    """Follow one pickle.

    Raises:
        ReadError: it breaks.
        BudgetError: it is longer, or holds more, than the budget allows.
    """
    return _Machine(budget).run(window, offset)


class _Machine:
    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._stack: list[Value] = []
        self._memo: dict[int, Value] = {}
        self._kept = 0

    def run(self, window: Window, offset: int) -> Read:
        due = offset + _BATCH
        for code, argument, at in decode(window, offset):
            name = NAMES[code]
            if name == "STOP":
                return Read(self._pop(at), at + 1)
            if at >= due:
                self._account(_BATCH)
                due = at + _BATCH
            self._step(name, argument, at)
        raise ReadError("the pickle ends without STOP", offset=offset)  # decode raises before

    def _account(self, steps: int) -> None:
        self._budget.step(steps)
        if self._kept + len(self._memo) + len(self._stack) > self._budget.limits.values:
            raise BudgetError("a table of more values than are kept")

    # -- the stack -----------------------------------------------------------------------------

    def _pop(self, at: int) -> Value:
        if not self._stack or self._stack[-1] is _MARK:
            raise ReadError("too little on the stack", offset=at)
        return self._stack.pop()

    def _pop_mark(self, at: int) -> list[Value]:
        items: list[Value] = []
        while self._stack:
            value = self._stack.pop()
            if value is _MARK:
                items.reverse()
                return items
            items.append(value)
        raise ReadError("there is no mark", offset=at)

    def _push(self, value: Value) -> None:
        self._stack.append(value)

    # -- opcodes -------------------------------------------------------------------------------

    def _step(self, name: str, argument: Argument, at: int) -> None:
        if name in _CONSTANTS:
            self._push(_CONSTANTS[name])
        elif name in _TEXTS:
            self._push(_text(name, argument, at))
        elif name in _NUMBERS:
            self._push(_number(name, argument, at))
        elif name in _EMPTY:
            self._push(_EMPTY[name]())
        elif name in _IGNORED:
            return
        elif name.startswith(("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE")):
            self._memo[_index(name, argument, at, len(self._memo))] = self._top(at)
        elif name in {"BINGET", "LONG_BINGET", "GET"}:
            index = _index(name, argument, at, 0)
            if index not in self._memo:
                raise ReadError(f"memo {index} was never set", offset=at)
            self._push(self._memo[index])
        elif name in _ITEMS:
            self._add(name, at)
        else:
            self._structure(name, argument, at)

    def _top(self, at: int) -> Value:
        value = self._pop(at)
        self._push(value)
        return value

    def _structure(self, name: str, argument: Argument, at: int) -> None:
        """What builds tuples, imports, calls, or moves the stack."""
        if name == "MARK":
            self._push(_MARK)
        elif name == "POP":
            if not self._stack:
                raise ReadError("too little on the stack", offset=at)
            self._stack.pop()
        elif name == "POP_MARK":
            self._pop_mark(at)
        elif name == "DUP":
            self._push(self._top(at))
        elif name == "TUPLE":
            self._push(tuple(self._pop_mark(at)))
        elif name in {"TUPLE1", "TUPLE2", "TUPLE3"}:
            items = [self._pop(at) for _ in range(int(name[-1]))]
            self._push(tuple(reversed(items)))
        elif name in {"LIST", "DICT", "FROZENSET"}:
            items = self._pop_mark(at)
            self._push([] if name == "LIST" else {} if name == "DICT" else OTHER)
            if name == "DICT":
                self._fill(self._stack[-1], items)
        else:
            self._call(name, argument, at)

    def _call(self, name: str, argument: Argument, at: int) -> None:
        """What imports a name, calls something, sets a state, or asks the loader."""
        if name == "GLOBAL":
            raw = argument if isinstance(argument, bytes) else b"?\n?"
            self._push(Name(raw.decode("utf-8", "replace").replace("\n", ".")))
        elif name == "STACK_GLOBAL":
            last, first = self._pop(at), self._pop(at)
            self._push(Name(f"{first}.{last}"))
        elif name == "BINPERSID":
            self._push(storage_of(self._pop(at)))
        elif name in {"REDUCE", "NEWOBJ"}:
            arguments, function = self._pop(at), self._pop(at)
            self._push(result_of(function, arguments))
        elif name == "BUILD":
            self._pop(at)
        elif name in {"INST", "OBJ"}:
            self._pop_mark(at)
            self._push(OTHER)
        elif name == "NEWOBJ_EX":
            for _ in range(3):
                self._pop(at)
            self._push(OTHER)
        else:  # extensions, buffers, ids in text
            if name == "READONLY_BUFFER":
                self._pop(at)
            self._push(OTHER)

    def _add(self, name: str, at: int) -> None:
        if name in {"APPEND", "SETITEM"}:
            items = [self._pop(at) for _ in range(1 if name == "APPEND" else 2)][::-1]
        else:
            items = self._pop_mark(at)
        target = self._top(at)
        if isinstance(target, list) and name in {"APPEND", "APPENDS"}:
            kept = [item for item in items if isinstance(item, str)]
            target += kept
            self._kept += len(kept)
        elif name.startswith("SETITEM"):
            self._fill(target, items)

    def _fill(self, target: Value, items: list[Value]) -> None:
        """Keep what a table can have tensors in."""
        if not isinstance(target, dict):
            return
        for key, value in zip(items[::2], items[1::2], strict=False):
            if isinstance(key, str) and isinstance(value, View | Unread | dict):
                target[key] = value
                self._kept += 1
            elif isinstance(key, str):
                target.pop(key, None)


_CONSTANTS: Final[dict[str, Value]] = {
    "NONE": None, "NEWTRUE": True, "NEWFALSE": False, "BINFLOAT": OTHER, "FLOAT": OTHER,
    "BINBYTES": OTHER, "SHORT_BINBYTES": OTHER, "BINBYTES8": OTHER, "BYTEARRAY8": OTHER,
    "EMPTY_SET": OTHER, "EMPTY_TUPLE": (),
}  # fmt: skip
_EMPTY: Final[dict[str, type[list[Value] | dict[str, Value]]]] = {
    "EMPTY_LIST": list, "EMPTY_DICT": dict,
}  # fmt: skip
_TEXTS: Final = frozenset(
    {"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING",
     "SHORT_BINSTRING"}
)  # fmt: skip
_NUMBERS: Final = frozenset({"BININT", "BININT1", "BININT2", "LONG1", "LONG4", "INT", "LONG"})
_IGNORED: Final = frozenset({"PROTO", "FRAME"})
_ITEMS: Final = frozenset({"APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS"})


def _text(name: str, argument: Argument, at: int) -> Value:
    if name == "STRING":
        argument = literals.unquoted(argument, at)
    if not isinstance(argument, bytes):
        return OTHER  # too long for a name
    if name == "UNICODE":
        argument = literals.unescaped_text(argument)
    return argument.decode("utf-8", "surrogateescape")


def _number(name: str, argument: Argument, at: int) -> Value:
    if name in {"INT", "LONG"}:
        value = literals.written_int(argument, at)
        return value if isinstance(value, int) else OTHER
    if not isinstance(argument, bytes):
        return OTHER
    return int.from_bytes(argument, "little", signed=name in {"BININT", "LONG1", "LONG4"})


def _index(name: str, argument: Argument, at: int, following: int) -> int:
    if name == "MEMOIZE":
        return following
    if name in {"GET", "PUT"}:
        return literals.written_index(argument, at)
    return int.from_bytes(argument, "little") if isinstance(argument, bytes) else -1
