"""Zarr arrays and Orbax checkpoints, as JAX libraries store them: folders of metadata and chunks.

Metadata is JSON and says how chunks are decoded. One codec of numcodecs is `pickle`: every chunk of
such an array is unpickled when it is looked at. Orbax adds a table of contents in JSON and, in its
usual layout, keeps chunks in a key-value store (OCDBT), which holds numbers and nothing else.

Sources: Zarr specifications, version 2 (`.zarray`, `.zmetadata`) and 3 (`zarr.json`); numcodecs,
`Pickle`; Orbax, "Checkpoint format"; TensorStore, "OCDBT storage format" (the mark of a manifest).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats.objects.pieces import tables_of
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, base_name, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Fact

_ZARR: Final = frozenset({".zarray", ".zmetadata", "zarr.json"})
_ORBAX: Final = frozenset({"_METADATA", "_CHECKPOINT_METADATA", "_sharding"})
_MANIFEST: Final = b"\x0c\xdb\x3a\x2a"
_CODECS: Final = ("codecs", "compressor", "filters", "object_codec")
_NAMED: Final = ("id", "name")
_PICKLES: Final = frozenset({"cloudpickle", "dill", "numcodecs.pickle", "pickle"})
_MAX_DOCUMENT: Final = 24 << 20
_MAX_STATED: Final = 20


class ZarrReader:
    """Metadata of arrays and checkpoints, by the names that libraries look for."""

    format = "zarr"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name; the manifest of a store by its first bytes."""
        if glimpse.name in _ZARR:
            return True
        if glimpse.name in _ORBAX:
            return glimpse.head.lstrip()[:1] == b"{"
        return glimpse.head.startswith(_MANIFEST)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State codecs that unpickle.

        Raises:
            ReadError: the metadata is not JSON.
            BudgetError: it is too large.
        """
        if artifact.read_at(0, len(_MANIFEST)) == _MANIFEST:
            yield Coverage(
                file=artifact.name,
                member=artifact.member,
                status="header-only",
                reason="a table of arrays, whose chunks are numbers",
            )
            return
        if artifact.size > _MAX_DOCUMENT:
            raise BudgetError(f"metadata of {artifact.size:,} bytes")
        budget.header(artifact.size)
        named = base_name(artifact) in _ZARR
        stated = 0
        for path, table in tables_of(artifact.read_at(0, artifact.size), budget):
            if not named:  # of a checkpoint, that its metadata is JSON is all there is to know
                continue
            for key in _CODECS:
                name = _pickled(table.get(key))
                if name and stated < _MAX_STATED:
                    stated += 1
                    budget.fact()
                    yield ActiveContent(
                        location=place(artifact),
                        format=self.format,
                        kind="pickled-type",
                        name=name,
                        detail=f"{path}.{key}".strip("."),
                    )


def _pickled(value: Any) -> str:
    """The codec among those of an array that unpickles; empty for none."""
    for codec in value if isinstance(value, list) else [value]:
        if isinstance(codec, dict):
            for key in _NAMED:
                name = codec.get(key)
                if isinstance(name, str) and name.lower() in _PICKLES:
                    return name
    return ""
