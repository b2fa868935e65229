"""From stored bytes to arrays: blocks of a canonical tensor, single values, and their bounds.

The only module that turns bytes of weights into numpy arrays. Invariants: what is held at a time is
bounded (one block, its stored bytes, and of a tensor that is turned round one strip); what cannot
be decoded is a `ReadError`, never a guess.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from modelscan.errors import ReadError
from modelscan.lineage import coded, quants
from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.plain import numbers, widened
from modelscan.lineage.stored import Stored, runs
from modelscan.lineage.weights import (
    BLOCK,
    LEAST_ROWS,
    MAX_BLOCK,
    Part,
    Span,
    WeightTensor,
    held_limit,
    turning_limit,
)

Array = NDArray[Any]


def native(tensor: WeightTensor) -> Iterator[Array]:
    """See `WeightTensor.native_blocks`."""
    return Reader(tensor).blocks()


def values_at(tensor: WeightTensor, indices: Sequence[int]) -> NDArray[np.float32]:
    """See `WeightTensor.values_at`."""
    found = np.empty(len(indices), np.float32)
    for source, places, flat in _by_source(tensor, indices):
        for positions, first, count in _pieces(places, flat):
            values = widened(_range(source, first, count), source.dtype)
            found[positions[0]] = values[np.asarray(positions[1]) - first]
    return found - np.float32(tensor.shift) if tensor.shift else found


def bounds_at(
    tensor: WeightTensor, indices: Sequence[int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """See `WeightTensor.bounds_at`."""
    if not all(part.source.dtype in quants.DECODERS for part in tensor.parts):
        return None
    low, high = np.empty(len(indices), np.float32), np.empty(len(indices), np.float32)
    for source, places, flat in _by_source(tensor, indices):
        for positions, first, count in _pieces(places, flat):
            piece = source.read(first, count)
            least, most = quants.decode(source.dtype, piece).bounds()
            at = np.asarray(positions[1]) - (first - first % source.block)
            low[positions[0]], high[positions[0]] = least[at], most[at]
    return low, high


def _by_source(
    tensor: WeightTensor, indices: Sequence[int]
) -> Iterator[tuple[Stored, list[int], list[int]]]:
    """The indices, grouped by the stored tensor they lie in: places in `indices`, flat indices."""
    groups: dict[int, tuple[Stored, list[int], list[int]]] = {}
    for place, (source, flat) in enumerate(tensor.located(indices)):
        group = groups.setdefault(id(source), (source, [], []))
        group[1].append(place)
        group[2].append(flat)
    yield from groups.values()


def _pieces(
    places: list[int], flat: list[int]
) -> Iterator[tuple[tuple[list[int], list[int]], int, int]]:
    """Ranges that cover the indices: which places and indices each serves, its start and length."""
    order = sorted(range(len(flat)), key=flat.__getitem__)
    at = 0
    for first, count in runs([flat[index] for index in order]):
        served = at
        while at < len(order) and flat[order[at]] < first + count:
            at += 1
        mine = order[served:at]
        yield (
            ([places[index] for index in mine], [flat[index] for index in mine]),
            first,
            count,
        )


def _array(source: Stored, data: bytes) -> Array:
    """Stored bytes as numbers: native for plain types, float32 for quantised ones."""
    if source.quantised:
        if source.dtype not in quants.DECODERS:
            raise ReadError(f"{source.name}: values of type {source.dtype} cannot be computed")
        return quants.decode(source.dtype, data).values()
    return numbers(source, data)


def _long_rows(tensor: WeightTensor) -> Iterator[Array]:
    """Rows longer than a block, piece by piece; only of tensors that are stored as they are."""
    if tensor.head or any(part.turned for part in tensor.parts):
        raise ReadError(f"{tensor.stored}: rows of {tensor.columns:,} elements, rearranged")
    mixed = "+" in tensor.dtype
    for part in tensor.parts:
        for start, count in part.stretches(0, part.rows):
            first, end = start * tensor.columns, (start + count) * tensor.columns
            for at in range(first, end, MAX_BLOCK):
                block = _range(part.source, at, min(MAX_BLOCK, end - at))
                yield (widened(block, part.source.dtype) if mixed else block).reshape(1, -1)


def _range(source: Stored, first: int, count: int) -> Array:
    """Elements of a stored tensor from `first` on."""
    if source.coding is not None:
        columns = source.shape[1]
        start = first // columns
        made = coded.rows(source, start, (first + count - 1) // columns + 1).values.reshape(-1)
        return made[first - start * columns :][:count]
    values = _array(source, source.read(first, count))
    lead = first % source.block
    return values[lead : lead + count]


class Reader:
    """Reads one tensor, forwards."""

    def __init__(self, tensor: WeightTensor) -> None:
        self.energy = 0.0
        """Σ step²/12 over the quantised elements that have been read."""
        self._counted: dict[int, int] = {}  # rows of each part whose energy has been added
        self._tensor = tensor
        self._columns = tensor.columns
        self._mixed = "+" in tensor.dtype
        self._starts = list(accumulate((part.rows for part in tensor.parts), initial=0))
        self._heads: tuple[int, int, Array] | None = None  # the rows of some heads, as stored
        self._held: tuple[int, int, int, Array] | None = None  # rows whose scales are applied
        self._turned: tuple[int, int, int, Array] | None = None  # a strip of a turned part

    def blocks(self) -> Iterator[Array]:
        """All values; see `WeightTensor.native_blocks`."""
        rows, columns = self._tensor.rows, self._columns
        if not rows or not columns:
            return
        if columns > MAX_BLOCK:
            yield from _long_rows(self._tensor)
            return
        step = max(1, BLOCK // columns, min(LEAST_ROWS, MAX_BLOCK // columns))
        shift = np.float32(self._tensor.shift)
        for start in range(0, rows, step):
            block = self.rows(start, min(start + step, rows))
            yield block - shift if shift else block

    def rows(self, start: int, stop: int) -> Array:
        """Canonical rows, of shape (stop - start, columns)."""
        head = self._tensor.head
        if not head:
            return self._stored_order(start, stop)
        low, high = start - start % head, -(-stop // head) * head
        held_limit(self._tensor, high - low)
        if self._heads is None or not (self._heads[0] <= low and high <= self._heads[1]):
            self._heads = low, high, self._stored_order(low, high)
        low, _, held = self._heads
        order = [self._tensor.permuted(row) - low for row in range(start, stop)]
        return held[order]

    def _stored_order(self, start: int, stop: int) -> Array:
        pieces = []
        number = bisect_right(self._starts, start) - 1
        while number < len(self._tensor.parts) and self._starts[number] < stop:
            part, base = self._tensor.parts[number], self._starts[number]
            low, high = max(start - base, 0), min(stop - base, part.rows)
            pieces += [self._stretch(number, part, span) for span in part.stretches(low, high)]
            number += 1
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _stretch(self, number: int, part: Part, span: Span) -> Array:
        source = part.source
        if part.turned:
            block = self._strip(number, source, span)
        elif source.coding is not None:
            block = self._coded(number, source, span)
        else:
            first, count = span.start * self._columns, span.length * self._columns
            if source.dtype in quants.DECODERS and self._columns % source.block == 0:
                block = self._decoded(number, source, span).reshape(span.length, self._columns)
            else:
                block = _range(source, first, count).reshape(span.length, self._columns)
        return widened(block, source.dtype) if self._mixed else block

    def _coded(self, number: int, source: Stored, span: Span) -> Array:
        """Rows with scales of their own; a strip of them, each counted once as it is computed."""
        held, stop = self._held, span.start + span.length
        if held is None or held[0] != number or not (held[1] <= span.start and stop <= held[2]):
            end = min(source.shape[0], max(stop, span.start + MAX_BLOCK // self._columns))
            made = coded.rows(source, span.start, end)
            new = end - max(self._counted.get(number, 0), span.start)
            self.energy += made.energy * max(new, 0) / (end - span.start)
            self._counted[number] = max(end, self._counted.get(number, 0))
            held = self._held = number, span.start, end, made.values
        return held[3][span.start - held[1] : stop - held[1]]

    def _decoded(self, number: int, source: Stored, span: Span) -> Array:
        """Quantised rows; their energy is added once, however often they are read."""
        codes = quants.decode(
            source.dtype,
            source.read(span.start * self._columns, span.length * self._columns),
        )
        new = span.start + span.length - max(self._counted.get(number, 0), span.start)
        if new > 0:
            self.energy += float(codes.energies(span.length)[-new:].sum())
            self._counted[number] = span.start + span.length
        return codes.values()

    def _strip(self, number: int, source: Stored, span: Span) -> Array:
        """Columns of a stored matrix, as rows."""
        held = self._turned
        stop = span.start + span.length
        if held is None or held[0] != number or not (held[1] <= span.start and stop <= held[2]):
            rows, columns = source.shape
            width = columns if turning_limit(source) else max(span.length, MAX_BLOCK // rows)
            end = min(columns, span.start + width)
            low = 0 if width == columns else span.start
            held = self._turned = number, low, end, _columns(source, low, end)
        return held[3][span.start - held[1] : stop - held[1]]


def _columns(source: Stored, low: int, high: int) -> Array:
    """The columns from `low` to `high` of a stored matrix, turned to rows."""
    rows, columns = source.shape
    step = max(1, BLOCK // columns)
    strips = []
    for start in range(0, rows, step):
        count = min(step, rows - start)
        block = _range(source, start * columns, count * columns).reshape(count, columns)
        strips.append(block[:, low:high].T.copy())  # a copy: the rest of the block is let go
    return np.concatenate(strips, axis=1)
