"""The wire format of protocol buffers, walked without a schema: fields, and nothing more.

Invariants: one window of bytes is held, whatever the size of the file; a field's bytes are stepped
over unless somebody asks for them; a length never reaches past the message that it stands in. What
a field means is the caller's business, who tests number and wire type together, as parsers do: a
known number with another wire type is an unknown field.

Source: Protocol Buffers documentation, "Encoding". Its parsers refuse messages nested more than
100 deep, and so do the readers here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.vocabulary.artifact import Artifact

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
_GROUP: Final = 3
_GROUPS: Final = (_GROUP, 4)
"""Begin and end of a group, an old way to nest messages."""
FIXED32: Final = 5
_WIDTHS: Final = {FIXED64: 8, FIXED32: 4}

MAX_DEPTH: Final = 100
"""Messages within messages, as protobuf's own parsers count them."""
_WINDOW: Final = 1 << 16
"""Bytes held at a time."""
_LONGEST: Final = 10 + 10
"""Bytes of a tag and a number at most."""
_VARINT_BYTES: Final = 10
_BATCH: Final = 4096
_SIGN: Final = 1 << 63
_WORD: Final = 1 << 64


class Field(NamedTuple):
    """One field as it stands in a message."""

    number: int
    wire: int
    """The wire type."""
    value: int
    """The number, unsigned; for `BYTES` their length."""
    at: int
    """Where the bytes of the value begin in the artifact."""

    @property
    def end(self) -> int:
        """The first byte behind the value of a `BYTES` field."""
        return self.at + self.value


class Span(NamedTuple):
    """A message inside an artifact."""

    start: int
    end: int


class Wire:
    """An artifact, read as protocol buffers.

    Args:
        artifact: what is walked over; forwards, so that a stream is a good one, too.
        budget: pays for every field.
    """

    __slots__ = ("_artifact", "_base", "_budget", "_data", "size")

    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._artifact = artifact
        self._budget = budget
        self._data = b""
        self._base = 0
        self.size = artifact.size

    def fields(self, start: int = 0, end: int | None = None, *, depth: int = 0) -> Iterator[Field]:
        """The fields of the message between two places, in the order in which they stand.

        Raises:
            ReadError: it is not a message; the fields before stay valid.
            BudgetError: it lies deeper than any parser goes, or there are too many fields.
        """
        if depth > MAX_DEPTH:
            raise BudgetError(f"messages nested more than {MAX_DEPTH} deep", offset=start)
        end = self.size if end is None else end
        at, groups, count = start, 0, 0
        while at < end:
            tag, at = self.varint(at, end)
            number, wire = tag >> 3, tag & 7
            if not number:
                raise ReadError("a field without a number", offset=at)
            count += 1
            if count == _BATCH:
                self._budget.step(count)
                count = 0
            if wire in _GROUPS:
                groups = _nested(groups, wire, at)
                continue
            begin, value, at = self._value(wire, at, end)
            if at > end:
                raise ReadError("a field reaches past the end of its message", offset=begin)
            if not groups:  # what lies in a group is an unknown field, whatever its number
                yield Field(number, wire, value, begin)
        self._budget.step(count)
        if groups:
            raise ReadError("a group that does not end", offset=end)

    def take(self, at: int, length: int) -> bytes:
        """Bytes of a value; fewer at the end of a file that is cut off."""
        index = at - self._base
        if index < 0 or index + length > len(self._data):
            self._budget.header(length)
            self._data = self._artifact.read_at(at, max(length, _WINDOW))
            self._base = at
            index = 0
        return self._data[index : index + length]

    def text(self, field: Field, limit: int = 4096) -> str:
        """The text of a `BYTES` field, cut after `limit` bytes; what is no UTF-8 is replaced."""
        return self.take(field.at, min(field.value, limit)).decode("utf-8", "replace")

    def _value(self, wire: int, at: int, end: int) -> tuple[int, int, int]:
        """Where a value begins, the value or its length, and where the next field begins."""
        if wire == VARINT:
            value, behind = self.varint(at, end)
            return at, value, behind
        if wire == BYTES:
            value, begin = self.varint(at, end)
            return begin, value, begin + value
        width = _WIDTHS.get(wire)
        if width is None:
            raise ReadError(f"wire type {wire}, which does not exist", offset=at)
        return at, int.from_bytes(self.take(at, width), "little"), at + width

    def varint(self, at: int, end: int) -> tuple[int, int]:
        """The number at a place, and where it ends.

        Raises:
            ReadError: it does not end inside its message.
        """
        index = at - self._base
        if index < 0 or index + _LONGEST > len(self._data):
            self.take(at, min(_LONGEST, self.size - at))
            index = at - self._base
        data, limit = self._data, end - self._base
        if index < limit and index < len(data) and data[index] < 0x80:  # noqa: PLR2004 - as below
            return data[index], at + 1  # most numbers have one byte
        value = shift = 0
        for place in range(index, min(index + _VARINT_BYTES, limit, len(data))):
            byte = data[place]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follow
                return value % _WORD, place + 1 + self._base
            shift += 7
        raise ReadError("a number without an end", offset=at)


def _nested(groups: int, wire: int, at: int) -> int:
    """How many groups are open behind a tag that begins or ends one."""
    groups += 1 if wire == _GROUP else -1
    if groups < 0:
        raise ReadError("a group ends that did not begin", offset=at)
    if groups > MAX_DEPTH:
        raise BudgetError(f"groups nested more than {MAX_DEPTH} deep", offset=at)
    return groups


def signed(value: int) -> int:
    """A varint as the signed number that it stands for (`int32`, `int64`)."""
    return value - _WORD if value >= _SIGN else value
