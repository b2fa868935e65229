"""Types of numpy in pickles: what they promise of their elements, and whether that can be true.

numpy believes what a pickle says of a type. When it says that elements are no objects although they
are, their bytes are taken for addresses; and a field behind the end of its item is in the memory of
something else. Either crashes the process, or runs what the bytes point to.

Source: `arraydescr_setstate` and `_convert_from_type` in numpy's `descriptor.c` (numpy 2.4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod
from typing import Final, NamedTuple

from modelscan.formats.pickle.values import KEPT_ITEMS, Call, Container, Global, Value

TYPE: Final = "numpy.dtype"
_CODE: Final = re.compile(r"[<>=|]?([?bBiufcmMOSUVa])(\d*)\Z")
_CHARACTER: Final = 4
_OWN: Final = "own"
"""The kind of a type that numpy has not, such as bfloat16."""
_FLEXIBLE: Final = frozenset({*"SaUV", _OWN})
"""Kinds whose item size is what the state says, whatever the code does."""
_TEXTS: Final = "numpy._core._internal._convert_to_stringdtype_kwargs"
"""Makes the type of texts of any length, whose arrays count as ones of objects (numpy 2)."""
_HOLDS_OBJECTS: Final = 1
"""`NPY_ITEM_REFCOUNT`, among the flags."""
_COMPUTED: Final = 3
"""States of versions before this one do not tell the flags: they follow from the type."""
_FLAGGED: Final = 8
"""Items of a state with flags; the one before them is the alignment."""
_LISTED: Final = 2
"""`NPY_LIST_PICKLE`: elements are unpickled one by one, never taken from bytes."""
_POINTER: Final = 8
"""Bytes of an object in an array."""
_LAID_OVER: Final = 3
"""Arguments of an array that is laid over bytes: shape, type, bytes."""
_RECORDS: Final = frozenset({
    "numpy.record", "numpy.void", "numpy.rec.record", "numpy.core.records.record",
    "numpy._core.records.record",
})  # fmt: skip
"""Classes of items with fields."""
_NUMBERS: Final = re.compile(
    r"(?:builtins|numpy)\.(?:bool|bytes|clongdouble|complex|datetime64|float|int|longdouble|str"
    r"|timedelta64|uint)\d*_?\Z"
)
_OWN_TYPES: Final = frozenset({"ml_dtypes", "quaternion"})
"""Packages with types of numbers of their own."""
_ORDERS: Final = frozenset({b"C", b"F"})
_KEYWORDS: Final = frozenset(
    {b"shape", b"dtype", b"buffer", b"offset", b"strides", b"order", b"buf"}
)
_STATES: Final = range(5, 10)
"""Items of the states that numpy has written."""


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


def item_size(dtype: Value) -> int | None:
    """Bytes of one element; 0 for objects, which joblib unpickles; `None` when it cannot be told.

    joblib asks the flags, which any state may set, and numpy believes the sizes that it is told for
    types of no fixed size. numpy writes states in which all of it agrees: others are not believed.
    """
    if not (isinstance(dtype, Call) and isinstance(dtype.function, Global)):
        return None
    if dtype.function.callable == _TEXTS:
        return 0
    if dtype.function.callable != TYPE or not dtype.arguments:
        return None
    kind, digits = _kind(dtype.arguments[0])
    if kind is None:
        return None
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


def has_fields(arguments: Sequence[Value]) -> bool:
    """True for the arguments of a compound type: what its fields are matters, to the last one."""
    return bool(arguments) and _kind(arguments[0])[0] == "V"


def laid_over(arguments: Sequence[Value]) -> str:
    """What is wrong with an array over bytes: objects are never bytes of a file. Empty: nothing."""
    if len(arguments) < _LAID_OVER:
        return ""
    for value in arguments[1:]:
        dtype = value if isinstance(value, Call) else Call(None, (value,))
        if _holds_objects(dtype) is not False and _may_be_type(value):
            return "an array of objects is laid over bytes"
    return ""


def contradiction(dtype: Call) -> str:
    """How the state of a type contradicts the type; empty when it does not.

    Args:
        dtype: a call of `numpy.dtype` whose state has been set.
    """
    state = _parsed(dtype.state)
    if not (isinstance(dtype.state, tuple | Container) and len(dtype.state) in _STATES):
        return "the state of a type is none that numpy writes"
    if state is None or not dtype.arguments:
        return ""
    flags = dtype.state[_FLAGGED - 1] if len(dtype.state) >= _FLAGGED else None
    objects = _holds_objects(dtype)
    if isinstance(flags, int):
        if objects is None:
            return "whether a type holds objects cannot be told"
        if objects and flags & (_HOLDS_OBJECTS | _LISTED) != _HOLDS_OBJECTS | _LISTED:
            return "a type holds objects, and its flags deny it"
        if flags & _HOLDS_OBJECTS and not objects:
            return "a type holds no objects, and its flags say that it does"
    return "" if _fits(dtype, state) else "a field lies outside of its item"


def _holds_objects(dtype: Value, depth: int = 8) -> bool | None:
    """Whether elements are, or hold, objects; `None` when that is not plainly written."""
    if not isinstance(dtype, Call) or not dtype.arguments or depth == 0:
        return None
    kind, _ = _kind(dtype.arguments[0])
    state = _parsed(dtype.state)
    if kind != "V" or state is None:
        return None if kind is None else kind == "O"
    parts = [state.base] if state.base is not None else _fields(state)
    if not parts:
        return None if isinstance(state.names, tuple | Container) and state.names else False
    within = [_holds_objects(_first(part), depth - 1) for part in parts]
    return True if True in within else None if None in within else False


def _fits(dtype: Call, state: _State) -> bool:
    """False when a field reaches behind the end of its item."""
    if _kind(dtype.arguments[0])[0] != "V" or not isinstance(state.size, int):
        return True
    if state.base is not None:
        size, shape = _width(_first(state.base)), None
        if isinstance(state.base, tuple | Container) and len(state.base) > 1:
            shape = state.base[1]
        extents = shape if isinstance(shape, tuple | Container) else (shape,)
        numbers = [extent for extent in extents if isinstance(extent, int)]
        return size is None or len(numbers) != len(extents) or prod(numbers) * size <= state.size
    for field in _fields(state):
        offset = field[1] if isinstance(field, tuple | Container) and len(field) > 1 else None
        size = _width(_first(field))
        if isinstance(offset, int) and not 0 <= offset <= state.size - (size or 0):
            return False
    return True


def _fields(state: _State) -> list[Value]:
    if not isinstance(state.fields, Container):
        return []
    return [value for _, value in state.fields.pairs()]


def _first(value: Value) -> Value:
    return value[0] if isinstance(value, tuple | Container) and value else None


def _width(dtype: Value) -> int | None:
    """Bytes that a field takes; `None` when that cannot be told."""
    size = item_size(dtype)
    state = _parsed(dtype.state) if size == 0 and isinstance(dtype, Call) else None
    if state is not None and isinstance(state.size, int) and state.size >= 0:
        return state.size
    return _POINTER if size == 0 else size


def _kind(code: Value) -> tuple[str | None, str]:
    """The letter and the number of a type by its first argument; no letter when it has no such.

    Of classes that are neither numbers nor records numpy makes a type of objects, whatever they
    are (`_convert_from_type` in its `descriptor.c`).
    """
    if isinstance(code, bytes):
        found = _CODE.match(code.decode("latin-1"))
        return (found[1], found[2]) if found else (None, "")
    if not isinstance(code, Global):
        return None, ""
    if code.callable in _RECORDS:
        return "V", ""
    if _NUMBERS.match(code.callable) or code.module in _OWN_TYPES:
        return _OWN, ""
    return "O", ""


def _may_be_type(value: Value) -> bool:
    """False for the other arguments of an array: bytes, numbers, strides, an order."""
    if isinstance(value, bytes):
        return value not in _ORDERS and value not in _KEYWORDS
    return isinstance(value, Global) or (
        isinstance(value, Call) and getattr(value.function, "callable", "") == TYPE
    )


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
    return item_size(value[0]) if isinstance(value, tuple | Container) and value else None
