"""A few values of ggml's quantised blocks, in pure Python: what a default scan can look at.

The same formulas as `quants`, one block at a time, for who must not import numpy: arithmetic is in
double precision and rounded to single at the end, so that values may differ from those in their
last place. Sources: as there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Final

from modelscan.lineage.weights import WeightTensor

Block = Sequence[float]
"""The values of one block."""

_K: Final = 256


def values_at(tensor: WeightTensor, indices: Sequence[int]) -> list[float]:
    """The values at some flat canonical indices of a tensor whose parts are all quantised.

    Raises:
        ReadError: the file ends early.
    """
    held: dict[tuple[int, int], Block] = {}
    found = []
    for source, flat in tensor.located(indices):
        number, at = divmod(flat, source.block)
        key = id(source), number
        if key not in held:
            held[key] = BLOCKS[source.dtype](source.read(number * source.block, source.block))
        found.append(held[key][at])
    return found


def samples(tensor: WeightTensor, indices: Sequence[int]) -> bytes:
    """The same as float32, low byte first; what does not fit is infinite."""
    return b"".join(map(_single, values_at(tensor, indices)))


def is_readable(tensor: WeightTensor) -> bool:
    """True when all parts are of types that are computed here."""
    return all(part.source.dtype in BLOCKS for part in tensor.parts)


def _single(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return struct.pack("<f", float("inf") if value > 0 else float("-inf"))


def _halves(data: bytes, at: int, count: int = 1) -> tuple[float, ...]:
    return struct.unpack_from(f"<{count}e", data, at)


def _nibbles(packed: bytes) -> list[int]:
    """Low halves of all bytes, then high halves."""
    return [byte & 15 for byte in packed] + [byte >> 4 for byte in packed]


def _fifth(packed: bytes, at: int) -> list[int]:
    bits = int.from_bytes(packed[at : at + 4], "little")
    return [(bits >> n & 1) << 4 for n in range(32)]


def _q4_0(data: bytes) -> Block:
    (step,) = _halves(data, 0)
    return [step * (code - 8) for code in _nibbles(data[2:])]


def _q4_1(data: bytes) -> Block:
    step, base = _halves(data, 0, 2)
    return [step * code + base for code in _nibbles(data[4:])]


def _q5_0(data: bytes) -> Block:
    (step,) = _halves(data, 0)
    codes = zip(_nibbles(data[6:]), _fifth(data, 2), strict=True)
    return [step * ((low | high) - 16) for low, high in codes]


def _q5_1(data: bytes) -> Block:
    step, base = _halves(data, 0, 2)
    codes = zip(_nibbles(data[8:]), _fifth(data, 4), strict=True)
    return [step * (low | high) + base for low, high in codes]


def _q8_0(data: bytes) -> Block:
    (step,) = _halves(data, 0)
    return [step * code for code in struct.unpack_from("<32b", data, 2)]


def _pairs(packed: bytes) -> list[int]:
    """Two-bit codes: each 32 bytes hold 128 elements, the lowest bits first."""
    return [
        packed[half + at] >> shift & 3
        for half in range(0, len(packed), 32)
        for shift in (0, 2, 4, 6)
        for at in range(32)
    ]


def _q2_k(data: bytes) -> Block:
    step, least = _halves(data, 80, 2)
    codes = _pairs(data[16:80])
    return [
        step * (data[n // 16] & 15) * codes[n] - least * (data[n // 16] >> 4) for n in range(_K)
    ]


def _q3_k(data: bytes) -> Block:
    (step,) = _halves(data, 108)
    packed = data[96:108]
    low = _nibbles(packed[:8])
    scales = [(low[n] | (packed[8 + n % 4] >> 2 * (n // 4) & 3) << 4) - 32 for n in range(16)]
    codes = _pairs(data[32:96])
    high = [data[n % 32] >> n // 32 & 1 for n in range(_K)]
    return [step * scales[n // 16] * ((codes[n] | high[n] << 2) - 4) for n in range(_K)]


def _scales(packed: bytes) -> list[tuple[int, int]]:
    """Eight scales and eight minima of six bits in twelve bytes."""
    first = [(packed[n] & 63, packed[4 + n] & 63) for n in range(4)]
    return first + [
        (packed[8 + n] & 15 | packed[n] >> 6 << 4, packed[8 + n] >> 4 | packed[4 + n] >> 6 << 4)
        for n in range(4)
    ]


def _wide(data: bytes, codes: Sequence[int]) -> Block:
    step, least = _halves(data, 0, 2)
    scales = _scales(data[4:16])
    return [
        step * scales[n // 32][0] * code - least * scales[n // 32][1]
        for n, code in enumerate(codes)
    ]


def _in_quarters(packed: bytes) -> list[int]:
    return [code for at in range(0, len(packed), 32) for code in _nibbles(packed[at : at + 32])]


def _q4_k(data: bytes) -> Block:
    return _wide(data, _in_quarters(data[16:]))


def _q5_k(data: bytes) -> Block:
    low = _in_quarters(data[48:])
    return _wide(data, [low[n] | (data[16 + n % 32] >> n // 32 & 1) << 4 for n in range(_K)])


def _q6_k(data: bytes) -> Block:
    (step,) = _halves(data, 208)
    scales = struct.unpack_from("<16b", data, 192)
    found = []
    for n in range(_K):
        half, at = divmod(n, 128)
        quarter, place = divmod(at, 32)
        byte = data[64 * half + 32 * (quarter % 2) + place]
        low = byte >> 4 if quarter > 1 else byte & 15
        high = data[128 + 32 * half + place] >> 2 * quarter & 3
        found.append(step * scales[n // 16] * ((low | high << 4) - 32))
    return found


BLOCKS: Final[dict[str, Callable[[bytes], Block]]] = {
    "q4_0": _q4_0, "q4_1": _q4_1, "q5_0": _q5_0, "q5_1": _q5_1, "q8_0": _q8_0, "q2_k": _q2_k,
    "q3_k": _q3_k, "q4_k": _q4_k, "q5_k": _q5_k, "q6_k": _q6_k,
}  # fmt: skip
"""By the type's name, lower case."""
