"""The files of a local model: size and digest of each, LFS pointers as what they name.

Invariants: the walk, links and special files are the local source's (`fetcher.local`), so that lock
and scan see the same model; a pointer stands for the file that it names, whose digest it declares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.dependencies import lockfile
from modelscan.errors import ReadError
from modelscan.fetcher.sources import take
from modelscan.formats.lfs import LfsReader
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import stream
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import LfsPointer
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import OpenArtifact, SourceFile

_POINTER: Final = LfsReader()


class Measured(NamedTuple):
    """One file."""

    path: str
    size: int
    sha256: str
    """Hexadecimal."""
    declared: bool
    """True for what an LFS pointer says about a file that is not here."""


def plain(path: str) -> str:
    """A file's name as text: what is not UTF-8 becomes a visible escape."""
    return path.encode(errors="backslashreplace").decode()


def files(folder: Path) -> Iterator[Measured | Coverage]:
    """Every file of a local model, and what could not be read. A lock among them is left out.

    Raises:
        SourceError: there is no such model.
    """
    snapshot = take(ModelRef("path", str(folder)))
    yield from snapshot.coverage
    for file in snapshot.files:
        if file.name == lockfile.NAME:
            continue
        try:
            yield measure(file)
        except ReadError as error:
            yield Coverage(
                file=plain(file.name), status="unreadable", needed=True, reason=error.message
            )


def measure(file: SourceFile) -> Measured:
    """One file, opened once and read whole.

    Raises:
        ReadError: it cannot be read, or changes meanwhile.
    """
    with file.open() as artifact:
        pointed = pointer(artifact)
        if pointed is not None:
            return Measured(plain(file.name), pointed.size, pointed.oid, declared=True)
        digest, size = hashlib.sha256(), 0
        for chunk in stream(artifact):
            digest.update(chunk)
            size += len(chunk)
        if artifact.changed():
            raise ReadError("changed while it was being read")
    return Measured(plain(file.name), size, digest.hexdigest(), declared=False)


def pointer(artifact: OpenArtifact) -> LfsPointer | None:
    """What an LFS pointer names; `None` for any other file."""
    if not _POINTER.recognises(Glimpse(artifact)):
        return None
    return next(
        (fact for fact in _POINTER.read(artifact, Budget()) if isinstance(fact, LfsPointer)), None
    )
