"""Is it worth weighing what a pickle stands for (see `bombs`)? A quick look that misses no bomb.

Each entry of the memo that is fetched n times can be reached in n + 1 ways, and what it holds in as
many. So a pickle stands for no more values than it has bytes, times n + 1 for each such entry, and
twice as many for each value that is duplicated. Only entries that may hold others count: texts,
numbers and imported names hold nothing, however often they are fetched.

Where the machine has followed the whole pickle, its memo tells what the entries are. Where it
stepped over stretches, or never ran since nothing is hot, the first bytes are split into opcodes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from math import log2
from typing import TYPE_CHECKING, Any, Final

from modelscan.formats.pickle.opcodes import (
    CODES,
    COUNT1,
    FRAME,
    INVALID,
    NAMES,
    SHAPES,
    STOP,
    TEXT,
)
from modelscan.formats.pickle.skip import counted, one_of
from modelscan.formats.pickle.values import (
    PLAIN,
    Call,
    DictValue,
    Global,
    Literal,
    Opaque,
    Storage,
    Unknown,
    Value,
    Written,
)
from modelscan.formats.repeated import every

if TYPE_CHECKING:
    from modelscan.formats.pickle.state import State

HEAVY: Final = 1 << 28
"""Values that a pickle may stand for, whatever its size."""
RATIO: Final = 50_000
"""Values that it may stand for, for each of its bytes."""
_ALWAYS: Final = log2(RATIO)
_DEEP: Final = 4
_PIECE: Final = 16 << 10
_LIGHT: Final = frozenset(
    {type(None), bool, int, bytes, Literal, Global, Written, Unknown, Storage}
)
"""Classes of values that hold nothing."""
_HOLDS: Final = frozenset(PLAIN.values())
_GETS: Final = frozenset({CODES["BINGET"], CODES["LONG_BINGET"]})
_SHORT: Final = re.compile(rb"h(?=(.))", re.DOTALL)
_LONG: Final = re.compile(rb"j(?=(....))", re.DOTALL)
_TEXTUAL_GET: Final = re.compile(rb"g([ \t\r\v\f+-]*+\d[\d_]*+[ \t\r\v\f]*+[\n\0])")
_TEXTUAL_PUT: Final = re.compile(rb"p([ \t\r\v\f+-]*+\d[\d_]*+[ \t\r\v\f]*+[\n\0])")
_NUMBER: Final = re.compile(rb"\d{1,9}\n")
_NUMBERED: Final = re.compile(rb"[gp]\d{1,9}\n")
_MEMOIZE, _STOP = bytes([CODES["MEMOIZE"]]), bytes([STOP])
_FETCHES: Final = (b"h", b"j", b"g")
_LEAVES: Final = frozenset(
    CODES[name]
    for name in (
        "NONE", "NEWTRUE", "NEWFALSE", "EMPTY_TUPLE", "INT", "LONG", "FLOAT", "BINFLOAT", "BININT",
        "BININT1", "BININT2", "LONG1", "LONG4", "STRING", "UNICODE", "BINSTRING", "SHORT_BINSTRING",
        "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
        "BYTEARRAY8", "GLOBAL", "STACK_GLOBAL", "PERSID", "BINPERSID",
    )
)  # fmt: skip
"""Opcodes whose values hold nothing."""
_MEMO: Final = frozenset(
    CODES[name]
    for name in (
        "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET", "DUP",
    )
)  # fmt: skip


def followed(state: State, data: bytes) -> bool:
    """True when a pickle may stand for too much that the machine has followed.

    Args:
        state: what it ended with.
        data: the bytes, or the first of many.
    """
    textual = _TEXTUAL_GET.findall(data) if b"g" in data else []
    if (textual or b"p" in data) and _is_odd(data):
        return True
    long = data.count(b"j")
    room = _room(len(data)) - state.duplicated
    if data.count(b"h") + long + len(textual) < room:
        return False  # even if each fetched a container of its own
    if not state.memo.complete:
        return split(data)
    times = _fetched(state, data, textual, long=long > 0)
    if _ways(times) < room:
        return False
    peek = state.memo.peek
    times = {index: count for index, count in times.items() if _is_heavy(peek(index), _DEEP)}
    if _ways(times) < room:
        return False
    # so far, bytes inside of arguments were counted as if they were opcodes
    fetched = _really_fetched(_entries(data))
    return _ways({index: fetched[index] for index in times}) >= room


def _fetched(state: State, data: bytes, textual: list[bytes], *, long: bool) -> dict[int, int]:
    """How often each entry that is no constant is fetched at most."""
    short = _SHORT.findall(data)
    peek = state.memo.peek
    times = {key[0]: short.count(key) for key in set(short) if peek(key[0]).__class__ not in _LIGHT}
    if long or textual:
        others = Counter(int.from_bytes(key, "little") for key in _LONG.findall(data))
        others.update(map(_number, textual))
        for index, count in others.items():
            if peek(index).__class__ not in _LIGHT:
                times[index] = times.get(index, 0) + count
    return times


def split(data: bytes, duplicated: int = 0, fetched: Collection[bytes] | None = None) -> bool:
    """True when a pickle may stand for too much by its first bytes.

    Args:
        data: the bytes.
        duplicated: how many values are duplicated in all of them.
        fetched: each opcode that fetches an entry, when that is known (see `skip.skip_inert`).
    """
    room = _room(len(data)) - duplicated
    # Nearly all small pickles are done with here: of data, few entries are fetched over and over.
    if fetched is not None and (len(fetched) < room or _ways(_times(fetched)) < room):
        return False
    if _is_odd(data):
        return True
    entries = _entries(data)
    memoized = [entry for entry in entries if entry[-1:] == _MEMOIZE and entry[0] not in _GETS]
    shared = {index for index, entry in enumerate(memoized) if entry == _MEMOIZE}
    put = {_index(entry) for entry in entries if entry[:1] in b"qrp" and len(entry) > 1}
    if put and memoized:
        return True  # no pickler mixes them
    times = _really_fetched(entries)
    return _ways({index: times[index] for index in shared | put}) >= room


def _times(fetched: Collection[bytes]) -> Mapping[Any, int]:
    """How often each opcode occurs; nearly always each is `BINGET`, whose bytes are soon told."""
    keys = b"".join(fetched)
    return Counter(keys[1::2]) if len(keys) == 2 * len(fetched) else Counter(fetched)


def _is_odd(data: bytes) -> bool:
    """True when an entry may be named by a number as no pickler writes it."""
    numbers = _TEXTUAL_GET.findall(data) + _TEXTUAL_PUT.findall(data)
    return not all(map(_NUMBER.fullmatch, numbers))


def _number(text: bytes) -> int:
    """A number as the unpickler reads it; of one that it refuses, none that an entry has."""
    try:
        return int(text)
    except ValueError:
        return -1


def _room(size: int) -> float:
    """The logarithm of how many ways there may be to each value of a pickle of this size."""
    return max(log2(HEAVY / (size + 1)), _ALWAYS)


def _ways(fetched: Mapping[Any, int]) -> float:
    """The logarithm of how many ways there may be to a value."""
    return sum([log2(1 + times) for times in fetched.values()])


def _is_heavy(value: Value, depth: int) -> bool:
    """True for what may hold something that is fetched; small values of plain data do not."""
    if value.__class__ in _LIGHT:
        return False
    if isinstance(value, Opaque):
        return value in _HOLDS
    if depth and isinstance(value, Call) and value.kept and value.links is None:
        # such as the type of an array's elements, which stands beside most arrays
        return any(_is_heavy(inside, depth - 1) for inside in (*value.arguments, value.state))
    whole = isinstance(value, tuple) or (isinstance(value, DictValue) and len(value) < value.room)
    if depth and whole and isinstance(value, tuple | DictValue):
        return any(_is_heavy(item, depth - 1) for item in value)
    return True


def _really_fetched(entries: Iterable[bytes]) -> Counter[int]:
    """How often each entry is fetched."""
    fetched = Counter[int]()
    for entry, times in Counter(entries).items():
        if entry[:1] in b"hjg" and len(entry) > 1:
            fetched[_index(entry)] += times
    return fetched


def _index(entry: bytes) -> int:
    if entry[:1] in b"gp":
        return _number(entry[1:-1])
    return int.from_bytes(entry[1:], "little")


def _entries(data: bytes) -> list[bytes]:
    """What sets or fetches an entry, or duplicates a value, in order, up to STOP.

    A literal that is memoized is one with its MEMOIZE; one that is put under an index is left out.
    """
    entries, found = _expression().findall, list[bytes]()
    at = 0
    while at < len(data):
        stop = min(at + _PIECE, len(data))
        piece = entries(data, at, stop)
        piece.pop()  # the empty match at the end
        left = piece.pop() if piece and not _is_entry(piece[-1]) else b""
        found += piece
        end = stop - len(left)
        if end > at:  # what is left may only have been cut off where the piece ends
            at = end
            continue
        if left[:1] == _STOP:
            break
        at = _step(data, end)
        if left[:1] in _FETCHES:  # with a number as no pickler writes it
            found.append(data[end:at])
    return found


def _is_entry(piece: bytes) -> bool:
    """False for what the expression left over."""
    if not piece:
        return False
    if piece[0] in _MEMO:
        shape = SHAPES[piece[0]]
        return len(piece) == 1 + shape if shape >= 0 else _NUMBERED.fullmatch(piece) is not None
    return piece[-1:] == _MEMOIZE and piece[0] in _LEAVES and len(piece) > 1


def _step(data: bytes, at: int) -> int:
    """Where the opcode ends that the expression does not know; the end when that cannot be told."""
    shape = SHAPES[data[at]]
    if shape == INVALID or data[at] == STOP:
        return len(data)
    if shape >= 0:
        return at + 1 + shape
    if shape > COUNT1:
        end = data.find(b"\n", at)
        end = data.find(b"\n", end + 1) if shape != TEXT and end >= 0 else end
        return end + 1 if end >= 0 else len(data)
    width = {COUNT1: 1, COUNT1 - 1: 4}.get(shape, 8)
    return at + 1 + width + int.from_bytes(data[at + 1 : at + 1 + width], "little")


@cache
def _expression() -> re.Pattern[bytes]:
    """Compiled when first used."""
    plain = [code for code in NAMES if code not in _LEAVES | _MEMO | {STOP, FRAME}]
    fixed = [one_of([c for c in _LEAVES if SHAPES[c] == 0])]
    fixed += [
        one_of([c for c in _LEAVES if SHAPES[c] == width]) + b".{%d}" % width
        for width in sorted({SHAPES[c] for c in _LEAVES if SHAPES[c] > 0})
    ]
    fixed.append(one_of([c for c in _LEAVES if SHAPES[c] == COUNT1]) + counted(b""))
    fixed.append(one_of([CODES["BINUNICODE"]]) + counted(b"\\x00\\x00\\x00"))
    fixed.append(one_of([c for c in _LEAVES if SHAPES[c] == TEXT]) + b"[^\\n]*+\\n")
    fixed.append(one_of([CODES["GLOBAL"]]) + b"[^\\n]*+\\n[^\\n]*+\\n")
    leaf = b"(?:" + b"|".join(fixed) + b")"
    put = rb"(?!\x94)(?:q.|r.{4}|p[0-9]{1,9}\n|)"
    runs = [leaf + put]
    runs += [
        one_of([c for c in plain if SHAPES[c] == width]) + b".{%d}" % width
        for width in sorted({SHAPES[c] for c in plain if SHAPES[c] >= 0})
    ]
    sets = rb"\x94|2|[hq].|[jr].{4}|[gp][0-9]{1,9}\n"
    return re.compile(every(b"|".join(runs)) + b"(" + leaf + rb"\x94|" + sets + b"|.*+)", re.DOTALL)
