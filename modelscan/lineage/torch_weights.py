"""The tensors of torch checkpoints, zipped or of the layout before 1.6; nothing is unpickled.

The pickle says which storage each tensor is a view of; the storages lie in the file as plain bytes.
What is not plainly a tensor, or lies in no simple way in its storage, is skipped and said.

Source: `torch.serialization` (`_save`, `_legacy_save`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.pickle.window import Window
from modelscan.lineage.members import members
from modelscan.lineage.prints import Skipped
from modelscan.lineage.stored import PLAIN, Stored
from modelscan.lineage.torch_pickle import read
from modelscan.lineage.torch_values import Storage, Unread, View, tensors
from modelscan.vocabulary.artifact import Artifact

_TYPES: Final = {
    "DoubleStorage": "f64", "FloatStorage": "f32", "HalfStorage": "f16", "BFloat16Storage": "bf16",
    "LongStorage": "i64", "IntStorage": "i32", "ShortStorage": "i16", "CharStorage": "i8",
    "ByteStorage": "u8", "BoolStorage": "bool",
}  # fmt: skip
_DTYPES: Final = {
    "torch.float64": "f64", "torch.float32": "f32", "torch.float16": "f16",
    "torch.bfloat16": "bf16", "torch.float8_e4m3fn": "f8_e4m3", "torch.float8_e5m2": "f8_e5m2",
    "torch.uint16": "u16", "torch.uint32": "u32", "torch.uint64": "u64",
}  # fmt: skip
_PICKLE: Final = "data.pkl"
_PICKLES_BEFORE: Final = 3  # magic number, protocol, facts about the system
_COUNT: Final = 8
_MATRIX: Final = 2


class _Place(NamedTuple):
    """Where the bytes of a storage are."""

    artifact: Artifact
    offset: int
    length: int


def zipped(artifact: Artifact, budget: Budget) -> Iterator[Stored | Skipped]:
    """The tensors of a zipped checkpoint.

    Raises:
        ReadError: it is no archive, or has no pickle that describes tensors.
    """
    found = members(artifact, budget)
    pickles = [name for name in found.by_name if name.rpartition("/")[2] == _PICKLE]
    if len(pickles) != 1:
        raise ReadError(f"{len(pickles)} pickles named {_PICKLE} in the archive")
    root = pickles[0].removesuffix(_PICKLE)
    order = found.by_name.get(f"{root}byteorder")
    big = order is not None and order.read_at(0, 3) == b"big"
    views = tensors(read(Window(found.by_name[pickles[0]]), 0, budget).value)
    places: dict[str, _Place] = {}
    for view in _views(views):
        member = found.by_name.get(f"{root}data/{view.storage.key}")
        if member is not None:
            places[view.storage.key] = _Place(member, 0, member.size)
    yield from _stored(views, places, big=big)


def legacy(artifact: Artifact, budget: Budget) -> Iterator[Stored | Skipped]:
    """The tensors of a checkpoint of torch before 1.6.

    Raises:
        ReadError: it has another layout.
    """
    window = Window(artifact)
    offset = 0
    for _ in range(_PICKLES_BEFORE):
        offset = read(window, offset, budget).end
    table, offset = read(window, offset, budget)
    keys, offset = read(window, offset, budget)
    views = tensors(table)
    if not isinstance(keys, list) or not keys or not views:
        raise ReadError("no table of tensors and storages")
    storages = {view.storage.key: view.storage for view in _views(views)}
    yield from _stored(views, _behind(artifact, offset, keys, storages), big=False)


def _behind(
    artifact: Artifact, offset: int, keys: list[object], storages: Mapping[str, Storage]
) -> dict[str, _Place]:
    """The storages behind the pickles: each its number of elements, then the elements.

    The first one of unknown type ends it: where the next one lies cannot be told.
    """
    places: dict[str, _Place] = {}
    for key in keys:
        storage = storages.get(str(key))
        width = PLAIN.get(_TYPES.get(storage.type, ""), 0) if storage else 0
        if storage is None or not width:
            break
        count = int.from_bytes(artifact.read_at(offset, _COUNT), "little")
        length = count * width
        if offset + _COUNT + length > artifact.size:
            break
        places[storage.key] = _Place(artifact, offset + _COUNT, length)
        offset += _COUNT + length
    return places


def _views(found: Mapping[str, View | Unread]) -> Iterator[View]:
    return (view for view in found.values() if isinstance(view, View))


def _stored(
    views: Mapping[str, View | Unread], places: Mapping[str, _Place], *, big: bool
) -> Iterator[Stored | Skipped]:
    for name, view in views.items():
        if isinstance(view, Unread):
            # arrays of NumPy lie about in checkpoints as states of generators and the like
            needed = view.function.startswith("torch.")
            yield Skipped(name, f"rebuilt by {view.function[:60]}", needed)
            continue
        dtype = _DTYPES.get(view.dtype) if view.dtype else _TYPES.get(view.storage.type)
        place = places.get(view.storage.key)
        if dtype is None:
            what = view.dtype or view.storage.type
            yield Skipped(name, f"values of type {what[:40]} are not read")
        elif place is None or not view.storage.whole:
            yield Skipped(name, "its storage is not in the file")
        else:
            yield _laid_out(name, view, dtype, place, big=big)


def _laid_out(name: str, view: View, dtype: str, place: _Place, *, big: bool) -> Stored | Skipped:
    """A view as rows that follow each other, or columns that do."""
    width = PLAIN[dtype]
    shape = view.shape
    begin = view.offset * width
    if begin + math.prod(shape) * width > place.length:
        return Skipped(name, "it reaches outside its storage")
    turned = len(shape) == _MATRIX and _is_dense(shape[::-1], view.strides[::-1])
    if not turned and not _is_dense(shape, view.strides):
        return Skipped(name, "its elements do not follow each other in its storage")
    plain = not turned or _is_dense(shape, view.strides)
    return Stored(
        name,
        dtype,
        shape,
        place.artifact,
        place.offset + begin,
        width=width,
        big_endian=big,
        column_major=not plain,
    )


def _is_dense(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """True when the last dimension runs fastest, without gaps."""
    step = 1
    for extent, stride in zip(reversed(shape), reversed(strides), strict=True):
        if extent != 1 and stride != step:
            return False
        step *= extent
    return True
