"""Writes matrices as codes and scales in tensors of their own, as tools for quantisation do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.forge import safetensors
from tests.forge.weights import Array, stored

GROUP: Final = 32
NF4: Final = np.array(
    [-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0,
     0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0],
    np.float32,
)  # fmt: skip
_AWQ_COLUMNS: Final = (0, 2, 4, 6, 1, 3, 5, 7)


class Entry(NamedTuple):
    """One tensor of a file."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


Writer = Callable[[str, Array], dict[str, Entry]]
"""What becomes of a matrix, given its name without `weight`."""


def plain(values: NDArray[np.generic], dtype: str) -> Entry:
    """Numbers as they are."""
    codes = {"F32": "<f4", "F16": "<f2", "I8": "i1", "U8": "u1", "I32": "<i4", "I64": "<i8"}
    return Entry(dtype, values.shape, values.astype(codes[dtype]).tobytes())


def coded_bytes(tensors: Mapping[str, Array], writer: Writer) -> bytes:
    """A safetensors file: projections as codes, everything else in bfloat16."""
    entries: dict[str, Entry] = {}
    for name, values in tensors.items():
        if "_proj" in name:
            entries |= writer(name.removesuffix("weight"), values)
        else:
            entries[name] = Entry("BF16", values.shape, stored(values, "BF16"))
    table = safetensors.header({k: (e.dtype, list(e.shape)) for k, e in entries.items()})
    return safetensors.assemble(table, b"".join(entry.data for entry in entries.values()))


def int8_rows(stem: str, values: Array) -> dict[str, Entry]:
    """compressed-tensors, one scale for each row."""
    scale = np.abs(values).max(axis=1, keepdims=True) / 127
    return {
        f"{stem}weight": plain(np.round(values / scale), "I8"),
        f"{stem}weight_scale": plain(scale, "F32"),
    }


def int8_asymmetric(stem: str, values: Array) -> dict[str, Entry]:
    """The same with a code for zero in each row."""
    low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    scale = (high - low) / 255
    zero = np.round(-128 - low / scale)
    return {
        f"{stem}weight": plain(np.clip(np.round(values / scale) + zero, -128, 127), "I8"),
        f"{stem}weight_scale": plain(scale, "F32"),
        f"{stem}weight_zero_point": plain(zero, "I8"),
    }


def llm_int8(stem: str, values: Array) -> dict[str, Entry]:
    """bitsandbytes' eight bits."""
    largest = np.abs(values).max(axis=1)
    return {
        f"{stem}weight": plain(np.round(values / largest[:, None] * 127), "I8"),
        f"{stem}SCB": plain(largest, "F32"),
        f"{stem}weight_format": plain(np.array(0), "U8"),
    }


