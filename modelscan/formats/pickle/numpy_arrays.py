"""Arrays that joblib stores raw, right behind the pickled wrapper that describes them.

The layout is that of `joblib.numpy_pickle.NumpyArrayWrapper.read_array` (joblib 0.10 and later):
when the wrapper's state has `numpy_array_alignment_bytes`, one byte with the length of the padding
and the padding; then the elements, or, for arrays of objects, a pickle.
"""

from __future__ import annotations

import re
from math import prod
from typing import Final, NamedTuple

from modelscan.errors import ReadError
from modelscan.formats.pickle.values import KEPT_ITEMS, Call, Container, Global, Value

_CODE: Final = re.compile(r"[<>=|]?([?bBiufcmMOSUVa])(\d*)\Z")
_ITEM_SIZE_AT: Final = 5
"""Where the state of a `numpy.dtype` has the item size, after version, order, names and fields."""
_FIELDS_AT: Final = 3
_CHARACTER: Final = 4


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
    size = _item_size(dtype)
    if size is None or not isinstance(shape, tuple | Container):
        raise UnknownArrayError("an array of unknown length follows", offset=at)
    extents = [extent for extent in shape if isinstance(extent, int) and extent >= 0]
    if len(extents) != len(shape) or (isinstance(shape, Container) and len(shape) >= KEPT_ITEMS):
        raise UnknownArrayError("an array of unknown shape follows", offset=at)
    aligned = fields.get(b"numpy_array_alignment_bytes") is not None
    return Array(prod(extents) * size, aligned, nested=size == 0)


def _item_size(dtype: Value) -> int | None:
    """Bytes of one element; 0 for objects; `None` when it cannot be told."""
    if not (isinstance(dtype, Call) and isinstance(dtype.function, Global)):
        return None
    if dtype.function.callable != "numpy.dtype" or not dtype.arguments:
        return None
    code = dtype.arguments[0]
    found = _CODE.match(code.decode("latin-1")) if isinstance(code, bytes) else None
    if found is None:
        return None
    kind, digits = found.groups()
    if kind == "O":
        return 0
    if kind == "V":  # a record may hold objects: then a pickle follows, and its length says nothing
        return None if _has_fields(dtype.state) else int(digits or 0) or None
    size = int(digits) if digits else 1 if kind in "?bB" else 0
    if size == 0:
        size = _stated_size(dtype.state)
    elif kind == "U":
        size *= _CHARACTER
    return size or None


def _has_fields(state: Value) -> bool:
    if isinstance(state, tuple | Container) and len(state) > _ITEM_SIZE_AT:
        return state[_FIELDS_AT] is not None
    return True


def _stated_size(state: Value) -> int:
    if isinstance(state, tuple | Container) and len(state) > _ITEM_SIZE_AT:
        size = state[_ITEM_SIZE_AT]
        return size if isinstance(size, int) and size > 0 else 0
    return 0
