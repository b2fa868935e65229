"""The opcodes that act: they import, call, set state, or ask the loader for an object.

Each goes to the ledger the moment it is met, so that neither a later POP nor a broken end hides it.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from modelscan.formats.pickle import literals
from modelscan.formats.pickle.calls import called
from modelscan.formats.pickle.literals import BrokenError
from modelscan.formats.pickle.state import HandlerTable, State
from modelscan.formats.pickle.values import (
    BUFFER,
    STORAGE,
    Call,
    Container,
    Global,
    Literal,
    Opaque,
    Unknown,
    Value,
    abbreviated,
    tuple_items,
)
from modelscan.formats.pickle.window import Argument, Blob

_MAPPED_BELOW: Final = 3
"""Protocols below this one name modules as Python 2 did."""
_STACK_GLOBAL_SINCE: Final = 4
_NEWOBJ_SINCE: Final = 2
_PERSISTENT_TAGS: Final = frozenset({b"storage", b"module"})
"""First items of the persistent ids that torch writes (`torch.serialization.persistent_id`)."""


def _import(state: State, names: Argument, at: int) -> Global | Unknown:
    """Import a module and a qualified name, given on two lines."""
    if isinstance(names, Blob):  # attributes reached in circles, to be too long to look at
        return _computed(state, f"a name of {names.length:,} characters", at)
    module, name = literals.name_pair(names, at)
    if state.declared < _MAPPED_BELOW:
        module, name = literals.python3_name(module, name)
    return state.ledger.imported(module, name, at)


def _computed(state: State, what: str, at: int) -> Unknown:
    state.ledger.oddity("computed-name", what, at)
    return Unknown("a computed name", reported=True)


def _global(state: State, argument: Argument, at: int) -> None:
    state.stack.append(_import(state, argument, at))


def _stack_global(state: State, _argument: Argument, at: int) -> None:
    state.protocol = max(state.protocol, _STACK_GLOBAL_SINCE)
    name = state.stack.pop()
    module = state.stack.pop()
    if isinstance(module, bytes) and isinstance(name, bytes):
        if b"\n" in module:
            raise BrokenError("a line break in a module's name", offset=at)
        state.stack.append(_import(state, module + b"\n" + name, at))
    elif _may_be_text(module) and _may_be_text(name):
        state.stack.append(_computed(state, abbreviated([module, name]), at))
    else:
        raise BrokenError("a name that is no text", offset=at)


def _may_be_text(value: Value) -> bool:
    if isinstance(value, Literal):
        return value.text
    return isinstance(value, bytes | Call | Unknown)


def _extension(state: State, argument: Argument, at: int) -> None:
    number = int.from_bytes(argument, "little")
    state.ledger.oddity("extension-code", str(number), at)
    state.stack.append(Unknown(f"extension {number}", reported=True))


def _persistent(state: State, _argument: Argument, at: int) -> None:
    _refer(state, state.stack.pop(), at)


def _written_persistent(state: State, argument: Argument, at: int) -> None:
    _refer(state, argument if isinstance(argument, bytes) else None, at)


def _refer(state: State, key: Value, at: int) -> None:
    if isinstance(key, Container) and key.items and key.items[0] in _PERSISTENT_TAGS:
        state.stack.append(STORAGE)
        return
    state.ledger.oddity("persistent-id", abbreviated([key]), at)
    state.stack.append(Unknown("a persistent object", reported=True))


def _next_buffer(state: State, _argument: Argument, _at: int) -> None:
    state.stack.append(BUFFER)


def _read_only(state: State, _argument: Argument, at: int) -> None:
    if not state.stack:
        raise BrokenError("there is no buffer on the stack", offset=at)


def _call(state: State, function: Value, items: list[Value], opcode: str, at: int) -> None:
    if function is None or isinstance(function, int | bytes | Opaque | Literal | Container):
        raise BrokenError("what is called is no function", offset=at)
    made = opcode.startswith("NEWOBJ")
    state.stack.append(called(state.ledger, function, items, opcode, at, instantiates=made))


def _call_with_tuple(opcode: str, state: State, _argument: Argument, at: int) -> None:
    items = tuple_items(state.stack.pop())
    if opcode == "NEWOBJ":
        state.protocol = max(state.protocol, _NEWOBJ_SINCE)
    _call(state, state.stack.pop(), list(items), opcode, at)


def _new_object_ex(state: State, _argument: Argument, at: int) -> None:
    state.protocol = max(state.protocol, _STACK_GLOBAL_SINCE)
    keywords = state.stack.pop()
    items = [*tuple_items(state.stack.pop()), *tuple_items(keywords)]
    _call(state, state.stack.pop(), items, "NEWOBJ_EX", at)


def _instance(state: State, argument: Argument, at: int) -> None:
    items = state.pop_mark(at)
    _call(state, _import(state, argument, at), items, "INST", at)


def _object(state: State, _argument: Argument, at: int) -> None:
    items = state.pop_mark(at)
    _call(state, items.pop(0), items, "OBJ", at)


def _stop(state: State, _argument: Argument, at: int) -> bool:
    state.stack.pop()
    state.resume = at + 1
    state.stopped = True
    return True


ACTING: Final[HandlerTable] = {
    "GLOBAL": _global, "STACK_GLOBAL": _stack_global, "EXT1": _extension, "EXT2": _extension,
    "EXT4": _extension, "PERSID": _written_persistent, "BINPERSID": _persistent,
    "NEXT_BUFFER": _next_buffer, "READONLY_BUFFER": _read_only,
    "REDUCE": partial(_call_with_tuple, "REDUCE"), "NEWOBJ": partial(_call_with_tuple, "NEWOBJ"),
    "NEWOBJ_EX": _new_object_ex, "INST": _instance, "OBJ": _object, "STOP": _stop,
}  # fmt: skip
"""What each of these opcodes does. BUILD is the machine's own: bytes may follow it."""
