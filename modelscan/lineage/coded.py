"""Values of matrices whose codes and scales are tensors of their own; see `scales`.

Whole rows are computed at a time, strip by strip, so that what is held is bounded by the strip. The
noise that comes with them is that of rounding to the nearest code; GPTQ makes up for the errors of
one column in the next ones, and leaves more of it (`ROUNDS_ELSEWHERE`).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from modelscan.errors import ReadError
from modelscan.lineage import plain
from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.stored import Coding, Stored

_WORD: Final = 32
_AWQ_ORDER: Final = (0, 4, 1, 5, 2, 6, 3, 7)
"""Where in a word each of eight columns stands."""
_NARROW: Final = 4096
"""Bytes of a row's part below which whole rows are read, and cut."""
ROUNDS_ELSEWHERE: Final = 3.0
"""By how much the energy of errors grows where a quantiser moves them on: 2.2 was measured."""

Floats = NDArray[np.float32]
Array = NDArray[Any]


class Rows(NamedTuple):
    """Decoded rows."""

    values: Floats
    energy: float
    """Expected sum of squared errors of rounding."""


def rows(source: Stored, start: int, stop: int) -> Rows:
    """The rows from `start` to `stop` of a matrix that has a coding.

    Raises:
        ReadError: a file ends early, or a number makes no sense.
    """
    coding = source.coding
    if coding is None:
        raise ReadError(f"{source.name}: nothing says what its codes stand for")
    with np.errstate(over="ignore", invalid="ignore"):  # counted where they arrive
        if coding.kind == "table":
            return _table(coding, source.shape[1], start, stop)
        if coding.kind in {"gptq", "awq"}:
            return _columns(coding, source, start, stop)
        return _grid(coding, source, start, stop)


def _grid(coding: Coding, source: Stored, start: int, stop: int) -> Rows:
    """One scale for each cell of rows and columns."""
    columns = source.shape[1]
    count = stop - start
    scale = _cells(coding, coding.scale, columns, start, stop) * np.float32(coding.factor)
    if coding.kind == "rows":
        codes = _unpacked(coding, start, stop)[:, :columns] - _zeros(coding, columns, start, stop)
    else:
        codes = plain.read(coding.codes, start * columns, count * columns).reshape(count, columns)
        if coding.zero is not None:
            codes = codes - _cells(coding, coding.zero, columns, start, stop)
    values = codes * scale
    steps: Floats = scale
    if coding.codes.dtype.startswith("f8_"):
        steps = _spacing(codes, coding.codes.dtype) * scale
    squares = np.square(steps, dtype=np.float64)
    return Rows(values, float(np.broadcast_to(squares, values.shape).sum()) / 12)


