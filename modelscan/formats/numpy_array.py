"""NumPy arrays, `.npy`: a magic, a header in text, and the elements.

An array of Python objects is a pickle behind the header, which `numpy.load` unpickles when it is
allowed to (CVE-2019-6446): it goes on its own way. Several arrays may stand behind each other, as
repeated calls of `numpy.save` write them. The elements of other arrays are data.

Source: `numpy.lib.format`. In a `.npz`, each member comes here from the zip reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import numpy_header, sniff
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, SliceArtifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, NumpyDefect, NumpyObjects

MAGIC: Final = b"\x93NUMPY"
_LENGTH_AT: Final = 8
_WIDTHS: Final = {1: 2, 2: 4, 3: 4}
"""Bytes of the header's length, by version."""
_UTF8_VERSION: Final = 3
_MAX_HEADER: Final = 1 << 20
"""NumPy itself refuses more than 10,000 bytes, unless told otherwise."""
_MAX_ARRAYS: Final = 10_000


class NumpyReader:
    """Checks the header against the bytes behind it, and hands on what would be unpickled."""

    format = "numpy"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By magic; by extension what has no other known first bytes."""
        if glimpse.head.startswith(MAGIC):
            return True
        return glimpse.extension == ".npy" and sniff.unread(glimpse) == sniff.UNKNOWN

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State arrays of objects, and what contradicts the headers.

        Raises:
            ReadError: there is no header that can be read.
        """
        offset = 0
        for index in range(_MAX_ARRAYS):
            text, begin = header_at(artifact, offset)
            try:
                header = numpy_header.parse(text)
            except ReadError as error:
                yield _defect(artifact, "bad-header", error.message, offset)
                # numpy may read the header in a way of its own, and unpickle what follows
                yield SliceArtifact(artifact, begin, artifact.size - begin, f"@{begin}")
                raise
            if header.element.objects:
                yield from _objects(artifact, header, begin, index)
                return
            end = begin + (header.size or 0)
            if end > artifact.size:
                detail = f"{end - begin:,} bytes needed, {artifact.size - begin:,} found"
                yield _defect(artifact, "size-mismatch", detail, begin)
                return
            if end == artifact.size:
                return
            if artifact.read_at(end, len(MAGIC)) != MAGIC:
                detail = f"{artifact.size - end:,} bytes behind the array"
                yield _defect(artifact, "trailing-data", detail, end)
                yield SliceArtifact(artifact, end, artifact.size - end, f"@{end}")
                return
            budget.step()
            offset = end
        raise ReadError(f"more than {_MAX_ARRAYS:,} arrays", offset=offset)


def header_at(artifact: Artifact, offset: int = 0) -> tuple[str, int]:
    """The text of the header at `offset`, for `numpy_header.parse`, and where the elements begin.

    Raises:
        ReadError: there is none.
    """
    head = artifact.read_at(offset, _LENGTH_AT + 4)
    if not head.startswith(MAGIC):
        raise ReadError("does not begin like a NumPy array", offset=offset)
    version = head[6] if len(head) > _LENGTH_AT else 0
    width = _WIDTHS.get(version)
    if width is None:
        raise ReadError(f"version {version} of the format is not known", offset=offset)
    length = int.from_bytes(head[_LENGTH_AT : _LENGTH_AT + width], "little")
    begin = offset + _LENGTH_AT + width
    if length > _MAX_HEADER or length > artifact.size - begin:
        raise ReadError(f"a header of {length:,} bytes", offset=offset)
    raw = artifact.read_at(begin, length)
    try:
        return raw.decode("utf-8" if version == _UTF8_VERSION else "latin-1"), begin + length
    except UnicodeDecodeError:
        raise ReadError("the header is not UTF-8", offset=begin) from None


def _objects(
    artifact: Artifact, header: numpy_header.Header, begin: int, index: int
) -> Iterator[Fact | Artifact]:
    """An array whose elements are, or may be, a pickle."""
    where = place(artifact, begin)
    if header.element.size is None:
        yield _defect(artifact, "unknown-dtype", header.dtype, begin)
    else:
        shape = ", ".join(map(str, header.shape))[:200]
        yield NumpyObjects(location=where, dtype=header.dtype, shape=f"({shape})")
    name = f"objects{index or ''}.pkl"
    yield SliceArtifact(artifact, begin, artifact.size - begin, name)


def _defect(artifact: Artifact, kind: Any, detail: str, offset: int) -> Fact:
    return NumpyDefect(location=place(artifact, offset), kind=kind, detail=detail)
