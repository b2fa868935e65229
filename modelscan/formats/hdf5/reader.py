"""HDF5 files: weights and models of Keras, tables of PyTables and pandas, data of many programs.

Invariants: only structure is read; no other file is ever opened, whatever a link asks for. Bytes
before the beginning and behind the end go on as files of their own.

Sources: HDF5 File Format Specification, version 3.0; CVE-2026-1669 (a dataset in Keras weights
whose data lies in another file), CVE-2026-0897 (a shape that exhausts memory).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from modelscan.budget import Budget
from modelscan.formats import archive
from modelscan.formats.hdf5 import objects, superblock
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, SliceArtifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, Hdf5Defect, TensorHeader

if TYPE_CHECKING:
    from modelscan.formats.hdf5.walk import Walk

_EXTENSIONS: Final = frozenset({".h5", ".hdf5", ".hdf", ".he5", ".h5py"})

_MOST: Final = (1 << 63) - 1
"""Hostile shapes multiply to numbers that no report has room for."""


class Hdf5Reader:
    """Walks an HDF5 file."""

    format = "hdf5"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By the signature, also behind a user block; by an extension that nothing else has."""
        return glimpse.extension in _EXTENSIONS or superblock.starts(glimpse.head)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State links, promises that are not kept, and the table of contents.

        Raises:
            ReadError: there is no superblock.
            BudgetError: more objects than the budget allows.
        """
        from modelscan.formats.hdf5.walk import Walk  # lazy: hardly a model needs it

        first = superblock.read(artifact)
        yield from _around(artifact, first)
        walk = Walk(artifact, first.space, budget)
        yield from walk.run(first.root)
        if walk.pickled:
            yield from objects.pickled(artifact, first.space, budget)
        yield _header(artifact, walk)
        if walk.troubles:
            more = walk.troubles - 1
            reason = walk.trouble + (f" (and {more:,} more)" if more else "")
            yield Coverage(
                file=artifact.name,
                member=artifact.member,
                status="truncated",
                needed=True,
                reason=reason,
            )


def _around(artifact: Artifact, first: superblock.Superblock) -> Iterator[Fact | Artifact]:
    """What lies before the signature and behind the stated end."""
    if archive.after_zeros(artifact, 0, first.start) < first.start:
        yield _defect(artifact, "user-block", f"{first.start:,} bytes before the signature")
        yield SliceArtifact(artifact, 0, first.start, "user block")
    if first.end is None:
        return
    end = first.end
    if end > artifact.size:
        detail = f"ends at {end:,}, and the file at {artifact.size:,}"
        yield _defect(artifact, "out-of-bounds", detail)
    elif archive.after_zeros(artifact, end, artifact.size) < artifact.size:
        yield _defect(artifact, "trailing-data", f"{artifact.size - end:,} bytes behind the end")
        yield archive.hidden(artifact, end, artifact.size)


def _header(artifact: Artifact, walk: Walk) -> Fact:
    """The table of contents; the digest is over names, types and shapes, sorted."""
    tensors = walk.tensors
    lines = sorted(f"{item.name}\0{item.type.name}\0{item.shape}" for item in tensors)
    return TensorHeader(
        location=place(artifact),
        format="hdf5",
        tensors=len(tensors),
        parameters=min(_MOST, sum(math.prod(item.shape) for item in tensors)),
        payload=min(_MOST, sum(item.size for item in tensors)),
        dtypes=tuple(sorted({item.type.name for item in tensors})),
        digest="sha256:" + hashlib.sha256("\n".join(lines).encode(errors="replace")).hexdigest(),
        metadata=tuple(sorted(set(walk.root_attributes))),
    )


def _defect(artifact: Artifact, kind: Any, detail: str) -> Fact:
    return Hdf5Defect(location=place(artifact), kind=kind, object="/", detail=detail)
