"""Single values rounded to sixteen bits, as a cast does it; no numpy, for a default scan."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Literal

Half = Literal["f16", "bf16"]


def rounded(values: Sequence[float], kind: Half) -> list[float]:
    """The values after being stored in half precision or bfloat16: to nearest, ties to even.

    What is too large becomes infinite, and what is no finite number stays what it is.
    """
    through = _half if kind == "f16" else _brain
    return [through(value) if math.isfinite(value) else value for value in values]


def _half(value: float) -> float:
    try:
        (found,) = struct.unpack("<e", struct.pack("<e", value))
    except OverflowError:
        return math.copysign(math.inf, value)
    return float(found)


def _brain(value: float) -> float:
    try:
        (bits,) = struct.unpack("<I", struct.pack("<f", value))
    except OverflowError:
        return math.copysign(math.inf, value)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    (found,) = struct.unpack("<f", struct.pack("<I", bits))
    return float(found)
