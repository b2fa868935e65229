"""Builds safetensors files, honest and broken ones. Tensor bytes are zeros unless given."""

from __future__ import annotations

import json
from typing import Any

ITEM = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "I8": 1, "F8_E4M3": 1}


def header(
    tensors: dict[str, tuple[str, list[int]]], metadata: dict[str, str] | None = None
) -> dict[str, Any]:
    """A correct header: tensors one after the other, in the order given."""
    table: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    offset = 0
    for name, (dtype, shape) in tensors.items():
        size = ITEM[dtype]
        for extent in shape:
            size *= extent
        table[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    return table


def payload_size(table: dict[str, Any]) -> int:
    """Bytes that a correct header's tensors take."""
    return max(
        (info["data_offsets"][1] for name, info in table.items() if name != "__metadata__"),
        default=0,
    )


def assemble(table: dict[str, Any] | bytes, payload: bytes | None = None) -> bytes:
    """Length prefix, header and payload; the header padded to 8 bytes as the library does."""
    if isinstance(table, bytes):
        text = table
    else:
        text = json.dumps(table, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        if payload is None:
            payload = bytes(payload_size(table))
    return len(text).to_bytes(8, "little") + text + (payload or b"")


def small(metadata: dict[str, str] | None = None) -> bytes:
    """A small honest model."""
    return assemble(
        header(
            {"embed.weight": ("F32", [4, 2]), "head.bias": ("F16", [2])},
            metadata or {"format": "pt"},
        )
    )
