"""Tensors of an ONNX model: shape, type and place are read, elements never.

Source: `onnx.proto`, TensorProto and SparseTensorProto; "External Data" in the ONNX documentation.
"""

from __future__ import annotations

from typing import Final

import msgspec

from modelscan.errors import BudgetError
from modelscan.formats.protobuf import BYTES, VARINT, Field, Span, Wire, signed

_NAMES: Final = (
    "UNDEFINED", "FLOAT", "UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "STRING", "BOOL",
    "FLOAT16", "DOUBLE", "UINT32", "UINT64", "COMPLEX64", "COMPLEX128", "BFLOAT16", "FLOAT8E4M3FN",
    "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "UINT4", "INT4", "FLOAT4E2M1", "FLOAT8E8M0",
    "UINT2", "INT2",
)  # fmt: skip
_BITS: Final = (
    0, 32, 8, 8, 16, 16, 32, 64, 0, 8, 16, 64, 32, 64, 64, 128, 16, 8, 8, 8, 8, 4, 4, 4, 8, 2, 2,
)  # fmt: skip
"""Bits of one element, by the number of the type; 0 for what has no fixed size."""
_DIMS, _TYPE, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 8, 9, 13, 14
_KEY, _VALUE = 1, 2
_ELSEWHERE: Final = 1
_MAX_DIMS: Final = 64
_MAX_ENTRIES: Final = 64
"""Properties of the external data of one tensor; there are five."""
_MAX_ELEMENTS: Final = 1 << 63


class Tensor(msgspec.Struct):
    """What one TensorProto says, without its elements."""

    name: str = ""
    kind: int = 0
    dims: list[int] = msgspec.field(default_factory=list)
    raw: int | None = None
    """Bytes of `raw_data`; absent when the elements stand in a typed field."""
    external: bool = False
    """True when the elements are said to lie in another file."""
    entries: list[tuple[str, str]] = msgspec.field(default_factory=list)
    """Properties of the external data, as written."""

    @property
    def type_name(self) -> str:
        """The type of the elements."""
        return _NAMES[self.kind] if self.kind < len(_NAMES) else f"type {self.kind}"

    @property
    def elements(self) -> int | None:
        """How many elements the shape has; absent for a shape that nothing can have."""
        count = 1
        for extent in self.dims:
            if extent < 0:
                return None
            count *= extent
            if count > _MAX_ELEMENTS:
                return None
        return count if len(self.dims) <= _MAX_DIMS else None

    @property
    def needed(self) -> int | None:
        """Bytes that the elements need; absent when the type or the shape does not say it."""
        elements = self.elements
        bits = _BITS[self.kind] if self.kind < len(_BITS) else 0
        return None if elements is None or not bits else (elements * bits + 7) // 8


def read(wire: Wire, span: Span, depth: int) -> Tensor:
    """A tensor. Where a field stands twice, the last one counts, and lists go on."""
    tensor = Tensor()
    for field in wire.fields(*span, depth=depth):
        if field.wire == VARINT:
            _number(tensor, field)
        elif field.wire != BYTES:
            continue
        elif field.number == _DIMS:
            tensor.dims += _packed(wire, field)[: _MAX_DIMS + 1 - len(tensor.dims)]
        elif field.number == _NAME:
            tensor.name = wire.text(field)
        elif field.number == _RAW:
            tensor.raw = field.value
        elif field.number == _EXTERNAL:
            if len(tensor.entries) >= _MAX_ENTRIES:
                message = f"external data of more than {_MAX_ENTRIES} properties"
                raise BudgetError(message, offset=field.at)
            tensor.entries.append(entry(wire, field, depth + 1))
    return tensor


def entry(wire: Wire, field: Field, depth: int) -> tuple[str, str]:
    """A StringStringEntryProto, as its key and value."""
    key = value = ""
    for part in wire.fields(field.at, field.end, depth=depth):
        if part.wire == BYTES and part.number == _KEY:
            key = wire.text(part)
        elif part.wire == BYTES and part.number == _VALUE:
            value = wire.text(part)
    return key, value


def _number(tensor: Tensor, field: Field) -> None:
    if field.number == _DIMS:
        if len(tensor.dims) <= _MAX_DIMS:
            tensor.dims.append(signed(field.value))
    elif field.number == _TYPE:
        tensor.kind = field.value
    elif field.number == _LOCATION:
        tensor.external = field.value == _ELSEWHERE


def _packed(wire: Wire, field: Field) -> list[int]:
    """Numbers without tags between them, as writers of proto3 store them."""
    found: list[int] = []
    at = field.at
    while at < field.end and len(found) <= _MAX_DIMS:
        value, at = wire.varint(at, field.end)
        found.append(signed(value))
    return found
