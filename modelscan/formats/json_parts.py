"""Large JSON documents of a known form, read part by part from where they lie.

A vocabulary, a list of merges or the cells of a notebook are most of their documents. Where each
part begins and ends is found without parsing any; a part is then taken whole, when it is small, or
in stretches of whole items, each a document of its own.

Invariants: of the document no more than a window is held, or one item where that is larger; what is
skipped is not checked to be JSON, beyond that its texts and brackets end; what is handed out goes
through a parser, which refuses what is cut wrongly.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Generator, Iterator
from typing import Final, NamedTuple

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.repeated import every
from modelscan.vocabulary.artifact import Artifact

_WINDOW: Final = 256 << 10
_FIRST: Final = 4 << 10
"""Bytes in which most lists and tables end."""
_LONGEST: Final = 1 << 20
"""Bytes of an item that is held."""
_BOM: Final = b"\xef\xbb\xbf"
_STRING: Final = b'"' + every(rb'[^"\\]++|\\.') + b'"'
_KEY: Final = re.compile(rb"\s*+(,?+)\s*+(" + _STRING + rb")\s*+:\s*+(?=\S)", re.DOTALL)
_NEXT: Final = re.compile(rb"\s*+(?:,|[\]}])")
_TEXT: Final = re.compile(every(rb'[^"\\]++|\\.') + b'"', re.DOTALL)
_PLAIN: Final = re.compile(rb'[^\s",:\[\]{}]++')
_BLANK: Final = re.compile(rb"\s*+")
_ESCAPED: Final = re.compile(rb'\\[\\"]')
_TELLING: Final = re.compile(rb'["\[\]{}]')
_NO_MARKS: Final = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_TAILS: Final = (64, 4096, -1)
"""How many texts from the end are looked at, until a comma is found."""
_OPENING, _CLOSING = b"[{", b"]}"
_COMMA: Final = ord(",")
_ROUNDS: Final = 8
_DEEPEST: Final = 10_000
_MOST_PARTS: Final = 10_000
_LONGEST_KEY: Final = 64 << 10
_BROKEN: Final = "not JSON: it breaks off"


class Part(NamedTuple):
    """A value of a document."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return self.end - self.start


