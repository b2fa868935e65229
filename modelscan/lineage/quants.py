"""The block formats of ggml: what their codes stand for, and what they may have been rounded from.

Every format here stores `value = step * code + base` with a step and a base for each group of
elements. That gives the values bit for bit as llama.cpp computes them in float32, and for each of
them the interval of originals which the quantiser rounds to that code.

Sources: the block structs and `dequantize_row_*` of ggml (`ggml-quants.c`) for the layout;
`quantize_row_*` for the bounds. The K formats round with the very scales that they store, so that
the half step is strict. Q8_0 and the simple formats round with a scale that is only afterwards
rounded to half precision; the bounds allow for it. Q4_0, Q4_1, Q5_0 and Q5_1 fit their scale to
weights of importance when they are given some: for these the bounds speak of the plain quantiser
only (`STRICT` leaves them out). The IQ formats choose codes from tables and have no half step; they
are not supported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from modelscan.lineage.numerics import NDArray, np

Bytes = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]

STRICT: Final = frozenset({"q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k"})
"""Formats whose bounds hold for every quantiser in use: a value outside proves another original."""

_HALF_ULP: Final = 2.0**-11
"""Relative error of rounding a scale to half precision."""
_HALF_TINY: Final = 2.0**-25
"""Its absolute error below the smallest normal number."""
_SINGLE: Final = 2.0**-20
"""Relative room for the float32 arithmetic of the quantiser."""
_K: Final = 256
_SMALL: Final = 32


_quiet: Final = np.errstate(over="ignore", invalid="ignore")
"""Scales that are no numbers make values that are none, which are counted where they arrive."""


class Codes(NamedTuple):
    """Decoded blocks: arrays that broadcast to (blocks, groups, elements of a group)."""

    code: Floats
    """Whole numbers."""
    step: Floats
    base: Floats | None
    lowest: int
    highest: int
    """The extreme codes."""
    rounded_scale: bool
    """The quantiser worked with a scale that was rounded only when it was stored."""
    open_ends: bool
    """Originals beyond the extreme codes are clipped to them, however far away."""

    @_quiet
    def values(self) -> Floats:
        """float32 as the reference computes them, of shape (blocks x elements)."""
        product = self.step * self.code
        if self.base is not None:
            product = product + self.base
        return product.reshape(-1)

    @_quiet
    def bounds(self) -> tuple[Floats, Floats]:
        """Smallest and largest original of each value, flat."""
        import numpy as np  # lazy: callers hold arrays already

        half, inf = np.float32(0.5), np.float32(np.inf)
        step = np.abs(self.step)
        up = np.sign(self.step) * self.code  # codes as if the step were positive
        down = np.where(self.step < 0, -self.highest, self.lowest)
        top = np.where(self.step < 0, -self.lowest, self.highest)
        base = np.float32(0) if self.base is None else self.base
        low, high = (up - half) * step + base, (up + half) * step + base
        reach = (np.abs(up) + half) * step + np.abs(base)
        slack = reach * np.float32(_SINGLE)
        if self.rounded_scale:
            slack = (
                slack + reach * np.float32(_HALF_ULP) + (np.abs(up) + 1) * np.float32(_HALF_TINY)
            )
        low, high = low - slack, high + slack
        if self.open_ends:
            low, high = np.where(up <= down, -inf, low), np.where(up >= top, inf, high)
            low, high = np.where(step > 0, low, -inf), np.where(step > 0, high, inf)
        elif self.lowest == -self.highest - 1:
            # the largest magnitude is exactly the lowest code; its mirror image is cut by one step
            low = np.where(self.step < 0, np.where(up <= down, low - half * step, low), low)
            high = np.where(self.step > 0, np.where(up >= top, high + half * step, high), high)
        return _flat(low), _flat(high)

    @_quiet
    def energies(self, rows: int) -> NDArray[np.float64]:
        """Expected sum of squared rounding errors of each row: step²/12 for each element.

        Args:
            rows: rows of equal length that the blocks make up.
        """
        each = self.code.shape[-1] / 12
        squares = np.square(np.broadcast_to(self.step, (*self.code.shape[:2], 1)), dtype=float)
        energies: NDArray[np.float64] = squares.reshape(rows, -1).sum(axis=1) * each
        return energies


def _flat(values: Floats) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float32).reshape(-1)


@_quiet
def decode(kind: str, data: bytes) -> Codes:
    """Decode whole blocks.

    Args:
        kind: a key of `DECODERS`.
        data: a whole number of blocks.
    """
    width = WIDTHS[kind]
    return DECODERS[kind](np.frombuffer(data, np.uint8).reshape(-1, width))


def _half(blocks: Bytes, at: int) -> Floats:
    """The half-precision numbers at byte `at` of each block, as (blocks, 1, 1)."""
    raw = np.ascontiguousarray(blocks[:, at : at + 2]).view("<f2")
    return raw.astype(np.float32).reshape(-1, 1, 1)


def _nibbles(packed: Bytes) -> Bytes:
    """Low halves of all bytes, then high halves, along the last axis."""
    return np.concatenate([packed & 15, packed >> 4], axis=-1)


def _fifth_bits(packed: Bytes) -> Bytes:
    """The 32 bits of four bytes, the lowest first, as 0 or 16."""
    return np.unpackbits(np.ascontiguousarray(packed), axis=-1, bitorder="little") << 4


def _simple(code: Bytes, step: Floats, base: Floats | None, shift: int, highest: int) -> Codes:
    whole = code.astype(np.float32)[:, None, :] - np.float32(shift)
    return Codes(whole, step, base, -shift, highest - shift, rounded_scale=True, open_ends=False)


def _q4_0(blocks: Bytes) -> Codes:
    return _simple(_nibbles(blocks[:, 2:]), _half(blocks, 0), None, 8, 15)


def _q4_1(blocks: Bytes) -> Codes:
    return _simple(_nibbles(blocks[:, 4:]), _half(blocks, 0), _half(blocks, 2), 0, 15)


def _q5_0(blocks: Bytes) -> Codes:
    code = _nibbles(blocks[:, 6:]) | _fifth_bits(blocks[:, 2:6])
    return _simple(code, _half(blocks, 0), None, 16, 31)


def _q5_1(blocks: Bytes) -> Codes:
    code = _nibbles(blocks[:, 8:]) | _fifth_bits(blocks[:, 4:8])
    return _simple(code, _half(blocks, 0), _half(blocks, 2), 0, 31)


def _q8_0(blocks: Bytes) -> Codes:
    code = np.ascontiguousarray(blocks[:, 2:]).view(np.int8).astype(np.float32)[:, None, :]
    step = _half(blocks, 0)
    return Codes(code, step, None, -127, 127, rounded_scale=True, open_ends=False)


def _grouped(code: Bytes, step: Floats, base: Floats | None, lowest: int, highest: int) -> Codes:
    """Codes of the K formats: `code` is (blocks, groups, elements), stored without its sign."""
    whole = code.astype(np.float32) + np.float32(lowest)
    return Codes(whole, step, base, lowest, highest, rounded_scale=False, open_ends=True)


def _q2_k(blocks: Bytes) -> Codes:
    scales = blocks[:, :16]
    step = _half(blocks, 80) * (scales & 15).astype(np.float32)[:, :, None]
    base = -(_half(blocks, 82) * (scales >> 4).astype(np.float32)[:, :, None])
    return _grouped(_pairs(blocks[:, 16:80]).reshape(-1, 16, 16), step, base, 0, 3)


def _q3_k(blocks: Bytes) -> Codes:
    packed = blocks[:, 96:108]
    high = np.concatenate([(packed[:, 8:] >> shift) & 3 for shift in (0, 2, 4, 6)], axis=1)
    scales = (_nibbles(packed[:, :8]) | high << 4).astype(np.float32) - np.float32(32)
    step = _half(blocks, 108) * scales[:, :, None]
    mask = blocks[:, None, :32] >> np.arange(8, dtype=np.uint8)[None, :, None] & 1
    code = _pairs(blocks[:, 32:96]).reshape(-1, 8, 32) | mask << 2
    return _grouped(code.reshape(-1, 16, 16), step, None, -4, 3)


def _pairs(packed: Bytes) -> Bytes:
    """Two-bit codes: each half of 32 bytes holds 128 elements, the lowest bits first."""
    halves = packed.reshape(-1, 2, 1, 32)
    return halves >> np.array([0, 2, 4, 6], np.uint8)[None, None, :, None] & 3


def _scales_and_mins(packed: Bytes) -> tuple[Floats, Floats]:
    """Eight scales and eight minima of six bits in twelve bytes."""
    first, second, rest = packed[:, :4], packed[:, 4:8], packed[:, 8:]
    scales = np.concatenate([first & 63, rest & 15 | first >> 6 << 4], axis=1)
    mins = np.concatenate([second & 63, rest >> 4 | second >> 6 << 4], axis=1)
    return scales.astype(np.float32)[:, :, None], mins.astype(np.float32)[:, :, None]


def _q4_k(blocks: Bytes) -> Codes:
    scales, mins = _scales_and_mins(blocks[:, 4:16])
    code = _nibbles(blocks[:, 16:].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    return _grouped(code, _half(blocks, 0) * scales, -(_half(blocks, 2) * mins), 0, 15)


def _q5_k(blocks: Bytes) -> Codes:
    scales, mins = _scales_and_mins(blocks[:, 4:16])
    code = _nibbles(blocks[:, 48:].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    fifth = blocks[:, None, 16:48] >> np.arange(8, dtype=np.uint8)[None, :, None] & 1
    code = code | fifth << 4
    return _grouped(code, _half(blocks, 0) * scales, -(_half(blocks, 2) * mins), 0, 31)


def _q6_k(blocks: Bytes) -> Codes:
    low = _nibbles(blocks[:, :128].reshape(-1, 2, 64)).reshape(-1, 2, 4, 32)
    shifts = np.array([0, 2, 4, 6], np.uint8)[None, None, :, None]
    high = blocks[:, 128:192].reshape(-1, 2, 1, 32) >> shifts & 3
    scales = np.ascontiguousarray(blocks[:, 192:208]).view(np.int8).astype(np.float32)
    code = (low | high << 4).reshape(-1, 16, 16)
    return _grouped(code, _half(blocks, 208) * scales[:, :, None], None, -32, 31)


DECODERS: Final[dict[str, Callable[[Bytes], Codes]]] = {
    "q4_0": _q4_0, "q4_1": _q4_1, "q5_0": _q5_0, "q5_1": _q5_1, "q8_0": _q8_0, "q2_k": _q2_k,
    "q3_k": _q3_k, "q4_k": _q4_k, "q5_k": _q5_k, "q6_k": _q6_k,
}  # fmt: skip
"""By the type's name, lower case."""
WIDTHS: Final = {
    "q4_0": 18, "q4_1": 20, "q5_0": 22, "q5_1": 24, "q8_0": 34, "q2_k": 84, "q3_k": 110,
    "q4_k": 144, "q5_k": 176, "q6_k": 210,
}  # fmt: skip
"""Bytes of a block."""
BLOCKS: Final = {kind: _SMALL if kind[-1] in "01" else _K for kind in WIDTHS}
"""Elements of a block."""