def fp8(scaling: str) -> Writer:
    """e4m3 with a scale for `all` values, each `row`, or each `block` of 128 x 128."""

    def write(stem: str, values: Array) -> dict[str, Entry]:
        rows, columns = values.shape
        name = "weight_scale"
        if scaling == "block":
            down, across = -(-rows // 128), -(-columns // 128)
            padded = np.zeros((down * 128, across * 128), np.float32)
            padded[:rows, :columns] = np.abs(values)
            scale = padded.reshape(down, 128, across, 128).max(axis=(1, 3)) / 448
            wide = scale.repeat(128, 0).repeat(128, 1)[:rows, :columns]
            name = "weight_scale_inv"
        else:
            largest = np.abs(values).max(axis=1, keepdims=True)
            scale = wide = largest / 448 if scaling == "row" else largest.max(keepdims=True) / 448
        codes = nearest_e4m3(values / wide)
        return {
            f"{stem}weight": Entry("F8_E4M3", values.shape, codes.tobytes()),
            f"{stem}{name}": plain(scale if scaling != "all" else scale.reshape(1), "F32"),
        }

    return write


def nearest_e4m3(values: Array) -> NDArray[np.uint8]:
    """The code of the nearest number."""
    magnitudes = np.concatenate(
        [np.arange(8) / 512, *((8 + np.arange(8)) * 2.0 ** (e - 10) for e in range(1, 16))]
    )[:127]
    places = np.searchsorted(magnitudes, np.abs(values))
    places = np.clip(places, 1, 126)
    lower = np.abs(values) - magnitudes[places - 1] < magnitudes[places] - np.abs(values)
    codes = np.where(lower, places - 1, places)
    found: NDArray[np.uint8] = (codes | np.where(values < 0, 128, 0)).astype(np.uint8)
    return found


def words(codes: Array, axis: int) -> NDArray[np.int32]:
    """Four-bit codes packed in 32 bits, the first in the lowest ones."""
    turned = np.moveaxis(codes.astype(np.uint32), axis, 0)
    grouped = turned.reshape(-1, 8, *turned.shape[1:])
    shifts = np.arange(0, 32, 4, dtype=np.uint32).reshape(1, 8, *([1] * (turned.ndim - 1)))
    packed = np.bitwise_or.reduce(grouped << shifts, axis=1)
    found: NDArray[np.int32] = np.moveaxis(packed, 0, axis).astype(np.uint32).view(np.int32)
    return found


def rounded_groups(values: Array, *, symmetric: bool) -> tuple[Array, Array, Array]:
    """Four-bit codes of groups of a row, their scales, and their codes of zero."""
    groups = values.reshape(len(values), -1, GROUP)
    if symmetric:
        scale = np.abs(groups).max(axis=2) / 7
        zero = np.full(scale.shape, 8.0, np.float32)
    else:
        low, high = groups.min(axis=2), groups.max(axis=2)
        scale = (high - low) / 15
        zero = np.clip(np.round(-low / scale), 0, 15)
    scale = scale.astype(np.float16).astype(np.float32)
    codes = np.clip(np.round(groups / scale[:, :, None]) + zero[:, :, None], 0, 15)
    return codes.reshape(values.shape), scale, zero.astype(np.float32)


def packed(*, symmetric: bool) -> Writer:
    """compressed-tensors' `pack-quantized`."""

    def write(stem: str, values: Array) -> dict[str, Entry]:
        codes, scale, zero = rounded_groups(values, symmetric=symmetric)
        entries = {
            f"{stem}weight_packed": plain(words(codes, 1), "I32"),
            f"{stem}weight_scale": plain(scale, "F32"),
            f"{stem}weight_shape": plain(np.array(values.shape), "I64"),
        }
        if not symmetric:
            entries[f"{stem}weight_zero_point"] = plain(words(zero, 0), "I32")
        return entries

    return write


def gptq(version: int, *, symmetric: bool = False, ordered: bool = False) -> Writer:
    """AutoGPTQ's files: the first version stores zeros less one."""

    def write(stem: str, values: Array) -> dict[str, Entry]:
        columns = values.shape[1]
        order = np.random.default_rng(0).permutation(columns) if ordered else np.arange(columns)
        codes, scale, zero = rounded_groups(values[:, order], symmetric=symmetric)
        group = np.empty(columns, np.int64)
        group[order] = np.arange(columns) // GROUP
        back = np.argsort(order)
        zero = np.maximum(zero, 1)
        return {
            f"{stem}qweight": plain(words(codes[:, back].T, 0), "I32"),
            f"{stem}qzeros": plain(words(zero.T - (version == 1), 1), "I32"),
            f"{stem}scales": plain(scale.T, "F16"),
            f"{stem}g_idx": plain(group, "I32"),
        }

    return write


def awq(stem: str, values: Array) -> dict[str, Entry]:
    """AutoAWQ's files, without the scaling before."""
    codes, scale, zero = rounded_groups(values, symmetric=False)

    def mixed(table: Array) -> NDArray[np.int32]:
        eights = table.reshape(len(table), -1, 8)[:, :, _AWQ_COLUMNS]
        return words(eights.reshape(table.shape), 1)

    return {
        f"{stem}qweight": plain(mixed(codes.T), "I32"),
        f"{stem}qzeros": plain(mixed(zero.T), "I32"),
        f"{stem}scales": plain(scale.T, "F16"),
    }


def nf4(*, nested: bool) -> Writer:
    """bitsandbytes' four bits, with scales that may be quantised themselves."""

    def write(stem: str, values: Array) -> dict[str, Entry]:
        blocks = values.reshape(-1, 64)
        scale = np.abs(blocks).max(axis=1)
        state: dict[str, object] = {"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16",
                                    "shape": list(values.shape)}  # fmt: skip
        extra: dict[str, Entry] = {}
        kept = plain(scale, "F32")
        if nested:
            offset = float(scale.mean())
            inner = np.abs(scale - offset).max(keepdims=True)
            table = np.linspace(-1, 1, 256, dtype=np.float32)
            codes = np.abs((scale - offset)[:, None] / inner - table).argmin(axis=1)
            scale = table[codes] * inner + offset
            kept = plain(codes, "U8")
            state |= {"nested_blocksize": 1 << 14, "nested_offset": offset}
            extra = {
                f"{stem}weight.nested_absmax": plain(inner, "F32"),
                f"{stem}weight.nested_quant_map": plain(table, "F32"),
            }
        places = np.abs((blocks / scale[:, None])[:, :, None] - NF4).argmin(axis=2).reshape(-1, 2)
        text = np.frombuffer(json.dumps(state).encode(), np.uint8)
        return {
            f"{stem}weight": plain((places[:, :1] << 4) | places[:, 1:], "U8"),
            f"{stem}weight.absmax": kept,
            f"{stem}weight.quant_map": plain(NF4, "F32"),
            f"{stem}weight.quant_state.bitsandbytes__nf4": plain(text, "U8"),
            **extra,
        }

    return write


WRITERS: Final[dict[str, Writer]] = {
    "int8 by row": int8_rows,
    "int8 with zeros": int8_asymmetric,
    "LLM.int8": llm_int8,
    "fp8": fp8("all"),
    "fp8 by row": fp8("row"),
    "fp8 by block": fp8("block"),
    "packed int4": packed(symmetric=True),
    "packed int4 with zeros": packed(symmetric=False),
    "GPTQ": gptq(1),
    "GPTQ, symmetric": gptq(1, symmetric=True),
    "GPTQ, second version": gptq(2, symmetric=True),
    "GPTQ, reordered": gptq(1, ordered=True),
    "AWQ": awq,
    "NF4": nf4(nested=False),
    "NF4, scales quantised": nf4(nested=True),
}
