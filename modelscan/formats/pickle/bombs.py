"""Reference bombs: few opcodes that stand for billions of values, or for endless nesting.

A pickle that puts a value into another one twice, and that one into a third twice, stands for 2**n
values after n rounds. Loading it costs nothing; hashing it for a dictionary's key, comparing,
printing, copying or saving it never ends. Nesting of ten thousands of levels ends the process.

Real data has shared values, too, but few that hold others, and these few times: `suspicion` tells
whether it is worth weighing what a pickle stands for, and the weighing decides.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.pickle.literals import written_index
from modelscan.formats.pickle.opcodes import CODES, STOP
from modelscan.formats.pickle.suspicion import HEAVY, RATIO
from modelscan.formats.pickle.window import Argument, Window, decode
from modelscan.formats.repeated import every

_WEIGHED: Final = 1 << 20
"""Bytes of it that are weighed."""
_DEEP: Final = 20_000
"""Levels of nesting. Python's own pickler gives up at a thousand."""
_MARKED: Final = frozenset(CODES[n] for n in ("TUPLE", "LIST", "DICT", "FROZENSET", "OBJ", "INST"))
_ADDING: Final = frozenset(CODES[n] for n in ("APPENDS", "SETITEMS", "ADDITEMS"))
_POPS: Final = {
    CODES[name]: count
    for name, count in {
        "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3, "REDUCE": 2, "NEWOBJ": 2, "NEWOBJ_EX": 3,
        "STACK_GLOBAL": 2, "BINPERSID": 1,
    }.items()
}  # fmt: skip
"""How many values an opcode takes off the stack, to put one there."""
_GIVES: Final = {CODES["APPEND"]: 1, CODES["SETITEM"]: 2, CODES["BUILD"]: 1}
"""How many values an opcode gives to the one below them."""
_NOTHING: Final = frozenset(CODES[n] for n in ("PROTO", "FRAME", "READONLY_BUFFER"))
_PUTS: Final = frozenset(CODES[n] for n in ("PUT", "BINPUT", "LONG_BINPUT"))
_GETS: Final = frozenset(CODES[n] for n in ("GET", "BINGET", "LONG_BINGET"))
_TEXTUAL: Final = frozenset(CODES[n] for n in ("PUT", "GET"))

_MARK, _POP, _POP_MARK, _DUP, _MEMOIZE = (
    CODES[name] for name in ("MARK", "POP", "POP_MARK", "DUP", "MEMOIZE")
)
_MEMO: Final = _PUTS | _GETS | {_POP, _DUP, _MEMOIZE}
_NESTED: Final = 4000
"""Openings, or closings, in a row."""
_SLICE: Final = 2000
"""Of so many bytes in a row that open, or close, all lie within."""
_OPENINGS: Final = b"]}\x8f("
_WRAPPED: Final = b"\x85"
"""TUPLE1 opens and closes at once."""
_MOST: Final = 10**30

_Weight = list[int]
"""How many values one stands for, and how many levels it has; a list, since it may still grow."""


def nested(data: bytes) -> bool:
    """True when the bytes hold nothing but openings, or closings, for long."""
    return len(data) >= _NESTED and _is_dense(data) and _nesting().search(data) is not None


def _is_dense(data: bytes) -> bool:
    """True when a part of the bytes may be openings, one after the other: far quicker to tell."""
    for start in range(0, len(data) - _SLICE + 1, _SLICE):
        piece = data[start : start + _SLICE]
        if len(piece) - len(piece.translate(None, _OPENINGS)) > _SLICE // 8:
            return True
        if piece.count(_WRAPPED) > _SLICE // 8:
            return True
    return False


_KEY: Final = every(rb"[N\x88\x89)]|K.", "?")
"""A small value between one opening and the next."""
_PUT: Final = every(rb"\x94|q.|r....|p\d{1,9}\n", "?")


@cache
def _nesting() -> re.Pattern[bytes]:
    """Nothing but openings, or closings, over and over."""
    each = rb"(?:[\]}\x8f(]%s%s){%d}|(?:[\x85aest]%s%s){%d}"
    return re.compile(each % (_PUT, _KEY, _NESTED, _PUT, _KEY, _NESTED), re.DOTALL)


def verdict(window: Window, offset: int, budget: Budget) -> str:
    """What a pickle stands for, when that is out of all proportion; empty when it is not."""
    scales = _Scales(window)
    at = offset
    try:
        for code, argument, at in decode(window, offset):
            if code == STOP or at > offset + _WEIGHED:
                break
            scales.weigh(code, argument)
            if scales.depth > _DEEP:
                return f"more than {_DEEP:,} levels of nesting"
    except (ReadError, IndexError, KeyError, ValueError):
        pass  # it breaks: what was built until then counts
    budget.step(at - offset)
    size = at - offset + 1
    if scales.weight > max(HEAVY, RATIO * size):
        return f"{size:,} bytes stand for more than {_rounded(scales.weight)} values"
    return ""


def _rounded(weight: int) -> str:
    return f"10^{len(str(weight)) - 1}"


class _Scales:
    """Follows what goes into what.

    Args:
        window: the bytes of the pickle.

    Attributes:
        weight: the most values that any one value stands for.
        depth: the most levels that any one value has.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self.weight = 0
        self.depth = 0
        self._stack: list[_Weight] = []
        self._marks: list[list[_Weight]] = []
        self._memo: dict[int, _Weight] = {}

    def weigh(self, code: int, argument: Argument) -> None:
        """Follow one opcode."""
        stack = self._stack
        if code == _MARK:
            self._marks.append(stack)
            self._stack = []
        elif code in _MARKED:
            self._put([], self._gather())
        elif code in _ADDING:
            items = self._gather()
            self._put(self._stack.pop(), items)
        elif code in _POPS:
            count = _POPS[code]
            items = stack[-count:]
            del stack[-count:]
            self._put([], items)
        elif code in _GIVES:
            count = _GIVES[code]
            items = stack[-count:]
            del stack[-count:]
            self._put(stack.pop(), items)
        elif code in _MEMO:
            self._remember(code, argument)
        elif code == _POP_MARK:
            self._gather()
        elif code not in _NOTHING:
            stack.append([1, 1])

    def _remember(self, code: int, argument: Argument) -> None:
        stack = self._stack
        if code == _POP:
            stack.pop() if stack else self._gather()
        elif code == _DUP:
            stack.append(stack[-1])
        elif code == _MEMOIZE:
            self._memo[len(self._memo)] = stack[-1]
        else:
            index = self._index(code, argument)
            if code in _PUTS:
                self._memo[index] = stack[-1]
            else:
                stack.append(self._memo[index])

    def _index(self, code: int, argument: Argument) -> int:
        if code in _TEXTUAL or not isinstance(argument, bytes):
            return written_index(argument, 0, self._window.take)
        return int.from_bytes(argument, "little")

    def _gather(self) -> list[_Weight]:
        items, self._stack = self._stack, self._marks.pop()
        return items

    def _put(self, into: _Weight, items: list[_Weight]) -> None:
        if not into:
            into += [1, 1]
        for weight, depth in items:
            into[0] += weight
            into[1] = max(into[1], depth + 1)
        self.weight = max(self.weight, min(into[0], _MOST))
        into[0] = min(into[0], _MOST)
        self.depth = max(self.depth, into[1])
        self._stack.append(into)
