"""Attributes: small named values of an object. Those that a program parses go on their own way.

Keras keeps the configuration of a model in the attribute `model_config`; PyTables keeps pickles in
attributes. Other text is data.

Source: HDF5 File Format Specification, version 3.0, section IV.A.2.m, "Attribute".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.hdf5 import header, heaps, messages
from modelscan.formats.hdf5.cursor import MAX_BLOCK, Cursor, Space
from modelscan.formats.objects import json_reader

_KERAS: Final = frozenset({"model_config", "training_config"})
_MAX_VALUES: Final = 100_000
"""Texts taken from one attribute; the names of a large model's layers are some hundreds."""
_PICKLE: Final = b"\x80"
_STOP: Final = b"."
_SHORTEST: Final = 4


class Attribute(NamedTuple):
    """One attribute."""

    name: str
    type: messages.Datatype
    shape: tuple[int, ...]
    data: bytes


def parse(body: Cursor, space: Space, budget: Budget) -> Attribute:
    """The attribute that a message states.

    Raises:
        ReadError: it breaks off, or its type is stored out of reach.
    """
    version, flags = body.uint(1), body.uint(1)
    lengths = [body.uint(2) for _ in range(3)]
    if version == 3:  # noqa: PLR2004  # which also states the encoding of the name
        body.take(1)
    parts = []
    for length in lengths:
        parts.append(Cursor(body.take(length), space))
        if version == 1:
            body.take(min(body.left, -length % 8))
    name, kind, extent = parts
    if flags & 1 and version > 1:
        kind = _elsewhere(kind, header.DATATYPE, space, budget)
    if flags & 2 and version > 1:
        extent = _elsewhere(extent, header.DATASPACE, space, budget)
    label = name.text()
    return Attribute(label, messages.datatype(kind), messages.elements(extent), body.rest().data)


def _elsewhere(body: Cursor, kind: int, space: Space, budget: Budget) -> Cursor:
    reference = header.Message(kind, body, header.shared_address(body))
    found = messages.resolve(reference, space, budget, kind)
    if found is None:
        raise ReadError("an attribute whose type is stored out of reach", offset=space.base)
    return found


def texts(attribute: Attribute, space: Space, budget: Budget) -> Iterator[bytes]:
    """The values of an attribute that holds text or bytes.

    Raises:
        ReadError: a value is not where it should be, or there are too many.
    """
    kind = attribute.type
    count = math.prod(attribute.shape)
    if count > _MAX_VALUES:
        raise ReadError(f"{attribute.name}: an attribute of {count:,} values", offset=space.base)
    if kind.kind == messages.VARIABLE:
        body = Cursor(attribute.data, space)
        budget.step(count)
        for _ in range(count):
            length = body.uint(4)
            address, index = body.address(), body.uint(4)
            if length and address:
                yield heaps.global_object(space, address, index, budget)[:length]
    elif kind.kind in {messages.STRING, messages.OPAQUE} and 0 < kind.size <= MAX_BLOCK:
        for at in range(0, min(count * kind.size, len(attribute.data)), kind.size):
            yield attribute.data[at : at + kind.size].rstrip(b"\0")
    elif kind.kind == messages.INTEGER and kind.size == 1:
        yield attribute.data[:count]


def parsed_as(name: str, value: bytes) -> str | None:
    """The extension under which a value goes on its own way; `None` for a value that is data."""
    if name in _KERAS:
        return ".json"
    if len(value) < _SHORTEST:
        return None
    if value.lstrip().startswith((b"{", b"[")) and json_reader.may_name(value):
        return ".json"
    return "" if value.startswith(_PICKLE) or value.endswith(_STOP) else None
