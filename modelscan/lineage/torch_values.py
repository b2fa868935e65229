"""What the opcodes of a torch pickle amount to, as far as tensors are concerned.

Plain descriptions: a tensor is a view with a shape and strides on a storage, which is a key and a
number of elements. Everything else is `OTHER`; what rebuilds a tensor or an array in a way that is
not followed is `Unread`, so that it can be said.

Source: `torch/_utils.py` and `torch/serialization.py` for what the calls and ids mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

_VIEW: Final = 4
_WITH_DTYPE: Final = 7
_PERSISTENT_ID: Final = 5
_MAX_DEPTH: Final = 6
_TABLES: Final = frozenset({"collections.OrderedDict", "builtins.dict", "__builtin__.dict"})
_VIEWS: Final = frozenset({"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"})
_TYPED_VIEW: Final = "torch._utils._rebuild_tensor_v3"
_SUBCLASS: Final = "torch._tensor._rebuild_from_type_v2"
_ITS_ARGUMENTS: Final = 2
"""Where those of the function stand that rebuilds the tensor proper, which comes first."""
_WRAPPERS: Final = frozenset(
    {"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"}
)


class Other:
    """Anything that is no part of a table of tensors."""


OTHER: Final = Other()


class Name(NamedTuple):
    """An imported name; it is compared, and never looked up."""

    text: str


class Storage(NamedTuple):
    """A storage, by its persistent id."""

    key: str
    type: str
    elements: int
    whole: bool
    """False for a part of another storage, as torch before 0.4 could write it."""


class View(NamedTuple):
    """A tensor."""

    storage: Storage
    offset: int
    """In elements."""
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str = ""
    """Name of the type, of a view on a storage of plain bytes."""


class Unread(NamedTuple):
    """A tensor, or an array, that is rebuilt in a way that is not followed: quantised, sparse."""

    function: str


Value = object
"""None, bool, int, str, tuple, list, dict, and the classes above."""


def tensors(root: Value) -> dict[str, View | Unread]:
    """The tensors in a table, or in tables in it, by their dotted names.

    What is rebuilt in a way that is not followed is among them, so that it can be spoken of. A
    checkpoint that keeps its weights in a single table among other things, such as `state_dict`,
    gives the names in that table.
    """
    found = dict(_walk(root, "", 0, set()))
    direct = isinstance(root, dict) and any(
        isinstance(value, View | Unread) for value in root.values()
    )
    heads = {name.partition(".")[0] for name in found}
    if not direct and len(heads) == 1 and isinstance(root, dict):
        [head] = heads
        inner = tensors(root.get(head)) if isinstance(root.get(head), dict) else {}
        return inner or found
    return found


def _walk(
    value: Value, path: str, depth: int, seen: set[int]
) -> Iterator[tuple[str, View | Unread]]:
    """Tensors by their path; each table is entered once, however often it is referred to."""
    if not isinstance(value, dict) or depth > _MAX_DEPTH or id(value) in seen:
        return
    seen.add(id(value))
    for key, inner in value.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(inner, View | Unread):
            yield name, inner
        else:
            yield from _walk(inner, name, depth + 1, seen)


def storage_of(key: Value) -> Value:
    """`("storage", class, key, location, elements[, view])`."""
    if not isinstance(key, tuple) or len(key) < _PERSISTENT_ID or key[0] != "storage":
        return OTHER
    _, cls, name, _, elements = key[:_PERSISTENT_ID]
    if not isinstance(cls, Name) or not isinstance(name, str) or not _is_count(elements):
        return OTHER
    whole = len(key) == _PERSISTENT_ID or key[_PERSISTENT_ID] is None
    return Storage(name, cls.text.rpartition(".")[2], elements, whole)


def result_of(function: Value, arguments: Value) -> Value:
    """What a call amounts to: a table, a tensor, or nothing of the kind."""
    if not isinstance(function, Name) or not isinstance(arguments, tuple):
        return OTHER
    if function.text in _TABLES:
        return {}
    if function.text in _WRAPPERS and arguments and isinstance(arguments[0], View | Unread):
        return arguments[0]
    if function.text == _SUBCLASS and len(arguments) > _ITS_ARGUMENTS:
        return result_of(arguments[0], arguments[_ITS_ARGUMENTS])
    if function.text in _VIEWS:
        return _view(function.text, arguments, "")
    if function.text == _TYPED_VIEW and len(arguments) >= _WITH_DTYPE:
        dtype = arguments[_WITH_DTYPE - 1]
        return _view(function.text, arguments, dtype.text if isinstance(dtype, Name) else "")
    rebuilds = "._rebuild_" in function.text or function.text.endswith("._reconstruct")
    return Unread(function.text) if rebuilds else OTHER


def _view(function: str, arguments: tuple[Value, ...], dtype: str) -> View | Unread:
    if len(arguments) < _VIEW:
        return Unread(function)
    storage, offset, shape, strides = arguments[:_VIEW]
    if not isinstance(storage, Storage) or not isinstance(offset, int) or not _is_count(offset):
        return Unread(function)
    if not isinstance(shape, tuple) or not isinstance(strides, tuple):
        return Unread(function)
    if len(shape) != len(strides) or not all(map(_is_count, (*shape, *strides))):
        return Unread(function)
    return View(storage, offset, shape, strides, dtype)


def _is_count(value: Value) -> bool:
    return type(value) is int and 0 <= value < 1 << 62
