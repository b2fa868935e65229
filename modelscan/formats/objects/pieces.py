"""JSON documents that would take too much memory as one tree, walked piece by piece.

A list or table that costs too much is never held: what lies in it is parsed a stretch at a time and
let go, and the table itself is kept hollow, with the larger things in it cut out. A document of
ordinary size is one tree, as ever.

Invariants: every table with anything in it comes once, with all of its texts and numbers; what lies
right inside a table that was cut may be missing there, since it has come by itself already. No more
than `LARGEST` is held at a time besides the document. What that makes impossible is an error, never
an omission.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.objects.tree import Table, parse_json, readings, tables
from modelscan.formats.repeated import every, sound

LARGEST: Final = 16 << 20
"""Bytes of memory that a tree may cost, as `cost` reckons it."""
_COSTS: Final = ((b"{", 90), (b"[", 80), (b'"', 30), (b",", 24), (b":", 60))
"""What each character stands for in memory, measured: tables, lists, texts, numbers, entries."""
_EMPTY_COST: Final = 90
_WIDE: Final = 4
"""Bytes of a character at most, where a text has others than those of ASCII."""
_DENSE: Final = 30
"""Bytes of memory for a byte of the document at most."""
_HALF: Final = LARGEST // 2
_SHORT: Final = 64
_ROUNDS: Final = "*" if sound() else "{0,10000}"
"""How much is gone over at once: without end only where that takes no memory."""
_STRING: Final = b'"' + every(rb'[^"\\]++|\\.', _ROUNDS) + b'"'
_EMPTY: Final = rb'\[[^"\[\]{}]{0,16}+\]|\{\s{0,16}+\}'
"""A list of a few numbers, and a table without anything: they say no more than a number does."""
_BRACKET: Final = re.compile(
    every(rb'[^"\[\]{}]++|' + _STRING + b"|" + _EMPTY, _ROUNDS)
    + (rb"([\[\]{}])" if sound() else rb"([\[\]{}])?"),
    re.DOTALL,
)
"""Up to the next bracket that says something, or a part of the way."""
_MOST_BRACKETS: Final = 3_000_000
_KEY: Final = re.compile(rb'"((?:[^"\\]|\\.){1,200})"\s*:\s*\Z', re.DOTALL)
_LONGEST_KEY: Final = 300
_SCALAR: Final = b"(?:" + _STRING + rb'|[^",\[\]{}\s]++)'
_SCALARS: Final = re.compile(
    rb"\s*+" + _SCALAR + every(rb"\s*+,\s*+" + _SCALAR, "{0,5000}"), re.DOTALL
)
"""As many texts and numbers as are kept of a list."""
_TOO_WIDE: Final = "a table with more right inside it than is held"
_DEEPEST: Final = 500
_KEPT: Final = 4096
"""Bytes of a list or table that stays where it is when the table around it is cut."""
_LONGEST: Final = 2 << 20
"""Bytes that may remain of a table that was cut."""
_FULL: Final = 256 << 10
"""Bytes of them, from which on nothing is kept but texts and numbers."""
_BATCH: Final = 10_000
_OPENING: Final = b"[{"
_LIST: Final = ord("[")
_TO_CLOSING: Final = 2
"""From the code of a bracket to that of the other one."""


class Piece(NamedTuple):
    """A part of a document."""

    path: str
    """Of the list or table that it belongs to."""
    root: Any
    """A tree; a table with nothing large in it; or a stretch of what lay in a list or table."""
    hollow: bool = False
    """True when what lies below has come already."""


def cost(data: bytes) -> int:
    """About how much memory a document takes as a tree."""
    plain = data.isascii() and b"\\u" not in data
    return len(data) * (1 if plain else _WIDE) + sum(data.count(one) * each for one, each in _COSTS)


def pieces(data: bytes, budget: Budget) -> Iterator[Piece]:
    """The document in one piece, or in many.

    Args:
        data: the document.
        budget: pays for what is walked over.

    Raises:
        ReadError: it is not JSON.
        BudgetError: a table has too many texts and numbers right inside it, or it is nested deeply.
    """
    if cost(data) <= LARGEST:
        yield Piece("", parse_json(data))
    else:
        yield from _Splitter(data, budget).pieces()


def tables_of(data: bytes, budget: Budget) -> Iterator[tuple[str, Table]]:
    """Every table of a document with its path, as `tree.tables` has them.

    Raises:
        ReadError: it is not JSON.
        BudgetError: more than the budget allows.
    """
    for piece in pieces(data, budget):
        yield from tables_in(piece, budget)


def tables_in(piece: Piece, budget: Budget) -> Iterator[tuple[str, Table]]:
    """The tables of one piece."""
    if piece.hollow:
        yield from readings(piece.path, piece.root)
    else:
        yield from tables(piece.root, budget, piece.path)


class _Cut:
    """What remains of a list or table of which something was let go.

    Args:
        kind: the bracket that opens it.
    """

    def __init__(self, kind: bytes) -> None:
        self.kind = kind
        self._kept = [kind]
        self._size = 0

    def begin(self, head: bytes) -> None:
        """Of a list: the texts and numbers that it begins with. No others are kept."""
        self._kept.append(head)

    def keep(self, text: bytes) -> None:
        """Of a table: a stretch without lists and tables.

        Raises:
            BudgetError: there is more of it than tables have.
        """
        if self.kind == b"{":
            self._size += len(text)
            self._kept.append(text)
            if self._size > _LONGEST:
                raise BudgetError(_TOO_WIDE)

    def keep_inner(self, text: bytes) -> None:
        """Of a table: a list or table in it, or an empty one in the place of a larger one."""
        small = len(text) <= _KEPT and self._size <= _FULL
        self.keep(text if small else text[:1] + text[-1:])

    def closed(self) -> bytes:
        """As a document."""
        return b"".join([*self._kept, b"}" if self.kind == b"{" else b"]"])


class _Splitter:
    """Walks over one document, from bracket to bracket.

    Lists and tables that are open have a line each in four stacks; what they cost is the difference
    of a running sum, so that the many which are small cost little more than their brackets.

    Args:
        data: the document.
        budget: pays for it.
    """

    def __init__(self, data: bytes, budget: Budget) -> None:
        self._data = data
        self._budget = budget
        self._factor = 1 if data.isascii() and b"\\u" not in data else _WIDE
        self._at: list[int] = []
        """Where each begins."""
        self._marks: list[int] = []
        """Where that begins which has not been let go yet."""
        self._before: list[int] = []
        """The sum at that place."""
        self._inner: list[array[int] | None] = []
        """Begin and end of each list and table right inside, behind the mark."""
        self._cuts: dict[int, _Cut] = {}
        """By depth, of those of which something was let go."""

    def pieces(self) -> Iterator[Piece]:  # noqa: C901  # one loop: every bracket comes by
        """All pieces; those of inner lists and tables before those of outer ones."""
        data, starts, marks = self._data, self._at, self._marks
        before, inners, cuts = self._before, self._inner, self._cuts
        total = last = 0
        for number, end in enumerate(_ends(data)):
            if number % _BATCH == 0:
                self._budget.step(_BATCH)
                if number > _MOST_BRACKETS:
                    raise BudgetError(f"JSON of more than {_MOST_BRACKETS // 2:,} lists and tables")
            length = end - last
            total += length * _DENSE if length <= _SHORT else self._weight(last, end)
            last = end
            if data[end - 1] in _OPENING:
                if len(starts) >= _DEEPEST:
                    raise BudgetError(
                        f"JSON nested more than {_DEEPEST} deep, too large to be held"
                    )
                starts.append(end - 1)
                marks.append(end)
                before.append(total)
                inners.append(None)
                continue
            if not starts or data[end - 1] != data[starts[-1]] + _TO_CLOSING:
                raise ReadError("not JSON: brackets do not match", offset=end)
            if total - before[-1] <= _HALF and len(starts) not in cuts:
                start = starts.pop()
                marks.pop(), before.pop(), inners.pop()
                if not starts:
                    yield Piece("", parse_json(data[start:end]))
                    continue
                inner = inners[-1]
                if inner is None:
                    inners[-1] = array("q", (start, end))
                else:
                    inner.extend((start, end))
                if total - before[-1] > _HALF:
                    yield from self._let_go(end)
                    before[-1] = total
            else:
                yield from self._leave(end)
                if before:
                    before[-1] = total
        if starts or data[last:].strip():
            raise ReadError("not JSON: it breaks off")

    def _weight(self, start: int, end: int) -> int:
        """About how much memory a long stretch takes, without lists and tables but empty ones."""
        marks = sum(self._data.count(one, start, end) for one in (b'"', b",", b":"))
        empty = sum(self._data.count(one, start, end) for one in (b"[", b"{"))
        return (end - start) * self._factor + marks * _DENSE + empty * _EMPTY_COST

    def _path(self, *inside: int) -> str:
        """Of the innermost that is open, or of what begins at a place in it."""
        path = ""
        for outer, at in pairwise((*self._at, *inside)):
            named = _KEY.search(self._data, max(outer, at - _LONGEST_KEY), at)
            listed = self._data[outer] == _LIST
            key = named[1].decode("utf-8", "replace") if named and not listed else ""
            path = f"{path}[]" if listed else f"{path}.{key}".strip(".")
        return path[-_LONGEST_KEY:]

    def _leave(self, end: int) -> Iterator[Piece]:
        """Close the innermost, which is too large to be part of anything."""
        path = self._path()
        yield from self._let_go(end - 1)
        cut = self._cuts.pop(len(self._at))
        start = self._at.pop()
        self._marks.pop(), self._before.pop(), self._inner.pop()
        hollow = cut.closed()
        if cut.kind == b"{":
            if cost(hollow) > LARGEST:
                raise BudgetError(_TOO_WIDE)
            yield Piece(path, parse_json(hollow), hollow=True)
        if self._at:
            yield from self._let_go(start)
            self._marks[-1] = end
            self._cuts[len(self._at)].keep_inner(hollow)

    def _let_go(self, end: int) -> Iterator[Piece]:
        """Hand out the lists and tables that have gathered in the innermost, and keep the rest."""
        depth, mark = len(self._at), self._marks[-1]
        flat = self._inner[-1] or ()
        inner = list(zip(flat[::2], flat[1::2], strict=True))
        yield from self._gathered(inner, end)
        cut = self._cuts.get(depth)
        if cut is None:
            at = self._at[-1]
            cut = self._cuts[depth] = _Cut(self._data[at : at + 1])
            head = _SCALARS.match(self._data, mark, inner[0][0] if inner else end)
            if cut.kind == b"[" and head is not None:
                cut.begin(head[0])
        for start, stop in inner:
            cut.keep(self._data[mark:start])
            cut.keep_inner(self._data[start:stop])
            mark = stop
        cut.keep(self._data[mark:end])
        self._marks[-1], self._inner[-1] = end, None

    def _gathered(self, inner: list[tuple[int, int]], end: int) -> Iterator[Piece]:
        """What has gathered: in a list in stretches, in a table the larger things by name."""
        path, data = self._path(), self._data
        if data[self._at[-1]] == _LIST and not inner:
            at = self._marks[-1]
            while (found := _SCALARS.search(data, at, end)) is not None:
                yield Piece(path, parse_json(b"[" + found[0] + b"]"))
                at = found.end()
        elif data[self._at[-1]] != _LIST:
            for start, stop in inner:
                if stop - start > _KEPT:
                    yield Piece(self._path(start), parse_json(data[start:stop]))
            inner = [(start, stop) for start, stop in inner if stop - start <= _KEPT]
        if inner:
            raw = b",".join([data[start:stop] for start, stop in inner])
            yield Piece(path, parse_json(b"[" + raw + b"]"))


def _ends(data: bytes) -> Iterator[int]:
    """The offset behind each bracket that stands in no text."""
    for found in _BRACKET.finditer(data):
        end = found.end()
        if end > found.start():
            if found.lastindex:  # else the rounds were used up, maybe behind a list of numbers
                yield end
        elif end < len(data):
            raise BudgetError("a text that does not end, or with very many escapes", offset=end)