def _cells(coding: Coding, table: Stored, columns: int, start: int, stop: int) -> Floats:
    """A number for each row and column, as far as they differ: (rows, columns) or (rows, 1)."""
    down, across = coding.cell
    width = -(-columns // across)
    first, last = start // down, (stop - 1) // down + 1
    found = plain.read(table, first * width, (last - first) * width).reshape(-1, width)
    found = found[np.arange(start, stop) // down - first]
    return found if width == 1 else np.repeat(found, across, axis=1)[:, :columns]


def _spacing(values: Floats, dtype: str) -> Floats:
    """Distance of neighbouring eight-bit floats, at some of them."""
    fraction, least = (3, -6) if dtype == "f8_e4m3" else (2, -14)
    _, exponent = np.frexp(np.nan_to_num(values))
    spacing: Floats = np.ldexp(np.float32(1), np.maximum(exponent - 1, least) - fraction)
    return spacing


def _unpacked(coding: Coding, start: int, stop: int) -> Floats:
    """Codes that follow each other along a row, the first in the lowest bits."""
    width = coding.codes.shape[1]
    words = _words(coding.codes, start * width, (stop - start) * width).reshape(-1, width)
    return _split(words[:, :, None], coding.bits).reshape(len(words), -1)


def _zeros(coding: Coding, columns: int, start: int, stop: int) -> Floats | np.float32:
    """What stands for zero in each row and group; these codes are packed along the columns."""
    zero = coding.zero
    if zero is None:
        return np.float32(1 << (coding.bits - 1))
    each, groups = _WORD // coding.bits, zero.shape[1]
    low, high = start // each, -(-stop // each)
    words = _words(zero, low * groups, (high - low) * groups).reshape(-1, groups)
    codes = np.moveaxis(_split(words[:, :, None], coding.bits), 2, 1).reshape(-1, groups)
    codes = codes[start - low * each :][: stop - start]
    return np.repeat(codes, coding.cell[1], axis=1)[:, :columns]


def _split(words: Array, bits: int) -> Floats:
    """The codes of words whose last axis has length 1."""
    shifts = np.arange(0, _WORD, bits, dtype=np.uint32)
    codes: Floats = (words >> shifts & np.uint32((1 << bits) - 1)).astype(np.float32)
    return codes


def _columns(coding: Coding, source: Stored, start: int, stop: int) -> Rows:
    """The transposed matrix: rows of the values are columns of the codes."""
    if coding.zero is None:
        raise ReadError(f"{source.name}: no zeros")
    each = _WORD // coding.bits
    low, high = start // each, -(-stop // each)  # words
    first, count = low * each, stop - start
    lead = start - first
    inputs = source.shape[1]
    zeros = _spread(_strip(coding.zero, low, high), coding)[:, lead : lead + count]
    scales = plain.widened(_strip(coding.scale, start, stop), coding.scale.dtype)
    if coding.kind == "awq":
        codes = _spread(_strip(coding.codes, low, high), coding)[:, lead : lead + count]
    else:
        words = _strip(coding.codes, start, stop).astype(np.uint32)
        codes = np.moveaxis(_split(words[:, :, None], coding.bits), 2, 1).reshape(inputs, count)
        zeros = zeros + np.float32(_first_zero(zeros, coding.bits))
    groups = np.arange(inputs) // coding.cell[1]
    if coding.order is not None:
        groups = plain.numbers(coding.order, coding.order.read(0, inputs)).astype(np.int64)
        if groups.min() < 0 or groups.max() >= len(scales):
            raise ReadError(f"{coding.order.name}: a group that there is not")
    values = np.ascontiguousarray(((codes - zeros[groups]) * scales[groups]).T)
    energy = float(np.square(scales[groups], dtype=np.float64).sum()) / 12
    return Rows(values, energy * (ROUNDS_ELSEWHERE if coding.kind == "gptq" else 1.0))


def _first_zero(zeros: Floats, bits: int) -> int:
    """What is added to stored zeros: the first version of GPTQ's files kept one less.

    A file of symmetric codes has the middle everywhere, or one less; of others nothing can be told,
    and nearly all are of the first version.
    """
    return 0 if zeros.size and (zeros == 1 << (bits - 1)).all() else 1


def _spread(words: Array, coding: Coding) -> Floats:
    """Codes that are packed along a row of words, in the order of the format."""
    codes = _split(words.astype(np.uint32)[:, :, None], coding.bits)
    if coding.kind == "awq":
        codes = codes[:, :, _AWQ_ORDER]
    return codes.reshape(len(words), -1)


def _strip(source: Stored, low: int, high: int) -> Array:
    """Some columns of a plain matrix."""
    height, width = source.shape
    if (high - low) * source.width < _NARROW and width * height <= 1 << 22:
        whole = plain.numbers(source, source.read(0, width * height)).reshape(height, width)
        return whole[:, low:high]
    pieces = [
        plain.numbers(source, source.read(row * width + low, high - low)) for row in range(height)
    ]
    return np.stack(pieces)


def _words(source: Stored, first: int, count: int) -> Array:
    return plain.numbers(source, source.read(first, count)).astype(np.uint32)


def _table(coding: Coding, columns: int, start: int, stop: int) -> Rows:
    """Entries of a table in blocks of a flat matrix, the first code in the high bits."""
    first, count = start * columns, (stop - start) * columns
    data = np.frombuffer(coding.codes.read(first // 2, (first % 2 + count + 1) // 2), np.uint8)
    codes = np.stack([data >> 4, data & 15], axis=1).reshape(-1)[first % 2 :][:count]
    block = coding.cell[1]
    low, high = first // block, (first + count - 1) // block + 1
    scale = _nested(coding, low, high)[np.arange(first, first + count) // block - low]
    table = np.array(coding.table, np.float32)
    values: Floats = (table[codes] * scale).astype(np.float32)
    energy = float((_errors(table)[codes] * np.square(scale, dtype=np.float64)).sum())
    return Rows(values.reshape(-1, columns), energy)


def _errors(table: Floats) -> Floats:
    """Mean squared error of rounding to each entry: what is nearer to it than to its neighbours."""
    ordered = np.unique(table)
    gaps = np.diff(ordered, prepend=ordered[0], append=ordered[-1])
    below, above = gaps[:-1], gaps[1:]
    both = np.maximum(below + above, np.float32(1e-30))
    errors: Floats = ((below**3 + above**3) / (12 * both))[np.searchsorted(ordered, table)]
    return errors


def _nested(coding: Coding, low: int, high: int) -> Floats:
    """Scales of some blocks, which may be codes themselves."""
    nested = coding.nested
    if nested is None:
        return plain.read(coding.scale, low, high - low)
    codes = plain.numbers(coding.scale, coding.scale.read(low, high - low))
    table = plain.read(nested.table, 0, nested.table.elements)
    start = low // nested.block
    inner = plain.read(nested.scale, start, (high - 1) // nested.block + 1 - start)
    found: Floats = table[codes] * inner[np.arange(low, high) // nested.block - start]
    return found + np.float32(nested.offset)
