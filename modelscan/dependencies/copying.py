"""Copies the files of a model into a staging folder; what is scanned afterwards are the copies.

Invariants: a file that could not be fetched whole is needed coverage, so that nothing incomplete
passes, and what came of it is removed; no name of a listing leads out of the folder, even if its
source did not look at it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final, NamedTuple

import msgspec

from modelscan.dependencies.staging import Staging
from modelscan.errors import ReadError
from modelscan.fetcher.local import LocalFile
from modelscan.fetcher.oci_names import inside
from modelscan.vocabulary.artifact import stream
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.lock import LockedFile
from modelscan.vocabulary.snapshot import OpenArtifact, Snapshot, SourceFile

_CONNECTIONS: Final = 8
"""Files that are fetched at once: they wait for a server, and not for a processor."""


class Copied(NamedTuple):
    """What became of a model's files."""

    snapshot: Snapshot
    """The same model, with the copies for its files."""
    files: tuple[LockedFile, ...]
    """What was copied: the digest of each."""


def copy(snapshot: Snapshot, takes: Callable[[str], bool], stage: Staging) -> Copied:
    """Fetch what is to be taken of a model.

    Args:
        snapshot: the model; its connections are closed afterwards.
        takes: tells the files that are wanted.
        stage: where to put them.

    Raises:
        SourceError: there is no room for them.
    """
    wanted = [file for file in snapshot.files if takes(file.name)]
    stage.room_for(sum(file.size for file in wanted))
    with ThreadPoolExecutor(_CONNECTIONS) as pool, ExitStack() as interrupted:
        interrupted.callback(snapshot.close)  # a download that goes on would keep the pool
        done = list(pool.map(lambda file: _copied(file, stage), wanted))
        interrupted.pop_all()
    copies = [each for each in done if not isinstance(each, Coverage)]
    gaps = tuple(each for each in done if isinstance(each, Coverage))
    here = msgspec.structs.replace(
        snapshot,
        files=tuple(file for file, _ in copies),
        coverage=(*snapshot.coverage, *gaps),
        path="",
    )
    return Copied(here, tuple(locked for _, locked in copies))


def _copied(file: SourceFile, stage: Staging) -> tuple[SourceFile, LockedFile] | Coverage:
    """One file."""
    name = file.name
    if not name or inside(name) != name:
        return _gap(name, "a path that leads out of the folder, or is none")
    if file.access == "ranges":
        return _gap(name, "its place hands out parts of it only")
    digest = hashlib.sha256()
    try:
        with file.open() as artifact:
            path = stage.write(name, _hashed(artifact, digest.update))
            size = path.stat().st_size
            if size != artifact.size or artifact.changed():
                path.unlink()
                return _gap(name, "changed while it was being copied")
    except ReadError as error:
        stage.drop(name)
        return _gap(name, error.message)
    except FileExistsError:
        return _gap(name, "on this disk, another file of the model has the same name")
    except OSError as error:
        stage.drop(name)
        return _gap(name, f"cannot be written: {(error.strerror or type(error).__name__).lower()}")
    locked = LockedFile(path=name, size=size, sha256=digest.hexdigest())
    return LocalFile(name, path, size), locked


def _hashed(artifact: OpenArtifact, update: Callable[[bytes], None]) -> Iterator[bytes]:
    for piece in stream(artifact):
        update(piece)
        yield piece


def _gap(name: str, reason: str) -> Coverage:
    return Coverage(file=name, status="unreadable", needed=True, reason=reason)
