"""Arrays that joblib stores raw, right behind the pickled wrapper that describes them.

The layout is that of `joblib.numpy_pickle.NumpyArrayWrapper.read_array` (joblib 0.10 and later):
when the wrapper's state has `numpy_array_alignment_bytes`, one byte with the length of the padding
and the padding; then the elements, or, for arrays of objects, a pickle.
"""

from __future__ import annotations

from math import prod
from typing import Final, NamedTuple, TypeGuard

from modelscan.errors import ReadError
from modelscan.formats.pickle.numpy_types import item_size
from modelscan.formats.pickle.values import KEPT_ITEMS, Container, Value

_SEQUENCES: Final = frozenset({"tuple", "list"})


class UnknownArrayError(ReadError):
    """An array whose length cannot be told, so that what follows it cannot be found."""


class Array(NamedTuple):
    """What lies between a wrapper and the next opcode."""

    length: int
    """Bytes of elements; meaningless when `nested`."""
    aligned: bool
    """True when a padding comes first."""
    nested: bool
    """True when a pickle holds the elements."""


def described_array(state: Value, at: int) -> Array:
    """The array that a wrapper's state describes.

    Raises:
        UnknownArrayError: the state does not say how long it is.
    """
    fields = state.mapping() if isinstance(state, Container) else {}
    shape, dtype = fields.get(b"shape"), fields.get(b"dtype")
    size = item_size(dtype)
    if size is None or not _is_sequence(shape):
        raise UnknownArrayError("an array of unknown length follows", offset=at)
    extents = [extent for extent in shape if isinstance(extent, int) and extent >= 0]
    if len(extents) != len(shape) or (isinstance(shape, Container) and len(shape) >= KEPT_ITEMS):
        raise UnknownArrayError("an array of unknown shape follows", offset=at)
    aligned = fields.get(b"numpy_array_alignment_bytes") is not None
    return Array(prod(extents) * size, aligned, nested=size == 0)


def _is_sequence(value: Value) -> TypeGuard[tuple[Value, ...] | Container]:
    return isinstance(value, tuple) or (isinstance(value, Container) and value.kind in _SEQUENCES)
