"""Quantised matrices whose scales are tensors of their own, found and put together.

Whole numbers or eight-bit floats mean nothing without their scales, which common formats keep
beside them under names of their own:

    grid     `weight` (int8, fp8) with `weight_scale`, `weight_scale_inv` or `SCB`: one for all,
             one for each row, for groups of a row, or for blocks of 128 x 128
             (compressed-tensors, bitsandbytes LLM.int8, quanto, DeepSeek-V3, FBGEMM)
    rows     `weight_packed` (int4 in int32) with `weight_scale` (compressed-tensors)
    gptq     `qweight`, `qzeros`, `scales`, `g_idx`: packed along the inputs
    awq      the same names, packed along the outputs
    table    `weight` with `absmax`, `quant_map` and a description (bitsandbytes NF4 and FP4)

Invariants: no numpy; what fits no format exactly is left as it is; a tensor that belongs to a
matrix is not a tensor of the model any more.

Sources: the compressed-tensors, AutoGPTQ, AutoAWQ and bitsandbytes formats as their own code reads
them; DeepSeek-V3 technical report, section 3.3, and its `weight_scale_inv`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from modelscan.errors import ReadError
from modelscan.lineage.stored import FLOATS, Coding, Nested, Stored

_MATRIX: Final = 2
_WORD: Final = 32
_TILE: Final = 128
"""Rows and columns of DeepSeek's blocks; the last ones may be cut."""
_BITS: Final = frozenset({2, 4, 8})
_AWQ_BITS: Final = 4
_EIGHT: Final = frozenset({"i8", "f8_e4m3", "f8_e5m2"})
_GRIDS: Final = (
    (".weight", ".weight_scale", 1.0), (".weight", ".weight_scale_inv", 1.0),
    (".weight", ".SCB", 1 / 127), (".weight._data", ".weight._scale", 1.0),
)  # fmt: skip
"""How codes and scales are called, and what else values are multiplied by."""
_STATE: Final = ".quant_state.bitsandbytes__"
_MAX_STATE: Final = 1 << 16
_MAX_BLOCK: Final = 1 << 16
_NIBBLES: Final = 16
_BYTES: Final = 256

Scheme = Callable[[Mapping[str, Stored], Stored], "tuple[Stored, Sequence[str]] | None"]
"""The values of a tensor of codes, and the names that went into them."""


def combined(stored: Sequence[Stored]) -> list[Stored]:
    """The tensors of a model, with codes and scales taken together.

    Args:
        stored: as the files have them.
    """
    if all(tensor.dtype not in _CODES for tensor in stored):
        return list(stored)
    names = {tensor.name: tensor for tensor in stored}
    found: dict[str, Stored] = {}
    gone: set[str] = set()
    for tensor in stored:
        if tensor.dtype in _CODES and len(tensor.shape) == _MATRIX and tensor.name in names:
            made = _made(names, tensor)
            if made is not None and made[0].name not in found:
                found[tensor.name] = made[0]
                gone.update(made[1])
    gone -= found.keys()
    return [found.get(tensor.name, tensor) for tensor in stored if tensor.name not in gone]


def _made(names: Mapping[str, Stored], tensor: Stored) -> tuple[Stored, Sequence[str]] | None:
    for scheme in _SCHEMES:
        made = scheme(names, tensor)
        if made is not None:
            return made
    return None


def _values(tensor: Stored, name: str, dtype: str, shape: tuple[int, int], how: Coding) -> Stored:
    return tensor._replace(
        name=name, dtype=dtype, shape=shape, block=1, width=1, coding=how, column_major=False
    )


def _grid(names: Mapping[str, Stored], tensor: Stored) -> tuple[Stored, Sequence[str]] | None:
    """Eight bits a value, and scales that cover the matrix evenly."""
    if tensor.dtype not in _EIGHT:
        return None
    found = [
        (tensor.name.removesuffix(ending), names[name], factor)
        for ending, suffix, factor in _GRIDS
        if tensor.name.endswith(ending)
        and (name := tensor.name.removesuffix(ending) + suffix) in names
    ]
    if len(found) != 1:  # of several, a loader takes one of its own choice
        return None
    stem, scale, factor = found[0]
    cell = _cell(tensor.shape, scale)
    zero = names.get(f"{stem}.weight_zero_point")
    if cell is None or (
        zero is not None and (zero.dtype, zero.shape) != (tensor.dtype, scale.shape)
    ):
        return None
    how = Coding("grid", tensor, scale, cell, factor=factor, zero=zero)
    used = [scale.name, *([zero.name] if zero else [])]
    kind = "int8" if tensor.dtype == "i8" else tensor.dtype.replace("f8_", "fp8_")
    rows, columns = tensor.shape
    return _values(tensor, f"{stem}.weight", kind, (rows, columns), how), used


