"""Is this a pickle? Asked of the first bytes of every file, so it must be quick and hard to fool.

A missed pickle is a miss, and prose taken for one is a false alarm; both are bugs. A protocol byte
makes it easy. Without one, only a pickle that does something (an import, then a call) or that ends
exactly where the file ends counts, followed by the same machine that reads pickles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from modelscan.budget import Budget, Limits
from modelscan.errors import ReadError
from modelscan.formats.pickle.ledger import Ledger
from modelscan.formats.pickle.literals import BrokenError
from modelscan.formats.pickle.opcodes import (
    COUNT1,
    HIGHEST_PROTOCOL,
    HOT,
    INVALID,
    PROTO,
    SHAPES,
    STARTS,
    STOP,
    TEXT,
    TEXT_PAIR,
)
from modelscan.formats.pickle.window import Window
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import PickleCall, PickleOddity
from modelscan.vocabulary.lists import PickleGlobals

_EVIDENCE: Final = 8
"""Opcodes in a row that no accident explains, after a protocol byte."""
_LONG_RUN: Final = 64
"""The same without a protocol byte."""
_NOT_TRIVIAL: Final = 4
"""Opcodes of the smallest pickle that is worth being called one."""
_FEW: Final = 3
"""Opcodes before a line of text that goes on out of sight."""
_PADDING: Final = 16 << 20
"""The longest literal that a payload may plausibly hide behind."""
_HOPS: Final = 64
"""Literals that reach beyond the bytes shown, one behind the other: more are no accident either."""
_AHEAD: Final = 4096
"""Bytes looked at behind such a literal."""
_WIDTHS: Final = {COUNT1: 1, COUNT1 - 1: 4}
"""Bytes of a literal's length, where it is not eight."""
_PADS: Final = b"\0\r\n\t "
"""What may lie between two pickles."""
_NAME: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*\Z")
_IMPORT: Final = re.compile(rb"[ci][A-Za-z_][\w.]{0,99}\n[A-Za-z_][\w.]{0,99}\n")
_TRIES: Final = 16
_BEGINS: Final = re.compile(rb"\x80[\x00-\x05]|" + _IMPORT.pattern)
_MANY_TRIES: Final = 256
_SPAN: Final = 16 << 10
"""Bytes that are followed of each that may begin a hidden pickle."""
_NO_NAMES: Final = PickleGlobals()


def looks_like_pickle(
    head: bytes, size: int, *, follows: bool = False, tail: Callable[[], bytes] | None = None
) -> bool:
    """True when bytes that begin with `head` are a pickle, or were one before they were broken.

    Args:
        head: the first bytes.
        size: how many there are in all.
        follows: a pickle has just ended before them, so that the smallest one counts, too.
        tail: the last bytes, for when a first line of text is longer than `head`.
    """
    if len(head) < 2 or head[0] not in STARTS:  # noqa: PLR2004  # an opcode and STOP
        return False
    if head[0] == PROTO:
        return head[1] <= HIGHEST_PROTOCOL and _runs(head, size, 2, _EVIDENCE)
    if _runs(head, size, 0, _LONG_RUN, strict=True) and _acts(head, size, follows=follows):
        return True
    return tail is not None and size > len(head) and _long_line(head) and _ends_in_call(tail())


def shortened(head: bytes, size: int, read_at: Callable[[int, int], bytes]) -> tuple[bytes, int]:
    """The first bytes as they would be if the long literals among them were empty.

    A pickle may begin with any amount of padding: a text or bytes of many megabytes that it throws
    away again. What comes behind such a literal tells whether it is one.

    Args:
        head: the first bytes.
        size: how many there are in all.
        read_at: reads any of them.

    Returns:
        Bytes for `looks_like_pickle`, and how many there would be; `head` itself when no literal
        reaches beyond it.
    """
    gone = 0
    for _ in range(_HOPS):
        found = _beyond(head, size, read_at, gone)
        if found is None:
            break
        index, end = found
        shape = SHAPES[head[index]]
        empty = b"\n" if shape == TEXT else bytes(_WIDTHS.get(shape, 8))
        gone += end - index - 1 - len(empty)
        size -= end - index - 1 - len(empty)
        head = head[: index + 1] + empty + read_at(index + 1 + len(empty) + gone, _AHEAD)
    return head, size


def _beyond(
    head: bytes, size: int, read_at: Callable[[int, int], bytes], gone: int
) -> tuple[int, int] | None:
    """The first literal that ends behind `head` but not behind everything: its place and end."""
    index = 0
    while index < len(head):
        shape = SHAPES[head[index]]
        if shape == INVALID:
            return None
        end = _end(head, index, shape)
        if shape == TEXT and end >= len(head) and head[-1:] != b"\n":
            end = _line_end(gone + len(head), gone + min(size, _PADDING), read_at) - gone
        if end >= len(head):
            variable = shape == TEXT or shape <= COUNT1
            return (index, end) if variable and len(head) < end < size else None
        index = end
    return None


def _line_end(begin: int, limit: int, read_at: Callable[[int, int], bytes]) -> int:
    """The end of a line that goes on at `begin`; the limit when there is none before it."""
    while begin < limit:
        piece = read_at(begin, _SPAN)
        found = piece.find(b"\n")
        if found >= 0:
            return begin + found + 1
        if not piece:
            break
        begin += len(piece)
    return limit


def comes_to_something(head: bytes) -> bool:
    """False for what begins like a pickle by chance, and breaks before anything is imported.

    The first bytes of one raw tensor in two hundred thousand do.
    """
    ledger, end = _followed(head)
    return not isinstance(end, BrokenError) or bool(ledger.imports)


