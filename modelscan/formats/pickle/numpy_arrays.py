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
from modelscan.formats.pickle.values import KEPT_ITEMS, STORAGE, Call, Container, Global, Value

_CODE: Final = re.compile(r"[<>=|]?([?bBiufcmMOSUVa])(\d*)\Z")
_ITEM_SIZE_AT: Final = 5
"""Where the state of a `numpy.dtype` has the item size, after version, order, names and fields."""
_BASE_AT: Final = 2
_NAMES_AT: Final = 3
_FIELDS_AT: Final = 4
_FLAGS_AT: Final = 7
_HOLDS_OBJECTS: Final = 1
"""`NPY_ITEM_REFCOUNT`, among the flags."""
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
    if kind == "V" and _part(dtype.state, _NAMES_AT) is not None:
        return _record_size(dtype.state)
    base = _part(dtype.state, _BASE_AT)
    if isinstance(base, tuple | Container) and base and _item_size(base[0]) in {0, None}:
        return _item_size(base[0])
    size = int(digits) if digits else 1 if kind in "?bB" else 0
    if size == 0:
        size = _stated_size(dtype.state)
    elif kind == "U":
        size *= _CHARACTER
    return size or None


def _part(state: Value, index: int) -> Value:
    """A part of the state; something that is neither `None` nor a tuple when it is not known."""
    if state is None:
        return None
    if isinstance(state, tuple | Container) and len(state) > _ITEM_SIZE_AT:
        return state[index]
    return STORAGE


def _record_size(state: Value) -> int | None:
    """Bytes of a record; 0 when it holds objects, so that a pickle follows.

    Whether it does is in its flags, and follows from its fields; when they disagree, neither is
    believed.
    """
    if not isinstance(state, tuple | Container) or len(state) <= _FLAGS_AT:
        return None
    fields, flags = state[_FIELDS_AT], state[_FLAGS_AT]
    if not isinstance(fields, Container) or not isinstance(flags, int):
        return None
    sizes = [
        _item_size(value[0])
        for _, value in fields.pairs()
        if isinstance(value, tuple | Container) and value
    ]
    if None in sizes or not sizes:
        return None
    objects = 0 in sizes
    if objects != bool(flags & _HOLDS_OBJECTS):
        return None
    return 0 if objects else _stated_size(state) or None


def _stated_size(state: Value) -> int:
    if isinstance(state, tuple | Container) and len(state) > _ITEM_SIZE_AT:
        size = state[_ITEM_SIZE_AT]
        return size if isinstance(size, int) and size > 0 else 0
    return 0
