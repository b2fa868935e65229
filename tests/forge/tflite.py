"""Builds TensorFlow Lite models: a FlatBuffer, written front to back."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

Slot = bytes | int | None | list["Slot"] | dict[int, "Slot"] | tuple[int, int]
"""A text or bytes; a number of 32 bits; nothing; tables or numbers; a table by its slots; a number
with its width."""


class _Writer:
    """Appends objects and patches the offsets that lead to them."""

    def __init__(self, magic: bytes, head: bytes) -> None:
        self.out = bytearray(struct.pack("<I", 0) + magic + head)

    def pad(self) -> None:
        self.out += bytes(-len(self.out) % 8)

    def table(self, slots: dict[int, Slot]) -> int:
        count = max(slots, default=-1) + 1
        places, size = [0] * count, 4
        for index in sorted(slots):
            width = slots[index]
            places[index] = size
            size += 8 if isinstance(width, tuple) else 4
        self.pad()
        vtable = len(self.out)
        self.out += struct.pack(f"<HH{count}H", 4 + 2 * count, size, *places)
        self.pad()
        at = len(self.out)
        self.out += struct.pack("<i", at - vtable) + bytes(size - 4)
        for index, value in slots.items():
            here = at + places[index]
            if isinstance(value, int):
                struct.pack_into("<i", self.out, here, value)
            elif isinstance(value, tuple):
                struct.pack_into("<Q", self.out, here, value[0])
            elif value is not None:
                struct.pack_into("<I", self.out, here, self.object(value) - here)
        return at

    def object(self, value: Slot) -> int:
        if isinstance(value, dict):
            return self.table(value)
        self.pad()
        at = len(self.out)
        if isinstance(value, bytes):
            self.out += struct.pack("<I", len(value)) + value + b"\0"
            return at
        assert isinstance(value, list)
        self.out += struct.pack("<I", len(value)) + bytes(4 * len(value))
        for index, item in enumerate(value):
            here = at + 4 + 4 * index
            if isinstance(item, int):
                struct.pack_into("<i", self.out, here, item)
            else:
                struct.pack_into("<I", self.out, here, self.object(item) - here)
        return at


def buffer(root: dict[int, Slot], magic: bytes, head: bytes = b"") -> bytes:
    """A FlatBuffer around its root table, with a header behind the magic if there is one."""
    writer = _Writer(magic, head)
    struct.pack_into("<I", writer.out, 0, writer.table(root))
    return bytes(writer.out)


class Code(NamedTuple):
    custom: str = ""
    builtin: int = 0


def model(
    codes: Sequence[Code] = (Code(builtin=9),),
    *,
    used: Sequence[int] = (0,),
    tensors: Sequence[tuple[str, Sequence[int], int]] = (("w", (2, 2), 1),),
    buffers: Sequence[Slot] = ({}, {0: b"\0" * 16}),
) -> bytes:
    """A model; each operator code may be custom, tensors name a shape and a buffer."""
    listed: list[Slot] = [
        {1: code.custom.encode(), 3: 32} if code.custom else {3: code.builtin} for code in codes
    ]
    graph: Slot = {
        0: [{0: list(shape), 2: buffer, 3: name.encode()} for name, shape, buffer in tensors],
        3: [{0: index} for index in used],
    }
    root: dict[int, Slot] = {0: 3, 1: listed, 2: [graph], 3: b"forge", 4: list(buffers)}
    return buffer(root, b"TFL3")
