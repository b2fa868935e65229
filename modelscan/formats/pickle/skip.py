"""The first tier: prove that a pickle is inert without following what it does.

Most of a pickle only builds numbers, strings and containers. Those opcodes are stepped over,
quickly, until a hot one turns up (see `opcodes.HOT`) or STOP. A pickle in which none turns up needs
no second look: nothing in it can import, call or change anything.

Two ways that must agree, opcode for opcode:

* the table, which knows every shape;
* a regular expression whose every alternative is one whole opcode with its argument. Its
  alternatives start with different bytes, and both it and its parts are possessive (never given
  back), so that a run of opcodes is consumed in one way only, malformed or not, without any memory
  for going back. What it does not know (long or textual arguments) ends a run, and the table takes
  the next step; of long texts, one after the other, as many as there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from struct import Struct
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.pickle.opcodes import (
    CODES,
    COUNT1,
    COUNT4,
    FRAME,
    HOT,
    INVALID,
    NAMES,
    PROTO,
    SHAPES,
    STOP,
    TEXT,
)
from modelscan.formats.pickle.window import Window
from modelscan.formats.repeated import every

LOOK: Final = 256 << 10
"""Bytes from the start of a pickle of which is told what they fetch from the memo."""
WORTH_IT: Final = 24 << 10
"""Bytes of pickle from which on the expression repays the time that compiling it takes."""
_BATCH: Final = 8192
_PIECE: Final = 16 << 10
"""Bytes that the expression is given at once."""
_CUT: Final = 300
"""A run that ends so close to the end of its piece may have been ended by that alone."""
_NO_EDGE: Final = 1 << 63
_FEW: Final = 16
_SOME: Final = 32
_COUNTED: Final = 64
"""Arguments of that many bytes are left to the table: an expression knows each length by itself,
and to find the right one among many takes longer than the table does."""
_ROWS: Final = 256 << 10
"""Bytes of long texts that are stepped over before anything else is looked at."""
_unsigned: Final = Struct("<I").unpack_from
_TEXT, _SHORT_TEXT = CODES["BINUNICODE"], CODES["SHORT_BINUNICODE"]
_BYTES, _SHORT_BYTES = CODES["BINBYTES"], CODES["SHORT_BINBYTES"]
_MEMOIZE, _PUT, _LONG_PUT = CODES["MEMOIZE"], CODES["BINPUT"], CODES["LONG_BINPUT"]
_BYTE, _TWO_BYTES, _INTEGER = CODES["BININT1"], CODES["BININT2"], CODES["BININT"]
_DUP, _GET, _SHORT_GET, _LONG_GET = (
    CODES[name] for name in ("DUP", "GET", "BINGET", "LONG_BINGET")
)
_FETCHES: Final = frozenset((_GET, _SHORT_GET, _LONG_GET))
_SPECIAL: Final = _FETCHES | {_DUP, STOP, FRAME}
"""Opcodes of a fixed length that mean something to who only steps over them."""
_DOUBLE: Final = 8
_NUMBERS: Final = rb"K.|J....|M.."
"""BININT1, BININT, BININT2."""
_THEN: Final = rb"(?:\x94|q.|r....|p[^\n]*+\n|)(?:" + _NUMBERS + rb"|)"
"""What picklers write after every text: MEMOIZE, BINPUT, LONG_BINPUT or PUT. A number follows when
the text is a key."""
_OPENED: Final = rb"(?:q.\(?+|r....\(?+|" + _NUMBERS + rb"|)"
"""What they write after an opcode without an argument, such as that for an empty list."""
_REACH: Final = 5
"""Bytes of the longest of the opcodes that stand between texts."""
_STEPS: Final = 2
"""Opcodes that a text is accounted for: one sets its memo entry."""
_DIGITS: Final = 9
"""Of the number of a memo entry, as picklers write it."""
_KEPT: Final = 256
"""Bytes of an opcode with such a number that are told, when it is written otherwise."""
_MEAN_LENGTH: Final = 2
"""Bytes of a typical inert opcode: a run is accounted for as so many steps."""


class Run(NamedTuple):
    """How far the inert opcodes go."""

    end: int
    """Offset of the first hot opcode, or the one after STOP."""
    hot: bool
    """Which of them it is."""
    before: int
    """Offset of an opcode well before the end, so that the operands of the hot one lie between; the
    start when nothing is known of what lies between."""
    frame: int
    """Where the frame around `before` ends; 0 when there is none."""
    misframed: int | None
    """Where a frame first ends in the middle of an opcode, or not before the next one or STOP. The
    unpickler then reads one thing from a file and another from memory: it drops what is left of the
    frame in its buffer, or does not (CPython issue 154848). No pickler writes that."""
    duplicated: int = 0
    """How many values are duplicated on the stack, which no pickler does."""


def skip_inert(  # noqa: C901, PLR0912, PLR0915  # one loop, unrolled for speed
    window: Window,
    offset: int,
    budget: Budget,
    frame: int = 0,
    *,
    fast: bool,
    fetched: list[bytes] | None = None,
) -> Run:
    """Step over inert opcodes.

    Args:
        window: the bytes.
        offset: where the first opcode is.
        budget: pays for the steps.
        frame: where the frame around `offset` ends.
        fast: use the regular expression.
        fetched: takes the opcodes of the first `LOOK` bytes that fetch a memo entry.

    Raises:
        ReadError: the stream breaks before either.
    """
    shapes, hot = SHAPES, HOT
    least = _SOME if fast else 0
    index = window.index(offset)
    data, base, safe = window.data, window.base, window.safe
    edge = frame - base if frame > offset else _NO_EDGE
    steps = 0
    before = mark = (offset, frame)
    wrong: int | None = None
    duplicated = 0
    while True:
        if index >= edge:
            if index > edge and wrong is None:
                wrong = base + edge
            edge, frame = _NO_EDGE, 0
        if index >= safe:
            index = window.index(base + index)
            data, base, safe = window.data, window.base, window.safe
            edge = frame - base if frame else _NO_EDGE
            if index >= len(data):
                raise ReadError("the pickle ends without STOP", offset=window.size)
        code = data[index]
        if fast and code != PROTO and code != FRAME:  # noqa: PLR1714  # faster than a set
            if base + index - mark[0] >= _PIECE:
                before, mark = mark, (base + index, frame)
                if fetched is not None and base + index - offset > LOOK:
                    fetched = None
            stop = min(index + _PIECE, edge)
            end = (
                _run(data, index, stop) if fetched is None else _gather(data, index, stop, fetched)
            )
            if end > index:
                steps += (end - index) // _MEAN_LENGTH
                index = end
                if index >= safe or index > stop - _CUT:
                    continue
        steps += 1
        if steps >= _BATCH:
            budget.step(steps)
            steps = 0
        code = data[index]
        shape = shapes[code]
        if shape >= 0:
            if code in hot:
                break
            if index + shape >= len(data):
                raise ReadError(f"{NAMES[code]} reaches past the end", offset=base + index)
            index += 1 + shape
            if code not in _SPECIAL:
                continue
            if code == _DUP:
                duplicated += 1
            elif code in _FETCHES:
                if fetched is not None:
                    fetched.append(data[index - 1 - shape : index])
            else:
                if index <= edge - (code == STOP) and edge != _NO_EDGE and wrong is None:
                    wrong = base + index - 1 - shape
                if code == STOP:
                    budget.step(steps)
                    return Run(base + index, False, *before, wrong, duplicated)  # noqa: FBT003  # not hot
                edge = index + int.from_bytes(data[index - 8 : index], "little")
                frame = base + edge
        elif shape == INVALID:
            raise ReadError(f"byte 0x{code:02x} is no pickle opcode", offset=base + index)
        elif code in hot:
            break
        elif COUNT4 <= shape <= COUNT1 and index + 5 <= len(data):  # most of them, at once
            row, count = _texts(data, index, min(safe, edge, index + _ROWS), least)
            if count:
                index, steps = row, steps + count
                continue
            width = 1 if shape == COUNT1 else 4
            end = index + 1 + width
            end += int.from_bytes(data[index + 1 : end], "little")
            if base + end > window.size:
                raise ReadError(f"{NAMES[code]} reaches past the end", offset=base + index)
            index = end
        else:
            place = window.argument(base + index, shape)
            if code == _GET and fetched is not None:
                fetched.append(window.take(base + index, min(place.length + 2, _KEPT)))
            index = place.start + place.length - base + (shape > COUNT1)
    budget.step(steps)
    return Run(base + index, True, *before, wrong, duplicated)  # noqa: FBT003  # hot


def _texts(  # noqa: C901  # one loop, unrolled for speed
    data: bytes, index: int, stop: int, least: int
) -> tuple[int, int]:
    """Step over texts and bytes, with what sets their memo entries and the numbers between them.

    Args:
        data: the bytes.
        index: where the first opcode is.
        stop: as far as is certain: what reaches up to it is left alone.
        least: a shorter text ends the row, since the expression is quicker on those.

    Returns:
        Where the row ends, and how many opcodes are in it.
    """
    steps = 0
    stop -= _REACH
    while index < stop:
        code = data[index]
        if code == _SHORT_TEXT or code == _SHORT_BYTES:  # noqa: PLR1714, SIM109  # faster than a set
            length = data[index + 1]
            end = index + 2 + length
        elif code == _TEXT or code == _BYTES:  # noqa: PLR1714, SIM109  # the same
            (length,) = _unsigned(data, index + 1)
            end = index + 5 + length
        elif code == _BYTE:
            index += 2
            continue
        elif code == _INTEGER:
            index += 5
            continue
        elif code == _TWO_BYTES:
            index += 3
            continue
        else:
            break
        if length < least or end >= stop:
            break
        steps += _STEPS
        code = data[end]
        if code == _MEMOIZE:
            index = end + 1
        elif code == _PUT:
            index = end + 2
        elif code == _LONG_PUT:
            index = end + 5
        else:
            index = end
    return index, steps


def _run(data: bytes, index: int, stop: int) -> int:
    """Where a run of inert opcodes ends."""
    found = _expression().match(data, index, stop)
    return index if found is None else found.end()


def _gather(data: bytes, index: int, stop: int, fetched: list[bytes]) -> int:
    """The same; those that fetch a memo entry are added to `fetched`."""
    found = _expression(fetching=True).findall(data, index, stop)
    found.pop()  # the empty match at the end
    left = b"" if not found or _is_fetch(found[-1]) else found.pop()
    fetched += found
    return min(stop, len(data)) - len(left)


def _is_fetch(found: bytes) -> bool:
    """False for what the expression left over."""
    if found[:1] == b"g":
        return found[-1:] == b"\n" and found[1:-1].isdigit() and len(found) <= _DIGITS + 2
    return len(found) == {b"h": 2, b"j": 5}.get(found[:1])


@cache
def _expression(*, fetching: bool = False) -> re.Pattern[bytes]:
    """The run of inert opcodes as one expression; compiled when first used (about 2 ms).

    Args:
        fetching: let it end with an opcode that fetches a memo entry, or with all that is left,
            which it takes as its group.

    Every alternative begins with the byte of an opcode, which is what makes the others quick to
    rule out, and the most frequent one comes first. What mostly follows upon something belongs to
    its alternative, since a new round costs more: a memo entry is set after a text, and numbers
    stand in rows. What duplicates a value is left to the table, which counts it.
    """
    if not fetching:
        return re.compile(_inert(frozenset((_DUP,))), re.DOTALL)
    others = every(_NUMBERS) + _inert(_FETCHES | {_DUP})
    fetch = rb"(h.|j....|g[0-9]{1,%d}\n|.*+)" % _DIGITS
    # what stands between two fetches is a small number most often
    return re.compile(rb"(?:K.(?=h)|" + others + b")" + fetch, re.DOTALL)


def _inert(without: frozenset[int]) -> bytes:
    """Any number of inert opcodes, without some of them."""
    left = [code for code in NAMES if code not in HOT and code not in without]
    short = [c for c in NAMES if SHAPES[c] == COUNT1]
    plain = [c for c in left if SHAPES[c] == 0 and c != STOP]
    alternatives = [
        one_of(short) + counted(b"") + _THEN,
        one_of([CODES["BINUNICODE"]]) + counted(b"\x00\x00\x00") + _THEN,
        one_of(plain) + b"++" + _OPENED,
    ]
    for width in (1, 8, 4, 2):
        codes = [c for c in left if SHAPES[c] == width and c != FRAME]
        one = one_of(codes) + b"." * width
        rows = every(one * 4) + every(one) if width == _DOUBLE else every(_NUMBERS)
        alternatives.append(one + rows)
    text = [c for c in left if SHAPES[c] == TEXT]
    alternatives.append(one_of(text) + b"[^\n]*+\n")
    return every(b"|".join(alternatives))


def one_of(codes: Iterable[int]) -> bytes:
    """One of some bytes, as a class of a regular expression."""
    return b"[" + b"".join(b"\\x%02x" % code for code in sorted(codes)) + b"]"


def counted(rest: bytes) -> bytes:
    """A length below 64 and as many bytes.

    The alternatives are told apart by their first byte, one after the other. To look ahead costs as
    much as a dozen of them, so that is done only once.

    Args:
        rest: what the upper bytes of the length look like.
    """

    def leaves(low: int, high: int) -> bytes:
        return b"|".join(b"\\x%02x%s.{%d}" % (n, rest, n) for n in range(low, high))

    middle = b"(?=[\\x%02x-\\x%02x])(?:%s)" % (_FEW, _SOME - 1, leaves(_FEW, _SOME))
    return b"(?:" + b"|".join((leaves(0, _FEW), middle, leaves(_SOME, _COUNTED))) + b")"
