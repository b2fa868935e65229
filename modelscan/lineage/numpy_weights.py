"""The arrays of `.npz` archives and `.npy` files."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import numpy_header
from modelscan.formats.numpy_array import header_at
from modelscan.lineage.members import members
from modelscan.lineage.prints import Skipped
from modelscan.lineage.stored import Stored
from modelscan.vocabulary.artifact import Artifact, base_name

_KINDS: Final = {
    "f2": "f16", "f4": "f32", "f8": "f64", "i1": "i8", "u1": "u8", "i2": "i16", "u2": "u16",
    "i4": "i32", "u4": "u32", "i8": "i64", "u8": "u64", "b1": "bool",
}  # fmt: skip
_MATRIX: Final = 2
_EXTENSION: Final = ".npy"


def archive(artifact: Artifact, budget: Budget) -> Iterator[Stored | Skipped]:
    """The arrays of a `.npz`, each under its member's name.

    Raises:
        ReadError: it is no archive.
    """
    found = members(artifact, budget)
    for name in found.repeated:
        yield Skipped(name, "stands twice in the archive")
    for name, member in found.by_name.items():
        if name.endswith(_EXTENSION):
            yield array(member, name.removesuffix(_EXTENSION))


def array(artifact: Artifact, name: str = "") -> Stored | Skipped:
    """The array of a `.npy`; the first one, when several follow each other."""
    name = name or base_name(artifact).removesuffix(_EXTENSION)
    try:
        text, begin = header_at(artifact)
        header = numpy_header.parse(text)
    except ReadError as error:
        return Skipped(name, error.message)
    order, kind = header.dtype[:1], _KINDS.get(header.dtype[1:])
    size = header.size or 0
    if header.element.objects or kind is None or order not in "<>|=":
        return Skipped(name, f"elements of type {header.dtype[:40]} are not read")
    if begin + size > artifact.size:
        return Skipped(name, "its bytes are not all in the file")
    columns = header.fortran and sum(extent > 1 for extent in header.shape) > 1
    if columns and len(header.shape) > _MATRIX:
        return Skipped(name, "several dimensions, the first one running fastest")
    width = size // max(math.prod(header.shape), 1) or 1
    big = order == ">"
    return Stored(
        name,
        kind,
        header.shape,
        artifact,
        begin,
        width=width,
        big_endian=big,
        column_major=columns,
    )
