"""The loop that follows opcodes. The few that make up most of any pickle are done right here.

Invariant: what is done here is what the handlers in `building` and `acting` do, only sooner; the
tests run both over the same pickles.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from struct import error as struct_error
from typing import Final

from modelscan.errors import ReadError
from modelscan.formats.pickle.opcodes import CODES, COUNT1, INVALID, NAMES, SHAPES
from modelscan.formats.pickle.state import Handler, State
from modelscan.formats.pickle.values import ACTIVE, FLOAT, PLAIN, Call, DictValue, Global, Value
from modelscan.formats.pickle.window import KEPT, Argument, Window

_CONSTANTS: Final[dict[int, Value]] = {
    CODES["NONE"]: None, CODES["NEWTRUE"]: True, CODES["NEWFALSE"]: False,
    CODES["EMPTY_TUPLE"]: (), CODES["BINFLOAT"]: FLOAT, CODES["EMPTY_LIST"]: PLAIN["list"],
    CODES["EMPTY_SET"]: PLAIN["set"],
}  # fmt: skip
(
    _MEMOIZE, _GET, _LONG_GET, _PUT, _LONG_PUT,
    _TEXT, _BYTE, _CONSTANT, _MARK, _CALL, _MAKE,
    _TUPLE2, _TUPLE1, _TUPLE3, _SETITEM, _DICT, _TWO, _FOUR, _LONG_TEXT,
    _HANDLED,
) = range(20)  # fmt: skip
"""What to do with an opcode. The order is that of the loop."""
_BOTH: Final = {
    "SHORT_BINUNICODE": _TEXT, "BINUNICODE": _LONG_TEXT, "BININT1": _BYTE, "BININT2": _TWO,
    "BININT": _FOUR, "MARK": _MARK, "NONE": _CONSTANT, "NEWTRUE": _CONSTANT, "NEWFALSE": _CONSTANT,
    "BINFLOAT": _CONSTANT,
}  # fmt: skip
_LEAN: Final = {
    "MEMOIZE": _MEMOIZE, "BINGET": _GET, "LONG_BINGET": _LONG_GET, "BINPUT": _PUT,
    "LONG_BINPUT": _LONG_PUT, "REDUCE": _CALL, "NEWOBJ": _MAKE, "TUPLE1": _TUPLE1,
    "TUPLE2": _TUPLE2, "TUPLE3": _TUPLE3, "EMPTY_TUPLE": _CONSTANT, "EMPTY_LIST": _CONSTANT,
    "EMPTY_SET": _CONSTANT, "EMPTY_DICT": _DICT, "SETITEM": _SETITEM,
}  # fmt: skip
_unsigned: Final = Struct("<I").unpack_from
_signed: Final = Struct("<i").unpack_from


def _table(names: dict[str, int]) -> bytes:
    kinds = bytearray([_HANDLED]) * 256
    for name, kind in names.items():
        kinds[CODES[name]] = kind
    return bytes(kinds)


_THOROUGH_KINDS: Final = _table(_BOTH)
_LEAN_KINDS: Final = _table(_BOTH | _LEAN)


def follow(  # noqa: C901, PLR0912, PLR0915  # one loop over opcodes, unrolled for speed
    state: State, window: Window, length: int, handlers: Sequence[Handler]
) -> None:
    """Follow about `length` bytes of opcodes from `state.resume` on, or up to where reading leaves.

    `state.resume` then is where to go on.

    Raises:
        ReadError: the stream breaks, or reaches a state in which the unpickler fails.
        EscalateError: the quick way cannot tell what happens.
    """
    kinds = _LEAN_KINDS if state.lean else _THOROUGH_KINDS
    index = window.index(state.resume)
    data, base, size = window.data, window.base, len(window.data)
    if index >= size:
        raise ReadError("the pickle ends without STOP", offset=window.size)
    limit = min(window.safe, index + length)
    if state.frame > base + index:
        limit = min(limit, state.frame - base)
    stack, marks, memo = state.stack, state.marks, state.memo
    recent, shift = memo.recent, memo.shift
    code = key = 0
    try:
        while index < limit:
            code = data[index]
            kind = kinds[code]
            if kind <= _LONG_PUT:
                if kind == _MEMOIZE:
                    if memo.exact:
                        recent.append(stack[-1])
                    else:
                        memo.memoize(stack[-1])
                        shift = memo.shift
                    index += 1
                    continue
                if kind == _GET or kind == _PUT:  # noqa: PLR1714, SIM109  # faster than a set
                    key = data[index + 1]
                    end = index + 2
                else:
                    (key,) = _unsigned(data, index + 1)
                    end = index + 5
                place = key - shift
                if kind <= _LONG_GET:
                    if place < 0 or place >= len(recent):
                        stack.append(memo.get(key, base + index))
                    else:
                        stack.append(recent[place])
                elif place == len(recent):
                    recent.append(stack[-1])
                else:
                    memo.put(key, stack[-1])
                    shift = memo.shift
                index = end
            elif kind <= _MAKE:
                if kind == _TEXT:
                    end = index + 2 + data[index + 1]
                    if end > size:
                        raise _cut(base + index, code)
                    stack.append(data[index + 2 : end])
                    index = end
                elif kind == _BYTE:
                    stack.append(data[index + 1])
                    index += 2
                elif kind == _CONSTANT:
                    stack.append(_CONSTANTS[code])
                    index += 1 + SHAPES[code]
                elif kind == _MARK:
                    marks.append(stack)
                    state.stack = stack = []
                    index += 1
                else:
                    function = stack[-2]
                    made = None
                    given = stack[-1]
                    if (
                        function.__class__ is Global
                        and given.__class__ is tuple
                        and (not given or not function.consumes or _is_plain(given))
                    ):
                        made = function.result if kind == _CALL else function.instance
                    if made is None:
                        kind = _HANDLED
                    else:
                        stack.pop()
                        stack[-1] = made
                        state.acted = True
                        index += 1
            elif kind == _TUPLE2:
                second = stack.pop()
                stack[-1] = (stack[-1], second)
                state.kept += 2
                index += 1
            elif kind == _TUPLE1:
                stack[-1] = (stack[-1],)
                state.kept += 1
                index += 1
            elif kind == _TUPLE3:
                third, second = stack.pop(), stack.pop()
                stack[-1] = (stack[-1], second, third)
                state.kept += 3
                index += 1
            elif kind == _SETITEM:
                if (
                    stack[-1].__class__ not in ACTIVE
                    and stack[-3].__class__ is Call
                    and not getattr(stack[-3].function, "unread", False)
                ):
                    del stack[-2:]
                    index += 1
                else:
                    kind = _HANDLED
            elif kind == _DICT:
                stack.append(DictValue())
                index += 1
            elif kind == _TWO:
                stack.append(data[index + 1] | data[index + 2] << 8)
                index += 3
            elif kind == _FOUR:
                stack += _signed(data, index + 1)
                index += 5
            elif kind == _LONG_TEXT:
                (key,) = _unsigned(data, index + 1)
                end = index + 5 + key
                if key <= KEPT and end <= size:
                    stack.append(data[index + 5 : end])
                    index = end
                else:
                    kind = _HANDLED
            if kind == _HANDLED:
                state.stack = stack
                argument, end = _argument(window, index, code)
                if handlers[code](state, argument, base + index):
                    return
                stack, shift = state.stack, memo.shift
                index = end
    except (IndexError, struct_error):
        if base + index + 1 + max(SHAPES[code], 0) > window.size:
            raise _cut(base + index, code) from None
        raise state.broken(f"nothing on the stack for {NAMES[code]}", base + index) from None
    state.stack, state.resume = stack, base + index
    if 0 < state.frame <= state.resume:
        if state.frame < state.resume:
            state.misframed(state.frame)
        state.frame = 0


def _is_plain(given: tuple[Value, ...]) -> bool:
    """True for arguments without methods of their own: what most sets and such are made of."""
    return len(given) == 1 and given[0].__class__ not in ACTIVE


def _argument(window: Window, index: int, code: int) -> tuple[Argument, int]:
    """The argument of the opcode at `index` of the window, and the index after it.

    Raises:
        ReadError: there is no such opcode, or the artifact ends before it does.
    """
    data, offset = window.data, window.base + index
    shape = SHAPES[code]
    if shape == 0:
        return b"", index + 1
    if shape > 0:
        end = index + 1 + shape
        if end > len(data):
            raise _cut(offset, code)
        return data[index + 1 : end], end
    if shape == INVALID:
        raise ReadError(f"byte 0x{code:02x} is no pickle opcode", offset=offset)
    place = window.argument(offset, shape)
    end = place.start + place.length - window.base + (shape > COUNT1)
    return (window.take(*place) if place.length <= KEPT else place), end


def _cut(offset: int, code: int) -> ReadError:
    return ReadError(f"{NAMES[code]} reaches past the end", offset=offset)
