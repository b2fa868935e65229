"""Tensors of torch's, as far as the pickle describes them: do they fit their storages?

A persistent id says how many elements a storage has; `_rebuild_tensor` and its kin then make a
view of it from an offset, a size and strides. torch before 2.10 did not check under
`weights_only=True` that the view stays inside (CVE-2026-24747), so that a loaded tensor reads and
writes memory that is not its own.

Source: `torch/_utils.py` and `torch/serialization.py` (`persistent_load`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from modelscan.formats.pickle.values import Container, Global, Storage, Value

if TYPE_CHECKING:
    from modelscan.formats.pickle.state import State

_VIEW: Final = 4
_PERSISTENT_ID: Final = 5
ITEM_SIZES: Final = {
    "DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2,
    "LongStorage": 8, "IntStorage": 4, "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1,
    "BoolStorage": 1, "ComplexDoubleStorage": 16, "ComplexFloatStorage": 8, "QUInt8Storage": 1,
    "QInt8Storage": 1, "QInt32Storage": 4, "UntypedStorage": 1,
}  # fmt: skip
"""Bytes of an element by the storage's class."""


def storage_of(key: Value) -> Storage | None:
    """The storage that a persistent id of torch's stands for.

    It is `("storage", class, key, location, elements[, view])`.
    """
    if not isinstance(key, tuple | Container) or len(key) < _PERSISTENT_ID:
        return None
    tag, cls, name, _, elements = key[:_PERSISTENT_ID]
    if tag != b"storage" or not isinstance(cls, Global) or not isinstance(name, bytes):
        return None
    if not isinstance(elements, int) or elements < 0:
        return None
    return Storage(name, cls.name, elements)


def check_geometry(
    state: State, _function: Global, arguments: Sequence[Value], _opcode: str, at: int
) -> Value:
    """State a view that reaches outside its storage. The list decides about the call."""
    if len(arguments) < _VIEW or not isinstance(storage := arguments[0], Storage):
        return None
    offset, sizes, strides = arguments[1], _extents(arguments[2]), _extents(arguments[3])
    if not isinstance(offset, int) or sizes is None or strides is None:
        return None
    if len(sizes) != len(strides) or offset < 0 or min((*sizes, *strides, 0)) < 0:
        fits = False
    elif 0 in sizes:
        fits = True
    else:
        steps = sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
        fits = offset + steps < storage.elements
    if not fits:
        view = f"size {sizes} with strides {strides} from {offset}"
        detail = f"{view} in a storage of {storage.elements:,} elements"
        state.ledger.oddity("tensor-outside-storage", detail[:200], at)
    return None


def _extents(value: Value) -> tuple[int, ...] | None:
    """The numbers of a size or of strides."""
    if not isinstance(value, tuple | Container):
        return None
    extents = tuple(extent for extent in value if isinstance(extent, int))
    return extents if len(extents) == len(value) else None
