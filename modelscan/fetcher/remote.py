"""How a remote file is had: whole in memory, through the cache on disk, or in parts.

With `full`, all of every file. Otherwise what fits a small buffer, text of any usual length, and
compressed archives, because readers want all of it; and everything else by ranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.ranged import RangedFile
from modelscan.fetcher.resource import Resource
from modelscan.fetcher.store import Expected, Store, StoredFile
from modelscan.fetcher.whole import IN_MEMORY, Kept, WholeFile, wanted_whole
from modelscan.vocabulary.snapshot import SourceFile

_COMPRESSED = (".gz", ".tgz", ".zst", ".bz2", ".xz")
_COMPRESSED_LIMIT = 512 << 20
"""Bytes; a larger archive is fetched whole only with `full`."""


def remote_file(
    name: str,
    size: int,
    sha256: str,
    resource: Resource,
    options: FetchOptions,
    kept: Kept | None = None,
    others: Sequence[Path] = (),
) -> SourceFile:
    """A file, to be opened.

    Args:
        name: relative to the model's root.
        size: its length in bytes, as stated.
        sha256: as stated, hexadecimal; empty when nobody states it.
        resource: where it is.
        options: what a person chose.
        kept: where small files stay for who opens them again.
        others: see `Store`.
    """
    squeezed = name.lower().endswith(_COMPRESSED) and size <= _COMPRESSED_LIMIT
    everything = options.full or squeezed
    if everything and size > IN_MEMORY:
        store = Store(options.cache_folder(), others)
        return StoredFile(name, Expected(sha256, size), resource, store, options.arrived)
    if everything or wanted_whole(name, size):
        return WholeFile(name, size, resource, options.arrived, kept)
    return RangedFile(name, size, resource)
