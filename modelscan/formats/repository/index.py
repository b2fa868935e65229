"""Indexes of sharded weights against the shards.

Loaders join the names in an index to its folder and open them: a name can lead out of the folder,
and its extension decides whether the file is parsed or unpickled (transformers, `load_state_dict`).
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.formats.weight_index import NAME
from modelscan.vocabulary.fact import Fact, IndexCheck, TensorHeader, WeightIndex

_SAFE = ".safetensors"
_DRIVE = re.compile(r"[a-zA-Z]:")
_NUMBERED = re.compile(r"-\d+-of-\d+")
_SAME = 20
"""Disagreements of one kind that are stated for one index."""


class IndexRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State every disagreement between an index and the files around it."""
        indexes = [index for index in facts.of(WeightIndex) if index.location.member is None]
        if not indexes:
            return
        headers = {
            header.location.file: header
            for header in facts.of(TensorHeader)
            if header.location.member is None
        }
        listed = {_path(index, shard) for index in indexes for shard in index.shards}
        for index in indexes:
            count = Counter[str]()
            for kind, shard, detail in _disagreements(index, view, headers, listed):
                count[kind] += 1
                if count[kind] <= _SAME:
                    yield IndexCheck(location=index.location, kind=kind, shard=shard, detail=detail)


def _disagreements(
    index: WeightIndex, view: RepositoryView, headers: dict[str, TensorHeader], listed: set[str]
) -> Iterator[tuple[Any, str, str]]:
    """Kind, shard and detail of each."""
    named = NAME.fullmatch(index.location.file.rpartition("/")[2])
    safe = named is not None and named["extension"].lower() == _SAFE
    inside = [shard for shard in index.shards if not _escapes(shard)]
    yield from (("escapes-folder", shard, "") for shard in index.shards if _escapes(shard))
    if safe:
        yield from (("pickle-shard", shard, "") for shard in inside if not shard.endswith(_SAFE))
    if not view.folder:
        return
    paths = {shard: _path(index, shard) for shard in inside}
    missing = [shard for shard, path in paths.items() if path not in view.names]
    for shard in missing:
        yield "missing-shard", shard, f"{len(missing)} of {len(index.shards)} shards"
    if named is not None and named["variant"] is None:
        yield from _unlisted(index, named, view, listed)
    yield from _figures(index, paths, headers)


def _unlisted(
    index: WeightIndex, named: re.Match[str], view: RepositoryView, listed: set[str]
) -> Iterator[tuple[Any, str, str]]:
    """Files that carry the name of the series, and that no index names."""
    prefix = _path(index, named["stem"])
    extension = named["extension"]
    for name in sorted(view.names - listed):
        if not (name.startswith(prefix) and name.endswith(extension)):
            continue
        middle = name[len(prefix) : -len(extension)]
        if not middle:
            yield "unlisted-shard", name, "loaders prefer a single file to the index"
        elif _NUMBERED.fullmatch(middle):
            yield "unlisted-shard", name, "numbered like the shards"


def _figures(
    index: WeightIndex, paths: dict[str, str], headers: dict[str, TensorHeader]
) -> Iterator[tuple[Any, str, str]]:
    """Numbers of tensors and bytes, where the shards' own tables of contents say them."""
    names = index.names or ("",) * len(index.shards)
    for shard, count, stated in zip(index.shards, index.counts, names, strict=True):
        header = headers.get(paths.get(shard, ""))
        if header is None:
            continue
        if header.tensors != count:
            detail = f"{count:,} tensors in the index, {header.tensors:,} in the file"
            yield "tensors-differ", shard, detail
        elif stated and header.names and header.names != stated:
            yield "tensors-swapped", shard, f"{count:,} tensors, and their names differ"
    found = [headers.get(path) for path in paths.values()]
    payload = sum(header.payload for header in found if header is not None)
    if (
        index.total_size is not None
        and len(found) == len(index.shards)
        and None not in found
        and payload != index.total_size
    ):
        yield "size-differs", "", f"{index.total_size:,} bytes stated, {payload:,} found"


def _path(index: WeightIndex, shard: str) -> str:
    """Where a loader finds a shard: beside the index."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(index.location.file), shard))


def _escapes(shard: str) -> bool:
    """True for a name that can lead out of the folder on any system."""
    path = shard.replace("\\", "/")
    return (
        path.startswith("/")
        or ".." in path.split("/")
        or _DRIVE.match(path) is not None
        or "\0" in path
    )