class JsonParts:
    """The parts of one document.

    Args:
        artifact: the document.
        budget: pays for what is gone over.
    """

    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._artifact = artifact
        self._budget = budget
        self._data = b""
        self._base = 0

    def root(self) -> Part:
        """The document itself, from its first bracket to the end of the file.

        Raises:
            ReadError: it is no list or table.
        """
        start = len(_BOM) if self._artifact.read_at(0, len(_BOM)) == _BOM else 0
        start = self._behind_blanks(start)
        if self.first(Part(start, self._artifact.size)) not in (b"{", b"["):
            raise ReadError("not JSON: no list and no table", offset=start)
        return Part(start, self._artifact.size)

    def first(self, part: Part) -> bytes:
        """The byte that tells what kind of value it is."""
        data, at = self._window(part.start, 1)
        return data[at : at + 1]

    def raw(self, part: Part) -> bytes:
        """All bytes of a part, which the caller knows to be small."""
        return self._artifact.read_at(part.start, part.size)

    def members(self, table: Part, *, inside: str = "") -> Iterator[tuple[str, Part]]:
        """The names and values of a table, in their order.

        Args:
            table: the table.
            inside: the name of a table in it whose members follow it, as `name.member`: so what
                is large there is gone over only once.

        Raises:
            ReadError: it is none, or the document goes on behind it.
            BudgetError: it has more of them than a document of a known form.
        """
        end = yield from self._members(table.start + 1, "", inside)
        if end != table.end and self._behind_blanks(end) < table.end:
            raise ReadError("not JSON: there is more behind it", offset=end)

    def _members(self, at: int, prefix: str, inside: str) -> Generator[tuple[str, Part], None, int]:
        """The members behind the first bracket; returns where the table ends."""
        for count in range(_MOST_PARTS):
            data, index = self._window(at, _LONGEST_KEY)
            found = _KEY.match(data, index)
            if found is None:
                end = _NEXT.match(data, index)
                if end is None or not end[0].endswith(b"}"):
                    raise ReadError("not JSON: a table without a name", offset=at)
                return at + end.end() - index
            if bool(found[1]) != bool(count):
                raise ReadError("not JSON: a comma too many, or too few", offset=at)
            start = at + found.end() - index
            try:
                key = msgspec.json.decode(found[2], type=str)
            except ValueError as error:
                raise ReadError(f"not JSON: {error}", offset=start) from None
            if inside and key == inside and data[found.end() : found.end() + 1] == b"{":
                at = yield from self._members(start + 1, f"{key}.", "")
            else:
                at = self._end(start)
            yield prefix + key, Part(start, at)
        raise BudgetError(f"a table of more than {_MOST_PARTS:,} parts")

    def items(self, part: Part) -> Iterator[Part]:
        """The items of a list, in their order.

        Raises:
            ReadError: it is none.
        """
        at = part.start + 1
        for count in itertools.count():
            at = self._behind_blanks(at)
            data, index = self._window(at, 1)
            mark = data[index : index + 1]
            if mark == b"]":
                return
            if count:
                if mark != b",":
                    raise ReadError("not JSON: a comma too few", offset=at)
                at = self._behind_blanks(at + 1)
            start, at = at, self._end(at)
            self._budget.step()
            yield Part(start, at)

    def stretches(self, part: Part) -> Iterator[bytes]:
        """A list or table as many short ones, which together have the same items in their order.

        Raises:
            ReadError: it does not end, or what stands in it is none.
            BudgetError: an item is longer than a megabyte.
        """
        for found in self.batches(part):
            if isinstance(found, Part):
                raise BudgetError(f"an item of {found.size:,} bytes", offset=found.start)
            yield found

    def batches(self, part: Part) -> Iterator[bytes | Part]:
        """The same; items that are too long to be held come by themselves, as their places.

        Raises:
            ReadError: it does not end, or what stands in it is none.
        """
        opening = self.first(part)
        closing = b"]" if opening == b"[" else b"}"
        at, begun, length = part.start + 1, False, _WINDOW
        while True:
            data = self._artifact.read_at(at, length)
            self._budget.step(len(data) // 1000 + 1)
            end, last = _cut(data)
            if last:
                yield from self._rest(data[:end], opening, at, begun=begun)
                if data[end : end + 1] != closing:
                    raise ReadError("not JSON: brackets do not match", offset=at + end)
                return
            if end >= 0:
                yield opening + data[:end] + closing
                at, begun, length = at + end + 1, True, _WINDOW
            elif len(data) < length:
                raise ReadError(_BROKEN, offset=at)
            elif length < _LONGEST:
                length = _LONGEST
            else:
                item = self._item(at)
                yield item
                at, begun, length = self._behind_comma(item.end, closing), True, _WINDOW
                if not at:
                    return

    def _rest(self, data: bytes, opening: bytes, at: int, *, begun: bool) -> Iterator[bytes]:
        """The last items of a list or table."""
        if data.strip():
            yield opening + data + (b"]" if opening == b"[" else b"}")
        elif begun:
            raise ReadError("not JSON: a comma too many", offset=at)

    def _behind_comma(self, at: int, closing: bytes) -> int:
        """The place of the next item; 0 when there is none."""
        behind = self._behind_blanks(at)
        mark = self.first(Part(behind, behind))
        if mark not in (b",", closing):
            raise ReadError(_BROKEN, offset=behind)
        return behind + 1 if mark == b"," else 0

    def _item(self, at: int) -> Part:
        """An item, without its key where it has one."""
        start = self._behind_blanks(at)
        data, index = self._window(start, _LONGEST_KEY)
        named = _KEY.match(data, index)
        start += named.end() - index if named else 0
        return Part(start, self._end(start))

    def _window(self, at: int, least: int) -> tuple[bytes, int]:
        """Bytes in which a place lies, and where: at least so many behind it, if there are any."""
        index = at - self._base
        if index < 0 or index + least > len(self._data):
            self._data = self._artifact.read_at(at, _WINDOW)
            self._base, index = at, 0
        return self._data, index

    def _behind_blanks(self, at: int) -> int:
        while True:
            data, index = self._window(at, 1)
            found = _BLANK.match(data, index)
            end = found.end() if found else index
            at = self._base + end
            if end < len(data) or not data[index:]:
                return at

    def _end(self, at: int) -> int:
        """Where the value that begins at a place ends."""
        data, index = self._window(at, 1)
        first = data[index : index + 1]
        if first == b'"':
            return self._end_of_text(at + 1)
        if first in (b"[", b"{"):
            return self._end_of_brackets(at + 1)
        data, index = self._window(at, _LONGEST_KEY)
        found = _PLAIN.match(data, index)
        if found is None:
            raise ReadError("not JSON: no value", offset=at)
        return at + found.end() - index

    def _end_of_text(self, at: int) -> int:
        while True:
            data = self._artifact.read_at(at, _WINDOW)
            found = _TEXT.match(data)
            if found is not None:
                return at + found.end()
            if len(data) < _WINDOW:
                raise ReadError(_BROKEN, offset=at)
            self._budget.step(len(data) // 1000)
            # An escape may stand across the end: what is whole is even.
            at += len(data) - (len(data) - len(data.rstrip(b"\\"))) % 2

    def _end_of_brackets(self, at: int) -> int:
        """Where a list or table ends of which the first bracket has been passed.

        Windows in which it plainly does not end are only counted.
        """
        depth, quoted, length = 1, False, _FIRST
        while True:
            data = self._artifact.read_at(at, length)
            length = _WINDOW
            if not data:
                raise ReadError(_BROKEN, offset=at)
            self._budget.step(len(data) // 1000 + 1)
            plain = _masked(data)
            shape = _shape(plain, quoted=quoted)
            if depth + shape.lowest <= 0:
                return at + _exactly(plain, depth, quoted=quoted)
            depth += shape.depth
            if depth > _DEEPEST:
                raise BudgetError(f"JSON nested more than {_DEEPEST:,} deep", offset=at)
            quoted = shape.quoted
            at += len(plain)


class _Shape(NamedTuple):
    """What a stretch of JSON does."""

    lowest: int
    """How far below its beginning it gets, in lists and tables; zero or less."""
    depth: int
    """Where it ends, from there."""
    quoted: bool
    """Whether it ends inside a text."""


def _masked(data: bytes) -> bytes:
    """The same with escapes of no more meaning, and without the first half of one at the end."""
    plain = _ESCAPED.sub(b"__", data) if b"\\" in data else data
    return plain[:-1] if plain.endswith(b"\\") and len(plain) > 1 else plain


def _cut(data: bytes) -> tuple[int, bool]:
    """Where the last item of a list or table ends that is whole, and whether it is the last of all.

    The place is that of the comma or bracket behind it; below zero when no item is whole.
    """
    plain = _masked(data)
    shape = _shape(plain, quoted=False)
    if shape.lowest < 0:
        return _exactly(plain, 1, quoted=False) - 1, True
    for most in _TAILS:
        texts = plain.rsplit(b'"', most)
        found = _last_comma(texts if most < 0 else texts[1:], shape)
        if found or most < 0 or len(texts) <= most:
            return len(plain) - found if found else -1, False
    return -1, False


def _last_comma(texts: list[bytes], shape: _Shape) -> int:
    """How far from the end the last comma stands that is in no inner list or table; or zero.

    Args:
        texts: the end of a stretch, taken apart at quotation marks.
        shape: of the stretch.
    """
    behind, depth, quoted = 0, shape.depth, shape.quoted
    for text in reversed(texts):
        if quoted or (depth and not text.translate(None, _NO_MARKS)):
            pass  # no list or table begins or ends here
        else:
            for index in range(len(text) - 1, -1, -1):
                mark = text[index]
                if mark in _CLOSING:
                    depth += 1
                elif mark in _OPENING:
                    depth -= 1
                elif mark == _COMMA and not depth:
                    return behind + len(text) - index
        behind += len(text) + 1
        quoted = not quoted
    return 0


def _shape(plain: bytes, *, quoted: bool) -> _Shape:
    """What a stretch without escapes does.

    Args:
        plain: the stretch.
        quoted: whether it begins inside a text.
    """
    marks = plain.translate(None, _NO_MARKS)
    for _ in range(_ROUNDS):
        # Either a text without brackets, or the end of one and the beginning of the next.
        shorter = marks.replace(b'""', b"")
        if len(shorter) == len(marks):
            break
        marks = shorter
    texts = marks.split(b'"')
    brackets = b"".join(texts[quoted::2])
    for _ in range(_ROUNDS):
        shorter = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    lowest = depth = 0
    for bracket in brackets:
        if bracket in _OPENING:
            depth += 1
        else:
            depth -= 1
            lowest = min(lowest, depth)
    return _Shape(lowest, depth, quoted ^ (len(texts) % 2 == 0))


def _exactly(plain: bytes, depth: int, *, quoted: bool) -> int:
    """The offset behind the bracket that closes the outermost."""
    for found in _TELLING.finditer(plain):
        mark = found[0]
        if mark == b'"':
            quoted = not quoted
        elif not quoted:
            depth += 1 if mark in _OPENING else -1
            if not depth:
                return found.end()
    raise ReadError(_BROKEN)  # unreachable: it was counted before
