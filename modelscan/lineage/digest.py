"""Digests of values: the same for the same numbers, whatever type or file they are stored in.

A tensor's value digest is SHA-256 over `"modelassay-value/1" 0x00`, its canonical shape (decimal,
joined by `x`), `0x00`, the name of the narrowest of bf16, f16, f32, f64 that holds every value
exactly, `0x00`, and the values in that type, row-major, little end first. Values count as exact
when their bits survive the way there and back, so that -0 differs from 0. Integers are digested in
the type they have.

A rounded digest is the value digest that the tensor would have after a cast to bfloat16 or to half
precision (to nearest, ties to even): a copy with that digest is proved to be a cast.

All of it happens in one pass: a narrower type is followed for as long as it is exact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.prints import ROW_BLOCK

_DOMAIN: Final = b"modelassay-value/1\0"
_NARROWER: Final[Mapping[str, tuple[str, ...]]] = {
    "bf16": (), "f16": ("bf16",), "f32": ("bf16", "f16"), "f64": ("bf16", "f16", "f32"),
}  # fmt: skip
"""Types that may hold the values as well, by the type they come in."""
_ORDER: Final = {"bf16": 0, "f16": 1, "f32": 2, "f64": 3}
_LOW_BITS: Final = np.uint32(0xFFFF)
_HELD_FROM: Final = np.uint16((127 - 17) << 7)
"""2^-17 as a bfloat16."""
_HELD_BELOW: Final = np.uint16((127 + 16) << 7)
"""2^16 as one."""
_QUIET: Final = np.uint16(0x7FC0)
"""What a bfloat16 that is no number is rounded to."""

Array = NDArray[Any]


class ValueDigest:
    """Takes the blocks of one tensor.

    Args:
        shape: the canonical shape.
        kind: the type of the blocks: as stored when that is an integer or one of bf16, f16, f32,
            f64; `f32` for everything whose values are computed.
        rounded: also digest the values rounded to bfloat16 and half precision.
    """

    def __init__(self, shape: Sequence[int], kind: str, *, rounded: bool = True) -> None:
        self._kind = kind
        self._stream = _start(shape, kind)
        self._narrow = {kind: self._stream}
        """The types that have been exact so far; the stored one always is."""
        self._narrow |= {name: _start(shape, name) for name in _NARROWER.get(kind, ())}
        self._rounded = _Rounded(shape, kind) if rounded and kind in _NARROWER else None

    def update(self, block: Array, wide: NDArray[np.float32]) -> None:
        """Take the next values.

        Args:
            block: as stored.
            wide: the same as float32.
        """
        bits = wide.view(np.uint32)
        narrow = self._narrow
        self._stream.update(_little(block))
        if "f32" in narrow and self._kind != "f32":
            if self._kind == "f64" and not _survives(block, wide):
                self._narrow = narrow = {self._kind: self._stream}
            else:
                narrow["f32"].update(_little(wide))
        if "bf16" in narrow and self._kind != "bf16":
            if np.any(bits & _LOW_BITS):
                del narrow["bf16"]
            else:
                narrow["bf16"].update(_little((bits >> np.uint32(16)).astype(np.uint16)))
        if "f16" in narrow and self._kind != "f16":
            half = _to_half(wide)
            if np.array_equal(half.astype(np.float32).view(np.uint32), bits):
                narrow["f16"].update(_little(half))
            else:
                del narrow["f16"]
        if self._rounded is not None:
            self._rounded.update(block, wide)

    def digest(self) -> bytes:
        """The value digest."""
        narrowest = min(self._narrow, key=lambda name: _ORDER.get(name, len(_ORDER)))
        digest: bytes = self._narrow[narrowest].digest()
        return digest

    def rounded(self) -> tuple[bytes, bytes]:
        """The digests of the values rounded to bfloat16 and to half precision.

        Each is empty where rounding changes nothing, and where none were asked for.
        """
        if self._rounded is None:
            return b"", b""
        own = self.digest()
        bf16, f16 = self._rounded.digests()
        return (b"" if bf16 == own else bf16), (b"" if f16 == own else f16)


class _Rounded:
    """The value digests of a tensor after a cast to sixteen bits."""

    def __init__(self, shape: Sequence[int], kind: str) -> None:
        self._kind = kind
        self._bf16 = _start(shape, "bf16")
        self._f16 = _start(shape, "f16")
        self._f16_narrow: Any = _start(shape, "bf16")
        """What was rounded to half precision may fit bfloat16, which then is its narrowest type."""

    def update(self, block: Array, wide: NDArray[np.float32]) -> None:
        if self._kind == "bf16":
            # rounding only takes bits away, so that bfloat16 holds all that comes of it
            self._f16_narrow.update(_little(_through_half(block)))
            return
        if self._kind == "f16":
            self._bf16.update(_little(_half_to_brain().take(block.view(np.uint16))))
            return
        self._bf16.update(_little(_to_brain(wide)))
        half = _to_half(wide)
        self._f16.update(_little(half))
        if self._f16_narrow is not None:
            bits = half.astype(np.float32).view(np.uint32)
            if np.any(bits & _LOW_BITS):
                self._f16_narrow = None
            else:
                self._f16_narrow.update(_little((bits >> np.uint32(16)).astype(np.uint16)))

    def digests(self) -> tuple[bytes, bytes]:
        bf16 = b"" if self._kind == "bf16" else self._bf16.digest()
        if self._kind == "f16":
            return bf16, b""
        return bf16, (self._f16_narrow or self._f16).digest()


class RowDigests:
    """Value digests of each `ROW_BLOCK` rows of a matrix.

    Args:
        rows: rows in all.
        columns: elements of a row.
        kind: as for `ValueDigest`.
    """

    def __init__(self, rows: int, columns: int, kind: str) -> None:
        self._left = rows
        self._columns = columns
        self._kind = kind
        self._room = 0
        self._current: ValueDigest | None = None
        self._done: list[bytes] = []

    def update(self, block: Array, wide: NDArray[np.float32]) -> None:
        """Take the next rows."""
        at = 0
        while at < len(block):
            if self._current is None:
                self._room = min(ROW_BLOCK, self._left)
                shape = (self._room, self._columns)
                self._current = ValueDigest(shape, self._kind, rounded=False)
            count = min(self._room, len(block) - at)
            self._current.update(block[at : at + count], wide[at : at + count])
            at += count
            self._room -= count
            self._left -= count
            if not self._room:
                self._done.append(self._current.digest())
                self._current = None

    def digests(self) -> tuple[bytes, ...]:
        """The digests, in the order of the rows."""
        return tuple(self._done)


def _start(shape: Sequence[int], kind: str) -> Any:
    text = "x".join(map(str, shape)).encode()
    return hashlib.sha256(_DOMAIN + text + b"\0" + kind.encode() + b"\0")


def _little(values: Array) -> memoryview:
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).reshape(-1).view(np.uint8).data


def _survives(block: Array, wide: NDArray[np.float32]) -> bool:
    """True when values of double precision are those of single precision, to the bit."""
    with np.errstate(invalid="ignore"):
        back = wide.astype(np.float64)
    return np.array_equal(back.view(np.uint64), block.view(np.uint64))


def _to_half(wide: NDArray[np.float32]) -> NDArray[np.float16]:
    with np.errstate(over="ignore", invalid="ignore"):  # too large becomes infinite, as in a cast
        return wide.astype(np.float16)


def _to_brain(wide: NDArray[np.float32]) -> NDArray[np.uint16]:
    bits = wide.view(np.uint32)
    odd = bits >> np.uint32(16) & np.uint32(1)
    with np.errstate(over="ignore"):
        nearest = (bits + (np.uint32(0x7FFF) + odd)) >> np.uint32(16)
    rounded: NDArray[np.uint16] = nearest.astype(np.uint16)
    broken = np.isnan(wide)
    if broken.any():
        rounded[broken] = _QUIET
    return rounded


def _through_half(brain: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """bfloat16 after a cast to half precision; only what that can change is looked up.

    Half precision has more bits behind the point, so that it holds every bfloat16 from 2^-17 (eight
    bits above its smallest step) to below 2^16.
    """
    magnitude = brain & np.uint16(0x7FFF)
    far = (magnitude - _HELD_FROM) >= _HELD_BELOW - _HELD_FROM
    if int(np.count_nonzero(far)) * 4 > brain.size:
        far &= magnitude != 0  # zeros of a pruned model stay what they are
    outside = np.flatnonzero(far)
    if outside.size * 4 > brain.size:
        return _brain_by_half().take(brain)
    made = brain.copy()
    made.reshape(-1)[outside] = _brain_by_half()[brain.reshape(-1)[outside]]
    return made


@cache
def _brain_by_half() -> NDArray[np.uint16]:
    """Every bfloat16 rounded to half precision, as the bfloat16 that has the same value."""
    wide = (np.arange(1 << 16, dtype=np.uint32) << np.uint32(16)).view(np.float32)
    back = _to_half(wide).astype(np.float32).view(np.uint32)
    return (back >> np.uint32(16)).astype(np.uint16)


@cache
def _half_to_brain() -> NDArray[np.uint16]:
    """Every number of half precision rounded to bfloat16, by its bits."""
    half = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    return _to_brain(half.astype(np.float32))
