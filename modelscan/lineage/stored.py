"""A tensor as a file stores it, and how its bytes are reached.

No numpy here: a default scan may look at a few values of a tensor and must not import it. Reading
goes through `Artifact.read_at` alone, so that a local file, a cached blob, an archive member and an
HTTP range look the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from modelscan.errors import ReadError
from modelscan.vocabulary.artifact import Artifact

PLAIN: Final = {
    "bf16": 2, "f16": 2, "f32": 4, "f64": 8, "i8": 1, "u8": 1, "i16": 2, "u16": 2, "i32": 4,
    "u32": 4, "i64": 8, "u64": 8, "bool": 1, "f8_e4m3": 1, "f8_e5m2": 1,
}  # fmt: skip
"""Bytes of an element, of the types in which every element stands for itself."""
FLOATS: Final = frozenset({"bf16", "f16", "f32", "f64", "f8_e4m3", "f8_e5m2"})
"""Those of them that are numbers with a fraction: what a sketch is made of."""


class Stored(NamedTuple):
    """One tensor in one file, without gaps."""

    name: str
    """As stored."""
    dtype: str
    """Lower case: a key of `PLAIN`, or a type of ggml's such as `q4_k`."""
    shape: tuple[int, ...]
    """Outermost first, as the hub writes it; GGUF's dimensions are turned round."""
    artifact: Artifact
    offset: int
    """Of the first byte."""
    block: int = 1
    """Elements that are stored together."""
    width: int = 0
    """Bytes of such a block."""
    big_endian: bool = False
    column_major: bool = False
    """A matrix whose columns follow each other; everything else is row-major."""
    coding: Coding | None = None
    """How values follow from other tensors; then `shape` is that of the values, and there are no
    bytes of one's own."""

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def columns(self) -> int:
        """Elements of a row: all dimensions but the first; 1 for a vector."""
        return math.prod(self.shape[1:])

    @property
    def quantised(self) -> bool:
        """Values are computed from codes and scales, in blocks."""
        return self.dtype not in PLAIN

    def read(self, first: int, count: int) -> bytes:
        """The bytes of the blocks that hold `count` elements from `first` on.

        Raises:
            ReadError: the file ends before.
        """
        begin, end = first // self.block, -(-(first + count) // self.block)
        length = (end - begin) * self.width
        data = self.artifact.read_at(self.offset + begin * self.width, length)
        if len(data) != length:
            raise ReadError(f"{self.name} is cut off", offset=self.offset)
        return data


class Coding(NamedTuple):
    """Codes and scales that are tensors of their own, as `scales` finds them together."""

    kind: Literal["grid", "rows", "gptq", "awq", "table"]
    """Scales on a grid over plain codes; the same over codes that are packed along a row; packed
    along a column; packed along a row of the transposed matrix; blocks of a table's entries."""
    codes: Stored
    scale: Stored
    cell: tuple[int, int] = (1, 1)
    """Rows and columns that share a scale; for `table` the elements of a block stand second."""
    bits: int = 8
    """Of one packed code."""
    zero: Stored | None = None
    """What stands for zero, packed as the codes are."""
    order: Stored | None = None
    """The group of each input."""
    factor: float = 1.0
    """Of all values."""
    table: tuple[float, ...] = ()
    """What each code stands for, when that is not its number."""
    nested: Nested | None = None
    """The scales are codes themselves."""


class Nested(NamedTuple):
    """Scales of bitsandbytes' double quantisation."""

    table: Stored
    scale: Stored
    block: int
    offset: float


class Run(NamedTuple):
    """Elements that are read at once."""

    first: int
    length: int


_GAP: Final = 64
"""Elements between two wanted ones that are read rather than jumped over."""


def runs(indices: Sequence[int]) -> list[Run]:
    """Ranges that cover some indices, in the order of the indices.

    Args:
        indices: flat, in any order; consecutive ones share a range.
    """
    found: list[Run] = []
    for index in indices:
        if found:
            first, count = found[-1]
            if first <= index < first + count + _GAP:
                found[-1] = Run(first, max(count, index - first + 1))
                continue
        found.append(Run(index, 1))
    return found
