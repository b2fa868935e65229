"""The fast look at a long stretch of a pickle: which memo entries it sets and fetches, what is hot.

A symbolic machine needs far longer for an opcode than a regular expression does. Most of a large
pickle builds plain data, and all that later opcodes can see of it are the values that it leaves
behind. This module splits a stretch into opcodes without following them, and tells

* how many memo entries it sets, under which indices, and which it fetches;
* whether it has a hot opcode (see `opcodes.HOT`).

One expression does both: a possessive run of opcodes that are of no interest, then one that is, or
everything that is left. Nothing is ever given back, so that bytes are split in one way only. What
the expression does not know (long arguments, opcodes cut by the end of a piece) ends a piece, and
the table of shapes takes that one step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.pickle.indices import Indices
from modelscan.formats.pickle.opcodes import (
    CODES,
    COUNT1,
    FRAME,
    HOT,
    INVALID,
    NAMES,
    SHAPES,
    STOP,
    TEXT,
)
from modelscan.formats.pickle.skip import counted, one_of
from modelscan.formats.pickle.window import WHOLE, Window
from modelscan.formats.repeated import every

_PIECE: Final = 16 << 10
"""Bytes that are split at once: a hot opcode is located to within two pieces."""
_MEAN_LENGTH: Final = 2
"""Bytes of a typical inert opcode: a piece is accounted for as so many steps."""
_STOP: Final = bytes([STOP])
_MEMOIZE: Final = bytes([CODES["MEMOIZE"]])
_PUTS: Final = frozenset(CODES[name] for name in ("PUT", "BINPUT", "LONG_BINPUT"))
_GETS: Final = frozenset(CODES[name] for name in ("GET", "BINGET", "LONG_BINGET"))
_WRITTEN: Final = frozenset(CODES[name] for name in ("GET", "PUT"))
_WRAPPER: Final = b"NumpyArrayWrapper"
_LONG_FETCH: Final = re.compile(rb"j(?=(.{4}))", re.DOTALL)
_WRITTEN_FETCH: Final = re.compile(rb"g([0-9]{1,18})\n")
_LONGEST: Final = 20
"""Bytes of the longest of these, less one."""
_LOOK: Final = 64
"""Bytes that are looked at in one step."""
_INTERESTING: Final = _PUTS | _GETS | HOT | {_MEMOIZE[0]}


class Piece(NamedTuple):
    """A few thousand bytes, split."""

    end: int
    """Offset of the first opcode after them."""
    found: list[bytes]
    """The interesting opcodes in them, each with its argument, in order."""
    stopped: bool
    """STOP is at `end`."""
    frame: int
    """Where the frame around `end` ends; 0 when there is none."""
    misframed: int | None
    """As in `skip.Run`."""


class Stretch:
    """What a stretch of inert opcodes does to the memo."""

    def __init__(self, offset: int) -> None:
        self.end = offset
        """Offset of the first opcode after it."""
        self.memoized = 0
        """Entries set by MEMOIZE, under consecutive indices."""
        self.puts = range(0)
        """Indices of entries set by the other opcodes, when they are consecutive, too."""
        self.ordered = True
        """They are."""
        self.gets = Indices()
        """Indices of entries that are fetched."""
        self.frame = 0
        """Where the frame around its end ends."""
        self.misframed: int | None = None
        """As in `skip.Run`."""

    def take(self, piece: Piece) -> None:
        """Add a piece."""
        self.end, self.frame = piece.end, piece.frame
        if self.misframed is None:
            self.misframed = piece.misframed
        self.memoized += piece.found.count(_MEMOIZE)
        self.gets.update(_fetches(piece))
        puts = {_index(entry) for entry in set(piece.found) if entry[0] in _PUTS}
        if puts:
            first = self.puts.start if self.puts else min(puts)
            self.ordered &= first + len(self.puts) == min(puts)
            self.ordered &= max(puts) - min(puts) + 1 == len(puts)
            self.puts = range(first, max(puts) + 1)

    def keys(self, first: int) -> range | None:
        """The indices that are set, when they are those from `first` on and no others."""
        if not self.puts:
            return range(first, first + self.memoized)
        fits = self.ordered and not self.memoized and self.puts.start == first
        return self.puts if fits else None


def inert_stretch(window: Window, offset: int, budget: Budget, frame: int) -> Stretch | None:
    """The stretch of inert opcodes that begins at `offset`.

    It ends a piece or two before the first hot opcode or STOP, so that the operands of that opcode,
    which stand right before it, are not in the stretch. `None` when hardly anything would be left,
    or when the stream breaks: whoever follows it opcode by opcode finds out where.
    """
    stretch = Stretch(offset)
    last: Piece | None = None
    try:
        for piece in _pieces(window, offset, budget, frame):
            if piece.stopped or not HOT.isdisjoint({entry[0] for entry in set(piece.found)}):
                break
            if last is not None:
                stretch.take(last)
            last = piece
    except ReadError:
        return None
    return stretch if stretch.end > offset else None


def fetched(window: Window, offset: int, budget: Budget, *, arrays: bool = False) -> Indices | None:
    """The memo indices that the pickle fetches from `offset` on, or more than these.

    Args:
        window: the bytes.
        offset: where an opcode begins.
        budget: pays for the bytes.
        arrays: the loader is joblib's: arrays may lie between the opcodes.

    Returns:
        `None` when nobody can tell: the pickle breaks.

    Raises:
        BudgetError: there are too many of them.
    """
    if arrays and _has_arrays(window):
        return _mentioned(window, offset, budget)
    indices = Indices()
    try:
        for piece in _pieces(window, offset, budget):
            indices.update(_fetches(piece))
    except ReadError:
        return None
    return indices


def _has_arrays(window: Window) -> bool:
    """True when the class is named that joblib's arrays follow."""
    starts = range(0, window.size, WHOLE)
    return any(_WRAPPER in window.take(start, WHOLE + len(_WRAPPER)) for start in starts)


