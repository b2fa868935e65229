"""Quantises arrays into the block formats of ggml, as their reference quantisers round.

The simple formats follow the reference to the bit. The K formats choose their scales plainly, not by
the reference's search; like it, they round the values with the scales that are stored.

Source: `quantize_row_*_ref` of ggml for the rounding, its block structs for the layout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Bytes = NDArray[np.uint8]


class Quantised(NamedTuple):
    """What a quantiser makes."""

    data: bytes
    values: Array
    """What the codes stand for, in the shape of the original."""


class Quantiser(NamedTuple):
    """A format."""

    number: int
    """In GGUF's table of types."""
    block: int
    make: Callable[[Array], tuple[Bytes, Array]]
    """Blocks to bytes and values; both have a row for each block."""

    def quantise(self, values: Array) -> bytes:
        return self.both(values).data

    def both(self, values: Array) -> Quantised:
        blocks = np.ascontiguousarray(values, np.float32).reshape(-1, self.block)
        data, found = self.make(blocks)
        return Quantised(data.tobytes(), np.asarray(found, np.float32).reshape(values.shape))


def _inverse(step: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.where(step == 0, 0, 1 / step).astype(np.float32)


def _half(values: Array) -> tuple[Bytes, Array]:
    """Bytes of the nearest numbers of half precision, and the numbers."""
    half = values.astype("<f2")
    return half.view(np.uint8).reshape(len(values), -1), half.astype(np.float32)


def _halves(code: Bytes) -> Bytes:
    """The first half of the codes in the low four bits, the second in the high ones."""
    middle = code.shape[-1] // 2
    return (code[..., :middle] & 15 | (code[..., middle:] & 15) << 4).astype(np.uint8)


def _fifth(code: Bytes) -> Bytes:
    return np.packbits(code >> 4 & 1, axis=-1, bitorder="little")


def _q8_0(blocks: Array) -> tuple[Bytes, Array]:
    step = np.abs(blocks).max(1, keepdims=True) / np.float32(127)
    scaled = blocks * _inverse(step)
    code = np.trunc(scaled + np.copysign(np.float32(0.5), scaled)).astype(np.int8)
    raw, used = _half(step)
    return np.concatenate([raw, code.view(np.uint8)], 1), code * used


def _centred(bits: int) -> Callable[[Array], tuple[Bytes, Array]]:
    half = 1 << (bits - 1)

    def make(blocks: Array) -> tuple[Bytes, Array]:
        at = np.abs(blocks).argmax(1)[:, None]
        step = np.take_along_axis(blocks, at, 1) / np.float32(-half)
        code = np.trunc(blocks * _inverse(step) + np.float32(half + 0.5))
        code = np.clip(code, 0, 2 * half - 1).astype(np.uint8)
        raw, used = _half(step)
        pieces = [raw, _halves(code)] if bits == 4 else [raw, _fifth(code), _halves(code)]
        return np.concatenate(pieces, 1), (code.astype(np.float32) - half) * used

    return make


def _affine(bits: int) -> Callable[[Array], tuple[Bytes, Array]]:
    top = (1 << bits) - 1

    def make(blocks: Array) -> tuple[Bytes, Array]:
        least = blocks.min(1, keepdims=True)
        step = (blocks.max(1, keepdims=True) - least) / np.float32(top)
        code = np.trunc((blocks - least) * _inverse(step) + np.float32(0.5))
        code = np.clip(code, 0, top).astype(np.uint8)
        (raw, used), (raw_least, used_least) = _half(step), _half(least)
        pieces = [raw, raw_least, *([_fifth(code)] if bits == 5 else []), _halves(code)]
        return np.concatenate(pieces, 1), code.astype(np.float32) * used + used_least

    return make


def _super(values: Array, top: int) -> tuple[Bytes, Array, Bytes]:
    """A number of half precision and small whole numbers, whose products are near the values."""
    raw, whole = _half(values.max(1, keepdims=True) / np.float32(top))
    code = np.rint(values * _inverse(whole)).clip(0, top).astype(np.uint8)
    return raw, whole, code


def _k_affine(bits: int) -> Callable[[Array], tuple[Bytes, Array]]:
    top = (1 << bits) - 1

    def make(blocks: Array) -> tuple[Bytes, Array]:
        groups = blocks.reshape(-1, 8, 32)
        least = np.minimum(groups.min(2), 0)
        raw_d, d, scale = _super((groups.max(2) - least) / np.float32(top), 63)
        raw_m, m, small = _super(-least, 63)
        step, base = (d * scale)[:, :, None], (m * small)[:, :, None]
        code = np.rint((groups + base) * _inverse(step)).clip(0, top).astype(np.uint8)
        packed = np.concatenate(
            [
                scale[:, :4] | (scale[:, 4:] >> 4) << 6,
                small[:, :4] | (small[:, 4:] >> 4) << 6,
                scale[:, 4:] & 15 | (small[:, 4:] & 15) << 4,
            ],
            1,
        )
        low = _halves(code.reshape(-1, 4, 64)).reshape(len(blocks), -1)
        pieces = [raw_d, raw_m, packed, low]
        if bits == 5:
            high = np.packbits(code >> 4 & 1, axis=1, bitorder="little").reshape(len(blocks), 32)
            pieces.insert(3, high)
        return np.concatenate(pieces, 1), step * code - base

    return make


def _q6_k(blocks: Array) -> tuple[Bytes, Array]:
    groups = blocks.reshape(-1, 16, 16)
    raw, d, scale = _super(np.abs(groups).max(2) / np.float32(31), 127)
    step = (d * scale)[:, :, None]
    code = (np.rint(groups * _inverse(step)).clip(-32, 31) + 32).astype(np.uint8)
    laid = code.reshape(-1, 2, 4, 32)
    low = laid[:, :, :2] & 15 | (laid[:, :, 2:] & 15) << 4
    high = sum(laid[:, :, at] >> 4 << (2 * at) for at in range(4))
    pieces = [low.reshape(len(blocks), -1), np.asarray(high, np.uint8).reshape(len(blocks), -1)]
    return np.concatenate([*pieces, scale, raw], 1), step * (code.astype(np.float32) - 32)


QUANTISERS = {
    "Q4_0": Quantiser(2, 32, _centred(4)),
    "Q4_1": Quantiser(3, 32, _affine(4)),
    "Q5_0": Quantiser(6, 32, _centred(5)),
    "Q5_1": Quantiser(7, 32, _affine(5)),
    "Q8_0": Quantiser(8, 32, _q8_0),
    "Q4_K": Quantiser(12, 256, _k_affine(4)),
    "Q5_K": Quantiser(13, 256, _k_affine(5)),
    "Q6_K": Quantiser(14, 256, _q6_k),
}
