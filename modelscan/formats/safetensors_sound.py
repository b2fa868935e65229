"""Headers of safetensors as every library writes them, read at once.

Nearly every header is without any defect, and a folder may hold thousands of small files: what is
sound is told here with as little ado as possible, and everything else is for `SafetensorsReader`.
"""

from __future__ import annotations

from math import prod
from typing import Final

import msgspec

LENGTH: Final = 8
"""Bytes of the number that a file begins with."""
KEYS: Final = frozenset({"dtype", "shape", "data_offsets"})
METADATA: Final = "__metadata__"
BITS: Final = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "I16": 16, "U16": 16, "F16": 16,
    "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip
"""Bits of one element, by dtype name."""

BYTES: Final = frozenset({"U8", "I8"})
"""Dtypes whose elements are plain bytes, of which anything can be made."""


class _Tensor(msgspec.Struct, gc=False):
    """An entry of a header, or the metadata, as far as they are as usual."""

    dtype: str = None  # type: ignore[assignment]  # so that whoever uses what is missing fails
    shape: list[int] = None  # type: ignore[assignment]
    data_offsets: tuple[int, int] = None  # type: ignore[assignment]
    format: str | None = None
    """The one text of usual metadata; no tensor has it."""


_NO_DTYPE = object()
_TENSORS = msgspec.json.Decoder(dict[str, _Tensor])
_FEW_EXTENTS = 8
"""A shape with more of them takes a closer look: the product of many large numbers takes long."""
_TENSOR_NAMES = 1 + len(KEYS)
"""Names that one tensor takes, each followed by a colon: its own and those of its parts."""


class Sound(msgspec.Struct, frozen=True):
    """A header as every library writes it, without any defect."""

    tensors: dict[str, _Tensor]
    dtypes: set[str]
    parameters: int
    metadata: tuple[str, ...]


def sound(raw: bytes, payload: int) -> Sound | None:
    """A header that is as every library writes it; `None` for one that takes a closer look.

    Its tensors follow each other in the order of the header, each as long as dtype and shape say,
    and there is a colon for every name that was understood: so there is no other name.
    """
    if raw[LENGTH : LENGTH + 1] != b"{" or b"-" in raw:  # as in a negative number
        return None
    try:
        tensors = _TENSORS.decode(memoryview(raw)[LENGTH:])
        metadata = tensors.pop(METADATA, None)
        dtypes, parameters, reached = set[str](), 0, 0
        before: object = _NO_DTYPE
        bits = 0
        for tensor in tensors.values():
            dtype, shape = tensor.dtype, tensor.shape
            if dtype != before:  # nearly always the same
                before, bits = dtype, BITS[dtype]
                dtypes.add(dtype)
            elements = prod(shape) if len(shape) <= _FEW_EXTENTS else 0
            begin, end = tensor.data_offsets
            if (
                not elements
                or begin != reached
                or elements * bits != (end - begin) * 8
                or tensor.format is not None
            ):
                return None
            parameters += elements
            reached = end
    except (msgspec.DecodeError, ValueError, TypeError, KeyError, RecursionError):
        return None  # `TypeError` and `KeyError`: a part is missing, or of no known dtype
    names = len(tensors) * _TENSOR_NAMES
    usual: tuple[str, ...] = ()
    if metadata is not None:
        if metadata != _Tensor(format=metadata.format) or metadata.format is None:
            return None
        usual = ("format",)
        names += 1 + len(usual)
    if reached != payload or raw.count(b":", LENGTH) != names or not BYTES.isdisjoint(dtypes):
        return None
    return Sound(tensors, dtypes, parameters, usual)
