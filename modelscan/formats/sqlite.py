"""SQLite databases: shelves of Python 3.13 and later, stores of experiments and of vectors.

`shelve` writes each value as a pickle into a table, and others keep pickles in columns, too. The
reader walks the trees of all tables and yields every value of bytes; texts and numbers are no code.

Invariants: each page is visited once, so that circular trees end; rows that share their bytes are
refused, so that reading all of them costs no more than the file is long; values are put together
from their pages when they are read, and long ones are never held whole; what a table says about
itself (its SQL) is not interpreted.

Source: "Database File Format", sqlite.org, sections 1.3, 1.6, 2.1; `Lib/dbm/sqlite3.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, StreamArtifact, child_name
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

MAGIC: Final = b"SQLite format 3\0"
_HEADER: Final = 100
_LEAF, _INNER, _INDEX_LEAF, _INDEX_INNER = 13, 5, 10, 2
_INTEGERS: Final = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)
"""Bytes of a value by its type, up to the types that have a length of their own."""
_BLOBS: Final = len(_INTEGERS)
_LONGEST_VARINT: Final = 9
_SHORT: Final = 1 << 16
"""Values up to this size are held; longer ones are streamed from their pages."""
_TRIVIAL: Final = 4
_ROOT_COLUMN: Final = 3


class _Column(NamedTuple):
    """One value of a row."""

    kind: int
    offset: int
    size: int


class SqliteReader:
    """Databases of SQLite 3."""

    @property
    def format(self) -> str:
        """See `Reader.format`."""
        return "sqlite"

    def recognises(self, glimpse: Glimpse) -> bool:
        """True for its first bytes."""
        return glimpse.head.startswith(MAGIC)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """See `Reader.read`."""
        database = _Database(artifact, budget)
        roots = [1]
        for payload in database.rows(1):
            columns = list(payload.columns())
            if len(columns) > _ROOT_COLUMN and (root := payload.number(columns[_ROOT_COLUMN])):
                roots.append(root)
        for root in roots[1:]:
            for payload in database.rows(root):
                for number, column in enumerate(payload.columns()):
                    if column.kind >= _BLOBS and not column.kind % 2 and column.size >= _TRIVIAL:
                        budget.member()
                        yield payload.value(column, f"page{payload.page}.{payload.cell}.{number}")


class _Database:
    """Pages, and the trees that they make up."""

    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        head = artifact.read_at(0, _HEADER)
        self.artifact = artifact
        self.budget = budget
        size = int.from_bytes(head[16:18], "big")
        self.size = 1 << 16 if size == 1 else size
        self.usable = self.size - (head[20] if len(head) == _HEADER else 0)
        if self.size < 512 or self.size & self.size - 1 or self.usable < 480:  # noqa: PLR2004  # the smallest of each
            raise ReadError(f"pages of {self.size} bytes", offset=16)
        self._seen: set[int] = set()
        self._claimed = 0

    def claim(self, length: int) -> None:
        """Account for a row.

        Raises:
            ReadError: the rows are longer than the file that holds them.
        """
        self._claimed += length
        if self._claimed > self.artifact.size:
            raise ReadError("rows are longer than the file")

    def page(self, number: int) -> bytes:
        """One page.

        Raises:
            ReadError: the file has no such page.
        """
        self.budget.step(64)
        offset = (number - 1) * self.size
        data = self.artifact.read_at(offset, self.size) if number > 0 else b""
        if len(data) < self.size:
            raise ReadError(f"page {number} is not in the file", offset=max(offset, 0))
        return data

    def rows(self, root: int) -> Iterator[_Payload]:
        """The rows of a tree, from its root page on.

        Raises:
            ReadError: a page is missing, or none of a tree.
        """
        waiting = [root]
        while waiting:
            number = waiting.pop()
            if number in self._seen:
                continue
            self._seen.add(number)
            data = self.page(number)
            at = _HEADER if number == 1 else 0
            kind = data[at]
            if kind not in {_LEAF, _INNER, _INDEX_LEAF, _INDEX_INNER}:
                raise ReadError(f"page {number} is of no tree", offset=(number - 1) * self.size)
            inner = kind in {_INNER, _INDEX_INNER}
            cells = at + (12 if inner else 8)
            count = int.from_bytes(data[at + 3 : at + 5], "big")
            if inner:
                waiting.append(int.from_bytes(data[at + 8 : at + 12], "big"))
            for cell in range(min(count, (self.size - cells) // 2)):
                place = cells + 2 * cell
                start = int.from_bytes(data[place : place + 2], "big")
                if inner:
                    waiting.append(int.from_bytes(data[start : start + 4], "big"))
                if kind != _INNER:
                    yield _Payload(self, data, (number, cell), start + 4 * inner)


class _Payload:
    """One row: its first bytes in the page, the rest on pages of their own."""

    def __init__(self, database: _Database, data: bytes, place: tuple[int, int], at: int) -> None:
        self._database = database
        self.page, self.cell = place
        table = data[_HEADER if self.page == 1 else 0] == _LEAF
        self.length, at = _varint(data, at)
        if table:
            _, at = _varint(data, at)
        usable = database.usable
        most = usable - 35 if table else (usable - 12) * 64 // 255 - 23
        least = (usable - 12) * 32 // 255 - 23
        fits = least + (self.length - least) % (usable - 4)
        local = self.length if self.length <= most else fits if fits <= most else least
        self._local = data[at : at + local]
        self._next = int.from_bytes(data[at + local : at + local + 4], "big")
        database.claim(self.length)

    def columns(self) -> Iterator[_Column]:
        """The values of the row.

        Raises:
            ReadError: the row is broken.
        """
        end, at = _varint(self._local, 0)
        offset = end
        while at < min(end, self.length):
            kind, at = _varint(self._local, at)
            size = (kind - _BLOBS) // 2 if kind >= _BLOBS else _INTEGERS[kind]
            yield _Column(kind, offset, size)
            offset += size

    def number(self, column: _Column) -> int:
        """A value that is a number; 0 for any other."""
        if column.kind >= _BLOBS:
            return 0
        return int.from_bytes(self._local[column.offset : column.offset + column.size], "big")

    def value(self, column: _Column, name: str) -> Artifact:
        """A value of bytes, as a file of its own."""
        parent = self._database.artifact
        size = max(min(column.size, self.length - column.offset), 0)
        pieces = partial(self._pieces, column.offset, size)
        if size > _SHORT:
            return StreamArtifact(parent, name, size, pieces)
        member, depth = child_name(parent, name), parent.depth + 1
        return BytesArtifact(parent.name, b"".join(pieces()), member=member, depth=depth)

    def _pieces(self, skip: int, left: int) -> Iterator[bytes]:
        """The row's bytes from `skip` on.

        Raises:
            ReadError: a page of it is missing.
        """
        piece, following = self._local, self._next
        while left:
            part = piece[skip : skip + left]
            skip -= min(skip, len(piece))
            left -= len(part)
            if part:
                yield part
            if left:
                data = self._database.page(following)
                following = int.from_bytes(data[:4], "big")
                piece = data[4 : self._database.usable]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where the next thing begins (section 1.6).

    Raises:
        ReadError: it is cut off.
    """
    value = 0
    for index, byte in enumerate(data[at : at + _LONGEST_VARINT]):
        if index == _LONGEST_VARINT - 1:
            return value << 8 | byte, at + _LONGEST_VARINT
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004  # the highest bit says that more follows
            return value, at + index + 1
    raise ReadError("a number is cut off")
