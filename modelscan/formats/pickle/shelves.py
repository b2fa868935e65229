"""Shelves on `dbm.dumb`: values in the blocks of one file, `.dat`, their places in another, `.dir`.

The loader unpickles what the index points to, whatever the bytes around it are. Python puts every
value at the start of a block (`Lib/dbm/dumb.py`), so that two things are told:

* an index that points into the middle of a block: no shelf that Python wrote does;
* a pickle that calls something and begins a block inside another value: the index may point to it.

`shelve` on gdbm, ndbm and SQLite stores the same pickles in those databases' own files. Of these,
SQLite is read as a database; the other two are not, which is said of them when they are met.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.pickle.opcodes import PROTO
from modelscan.formats.pickle.probe import calls_something
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import (
    CHUNK,
    Artifact,
    SliceArtifact,
    base_name,
    place,
    stream,
)
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, PickleOddity

VALUES: Final = ".dat"
BLOCK: Final = 512
"""`_BLOCKSIZE`. A value that became shorter leaves the end of the old one behind."""
_ENTRY: Final = re.compile(
    rb"\s*b?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")\s*,\s*\((\d+), (\d+)\)\s*"
)
_LONGEST: Final = 64 << 10
"""Bytes of one line: a key, its place and its length."""


def is_shelf(artifact: Artifact) -> bool:
    """True for the values of a shelf, by the name: each begins with a block."""
    return base_name(artifact).lower().endswith(VALUES)


def inner_values(artifact: Artifact, starts: set[int], budget: Budget) -> Iterator[Artifact]:
    """Pickles that begin a block inside another value, and that call something.

    Args:
        artifact: the values.
        starts: where those begin that were read already.
        budget: pays for the blocks.
    """
    for begin in range(0, artifact.size, CHUNK):
        piece = artifact.read_at(begin, CHUNK)
        firsts = piece[::BLOCK]
        budget.step(len(firsts))
        at = firsts.find(PROTO)
        while at >= 0:
            start = begin + at * BLOCK
            if start not in starts and calls_something(artifact.read_at(start, _LONGEST)):
                yield SliceArtifact(artifact, start, artifact.size - start, f"value@{start}")
            at = firsts.find(PROTO, at + 1)


class ShelfIndexReader:
    """The index of a shelf: where each value begins, and how long it is."""

    @property
    def format(self) -> str:
        """See `Reader.format`."""
        return "shelf index"

    extensions = frozenset({".dir", ".bak"})

    def recognises(self, glimpse: Glimpse) -> bool:
        """By its name, and a first line that is a key and two numbers."""
        first, _, _ = glimpse.head.partition(b"\n")
        return _ENTRY.fullmatch(first) is not None

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State values that do not begin a block.

        Raises:
            ReadError: a line is no entry; the loader would stop there, too.
        """
        rest = b""
        offset = 0
        for piece in stream(artifact, chunk=CHUNK):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield from _misplaced(artifact, line, offset, budget)
                offset += len(line) + 1
            if len(rest) > _LONGEST:
                raise ReadError("a line that is no entry", offset=offset)
        if rest.strip():
            yield from _misplaced(artifact, rest, offset, budget)


def _misplaced(artifact: Artifact, line: bytes, offset: int, budget: Budget) -> Iterator[Fact]:
    budget.step()
    entry = _ENTRY.fullmatch(line)
    if entry is None:
        raise ReadError("a line that is no entry", offset=offset)
    begin = int(entry[1][:20])
    if begin % BLOCK:
        budget.fact()
        detail = f"a value at byte {begin:,}, inside of a block"
        yield PickleOddity(location=place(artifact, offset), kind="misplaced-value", detail=detail)
