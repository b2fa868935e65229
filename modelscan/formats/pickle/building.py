"""The opcodes that only build: constants, containers, and moves between stack and memo."""

from __future__ import annotations

from functools import partial
from typing import Final

from modelscan.errors import BudgetError
from modelscan.formats.pickle import literals
from modelscan.formats.pickle.given import given_items, hashed
from modelscan.formats.pickle.literals import BrokenError
from modelscan.formats.pickle.memo import EscalateError
from modelscan.formats.pickle.opcodes import HIGHEST_PROTOCOL
from modelscan.formats.pickle.shown import abbreviated
from modelscan.formats.pickle.state import HandlerTable, State
from modelscan.formats.pickle.values import (
    BYTEARRAY,
    FILLED,
    FLOAT,
    PLAIN,
    Call,
    Container,
    Global,
    Literal,
    Opaque,
    Skipped,
    Storage,
    Tensor,
    Value,
    hooks_in,
)
from modelscan.formats.pickle.window import Argument

_LISTS: Final = frozenset({"list"})
_SETS: Final = frozenset({"set"})
_MAPPINGS: Final = frozenset({"dict", "list"})
_FRAME_HEADER: Final = 9
FORGOTTEN: Final = Opaque("forgotten")
"""Stands in the memo for a value that is never fetched, as far as can be told beforehand."""


def _constant(value: Value, state: State, _argument: Argument, _at: int) -> None:
    state.stack.append(value)


def _text(state: State, argument: Argument, _at: int) -> None:
    state.stack.append(argument if isinstance(argument, bytes) else Literal(argument, text=True))


def _quoted(state: State, argument: Argument, at: int) -> None:
    _text(state, literals.unquoted(argument, at), at)


def _written_text(state: State, argument: Argument, _at: int) -> None:
    if isinstance(argument, bytes):
        state.stack.append(literals.unescaped_text(argument))
    else:
        state.stack.append(Literal(argument, text=True, escaped=True))


def _bytes(state: State, argument: Argument, _at: int) -> None:
    state.stack.append(Literal(argument, text=False))


def _signed(state: State, argument: Argument, _at: int) -> None:
    if isinstance(argument, bytes):
        state.stack.append(int.from_bytes(argument, "little", signed=True))
    else:
        state.stack.append(Opaque("int"))


def _written_int(state: State, argument: Argument, at: int) -> None:
    state.stack.append(literals.written_int(argument, at))


def _written_float(state: State, argument: Argument, at: int) -> None:
    literals.check_float(argument, at)
    state.stack.append(FLOAT)


def _pop(state: State, _argument: Argument, at: int) -> None:
    if state.stack:
        state.stack.pop()
    else:
        state.pop_mark(at)


def _pop_mark(state: State, _argument: Argument, at: int) -> None:
    state.pop_mark(at)


def _duplicate(state: State, _argument: Argument, _at: int) -> None:
    value = state.stack[-1]
    _share(state, value)
    state.duplicated += 1
    state.stack.append(value)


def _share(state: State, value: Value) -> None:
    if not state.lean and isinstance(value, Container | Call):
        value.shared = True


def _memoize(state: State, _argument: Argument, at: int) -> None:
    memo = state.memo
    if memo.exact:
        _remember(state, memo.next, at)
    else:
        memo.memoize(state.stack[-1])


def _put(state: State, argument: Argument, at: int) -> None:
    _remember(state, int.from_bytes(argument, "little"), at)


def _written_put(state: State, argument: Argument, at: int) -> None:
    _remember(state, literals.written_index(argument, at, state.ledger.artifact.read_at), at)


def _remember(state: State, index: int, _at: int) -> None:
    value = state.stack[-1]
    wanted = state.memo.wanted
    if wanted is None or index in wanted:
        _share(state, value)
    elif not state.lean:
        value = FORGOTTEN
    state.memo.put(index, value)


def _get(state: State, argument: Argument, at: int) -> None:
    _fetch(state, int.from_bytes(argument, "little"), at)


def _written_get(state: State, argument: Argument, at: int) -> None:
    _fetch(state, literals.written_index(argument, at, state.ledger.artifact.read_at), at)


def _fetch(state: State, index: int, at: int) -> None:
    value = state.memo.get(index, at)
    if value is FORGOTTEN:
        raise BudgetError("a value is fetched that was too much to remember", offset=at)
    state.stack.append(value)


def _empty(kind: str, state: State, _argument: Argument, _at: int) -> None:
    state.push_container(kind, ())


def _gathered(kind: str, state: State, _argument: Argument, at: int) -> None:
    items = state.pop_mark(at)
    if kind == "dict" and len(items) % 2:
        raise BrokenError("a key without a value", offset=at)
    if state.ledger.hashes and kind in {"dict", "frozenset"}:
        hashed(state, items[::2] if kind == "dict" else items, at)
    state.push_container(kind, items)


def _short_tuple(count: int, state: State, _argument: Argument, at: int) -> None:
    if len(state.stack) < count:
        raise state.broken("too little on the stack for a tuple", at)
    items = state.stack[-count:]
    del state.stack[-count:]
    state.push_container("tuple", items)


