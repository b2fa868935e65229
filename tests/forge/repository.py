"""Builds views of repositories for relators, and the facts that readers would state."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelscan.formats.repository.relator import RepositoryView
from modelscan.vocabulary.fact import ModelClaim, TensorHeader, WeightIndex
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import FileEntry

INDEX = "model.safetensors.index.json"


def view(*names: str, folder: bool = True, formats: dict[str, str] | None = None) -> RepositoryView:
    """A repository with these files, all of them read."""
    formats = formats or {}
    entries = {
        name: FileEntry(path=name, size=1, digests={}, format=formats.get(name, "unknown"))
        for name in names
    }
    return RepositoryView(files=entries, names=frozenset(names), folder=folder)


def claim(kind: str, value: str, file: str = "README.md", relation: str = "") -> ModelClaim:
    """A claim that a file makes."""
    stated = {"fact": "model.claim", "claim": kind, "value": value, "relation": relation}
    found = msgspec.convert(stated, ModelClaim)
    return msgspec.structs.replace(found, location=Location(file), status="declared")


def index(
    *shards: str, file: str = INDEX, counts: Sequence[int] = (), total_size: int | None = None
) -> WeightIndex:
    """An index of shards, one tensor in each unless said otherwise."""
    return WeightIndex(
        location=Location(file),
        tensors=len(shards),
        shards=shards,
        counts=tuple(counts) or (1,) * len(shards),
        total_size=total_size,
    )


def header(file: str, tensors: int = 1, payload: int = 8) -> TensorHeader:
    """The table of contents of a shard."""
    return TensorHeader(
        location=Location(file), format="safetensors", tensors=tensors, parameters=1,
        payload=payload, dtypes=("F16",), digest="sha256:00", metadata=(),
    )  # fmt: skip
