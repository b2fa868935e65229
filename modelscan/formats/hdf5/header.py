"""Object headers: the messages that describe a group or a dataset.

Source: HDF5 File Format Specification, version 3.0, section IV.A: version 1, and version 2 (`OHDR`
with continuations in `OCHK`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.hdf5.cursor import Cursor, Space

DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL_FILES, LAYOUT = 0x01, 0x02, 0x03, 0x06, 0x07, 0x08
FILTERS, ATTRIBUTE, CONTINUATION, SYMBOL_TABLE, ATTRIBUTE_INFO = 0x0B, 0x0C, 0x10, 0x11, 0x15

_MARK, _MORE = b"OHDR", b"OCHK"
_CHECKSUM: Final = 4
_SHARED: Final = 0x02
_MAX_BYTES: Final = 4 << 20
"""Bytes of messages of one object; those of a real one fit some kilobytes."""
_STEP: Final = 64
"""Bytes of messages that cost one step."""
_HEAD: Final = 64
"""Bytes in which the fixed part of any header fits."""


class Message(NamedTuple):
    """One message."""

    kind: int
    body: Cursor
    shared: int | None
    """Where the message is stored instead, for one that several objects share; -1 in a heap."""


class _Block(NamedTuple):
    cursor: Cursor
    creation_order: int
    """Bytes of the creation order before each message."""


def messages(space: Space, address: int, budget: Budget) -> Iterator[Message]:
    """The messages of the object at an address.

    Raises:
        ReadError: there is no object header, or it breaks off.
        BudgetError: more messages than the budget allows.
    """
    head = space.upto(address, _HEAD)
    modern = head.data.startswith(_MARK)
    if not modern and head.data[:1] != b"\1":
        raise ReadError("no object header", offset=space.base + address)
    blocks = [_modern(space, address, head) if modern else _ancient(space, address, head)]
    seen = {address}
    total = 0
    while blocks:
        block = blocks.pop(0)
        total += len(block.cursor.data) + _HEAD
        budget.step(1 + len(block.cursor.data) // _STEP)
        if total > _MAX_BYTES:
            raise ReadError("an object header of megabytes", offset=space.base + address)
        for kind, flags, body in _split(block, modern=modern):
            if kind == CONTINUATION:
                where, length = body.address(), body.length()
                if where is not None and where not in seen:
                    seen.add(where)
                    blocks.append(_continuation(space, where, length, block, modern=modern))
            else:
                yield Message(kind, body, shared_address(body) if flags & _SHARED else None)


def _ancient(space: Space, address: int, head: Cursor) -> _Block:
    head.take(8)
    length = head.uint(4)
    return _Block(space.upto(address + 16, length), 0)


def _modern(space: Space, address: int, head: Cursor) -> _Block:
    head.take(5)
    flags = head.uint(1)
    head.take((16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0))
    length = head.uint(1 << (flags & 3))
    return _Block(space.upto(address + head.at, length), 2 if flags & 4 else 0)


def _continuation(
    space: Space, address: int, length: int, first: _Block, *, modern: bool
) -> _Block:
    if not modern:
        return _Block(space.upto(address, length), 0)
    cursor = space.upto(address, max(0, length - _CHECKSUM))
    if cursor.take(len(_MORE)) != _MORE:
        raise ReadError("no continuation where one should be", offset=space.base + address)
    return _Block(cursor, first.creation_order)


def _split(block: _Block, *, modern: bool) -> Iterator[tuple[int, int, Cursor]]:
    """Kind, flags and body of each message in a block; a rest that is too short is padding."""
    cursor = block.cursor
    fixed = 4 + block.creation_order if modern else 8
    while cursor.left >= fixed:
        kind = cursor.uint(1 if modern else 2)
        length = cursor.uint(2)
        flags = cursor.uint(1)
        cursor.take(block.creation_order if modern else 3)
        yield kind, flags, Cursor(cursor.take(min(length, cursor.left)), cursor.space)


def shared_address(body: Cursor) -> int | None:
    """Where a shared message lies (section IV.A.2, "Shared Message")."""
    version = body.uint(1)
    kind = body.uint(1)
    if version == 1:
        body.take(6)
    if version == 3 and kind == 1:  # noqa: PLR2004  # a heap of shared messages
        return -1
    address = body.address()
    return -1 if address is None else address
