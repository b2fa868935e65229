"""Arrays that joblib stores raw, right behind the pickled wrapper that describes them.

The layout is that of `joblib.numpy_pickle.NumpyArrayWrapper.read_array` (joblib 0.10 and later):
when the wrapper's state has `numpy_array_alignment_bytes`, one byte with the length of the padding
and the padding; then the elements, or, for arrays of objects, a pickle.
"""

from __future__ import annotations

import re
from math import prod
from typing import Final, NamedTuple, TypeGuard

from modelscan.errors import ReadError
from modelscan.formats.pickle.values import KEPT_ITEMS, Call, Container, Global, Value

_CODE: Final = re.compile(r"[<>=|]?([?bBiufcmMOSUVa])(\d*)\Z")
_CHARACTER: Final = 4
_FLEXIBLE: Final = frozenset("SaUV")
"""Kinds whose item size is what the state says, whatever the code does."""
_HOLDS_OBJECTS: Final = 1
"""`NPY_ITEM_REFCOUNT`, among the flags."""
_COMPUTED: Final = 3
"""States of versions before this one do not tell the flags: they follow from the type."""
_FLAGGED: Final = 8
"""Items of a state with flags; the one before them is the alignment."""
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
    size = _item_size(dtype)
    if size is None or not _is_sequence(shape):
        raise UnknownArrayError("an array of unknown length follows", offset=at)
    extents = [extent for extent in shape if isinstance(extent, int) and extent >= 0]
    if len(extents) != len(shape) or (isinstance(shape, Container) and len(shape) >= KEPT_ITEMS):
        raise UnknownArrayError("an array of unknown shape follows", offset=at)
    aligned = fields.get(b"numpy_array_alignment_bytes") is not None
    return Array(prod(extents) * size, aligned, nested=size == 0)


class _State(NamedTuple):
    """What a `numpy.dtype` is told after it was made (`arraydescr_setstate` in numpy)."""

    base: Value
    """For an array as item: the type of its items and its shape."""
    names: Value
    fields: Value
    """For a record: its names, and a type and an offset for each."""
    size: Value
    objects: bool | None
    """Whether items are, or hold, objects; `None` when that follows from the type."""


def _item_size(dtype: Value) -> int | None:
    """Bytes of one element; 0 for objects, which joblib unpickles; `None` when it cannot be told.

    joblib asks the flags, which any state may set, and numpy believes the sizes that it is told for
    types of no fixed size. numpy writes states in which all of it agrees: others are not believed.
    """
    if not (isinstance(dtype, Call) and isinstance(dtype.function, Global)):
        return None
    if dtype.function.callable != "numpy.dtype" or not dtype.arguments:
        return None
    code = dtype.arguments[0]
    found = _CODE.match(code.decode("latin-1")) if isinstance(code, bytes) else None
    if found is None:
        return None
    kind, digits = found.groups()
    state = None if dtype.state is None else _parsed(dtype.state)
    if dtype.state is not None and state is None:
        return None
    objects = kind == "O"
    if state is not None and kind == "V":
        parts = _parts(state)
        if None in parts:
            return None
        objects = 0 in parts
    if state is not None and state.objects not in {None, objects}:
        return None
    return 0 if objects else _size(kind, digits, state)


def _size(kind: str, digits: str, state: _State | None) -> int | None:
    """Bytes of an element that is no object."""
    size = int(digits) if digits else 1 if kind in "?bB" else 0
    size *= _CHARACTER if kind == "U" else 1
    if kind in _FLEXIBLE and state is not None:
        stated = state.size if isinstance(state.size, int) else 0
        size = stated if size in {0, stated} else 0
    return size if size > 0 else None


def _parsed(state: Value) -> _State | None:
    """`None` when it is no state that numpy has written since 1.0."""
    if not isinstance(state, tuple | Container) or len(state) < _FLAGGED - 1:
        return None
    version, _, base, names, fields, size = state[:6]
    if not isinstance(version, int):
        return None
    if version < _COMPUTED:
        return _State(base, names, fields, size, None) if len(state) == _FLAGGED - 1 else None
    flags = state[_FLAGGED - 1] if len(state) >= _FLAGGED else None
    return (
        _State(base, names, fields, size, bool(flags & _HOLDS_OBJECTS))
        if isinstance(flags, int)
        else None
    )


def _parts(state: _State) -> list[int | None]:
    """The item sizes of what a compound type is made of."""
    if state.base is not None:
        return [_first_size(state.base)]
    if state.fields is None:
        return [] if state.names is None else [None]
    if not isinstance(state.fields, Container) or len(state.fields) == 0:
        return [None]
    if len(state.fields) >= KEPT_ITEMS and state.objects:
        return [0]  # not all fields were kept: the flags speak for the others
    return [_first_size(value) for _, value in state.fields.pairs()]


def _first_size(value: Value) -> int | None:
    return _item_size(value[0]) if isinstance(value, tuple | Container) and value else None


def _is_sequence(value: Value) -> TypeGuard[tuple[Value, ...] | Container]:
    return isinstance(value, tuple) or (isinstance(value, Container) and value.kind in _SEQUENCES)
