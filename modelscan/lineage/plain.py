"""Numbers that stand for themselves: from their bytes to arrays, and to float32."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.stored import Stored

_CODES: Final = {
    "bf16": "u2", "f16": "f2", "f32": "f4", "f64": "f8", "i8": "i1", "u8": "u1", "i16": "i2",
    "u16": "u2", "i32": "i4", "u32": "u4", "i64": "i8", "u64": "u8", "bool": "u1",
    "f8_e4m3": "u1", "f8_e5m2": "u1",
}  # fmt: skip
"""How numpy reads each plain type."""

Array = NDArray[Any]


def numbers(source: Stored, data: bytes) -> Array:
    """Bytes of a plain tensor as numbers of its own type, bfloat16 as its 16 bits."""
    array: Array = np.frombuffer(data, (">" if source.big_endian else "<") + _CODES[source.dtype])
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def read(source: Stored, first: int, count: int) -> NDArray[np.float32]:
    """Values of a plain tensor from a flat index on, as float32.

    Raises:
        ReadError: the file ends before.
    """
    return widened(numbers(source, source.read(first, count)), source.dtype)


def widened(block: Array, kind: str) -> NDArray[np.float32]:
    """A native block as float32.

    Args:
        block: as `native` yields it.
        kind: the tensor's stored type.
    """
    if kind == "bf16":
        wide: NDArray[np.uint32] = block.astype(np.uint32)
        wide <<= np.uint32(16)
        return wide.view(np.float32)
    if kind in {"f8_e4m3", "f8_e5m2"}:
        taken: NDArray[np.float32] = _eight_bits(kind)[block]
        return taken
    if kind == "f64":
        # what is too large becomes infinite, and counts as such
        with np.errstate(over="ignore", invalid="ignore"):
            return block.astype(np.float32)
    return block.astype(np.float32, copy=False)


@cache
def _eight_bits(kind: str) -> NDArray[np.float32]:
    """The 256 values of an eight-bit float type (OCP, "8-bit Floating Point Specification" 1.0)."""
    exponent_bits, bias = (4, 7) if kind == "f8_e4m3" else (5, 15)
    mantissa_bits = 7 - exponent_bits
    codes = np.arange(256)
    exponent = codes >> mantissa_bits & ((1 << exponent_bits) - 1)
    mantissa = codes & ((1 << mantissa_bits) - 1)
    fraction = mantissa / (1 << mantissa_bits)
    value = np.where(
        exponent == 0,
        fraction * 2.0 ** (1 - bias),
        (1 + fraction) * 2.0 ** (exponent - float(bias)),
    )
    last = (1 << exponent_bits) - 1
    if kind == "f8_e4m3":  # no infinities: only the last code is no number
        value[(exponent == last) & (fraction == 1 - 2.0**-mantissa_bits)] = np.nan
    else:
        value[exponent == last] = np.where(mantissa[exponent == last] == 0, np.inf, np.nan)
    return np.where(codes >> 7 == 1, -value, value).astype(np.float32)