def _add(state: State, items: list[Value], kinds: frozenset[str], at: int) -> None:
    """Put items into what is on top of the stack.

    Onto an imported name this changes what other code uses: `sys.modules`, `os.environ`, a class;
    onto a tensor or its storage, memory, under `weights_only=True`, too (CVE-2026-24747).
    An instance has its own methods called; the unpickler looks some up on the instance itself.
    """
    target = state.stack[-1]
    if isinstance(target, Container):
        if target.kind not in kinds:
            raise BrokenError(f"a {target.kind} takes no such items", offset=at)
        target.grow(state.ledger.room)
        if kinds is not _LISTS and state.ledger.hashes and target.kind != "list":
            hashed(state, items[::2] if kinds is _MAPPINGS else items, at)
        state.kept += target.keep(items) if state.lean else target.put(items)
    elif isinstance(target, Global | Storage | Tensor):
        state.ledger.oddity("overwritten-state", abbreviated([target]), at)
    elif isinstance(target, Call):
        _give(state, target, items, at, appends=kinds is not _MAPPINGS)
    elif isinstance(target, Skipped):
        _give_hidden(state, items, mapped=kinds is _MAPPINGS)
    elif isinstance(target, Opaque) and target is PLAIN.get(target.kind):
        if target.kind not in kinds:
            raise BrokenError(f"a {target.kind} takes no such items", offset=at)
    elif target is not BYTEARRAY and (
        target is None or isinstance(target, int | bytes | tuple | Literal | Opaque)
    ):
        raise BrokenError("a constant takes no items", offset=at)


def _give(state: State, target: Call, items: list[Value], at: int, *, appends: bool) -> None:
    """Hand items to an instance."""
    if target.hooked and appends:
        state.ledger.oddity("overwritten-state", abbreviated([target]), at)
    else:
        given_items(state, target, at)
    if not state.lean:
        target.give(items)
    elif hooks_in(items):
        raise EscalateError


def _give_hidden(state: State, items: list[Value], *, mapped: bool) -> None:
    """Hand items to what a stretch left behind."""
    if state.hides_memory or hooks_in(items):
        raise EscalateError
    state.hide(items)
    if mapped:
        if state.hides_special and any(isinstance(key, Global | Call) for key in items[::2]):
            raise EscalateError  # an instance may call it (see `given`)
        state.stack[-1] = FILLED


def _append(state: State, _argument: Argument, at: int) -> None:
    value = state.stack.pop()
    _add(state, [value], _LISTS, at)


def _set_item(state: State, _argument: Argument, at: int) -> None:
    value = state.stack.pop()
    key = state.stack.pop()
    _add(state, [key, value], _MAPPINGS, at)


def _add_many(kinds: frozenset[str], state: State, _argument: Argument, at: int) -> None:
    items = state.pop_mark(at)
    if kinds is _MAPPINGS and len(items) % 2:
        raise BrokenError("a key without a value", offset=at)
    if items:
        _add(state, items, kinds, at)


def _protocol(state: State, argument: Argument, at: int) -> None:
    declared = int.from_bytes(argument, "little")
    if declared > HIGHEST_PROTOCOL:
        raise BrokenError(f"there is no protocol {declared}", offset=at)
    state.declared = declared
    state.protocol = max(state.protocol, declared)


def _frame(state: State, argument: Argument, at: int) -> bool:
    """FRAME: what follows is in a frame; the one before must have ended."""
    if state.frame > at:
        state.misframed(at)
    state.resume = at + _FRAME_HEADER
    state.frame = state.resume + int.from_bytes(argument, "little")
    return True  # the loop is to end where the frame does


BUILDING: Final[HandlerTable] = {
    "POP": _pop, "POP_MARK": _pop_mark, "DUP": _duplicate, "PROTO": _protocol, "FRAME": _frame,
    "FLOAT": _written_float, "INT": _written_int, "LONG": _written_int, "LONG1": _signed,
    "LONG4": _signed, "STRING": _quoted, "UNICODE": _written_text, "BINSTRING": _text,
    "SHORT_BINSTRING": _text, "BINUNICODE": _text, "BINUNICODE8": _text, "BINBYTES": _bytes,
    "SHORT_BINBYTES": _bytes, "BINBYTES8": _bytes, "BYTEARRAY8": partial(_constant, BYTEARRAY),
    "EMPTY_TUPLE": partial(_empty, "tuple"), "EMPTY_LIST": partial(_empty, "list"),
    "EMPTY_DICT": partial(_empty, "dict"), "EMPTY_SET": partial(_empty, "set"),
    "TUPLE": partial(_gathered, "tuple"), "LIST": partial(_gathered, "list"),
    "DICT": partial(_gathered, "dict"), "FROZENSET": partial(_gathered, "frozenset"),
    "TUPLE1": partial(_short_tuple, 1), "TUPLE2": partial(_short_tuple, 2),
    "TUPLE3": partial(_short_tuple, 3), "APPEND": _append, "APPENDS": partial(_add_many, _LISTS),
    "ADDITEMS": partial(_add_many, _SETS), "SETITEM": _set_item,
    "SETITEMS": partial(_add_many, _MAPPINGS), "MEMOIZE": _memoize, "PUT": _written_put,
    "BINPUT": _put, "LONG_BINPUT": _put, "GET": _written_get, "BINGET": _get, "LONG_BINGET": _get,
}  # fmt: skip
"""What each of these opcodes does. The few that are missing are done in `follow` alone."""