def hidden_pickles(data: bytes) -> Iterator[tuple[int, int]]:
    """Where in these bytes pickles are that call something: where each begins, and how long it is.

    Asked of what no loader should come to: bytes behind the end of a pickle, or behind a break.
    Only a call of something with a name counts: two bytes that begin a pickle are in any data.
    """
    at = 0
    for _ in range(_MANY_TRIES):
        found = _BEGINS.search(data, at)
        if found is None:
            return
        at = found.start()
        ledger, end = _followed(data[at : at + _SPAN])
        if _calls(ledger):
            length = end if isinstance(end, int) else len(data) - at
            yield at, length
            at += length
        else:
            at += 1


def calls_something(data: bytes) -> bool:
    """True when these bytes begin with a pickle that calls something with a name."""
    return _calls(_followed(data[:_SPAN])[0])


def _long_line(head: bytes) -> bool:
    """True when the first opcodes end in a text that goes on out of sight."""
    index = 0
    while index < len(head):
        shape = SHAPES[head[index]]
        if shape == INVALID or head[index] in HOT:
            return False
        end = _end(head, index, shape)
        if end >= len(head):
            return shape == TEXT
        index = end
    return False


def _ends_in_call(tail: bytes) -> bool:
    """True when an import near the end is called."""
    return any(
        _acts(tail[found.start() :], len(tail) - found.start(), follows=False)
        for found, _ in zip(_IMPORT.finditer(tail), range(_TRIES), strict=False)
    )


def _runs(head: bytes, size: int, index: int, enough: int, *, strict: bool = False) -> bool:
    """Step through the opcodes: true after enough of them, a hot one, STOP, or all of `head`.

    Args:
        head: the first bytes.
        size: how many there are in all.
        index: where to start.
        enough: opcodes that suffice.
        strict: leave STOP and imports to be judged by `_acts`.
    """
    steps = 0
    while steps < enough:
        if index >= len(head):
            return size > len(head) and (steps > 1 or index <= size)
        code = head[index]
        shape = SHAPES[code]
        if shape == INVALID:
            return False
        if code == STOP:
            return steps > 0
        if code in HOT:
            return strict or shape != TEXT_PAIR or _names(head, index)
        end = _end(head, index, shape)
        if end > size or (end > len(head) and end - index > _PADDING):
            return False
        index = end
        steps += 1
    return True


def _end(head: bytes, index: int, shape: int) -> int:
    """Where the opcode ends; past `head` when that is as much as can be told."""
    if shape >= 0:
        return index + 1 + shape
    if shape > COUNT1:
        end = head.find(b"\n", index)
        if shape == TEXT_PAIR and end >= 0:
            end = head.find(b"\n", end + 1)
        return end + 1 if end >= 0 else len(head)
    width = _WIDTHS.get(shape, 8)
    return index + 1 + width + int.from_bytes(head[index + 1 : index + 1 + width], "little")


def _names(head: bytes, index: int) -> bool:
    """True when an import at `index` names something that can be a module."""
    lines = head[index + 1 : index + 512].split(b"\n", 2)
    return len(lines) > 1 and all(_is_name(line.decode("utf-8", "replace")) for line in lines[:2])


def _is_name(text: str) -> bool:
    return _NAME.match(text) is not None


def _acts(head: bytes, size: int, *, follows: bool) -> bool:
    """Follow the bytes: true for an import that is called, or for an end where the file ends.

    Behind the end of a pickle another one may begin, for a loader that reads several.
    """
    while True:
        whole = size <= len(head)
        ledger, end = _followed(head)
        if isinstance(end, ReadError):
            ran_out = not whole and not isinstance(end, BrokenError)
            return _calls(ledger) or (ran_out and _goes_on(head, size))
        if _calls(ledger):
            return True
        rest = head[end:].lstrip(_PADS)
        if not rest:
            return whole and (follows or end >= _NOT_TRIVIAL * 2)
        if rest[0] not in STARTS or rest[0] == STOP:
            return False
        head, size, follows = rest, size - len(head) + len(rest), True


def _followed(data: bytes) -> tuple[Ledger, int | ReadError]:
    """What the pickle that begins here does, and where it ends, or how it breaks."""
    from modelscan.formats.pickle.machine import Machine  # lazy: most bytes are told without it

    artifact = BytesArtifact("", data)
    budget = Budget(Limits(facts=64, values=4096))
    ledger = Ledger(artifact, _NO_NAMES, budget)
    machine = Machine(Window(artifact), ledger, budget, lean=False)
    try:
        return ledger, machine.run(0)
    except ReadError as error:
        return ledger, error


def _goes_on(head: bytes, size: int) -> bool:
    """True when nothing speaks against a pickle whose end is out of sight.

    A long line alone is a long line of text: other lines must have been opcodes before it.
    """
    steps = index = 0
    while steps < _LONG_RUN:
        shape = SHAPES[head[index]]
        if shape == INVALID:
            return False
        if shape == TEXT_PAIR and not _names(head, index):
            return False  # it would end here: lines of a program begin with such letters, too
        end = _end(head, index, shape)
        if end >= len(head):
            if shape < TEXT_PAIR:
                return end <= size and end - index <= _PADDING
            return steps >= _FEW and b"\n" in head[:index]
        index = end
        steps += 1
    return True


def _calls(ledger: Ledger) -> bool:
    return any(
        _overwrites(fact)
        if isinstance(fact, PickleOddity)
        else isinstance(fact, PickleCall)
        and (_is_name(fact.module) and _is_name(fact.name))
        and (fact.opcode != "INST" or bool(fact.arguments))
        for fact in ledger.drain()
    )


def _overwrites(fact: PickleOddity) -> bool:
    """True when something imported is changed, which needs no call."""
    return fact.kind == "overwritten-state" and _is_name(fact.detail)
