"""Reference bombs: few opcodes that stand for billions of values, or for endless nesting.

A pickle that puts a value into another one twice, and that one into a third twice, stands for 2**n
values after n rounds. Loading it costs nothing; hashing it for a dictionary's key, comparing,
printing, copying or saving it never ends. Nesting of ten thousands of levels ends the process.

Real data has shared values, too, but not in chains: a look at the bytes tells whether it is worth
weighing them (`suspected`), and the weighing decides.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.pickle.opcodes import CODES, STOP
from modelscan.formats.pickle.window import Argument, Window, decode
from modelscan.formats.repeated import every

LOOK: Final = 256 << 10
"""Bytes from the start of a pickle that are looked at."""
_HEAVY: Final = 1 << 28
"""Values that a pickle may stand for, whatever its size."""
_RATIO: Final = 50_000
"""Values that it may stand for, for each of its bytes."""
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
_LEVELS: Final = 12
"""Rounds of a chain that are worth weighing."""
_NESTED: Final = 4000
"""Openings, or closings, in a row."""
_MOST: Final = 10**30

_Weight = list[int]
"""How many values one stands for, and how many levels it has; a list, since it may still grow."""


def suspected(data: bytes) -> bool:
    """True when the bytes hold a chain of repeated references, or of nothing but nesting."""
    for opcode, again in _fetches():
        # Each entry is fetched twice. Counting bytes is quicker than searching, and mostly enough.
        if (
            data.count(opcode) >= 2 * _LEVELS
            and (opcode != b"h" or _entries(data, opcode) >= _LEVELS)
            and len(set(again.findall(data))) >= _LEVELS
        ):
            return True
    if data.count(b"2") >= _LEVELS:
        duplicated, chained = _copies()
        if len(duplicated.findall(data)) >= _LEVELS and chained.search(data):
            return True
    return len(data) >= _NESTED and _nesting().search(data) is not None


_PUT: Final = every(rb"\x94|q.|r....|p\d{1,9}\n", "?")


def _entries(data: bytes, opcode: bytes) -> int:
    """At most so many entries are fetched by an opcode with an argument of one byte.

    Small pickles of many equal strings fetch two or three entries over and over.
    """
    return len({piece[:1] for piece in data.split(opcode)})


@cache
def _fetches() -> tuple[tuple[bytes, re.Pattern[bytes]], ...]:
    """An entry that is fetched again within a few bytes: in three ways.

    All begin with a literal byte, which is what makes them quick.
    """
    ways = (
        (b"h", rb"h(.)(?=.{0,8}h\1)"),
        (b"j", rb"j(....)(?=.{0,8}j\1)"),
        (b"g", rb"g(\d{1,9})\n(?=.{0,8}g\1\n)"),
    )
    return tuple((opcode, re.compile(pattern, re.DOTALL)) for opcode, pattern in ways)


@cache
def _copies() -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """DUP and something that uses it, once and over and over."""
    return (
        re.compile(rb"2[\x85-\x87latesu2(]"),
        re.compile(rb"(?:2++[\x85-\x87latesu(]{1,6}+%s){%d}" % (_PUT, _LEVELS), re.DOTALL),
    )


@cache
def _nesting() -> re.Pattern[bytes]:
    """Nothing but openings, or closings, over and over."""
    each = rb"(?:[\]}\x8f(]%s){%d}|(?:[\x85aest]%s){%d}"
    return re.compile(each % (_PUT, _NESTED, _PUT, _NESTED), re.DOTALL)


def verdict(window: Window, offset: int, budget: Budget) -> str:
    """What a pickle stands for, when that is out of all proportion; empty when it is not."""
    scales = _Scales()
    at = offset
    try:
        for code, argument, at in decode(window, offset):
            if code == STOP or at > offset + LOOK:
                break
            scales.weigh(code, argument)
            if scales.depth > _DEEP:
                return f"more than {_DEEP:,} levels of nesting"
    except (ReadError, IndexError, KeyError, ValueError):
        pass  # it breaks: what was built until then counts
    budget.step(at - offset)
    size = at - offset + 1
    if scales.weight > max(_HEAVY, _RATIO * size):
        return f"{size:,} bytes stand for more than {_rounded(scales.weight)} values"
    return ""


def _rounded(weight: int) -> str:
    return f"10^{len(str(weight)) - 1}"


class _Scales:
    """Follows what goes into what.

    Attributes:
        weight: the most values that any one value stands for.
        depth: the most levels that any one value has.
    """

    def __init__(self) -> None:
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
        elif isinstance(argument, bytes):
            written = code in _TEXTUAL
            index = int(argument) if written else int.from_bytes(argument, "little")
            if code in _PUTS:
                self._memo[index] = stack[-1]
            else:
                stack.append(self._memo[index])

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
