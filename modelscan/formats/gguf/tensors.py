"""The table of tensors of a GGUF file, and what lies between and behind them.

Each entry is a name, up to four dimensions, an element type and an offset into the data, which
begins at the next multiple of the alignment. Writers lay the tensors out in the order of the table,
each at the next multiple of the alignment, with zeros between them.

Sources: the GGUF specification; `gguf_init_from_file` of llama.cpp, which takes nothing else, and
Ollama, which took offsets and sizes on trust (CVE-2026-7482).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.gguf.cursor import Cursor
from modelscan.formats.gguf.defects import Defects, is_text, text_of
from modelscan.formats.gguf.elements import ELEMENTS
from modelscan.vocabulary.artifact import CHUNK, Artifact

_SMALLEST: Final = 4 + 4 + 4 + 8
"""Bytes of the smallest entry."""
_MAX_TENSORS: Final = 1 << 17
_MAX_TABLE: Final = 64 << 20
_USUAL_NAME, _LONGEST_NAME = 64, 255
"""The format's own limit, and what programs that raised it have room for (128)."""
_USUAL_DIMENSIONS, _MOST_DIMENSIONS = 4, 8
"""The format's own limit, and what converters of video models write (5)."""
_MAX_ELEMENTS: Final = 1 << 63
_LOOKED_AT: Final = 64 << 20
"""Bytes between tensors that are compared with zero; more of them are data whatever they hold."""


class _Entry(NamedTuple):
    begin: int
    """Relative to the data."""
    end: int
    """-1 when the element type is not known."""
    name: str


class Listed(NamedTuple):
    """A tensor as the table lists it."""

    name: str
    shape: tuple[int, ...]
    """In the order of the file: the innermost dimension first."""
    kind: int
    """A key of `ELEMENTS`, if it is known."""
    begin: int
    """Relative to the data."""


class Span(NamedTuple):
    """Bytes of the file that no tensor uses."""

    offset: int
    length: int


