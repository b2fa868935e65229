"""B-trees: the members of a group in the old layout, and the index of dense storage.

Source: HDF5 File Format Specification, version 3.0, sections III.A.1 (version 1), III.A.2
(version 2) and III.B (symbol table nodes).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.hdf5.cursor import Cursor, Space

_TREE, _NODE = b"TREE", b"SNOD"
_HEADER, _INTERNAL, _LEAF = b"BTHD", b"BTIN", b"BTLF"
_SOFT: Final = 2
_OVERHEAD: Final = 10
"""Signature, version, type and checksum of a node of version 2."""
_MAX_DEPTH: Final = 32


class Symbol(NamedTuple):
    """A member of a group in the old layout."""

    name: int
    """Offset of its name in the local heap."""
    address: int | None
    """Of its object header."""
    link: int | None
    """Offset of the target in the local heap, for a soft link."""


def symbols(space: Space, address: int, budget: Budget) -> Iterator[Symbol]:
    """The members of a group, from the root of its tree.

    Raises:
        ReadError: a node is not where it should be.
    """
    pending = [address]
    seen = set[int]()
    while pending:
        at = pending.pop()
        if at in seen:
            continue
        seen.add(at)
        budget.step()
        head = space.upto(at, 8 + 2 * space.offset_size)
        mark = head.take(4)
        if mark == _NODE:
            yield from _node(space, at, budget)
            continue
        if mark != _TREE:
            raise ReadError("no node of a group's tree", offset=space.base + at)
        head.take(2)
        entries = head.uint(2)
        step = space.length_size + space.offset_size
        body = space.upto(at, 8 + 2 * space.offset_size + entries * step + space.length_size)
        body.take(8 + 2 * space.offset_size)
        children = []
        for _ in range(entries):
            body.length()
            child = body.address()
            if child is not None:
                children.append(child)
        pending.extend(reversed(children))


def _node(space: Space, address: int, budget: Budget) -> Iterator[Symbol]:
    entry = 2 * space.offset_size + 24
    count = space.upto(address, 8).data[6:8]
    number = int.from_bytes(count, "little")
    body = space.upto(address, 8 + number * entry)
    body.take(8)
    budget.step(number)
    while body.left >= entry:
        name = body.uint(space.offset_size)
        where = body.address()
        kind = body.uint(4)
        body.take(4)
        scratch = Cursor(body.take(16), space)
        yield Symbol(name, where, scratch.uint(4) if kind == _SOFT else None)


def records(space: Space, address: int, budget: Budget) -> Iterator[tuple[int, Cursor]]:
    """The records of a tree of version 2, each with the tree's type.

    Raises:
        ReadError: a node is not where it should be.
    """
    head = space.upto(address, 64)
    if head.take(4) != _HEADER:
        raise ReadError("no header of a B-tree", offset=space.base + address)
    head.take(1)
    kind, node_size, record = head.uint(1), head.uint(4), head.uint(2)
    depth = head.uint(2)
    head.take(2)
    root, count = head.address(), head.uint(2)
    if record == 0 or node_size <= _OVERHEAD or depth > _MAX_DEPTH:
        raise ReadError("a B-tree that makes no sense", offset=space.base + address)
    shapes = _shapes(space, node_size, record, depth)
    pending = [(root, count, depth)] if root is not None else []
    seen = set[int]()
    while pending:
        at, count, level = pending.pop()
        if at in seen:
            continue
        seen.add(at)
        budget.step(1 + count)
        body = space.upto(at, node_size)
        if body.take(4) != (_INTERNAL if level else _LEAF):
            raise ReadError("no node of a B-tree", offset=space.base + at)
        body.take(2)
        for _ in range(count):
            yield kind, Cursor(body.take(record), space)
        if level:
            few, many = shapes[level]
            for _ in range(count + 1):
                child, inside = body.address(), body.uint(few)
                body.take(many)
                if child is not None:
                    pending.append((child, inside, level - 1))


def _shapes(space: Space, node_size: int, record: int, depth: int) -> list[tuple[int, int]]:
    """For each level, the bytes of a child's number of records, and of all records below it."""
    most = (node_size - _OVERHEAD) // record
    few, total = _width(most), most
    shapes = [(0, 0)]
    for level in range(1, depth + 1):
        many = _width(total) if level > 1 else 0
        shapes.append((few, many))
        most = (node_size - _OVERHEAD - space.offset_size - few - many) // (
            record + space.offset_size + few + many
        )
        total = (most + 1) * total + most
        if most <= 0:
            raise ReadError("a B-tree whose nodes hold nothing", offset=space.base)
    return shapes


def _width(most: int) -> int:
    return max(1, -(-most.bit_length() // 8))
