"""Builds FlatBuffers of any schema: ONNX Runtime models and ExecuTorch programs among them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.forge.tflite import Slot, buffer


def ort(*nodes: Slot, initializers: Sequence[Slot] = (), producer: bytes = b"forge") -> bytes:
    """An `.ort` model with these nodes."""
    graph: Slot = {0: list(initializers), 2: list(nodes)}
    return buffer({0: b"6", 1: {2: producer, 3: b"1", 7: graph}}, b"ORTM")


def ort_node(operator: str, domain: str = "", attributes: Sequence[Slot] = ()) -> dict[int, Slot]:
    """A node with its attributes."""
    return {
        0: b"n", 2: domain.encode(), 5: operator.encode(), 10: list(attributes),
    }  # fmt: skip


def ort_graph(*nodes: Slot) -> Slot:
    """A graph, as an attribute holds it."""
    return {0: [], 2: list(nodes)}


def executorch(
    operators: Sequence[str] = ("aten::add",),
    *,
    calls: Sequence[int] = (0,),
    delegates: Sequence[tuple[str, int, int]] = (),
    delegate_calls: Sequence[int] = (),
    segments: Sequence[tuple[int, int]] = (),
    inline: int = 0,
    base: int = 0,
) -> bytes:
    """A `.pte` program; delegates name a backend, and the place and index of their data."""
    instructions: list[Slot] = [{0: 1, 1: {0: index}} for index in calls]
    instructions += [{0: 2, 1: {0: index}} for index in delegate_calls]
    plan: Slot = {
        0: b"forward",
        5: [{2: instructions}],
        6: [{0: name.encode(), 1: b"out"} for name in operators],
        7: [{0: name.encode(), 1: {0: where, 1: index}} for name, where, index in delegates],
    }
    blobs: list[Slot] = [{0: b"blob"} for _ in range(inline)]
    places: list[Slot] = [{0: (offset, 8), 1: (size, 8)} for offset, size in segments]
    head = b"eh00" + struct.pack("<IQQ", 24, 0, base)
    return buffer({0: 0, 1: [plan], 3: blobs, 4: places}, b"ET12", head)