class Tensors:
    """Reads the table, and then looks at what the tensors leave over.

    What was found before an error stays.
    """

    def __init__(self, defects: Defects) -> None:
        self._defects = defects
        self._entries: list[_Entry] = []
        self._names: set[bytes] = set()
        self.count = 0
        self.parameters = 0
        """Elements over all tensors."""
        self.dtypes: set[str] = set()
        """Names of the element types in use."""
        self.listed: list[Listed] = []
        """The entries that can be made sense of, in the order of the table."""

    def read(self, cursor: Cursor, budget: Budget, count: int) -> None:
        """Read `count` entries.

        Raises:
            ReadError: one of them cannot be read, so that what follows it cannot be found.
        """
        cursor.expect(count, _SMALLEST, "tensors")
        if count > _MAX_TENSORS:
            raise BudgetError(f"{count:,} tensors", offset=cursor.offset)
        budget.step(count)
        begin = cursor.offset
        for _ in range(count):
            self._entry(cursor)
            if cursor.offset - begin > _MAX_TABLE:
                raise BudgetError("a table of tensors of many megabytes", offset=cursor.offset)
            self.count += 1

    def _entry(self, cursor: Cursor) -> None:
        name = self._name(cursor)
        at = cursor.offset
        dimensions = cursor.number(4)
        if dimensions > _MOST_DIMENSIONS:
            self._defects.add("bad-shape", name, f"{dimensions:,} dimensions", at)
            raise ReadError(f"a tensor of {dimensions:,} dimensions", offset=at)
        if dimensions > _USUAL_DIMENSIONS:
            self._defects.add("extra-dimension", name, f"{dimensions} dimensions", at)
        shape = [cursor.count() for _ in range(dimensions)]
        kind, begin = cursor.number(4), cursor.number(8)
        elements = math.prod(shape)
        if max(shape, default=0) >= _MAX_ELEMENTS or elements >= _MAX_ELEMENTS:
            self._defects.add("bad-shape", name, f"{shape}: too many elements to count", at)
            return
        if not elements:
            self._defects.add("empty-tensor", name, f"{shape}", at)
        self.parameters += elements
        element = ELEMENTS.get(kind)
        self.dtypes.add(element.name if element else f"type {kind}")
        if element is None:
            self._defects.add("unknown-tensor-type", name, f"type {kind}", at)
            self._entries.append(_Entry(begin, -1, name))
            return
        row = shape[0] if shape else 1
        size = element.bytes_for(row, elements)
        if size is None:
            detail = f"rows of {row:,} in blocks of {element.block} ({element.name})"
            self._defects.add("size-mismatch", name, detail, at)
            return
        self._entries.append(_Entry(begin, begin + size, name))
        self.listed.append(Listed(name, tuple(shape), kind, begin))

    def _name(self, cursor: Cursor) -> str:
        at = cursor.offset
        raw = cursor.take(cursor.count())
        name = text_of(raw[:_LONGEST_NAME])
        if b"\0" in raw:
            self._defects.add("bad-name", name, "a NUL in a name", at)
        elif len(raw) > _LONGEST_NAME:
            self._defects.add("bad-name", name, f"a name of {len(raw):,} bytes", at)
        elif len(raw) > _USUAL_NAME:
            self._defects.add("long-name", name, f"{len(raw)} bytes", at)
        if not is_text(raw):
            self._defects.add("not-text", name, "a name that is not UTF-8", at)
        if raw in self._names:
            self._defects.add("duplicate-tensor", name, "stands twice in the table", at)
        self._names.add(raw)
        return name

    def leftovers(
        self, artifact: Artifact, header: int, alignment: int, budget: Budget
    ) -> Iterator[Span]:
        """Check where the tensors lie; yields the bytes that belong to none and are not zero.

        Args:
            artifact: the file.
            header: bytes before the padding that leads to the data.
            alignment: what offsets are a multiple of.
            budget: pays for the bytes between tensors.
        """
        start = _aligned(header, alignment)
        payload = artifact.size - start
        zeros = _Zeros(artifact, budget)
        yield from self._gap(zeros, header, min(start, artifact.size), start, "the header")
        self._check_order()
        reached: int | None = 0
        before = ""
        for begin, end, name in sorted(self._entries):
            if begin % alignment:
                detail = f"offset {begin:,} is no multiple of {alignment:,}"
                self._defects.add("unaligned", name, detail)
            if max(begin, end) > payload:
                detail = f"bytes {begin:,} to {max(begin, end):,} of {max(payload, 0):,}"
                self._defects.add("out-of-bounds", name, detail)
                if begin <= payload:  # what there is of it is its own
                    reached = None if reached is None else max(reached, payload)
                continue
            if reached is not None and begin < reached and end != begin:
                detail = f"starts at {begin:,}, inside {before}"
                self._defects.add("overlap", name, detail)
            elif reached is not None and begin > reached:
                until = start + _aligned(reached, alignment)
                yield from self._gap(zeros, start + reached, start + begin, until, before)
            reached = None if end < 0 else max(end, reached or 0)
            before = name
        if reached is not None and reached < payload:
            until = start + _aligned(reached, alignment)
            kind = "trailing-data"
            yield from self._gap(zeros, start + reached, artifact.size, until, before, kind)

    def _check_order(self) -> None:
        """Offsets should rise along the table."""
        for first, second in zip(self._entries, self._entries[1:], strict=False):
            if second.begin < first.begin:
                detail = f"lies before {first.name}, which is listed before it"
                self._defects.add("out-of-order", second.name, detail)

    def _gap(
        self, zeros: _Zeros, begin: int, end: int, until: int, before: str, kind: str = "hole"
    ) -> Iterator[Span]:
        """Look at the bytes from `begin` to `end`, of which those before `until` are padding."""
        if end <= begin:
            return
        zero = zeros.only(begin, end - begin)
        if zero and end <= until:
            return
        what = "gap" if zero else "padding-data" if end <= until else kind
        detail = f"{end - begin:,} bytes behind {before or 'the header'}"
        self._defects.add(what, before, detail, begin)
        if not zero:
            yield Span(begin, end - begin)


class _Zeros:
    """Compares bytes with zero, up to a limit over the whole file."""

    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._artifact = artifact
        self._budget = budget
        self._left = _LOOKED_AT

    def only(self, offset: int, length: int) -> bool:
        """True for zeros; false also for more bytes than are looked at."""
        self._left -= length
        if self._left < 0:
            return False
        end = offset + length
        self._budget.step(1 + length // CHUNK)
        while offset < end:
            piece = self._artifact.read_at(offset, min(CHUNK, end - offset))
            if not piece or piece != bytes(len(piece)):
                return False
            offset += len(piece)
        return True


def _aligned(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment
