"""A model's weights as canonical tensors: what the rest of lineage works on.

A canonical tensor has the hub's orientation (outputs x inputs) and row order whatever file it
comes from. It is a view: rows of stored tensors, maybe turned round, split off a fused one, put
together from several, or with the rows of each attention head interleaved. Nothing is copied until
a block of it is asked for.

Invariants: no block is larger than `MAX_BLOCK` float32 elements; blocks depend on the canonical
shape alone, so that equal values give equal sums whatever the sharding; numpy is imported only by
what returns arrays.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from modelscan.errors import BudgetError
from modelscan.lineage.families import Family
from modelscan.lineage.name_tables import WRITERS
from modelscan.lineage.prints import Skipped
from modelscan.lineage.stored import FLOATS, Stored, runs
from modelscan.vocabulary.snapshot import SourceFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK: Final = 1 << 18
"""Elements of an ordinary block: small enough to stay in the processor's cache."""
LEAST_ROWS: Final = 32
"""Rows of a block of a wide matrix: a sketch costs as much for each block as for so many rows."""
MAX_BLOCK: Final = 1 << 22
"""Elements of the largest one, 16 MiB of float32."""
_STACKED: Final = 3  # dimensions: experts, outputs, inputs
_WHOLE: Final = 1 << 24
"""Elements of a tensor that is held whole to be turned round."""
_MAX_TURNED: Final = 1 << 28
"""Elements of one that is turned round at all: strip by strip, each strip reads all of it."""


class Span(NamedTuple):
    """Consecutive rows of a stored tensor."""

    start: int
    length: int


class Part(msgspec.Struct, frozen=True):
    """Rows of one stored tensor."""

    source: Stored
    spans: tuple[Span, ...] = ()
    """Which rows, in canonical order; none means all."""
    turned: bool = False
    """The stored tensor is inputs x outputs: its columns are the rows (`Conv1D` of GPT-2)."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        if self.spans:
            return sum(span.length for span in self.spans)
        shape = self.source.shape
        if self.turned:
            return shape[1]
        return shape[0] if shape else 1

    def stored_row(self, row: int) -> int:
        """The row of the stored tensor that is the part's `row`."""
        for span in self.spans:
            if row < span.length:
                return span.start + row
            row -= span.length
        return row

    def stretches(self, start: int, stop: int) -> Iterator[Span]:
        """The stored rows behind the part's rows from `start` to `stop`."""
        if not self.spans:
            yield Span(start, stop - start)
            return
        base = 0
        for span in self.spans:
            low, high = max(start - base, 0), min(stop - base, span.length)
            if low < high:
                yield Span(span.start + low, high - low)
            base += span.length


