"""One dataset: what its messages promise, and whether the file can hold it.

Source: HDF5 File Format Specification, version 3.0, sections IV.A.2.b (dataspace), .d (datatype),
.h (external files), .i (layout) and .l (filters).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from modelscan.budget import Budget
from modelscan.formats.hdf5 import header, messages
from modelscan.formats.hdf5.cursor import Space
from modelscan.formats.hdf5.messages import CONTIGUOUS, Datatype, Layout

_RATIO: Final = 1032
"""The most that deflate can compress."""
_SLACK: Final = 64 << 20
"""Bytes that a file may declare without any being stored: they are zeros, and soon read."""


class Said(NamedTuple):
    """Something to state about a dataset: the fields of `hdf5.reference` or `hdf5.defect`."""

    kind: Any
    text: str


class Tensor(NamedTuple):
    """A dataset in the table of contents."""

    name: str
    type: Datatype
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes that it declares."""
        return math.prod(self.shape) * self.type.size

    @property
    def may_be_file(self) -> bool:
        """True for bytes and text of fixed length: they may be a file of any format."""
        if self.type.kind == messages.INTEGER:
            return self.type.size == 1
        return self.type.kind in {messages.OPAQUE, messages.STRING} and self.size > 0


class Dataset:
    """What the messages of one object have said so far. A group never says where data lies."""

    __slots__ = ("external", "filtered", "layout", "shape", "type")

    def __init__(self) -> None:
        self.shape: tuple[int, ...] | None = ()
        self.type: Datatype | None = None
        self.layout: Layout | None = None
        self.external: list[str] = []
        """Files that hold the data."""
        self.filtered = False

    def take(self, message: header.Message, space: Space, budget: Budget) -> Iterator[Said]:
        """Take a message in, and say what it makes the library load.

        Raises:
            ReadError: it makes no sense.
        """
        kind, body = message.kind, message.body
        if kind == header.DATASPACE:
            extent = messages.resolve(message, space, budget, kind)
            self.shape = None if extent is None else messages.elements(extent)
        elif kind == header.DATATYPE:
            stored = messages.resolve(message, space, budget)
            self.type = None if stored is None else messages.datatype(stored)
        elif kind == header.LAYOUT:
            self.layout = messages.layout(body)
        elif kind == header.FILTERS:
            self.filtered = True
            for name in messages.unknown_filters(body):
                yield Said("unknown-filter", name)
        elif kind == header.EXTERNAL_FILES:
            self.external.extend(messages.external_files(body, space))


class Room:
    """Whether a file of some size has room for what its datasets declare.

    Args:
        size: bytes of the file.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._declared = 0

    def check(self, tensor: Tensor, layout: Layout, *, filtered: bool) -> Iterator[Said]:
        """Say what does not fit."""
        if layout.kind == CONTIGUOUS and layout.address is not None and layout.size is not None:
            if layout.address + layout.size > self._size:
                detail = f"{layout.size:,} bytes at {layout.address:,} of {self._size:,}"
                yield Said("out-of-bounds", detail)
            elif tensor.size > layout.size:
                detail = f"{tensor.size:,} bytes declared, {layout.size:,} stored"
                yield Said("shape-bomb", detail)
            return
        before = self._declared
        self._declared += tensor.size
        most = self._size * (_RATIO if filtered else 1) + _SLACK
        if tensor.size > most or before <= most < self._declared:
            detail = f"{self._declared:,} bytes declared in a file of {self._size:,}"
            yield Said("shape-bomb", detail)