def _mentioned(window: Window, offset: int, budget: Budget) -> Indices:
    """The memo indices in all that looks like an opcode that fetches one.

    Where arrays end is told by what stands before them, which only who follows the pickle knows.
    An index is below the size of the pickle, which sets one entry an opcode.
    """
    indices = Indices(range(1 << 8))  # to look for those of one byte would not be worth it
    for start in range(offset, window.size, WHOLE):
        piece = window.take(start, WHOLE + _LONGEST)
        budget.step(len(piece) // _LOOK)
        found = {int.from_bytes(entry, "little") for entry in _LONG_FETCH.findall(piece)}
        found.update(map(int, _WRITTEN_FETCH.findall(piece)))
        indices.update(index for index in found if index < window.size)
    return indices


def _pieces(window: Window, offset: int, budget: Budget, frame: int = 0) -> Iterator[Piece]:
    """Split a pickle from `offset` on, up to STOP.

    Raises:
        ReadError: it breaks.
    """
    find = _expression().findall
    while True:
        index = window.index(offset)
        data, base = window.data, window.base
        if index >= len(data):
            raise ReadError("the pickle ends without STOP", offset=window.size)
        stop = min(index + _PIECE, len(data))
        if offset < frame < base + stop:
            stop = frame - base
        found = find(data, index, stop)
        found.pop()  # the empty match at the end
        left = found.pop() if found and not _interesting(found[-1]) else b""
        end = stop - len(left)
        stopped = left[:1] == _STOP
        wrong: int | None = None
        if stopped:
            wrong = base + end if frame > base + end + 1 else None
        elif end == index:
            end = _step(window, base + index, left[0]) - base
            if left[0] in HOT:
                found.append(left[:1])
            if offset < frame < base + end or (left[0] == FRAME and frame > offset):
                wrong = offset
            if left[0] == FRAME:
                frame = base + end + int.from_bytes(data[end - 8 : end], "little")
        frame = frame if frame > base + end else 0
        budget.step((end - index) // _MEAN_LENGTH + 1)
        offset = base + end
        yield Piece(offset, found, stopped, frame, wrong)
        if stopped:
            return


def _interesting(entry: bytes) -> bool:
    """True for a whole opcode, false for what was left over (which may be nothing)."""
    if not entry or entry[0] not in _INTERESTING:
        return False
    shape = SHAPES[entry[0]]
    if shape >= 0:
        return len(entry) == 1 + shape
    return entry.endswith(b"\n") and entry.count(b"\n") == (1 if shape == TEXT else 2)


def _step(window: Window, offset: int, code: int) -> int:
    """The offset after one opcode that the expression does not know."""
    shape = SHAPES[code]
    if shape == INVALID:
        raise ReadError(f"byte 0x{code:02x} is no pickle opcode", offset=offset)
    if shape >= 0:
        end = offset + 1 + shape
        if end > window.size:
            raise ReadError(f"{NAMES[code]} reaches past the end", offset=offset)
        return end
    place = window.argument(offset, shape)
    if code in _WRITTEN:
        raise ReadError("a memo index of many digits", offset=offset)
    return place.start + place.length + (shape > COUNT1)


def _fetches(piece: Piece) -> Iterator[int]:
    return (_index(entry) for entry in set(piece.found) if entry[0] in _GETS)


def _index(entry: bytes) -> int:
    """The memo index in an opcode that sets or fetches an entry."""
    if entry[0] in _WRITTEN:
        return int(entry[1:])
    return int.from_bytes(entry[1:], "little")


@cache
def _expression() -> re.Pattern[bytes]:
    """Compiled when first used (about 15 ms)."""
    plain = [c for c in NAMES if c not in _INTERESTING and c not in {STOP, FRAME}]
    runs = [one_of([c for c in plain if SHAPES[c] == 0]) + b"++"]
    runs.append(one_of([c for c in plain if SHAPES[c] == COUNT1]) + counted(b""))
    runs += [_fixed(plain, width) for width in (1, 8, 2, 4)]
    runs.append(one_of([CODES["BINUNICODE"]]) + counted(b"\\x00\\x00\\x00"))
    runs.append(one_of([c for c in plain if SHAPES[c] == TEXT]) + b"[^\\n]*+\\n")
    found = [one_of([c for c in _INTERESTING if SHAPES[c] == 0])]
    found += [_fixed(_INTERESTING, width) for width in (1, 4, 2)]
    found.append(one_of([*_WRITTEN]) + b"[0-9]{1,18}\\n")
    found.append(one_of([CODES["PERSID"]]) + b"[^\\n]*+\\n")
    found.append(one_of([CODES["GLOBAL"], CODES["INST"]]) + b"[^\\n]*+\\n[^\\n]*+\\n")
    whole = every(b"|".join(runs)) + b"(" + b"|".join(found) + b"|.*+)"
    return re.compile(whole, re.DOTALL)


def _fixed(codes: Iterable[int], width: int) -> bytes:
    return one_of(code for code in codes if SHAPES[code] == width) + b".{%d}" % width
