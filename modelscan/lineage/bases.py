"""What a model is held against: bases that the user names, and libraries of fingerprints.

A base is a fingerprint file, or a model wherever models are taken from: then its weights are read
once, and stay at hand for a comparison in depth. A library is a folder of fingerprint files; a
broken one in it is an error, since a search that left it out would say "not found" too easily.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from modelscan.budget import Limits
from modelscan.errors import ReadError, SourceError, UsageError
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.sources import take
from modelscan.lineage.asked import Base
from modelscan.lineage.claims import identity_of
from modelscan.lineage.descent import weigh
from modelscan.lineage.fingerprint_layout import EXTENSION
from modelscan.lineage.fingerprint_reading import read
from modelscan.lineage.prints import Fingerprint
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot

_MOST: Final = 500
"""Fingerprints of one library: all of them are held in memory, up to a megabyte each."""


def named(refs: Sequence[str], fetch: FetchOptions, limits: Limits) -> list[Base]:
    """The bases that the user names.

    Args:
        refs: fingerprint files, folders, files, or references to models.
        fetch: how models are fetched that are not on this machine.
        limits: what reading headers may cost.

    Raises:
        SourceError: one of them is missing, unreadable, or has no weights.
    """
    return [_named(ref, fetch, limits) for ref in refs]


def library(folder: Path) -> list[Base]:
    """All fingerprints below a folder, in the order of their paths.

    Raises:
        UsageError: there is no such folder, none in it, or too many.
        SourceError: one of them cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"no folder {folder}", "name one with fingerprints: --library DIR")
    paths = sorted(folder.rglob(f"*{EXTENSION}"))
    if not paths:
        hint = "make one: modelassay manifest fingerprint MODEL"
        raise UsageError(f"no fingerprint (*{EXTENSION}) in {folder}", hint)
    if len(paths) > _MOST:
        raise UsageError(f"more than {_MOST:,} fingerprints in {folder}", "name a smaller folder")
    return [_from_file(str(path), asked=False) for path in paths]


def _named(ref: str, fetch: FetchOptions, limits: Limits) -> Base:
    if ref.endswith(EXTENSION) and ModelRef.parse(ref).kind == "path":
        return _from_file(ref, asked=True)
    try:
        snapshot = take(ModelRef.parse(ref), fetch)
        files = [file for file in snapshot.files if file.name not in snapshot.left_out]
        identity = identity_of(snapshot.claimed)
        found = weigh(files, snapshot.claimed, limits, None)
    except SourceError as error:
        raise SourceError(f"the base {ref}: {error.message}", error.hint) from error
    return Base(snapshot.ref, identity, found, asked=True, files=tuple(files))


def _from_file(ref: str, *, asked: bool) -> Base:
    """A base from a fingerprint file."""
    try:
        snapshot = take(ModelRef.parse(ref))
        found = _read(snapshot)
    except (ReadError, SourceError) as error:
        raise SourceError(f"the fingerprint {ref}: {error.message}", error.hint) from error
    label = found.source or snapshot.ref.removesuffix(EXTENSION)
    return Base(label, identity_of(found.source), found, asked=asked)


def _read(snapshot: Snapshot) -> Fingerprint:
    with snapshot.files[0].open() as artifact:
        return read(artifact)