class WeightTensor(msgspec.Struct, frozen=True, kw_only=True):
    """One canonical tensor."""

    name: str
    """Canonical name, as in `prints.TensorPrint`."""
    role: str
    layer: int | None = None
    shape: tuple[int, ...]
    parts: tuple[Part, ...]
    """Their rows follow each other."""
    head: int = 0
    """Rows of an attention head whose halves are stored interleaved; 0 for rows as they are."""
    shift: float = 0.0
    """What the file has added to every value; only of float32 vectors."""
    members: int = 1
    """Tensors that are read as this one, see `joining`."""
    fold: int = 1
    """Rows that a row of a wide matrix is read as, see `prints.folds`."""

    @property
    def stored(self) -> str:
        """Name in the file, of the first part."""
        return self.parts[0].source.name

    @property
    def dtype(self) -> str:
        """Stored type; of parts that differ, all of them."""
        return "+".join(dict.fromkeys(part.source.dtype for part in self.parts))

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def rows(self) -> int:
        """The first dimension, 1 for a single number; of stacked experts all their outputs.

        Rows of a wide matrix count several times, see `fold`.
        """
        if self._stacked:
            return self.shape[0] * self.shape[1]
        return self.shape[0] * self.fold if self.shape else 1

    @property
    def columns(self) -> int:
        """All other dimensions together, 1 for a vector; of stacked experts their inputs."""
        return self.shape[2] if self._stacked else math.prod(self.shape[1:]) // self.fold

    @property
    def group(self) -> int:
        """Rows of one expert, where all experts write the same stream; otherwise all rows."""
        return self.shape[1] if self._stacked and self.role in WRITERS else self.rows

    @property
    def _stacked(self) -> bool:
        return self.role.startswith("experts.") and len(self.shape) == _STACKED

    @property
    def stored_bytes(self) -> int:
        """Bytes that it takes in its files."""
        columns = self.columns
        return sum(
            part.rows * columns * part.source.width // part.source.block for part in self.parts
        )

    @property
    def floating(self) -> bool:
        """Values are numbers with a fraction, stored plainly or quantised."""
        return all(part.source.quantised or part.source.dtype in FLOATS for part in self.parts)

    @property
    def quantised(self) -> bool:
        """Some part is stored as codes and scales."""
        return any(part.source.quantised for part in self.parts)

    @property
    def packed(self) -> bool:
        """Some part is in blocks of codes and scales, as GGUF has them."""
        return any(part.source.quantised and not part.source.coding for part in self.parts)

    def native_blocks(self) -> Iterator[NDArray[np.generic]]:
        """All values in row-major order in their stored type, in blocks of rows x columns.

        bfloat16 comes as its 16 bits (uint16); what is quantised, and what has parts of several
        types, as float32. Rows longer than `MAX_BLOCK` come in pieces of one row.

        Raises:
            ReadError: a file ends early, or a type cannot be decoded.
            BudgetError: it would have to be turned round and is too large for it.
        """
        from modelscan.lineage import blocks  # lazy: numpy is not for a default scan

        return blocks.native(self)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """The same as float32."""
        from modelscan.lineage import blocks, plain  # lazy: as above

        kind = self.dtype
        return (plain.widened(block, kind) for block in blocks.native(self))

    def values_at(self, indices: Sequence[int]) -> NDArray[np.float32]:
        """The values at some flat canonical indices, as float32."""
        from modelscan.lineage import blocks  # lazy: as above

        return blocks.values_at(self, indices)

    def bounds_at(
        self, indices: Sequence[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """For a quantised tensor: the smallest and largest originals at these indices.

        `None` where nothing of the kind can be said of the type.
        """
        from modelscan.lineage import blocks  # lazy: as above

        return blocks.bounds_at(self, indices)

    def located(self, indices: Sequence[int]) -> list[tuple[Stored, int]]:
        """Which stored tensor, and which flat index in it, each canonical index stands for."""
        starts = list(accumulate((part.rows for part in self.parts), initial=0))
        columns = self.columns
        found = []
        for index in indices:
            row, column = divmod(index, columns)
            row = self.permuted(row)
            at = bisect_right(starts, row) - 1
            part = self.parts[at]
            stored = part.stored_row(row - starts[at])
            flat = (
                column * part.source.shape[1] + stored if part.turned else stored * columns + column
            )
            found.append((part.source, flat))
        return found

    def permuted(self, row: int) -> int:
        """The row in stored order within its head: pairs that rotate together lie side by side.

        The hub keeps the first elements of all pairs before the second ones; Meta's own files, and
        llama.cpp's for such architectures, alternate (`permute` in the conversion scripts).
        """
        if not self.head:
            return row
        head, at = divmod(row, self.head)
        half, pair = divmod(at, self.head // 2)
        return head * self.head + 2 * pair + half


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """All weights of a model. Valid as long as its files are open (see `opening.open_weights`)."""

    tensors: Mapping[str, WeightTensor]
    """By canonical name, sorted."""
    tied: Mapping[str, str] = {}
    """Canonical names that are another tensor: `output.weight` to `embedding.weight`."""
    architecture: str = ""
    """Declared: `model_type`, or GGUF's `general.architecture`."""
    layers: int = 0
    heads: int = 0
    """Attention heads, when the model's configuration says so; 0 when it does not."""
    kv_heads: int = 0
    skipped: tuple[Skipped, ...] = ()
    family: Family | None = None
    """The files that these are the weights of."""
    beside: tuple[SourceFile, ...] = ()
    """All files of the model."""


def raw_at(tensor: WeightTensor, indices: Sequence[int]) -> bytes:
    """The stored bytes of the values at some indices of a plain tensor; no numpy needed.

    Raises:
        ReadError: the file ends early.
    """
    pieces: list[bytes] = []
    place = tensor.located(indices)
    start = 0
    while start < len(place):
        source = place[start][0]
        stop = start
        while stop < len(place) and place[stop][0] is source:
            stop += 1
        flat = [index for _, index in place[start:stop]]
        covers = runs(flat)
        data = [source.read(*run) for run in covers]
        at = 0
        for index in flat:
            while not covers[at].first <= index < covers[at].first + covers[at].length:
                at += 1
            begin = (index - covers[at].first) * source.width
            piece = data[at][begin : begin + source.width]
            pieces.append(piece[::-1] if source.big_endian else piece)
        start = stop
    raw = b"".join(pieces)
    if tensor.shift:
        values = struct.unpack(f"<{len(raw) // 4}f", raw)
        return struct.pack(f"<{len(values)}f", *(value - tensor.shift for value in values))
    return raw


def held_limit(tensor: WeightTensor, rows: int) -> None:
    """Refuse to hold so many rows of a tensor at once.

    Raises:
        BudgetError: an attention head of that size is none.
    """
    if rows * tensor.columns > _WHOLE:
        raise BudgetError(f"{tensor.stored}: a head of {rows:,} rows")


def turning_limit(source: Stored) -> bool:
    """True when a tensor to be turned round is held whole.

    Raises:
        BudgetError: it is too large to be turned round at all.
    """
    if source.elements > _MAX_TURNED:
        raise BudgetError(f"{source.name}: {source.elements:,} elements to be turned round")
    return source.elements <= _WHOLE
