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
  the next step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
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
    SHAPES,
    STOP,
    TEXT,
)
from modelscan.formats.pickle.window import Window
from modelscan.formats.repeated import every

WORTH_IT: Final = 24 << 10
"""Bytes of pickle from which on the expression repays the time that compiling it takes."""
_BATCH: Final = 8192
_PIECE: Final = 16 << 10
"""Bytes that the expression is given at once."""
_CUT: Final = 300
"""A run that ends so close to the end of its piece may have been ended by that alone."""
_NO_EDGE: Final = 1 << 63
_GROUP: Final = 16
_NEAR: Final = 64
_COUNTED: Final = 128
"""Arguments of that many bytes are left to the table, except in large pickles: their branches take
long to compile."""
_LARGE: Final = 1 << 20
_DOUBLE: Final = 8
_NUMBERS: Final = rb"K.|J.{4}|M.."
"""BININT1, BININT, BININT2."""
_THEN: Final = rb"(?:\x94|q.|r.{4}|p[^\n]*+\n|)(?:" + _NUMBERS + rb"|)"
"""What picklers write after every text: MEMOIZE, BINPUT, LONG_BINPUT or PUT. A number follows when
the text is a key."""
_OPENED: Final = rb"(?:q.\(?+|r.{4}\(?+|" + _NUMBERS + rb"|)"
"""What they write after an opcode without an argument, such as that for an empty list."""
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


def skip_inert(  # noqa: C901, PLR0912, PLR0915  # one loop, unrolled for speed
    window: Window, offset: int, budget: Budget, frame: int = 0, *, fast: bool
) -> Run:
    """Step over inert opcodes.

    Args:
        window: the bytes.
        offset: where the first opcode is.
        budget: pays for the steps.
        frame: where the frame around `offset` ends.
        fast: use the regular expression.

    Raises:
        ReadError: the stream breaks before either.
    """
    shapes, hot = SHAPES, HOT
    run = None
    if fast:
        run = _expression(wide=window.size - offset > _LARGE).match
    index = window.index(offset)
    data, base, safe = window.data, window.base, window.safe
    edge = frame - base if frame > offset else _NO_EDGE
    steps = 0
    before = mark = (offset, frame)
    wrong: int | None = None
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
        if run is not None:
            if base + index - mark[0] >= _PIECE:
                before, mark = mark, (base + index, frame)
            stop = min(index + _PIECE, edge)
            if (found := run(data, index, stop)) is not None and found.end() > index:
                steps += (found.end() - index) // _MEAN_LENGTH
                index = found.end()
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
            if code == STOP or code == FRAME:  # noqa: PLR1714, SIM109  # faster than a set
                if index <= edge - (code == STOP) and edge != _NO_EDGE and wrong is None:
                    wrong = base + index - 1 - shape
                if code == STOP:
                    budget.step(steps)
                    return Run(base + index, False, *before, wrong)  # noqa: FBT003  # not hot
                edge = index + int.from_bytes(data[index - 8 : index], "little")
                frame = base + edge
        elif shape == INVALID:
            raise ReadError(f"byte 0x{code:02x} is no pickle opcode", offset=base + index)
        elif code in hot:
            break
        elif COUNT4 <= shape <= COUNT1 and index + 5 <= len(data):  # most of them, at once
            width = 1 if shape == COUNT1 else 4
            end = index + 1 + width
            end += int.from_bytes(data[index + 1 : end], "little")
            if base + end > window.size:
                raise ReadError(f"{NAMES[code]} reaches past the end", offset=base + index)
            index = end
        else:
            place = window.argument(base + index, shape)
            index = place.start + place.length - base + (shape > COUNT1)
    budget.step(steps)
    return Run(base + index, True, *before, wrong)  # noqa: FBT003  # hot


@cache
def _expression(*, wide: bool) -> re.Pattern[bytes]:
    """The run of inert opcodes as one expression; compiled when first used (about 3 ms).

    Every alternative begins with the byte of an opcode, which is what makes the others quick to
    rule out, and the most frequent one comes first. What mostly follows upon something belongs to
    its alternative, since a new round costs more: a memo entry is set after a text, and numbers
    stand in rows.

    Args:
        wide: know texts of 128 to 255 bytes, too, which doubles the time for compiling.
    """
    top = 2 * _COUNTED if wide else _COUNTED
    short = [c for c in NAMES if SHAPES[c] == COUNT1]
    plain = [c for c in NAMES if SHAPES[c] == 0 and c not in HOT and c != STOP]
    alternatives = [
        one_of(short) + counted(b"", top) + _THEN,
        one_of([CODES["BINUNICODE"]]) + counted(b"\\x00\\x00\\x00", top) + _THEN,
        one_of(plain) + b"++" + _OPENED,
    ]
    for width in (1, 8, 4, 2):
        codes = [c for c in NAMES if SHAPES[c] == width and c not in HOT and c != FRAME]
        one = one_of(codes) + b".{%d}" % width
        row = one if width == _DOUBLE else _NUMBERS
        alternatives.append(one + every(row))
    text = [c for c in NAMES if SHAPES[c] == TEXT and c not in HOT]
    alternatives.append(one_of(text) + b"[^\\n]*+\\n")
    return re.compile(every(b"|".join(alternatives)), re.DOTALL)


def one_of(codes: Iterable[int]) -> bytes:
    """One of some bytes, as a class of a regular expression."""
    return b"[" + b"".join(b"\\x%02x" % code for code in sorted(codes)) + b"]"


def counted(rest: bytes, top: int = _COUNTED) -> bytes:
    """A length below `top` and as many bytes: a small tree, so that few alternatives are tried.

    Args:
        rest: what the upper bytes of the length look like.
        top: a multiple of 64.
    """

    def leaves(low: int, high: int) -> bytes:
        return b"|".join(b"\\x%02x%s.{%d}" % (n, rest, n) for n in range(low, high))

    def branch(low: int, high: int, inside: bytes) -> bytes:
        return b"(?=[\\x%02x-\\x%02x])(?:%s)" % (low, high - 1, inside)

    def twigs(low: int, high: int) -> bytes:
        return b"|".join(
            branch(n, n + _GROUP, leaves(n, n + _GROUP)) for n in range(low, high, _GROUP)
        )

    # most texts are shorter than a group: no look ahead is spent on these
    parts = [
        leaves(0, _GROUP),
        twigs(_GROUP, _NEAR),
        branch(_NEAR, _COUNTED, twigs(_NEAR, _COUNTED)),
    ]
    if top > _COUNTED:
        parts.append(branch(_COUNTED, top, twigs(_COUNTED, top)))
    return b"(?:" + b"|".join(parts) + b")"