def _cell(shape: Sequence[int], scale: Stored) -> tuple[int, int] | None:
    """Rows and columns that share a scale; `None` where they do not divide the matrix."""
    rows, columns = shape
    if scale.dtype not in {"f32", "bf16", "f16"} or not rows or not columns:
        return None
    across = scale.shape[1] if len(scale.shape) == _MATRIX else 1
    down = scale.shape[0] if scale.shape else 1
    if len(scale.shape) > _MATRIX or not down or not across:
        return None
    if (down, across) == (-(-rows // _TILE), -(-columns // _TILE)) and down != rows:
        return _TILE, _TILE
    if rows % down or columns % across:
        return None
    return rows // down, columns // across


def _packed_rows(
    names: Mapping[str, Stored], tensor: Stored
) -> tuple[Stored, Sequence[str]] | None:
    """compressed-tensors' `pack-quantized`; the codes of zero are packed along the outputs."""
    if not tensor.name.endswith(".weight_packed") or tensor.dtype != "i32":
        return None
    stem = tensor.name.removesuffix("_packed")
    scale, size, zero = (names.get(f"{stem}_{part}") for part in ("scale", "shape", "zero_point"))
    if scale is None or size is None or f"{stem}_g_idx" in names:
        return None
    shape = _integers(size)
    if len(shape) != _MATRIX or shape[0] != tensor.shape[0]:
        return None
    cell = _cell(shape, scale)
    for bits in sorted(_BITS):
        if cell and cell[0] == 1 and -(-shape[1] * bits // _WORD) == tensor.shape[1]:
            words = -(-shape[0] * bits // _WORD), shape[1] // cell[1]
            if zero is not None and (zero.dtype, zero.shape) != ("i32", words):
                return None
            how = Coding("rows", tensor, scale, cell, bits=bits, zero=zero)
            made = _values(tensor, stem, f"int{bits}", (shape[0], shape[1]), how)
            return made, [scale.name, size.name, *([zero.name] if zero else [])]
    return None


def _integers(tensor: Stored) -> tuple[int, ...]:
    """A few whole numbers; none when they cannot be read."""
    if tensor.dtype != "i64" or tensor.elements != _MATRIX:
        return ()
    try:
        data = tensor.read(0, _MATRIX)
    except ReadError:
        return ()
    return tuple(int.from_bytes(data[at : at + 8], "little", signed=True) for at in (0, 8))


def _packed_columns(
    names: Mapping[str, Stored], tensor: Stored
) -> tuple[Stored, Sequence[str]] | None:
    """GPTQ and AWQ: the transposed matrix, with a scale for each output and group of inputs."""
    if not tensor.name.endswith(".qweight") or tensor.dtype != "i32":
        return None
    stem = tensor.name.removesuffix("qweight")
    scale, zero, order = (names.get(stem + name) for name in ("scales", "qzeros", "g_idx"))
    if scale is None or zero is None or zero.dtype != "i32" or scale.dtype not in FLOATS:
        return None
    if len(scale.shape) != _MATRIX or len(zero.shape) != _MATRIX or scale.shape[0] < 1:
        return None
    groups, outputs = scale.shape
    bits = _WORD * zero.shape[1] // outputs if outputs else 0
    if zero.shape[0] != groups or bits not in _BITS or outputs % (_WORD // bits):
        return None
    each = _WORD // bits
    used = [scale.name, zero.name, *([order.name] if order else [])]
    if tensor.shape[1] == outputs:
        inputs = tensor.shape[0] * each
        if order is not None and (order.dtype, order.shape) != ("i32", (inputs,)):
            return None
        kind, dtype = "gptq", f"gptq{bits}"
    elif tensor.shape[1] * each == outputs and bits == _AWQ_BITS and order is None:
        inputs = tensor.shape[0]
        kind, dtype = "awq", f"awq{bits}"
    else:
        return None
    if inputs % groups:
        return None
    how = Coding(
        "gptq" if kind == "gptq" else "awq",
        tensor,
        scale,
        (1, inputs // groups),
        bits=bits,
        zero=zero,
        order=order,
    )
    return _values(tensor, f"{stem}weight", dtype, (outputs, inputs), how), used


class _State(msgspec.Struct, frozen=True, kw_only=True):
    """What bitsandbytes says of a matrix."""

    blocksize: int
    shape: tuple[int, int]
    nested_blocksize: int = 0
    nested_offset: float = 0.0


def _table(names: Mapping[str, Stored], tensor: Stored) -> tuple[Stored, Sequence[str]] | None:
    """bitsandbytes: four bits that stand for entries of a table, in blocks of a flat matrix."""
    found = [
        names[each]
        for each in (f"{tensor.name}{_STATE}nf4", f"{tensor.name}{_STATE}fp4")
        if each in names
    ]
    scale, entries = (names.get(f"{tensor.name}.{part}") for part in ("absmax", "quant_map"))
    if tensor.dtype != "u8" or not found or scale is None or entries is None:
        return None
    state = _described(found[0])
    if state is None or entries.elements != _NIBBLES or entries.dtype != "f32":
        return None
    rows, columns = state.shape
    size = rows * columns
    block = state.blocksize
    if not (rows > 0 < columns and 0 < block <= _MAX_BLOCK and tensor.elements * 2 == size):
        return None
    if scale.elements != -(-size // block):
        return None
    used = [scale.name, entries.name, found[0].name]
    nested = None
    if scale.dtype == "u8":
        inner, codes = (
            names.get(f"{tensor.name}.{part}") for part in ("nested_absmax", "nested_quant_map")
        )
        if inner is None or codes is None or not 0 < state.nested_blocksize <= _MAX_BLOCK:
            return None
        if codes.elements != _BYTES or inner.elements != -(
            -scale.elements // state.nested_blocksize
        ):
            return None
        nested = Nested(codes, inner, state.nested_blocksize, state.nested_offset)
        used += [inner.name, codes.name]
    try:
        table = struct.unpack(f"<{_NIBBLES}f", entries.read(0, _NIBBLES))
    except ReadError:
        return None
    kind = found[0].name.rpartition("__")[2]
    how = Coding("table", tensor, scale, (1, block), bits=4, table=table, nested=nested)
    return _values(tensor, tensor.name, kind, (rows, columns), how), used


def _described(tensor: Stored) -> _State | None:
    if tensor.dtype != "u8" or tensor.elements > _MAX_STATE:
        return None
    try:
        return msgspec.json.decode(tensor.read(0, tensor.elements), type=_State)
    except (ReadError, ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None


_SCHEMES: Final[tuple[Scheme, ...]] = (_grid, _packed_rows, _packed_columns, _table)
_CODES: Final = _EIGHT | {"i32", "u8"}
"""Types of codes."""
