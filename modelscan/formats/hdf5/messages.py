"""What the messages of an object say: its shape, its type, where its data lies, what it links to.

Source: HDF5 File Format Specification, version 3.0, section IV.A.2, one function for each message.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.hdf5 import header, heaps
from modelscan.formats.hdf5.cursor import Cursor, Space

INTEGER, FLOAT, STRING, OPAQUE, VARIABLE = 0, 1, 3, 5, 9
COMPACT, CONTIGUOUS, CHUNKED, VIRTUAL = 0, 1, 2, 3
_MAX_RANK: Final = 32
_TEXT_SEQUENCE: Final = 1
_KNOWN_FILTERS: Final = frozenset({1, 2, 3, 4, 5, 6, 307, 32000, 32001, 32004, 32008, 32013, 32015})
"""Those of the library itself, and the compressors that h5py's packages bring."""
_MAX_TARGETS: Final = 8
_VERSIONED: Final = 3
"""The first version of the layout message in which classes come first."""


class Datatype(NamedTuple):
    """The type of one element."""

    kind: int
    size: int
    """Bytes of one element."""
    text: bool
    """True for text of fixed or variable length."""

    @property
    def name(self) -> str:
        """A short name, as `f32` or `i8`; `other` for what is no number."""
        letter = {INTEGER: "i", FLOAT: "f"}.get(self.kind)
        return f"{letter}{self.size * 8}" if letter else "string" if self.text else "other"


class Layout(NamedTuple):
    """Where the data of a dataset lies."""

    kind: int
    address: int | None
    size: int | None
    """Bytes stored; `None` when only the shape tells."""
    inline: bytes
    """The data of a compact dataset."""
    item: int
    """Index in a global heap, for a virtual one."""


class Link(NamedTuple):
    """A member of a group."""

    name: str
    address: int | None
    """For a hard link."""
    soft: str | None
    """The path that a soft link points to."""
    file: str | None
    """The file that an external link points to."""


def elements(body: Cursor) -> tuple[int, ...]:
    """The shape that a dataspace states; `(0,)` for one that holds nothing.

    Raises:
        ReadError: more dimensions than the format has.
    """
    version, rank, flags = body.uint(1), body.uint(1), body.uint(1)
    if rank > _MAX_RANK:
        raise ReadError(f"{rank} dimensions")
    if version == 1:
        body.take(5)
        empty = False
    else:
        empty = body.uint(1) == 2  # noqa: PLR2004  # the null dataspace
    del flags
    return (0,) if empty else tuple(body.length() for _ in range(rank))


def datatype(body: Cursor) -> Datatype:
    """The type that a datatype message states."""
    kind = body.uint(1) & 0x0F
    bits = body.uint(3)
    size = body.uint(4)
    sequence = bits & 0x0F
    text = kind == STRING or (kind == VARIABLE and sequence == _TEXT_SEQUENCE)
    return Datatype(kind, size, text)


def resolve(
    message: header.Message, space: Space, budget: Budget, kind: int = header.DATATYPE
) -> Cursor | None:
    """The body of a message, wherever it is stored; `None` when it is out of reach."""
    if message.shared is None:
        return message.body
    if message.shared < 0:
        return None
    for other in header.messages(space, message.shared, budget):
        if other.kind == kind and other.shared is None:
            return other.body
    return None


def layout(body: Cursor) -> Layout:
    """Where data lies.

    Raises:
        ReadError: the message breaks off.
    """
    version = body.uint(1)
    if version < _VERSIONED:
        return _old_layout(body)
    kind = body.uint(1)
    if kind == COMPACT:
        inline = body.take(min(body.uint(2), body.left))
        return Layout(kind, None, len(inline), inline, 0)
    if kind == CONTIGUOUS:
        return Layout(kind, body.address(), body.length(), b"", 0)
    if kind == VIRTUAL:
        return Layout(kind, body.address(), None, b"", body.uint(4))
    return Layout(CHUNKED, None, None, b"", 0)


def _old_layout(body: Cursor) -> Layout:
    rank, kind = body.uint(1), body.uint(1)
    body.take(5)
    address = None if kind == COMPACT else body.address()
    sizes = [body.uint(4) for _ in range(min(rank, _MAX_RANK + 1))]
    if kind == COMPACT:
        inline = body.take(min(body.uint(4), body.left))
        return Layout(kind, None, len(inline), inline, 0)
    size = math.prod(sizes) if kind == CONTIGUOUS else None
    return Layout(kind, address, size, b"", 0)


def links(body: Cursor) -> Iterator[Link]:
    """The link that a link message states; nothing for a kind that the library does not know."""
    body.take(1)
    flags = body.uint(1)
    kind = body.uint(1) if flags & 8 else 0
    body.take((8 if flags & 4 else 0) + (1 if flags & 16 else 0))
    name = body.take(body.uint(1 << (flags & 3))).decode("utf-8", "replace")
    if kind == 0:
        yield Link(name, body.address(), None, None)
    elif kind == 1:
        yield Link(name, None, body.take(body.uint(2)).decode("utf-8", "replace"), None)
    elif kind >= 64:  # noqa: PLR2004  # 64 is external, the rest belongs to applications
        value = Cursor(body.take(body.uint(2)), body.space)
        value.take(min(1, value.left))
        yield Link(name, None, None, value.text())


def external_files(body: Cursor, space: Space) -> Iterator[str]:
    """The files that hold the data of a dataset.

    Raises:
        ReadError: their names are not where they should be.
    """
    body.take(6)
    used = body.uint(2)
    address = body.address()
    if address is None:
        return
    heap = heaps.LocalHeap(space, address)
    for _ in range(min(used, _MAX_TARGETS)):
        yield heap.text(body.length())
        body.take(2 * space.length_size)


def virtual_source(found: Layout, space: Space, budget: Budget) -> str:
    """The first file that a virtual dataset is put together from; `.` is the file itself.

    Raises:
        ReadError: the list is not where it should be.
    """
    if found.address is None:
        return ""
    body = Cursor(heaps.global_object(space, found.address, found.item, budget), space)
    body.take(1)
    body.length()
    return body.text()


def unknown_filters(body: Cursor) -> Iterator[str]:
    """Filters that are neither of the library nor well known: it loads them as plug-ins."""
    version, count = body.uint(1), body.uint(1)
    if version == 1:
        body.take(6)
    for _ in range(count):
        number = body.uint(2)
        named = version == 1 or number >= 256  # noqa: PLR2004  # the library's own have no name
        length = body.uint(2) if named else 0
        body.take(2)
        values = body.uint(2)
        if version == 1:
            length = -(-length // 8) * 8
        name = body.take(length).rstrip(b"\0").decode("utf-8", "replace")
        body.take(min(body.left, 4 * values + (4 if version == 1 and values % 2 else 0)))
        if number not in _KNOWN_FILTERS:
            yield f"{number} {name}".strip()
