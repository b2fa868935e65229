"""What a model is held against: bases that the user names, and libraries of fingerprints.

A base is a fingerprint file, or a model wherever models are taken from: then its weights are read
once, and stay at hand for a comparison in depth. A library is a folder of fingerprint files; a
broken one in it is an error, since a search that left it out would say "not found" too easily.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from modelscan.budget import Limits
from modelscan.errors import ReadError, SourceError, UsageError
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.sources import take
from modelscan.lineage.asked import Ancestry, Base
from modelscan.lineage.authority import authority
from modelscan.lineage.claims import identity_of
from modelscan.lineage.descent import weigh
from modelscan.lineage.fingerprint_layout import EXTENSION, LARGEST
from modelscan.lineage.fingerprint_reading import decode
from modelscan.lineage.prints import SCHEMA
from modelscan.lineage.shipped import every
from modelscan.lineage.signs import PUBLIC, Seed
from modelscan.verifier.index import Index
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot

_HEAD: Final = 256
"""Bytes within which a fingerprint names its schema."""
_MOST: Final = 500
"""Fingerprints of one library: all of them are held in memory, up to a megabyte each."""


def named(
    refs: Sequence[str],
    fetch: FetchOptions,
    limits: Limits,
    index: Index,
    seed: Seed = PUBLIC,
) -> list[Base]:
    """The bases that the user names.

    Args:
        refs: fingerprint files, folders, files, or references to models.
        fetch: how models are fetched that are not on this machine.
        limits: what reading headers may cost.
        index: the releases whose manifests may state a fingerprint.
        seed: what the fingerprints of models are made with.

    Raises:
        SourceError: one of them is missing, unreadable, or has no weights.
    """
    found: list[Base] = []
    with ExitStack() as interrupted:
        interrupted.callback(lambda: Ancestry(tuple(found)).close())
        for ref in refs:
            found.append(_named(ref, fetch, limits, index, seed))  # noqa: PERF401  # those before an error are closed
        interrupted.pop_all()
    return found


def library(folder: Path, index: Index) -> list[Base]:
    """All fingerprints below a folder, in the order of their paths.

    Args:
        folder: where they are.
        index: the releases whose manifests may state them.

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
    return [_from_file(str(path), index, asked=False) for path in paths]


def shipped() -> list[Base]:
    """The fingerprints that come with this tool.

    Raises:
        ModelAssayError: one of them is damaged.
    """
    return [each.base() for each in every()]


def _named(ref: str, fetch: FetchOptions, limits: Limits, index: Index, seed: Seed) -> Base:
    if _is_fingerprint(ref):
        return _from_file(ref, index, asked=True)
    with ExitStack() as stack:
        try:
            snapshot = stack.enter_context(closing(take(ModelRef.parse(ref), fetch)))
            files = [file for file in snapshot.files if file.name not in snapshot.left_out]
            identity = identity_of(snapshot.claimed)
            found = weigh(files, snapshot.claimed, limits, None, seed)
        except SourceError as error:
            raise SourceError(f"the base {ref}: {error.message}", error.hint) from error
        let_go = stack.pop_all().close  # its files are opened again, for a comparison in depth
    return Base(snapshot.ref, identity, found, asked=True, files=tuple(files), let_go=let_go)


def _is_fingerprint(ref: str) -> bool:
    """True for a file that is named like a fingerprint, or begins like one."""
    if ModelRef.parse(ref).kind != "path":
        return False
    path = Path(ref)
    if ref.endswith(EXTENSION) or not path.is_file():
        return ref.endswith(EXTENSION)
    try:
        with path.open("rb") as file:
            return SCHEMA.encode() in file.read(_HEAD)
    except OSError:
        return False  # whoever reads it as a model says what is wrong


def _from_file(ref: str, index: Index, *, asked: bool) -> Base:
    """A base from a fingerprint file."""
    try:
        snapshot = take(ModelRef.parse(ref))
        data = _bytes(snapshot)
        found = decode(data, snapshot.ref)
    except (ReadError, SourceError) as error:
        raise SourceError(f"the fingerprint {ref}: {error.message}", error.hint) from error
    label = found.source or snapshot.ref.removesuffix(EXTENSION)
    known = authority(data, found.source, index)
    return Base(label, identity_of(found.source), found, asked=asked, authority=known)


def _bytes(snapshot: Snapshot) -> bytes:
    """All of a fingerprint's file."""
    if len(snapshot.files) != 1:
        raise ReadError("not a file")
    with snapshot.files[0].open() as artifact:
        if artifact.size > LARGEST:
            raise ReadError(f"{artifact.size:,} bytes are too many for a fingerprint")
        return artifact.read_at(0, artifact.size)
