"""Where `--full` keeps what it fetches: a private cache of bytes under their own digest.

Invariants:
- A file of the cache is named after the SHA-256 that its bytes had when they came in, and is hashed
  again each time before it is used: nothing is trusted for lying there.
- What is still coming in lies apart, and is resumed after an interruption; only all of it, with the
  expected digest, is moved to its name, in one step.
- No name from a listing is ever part of a path here.
- Another program's cache is read like our own: hashed first, never written to.
- Bytes with another digest than the hub declares are handed out to be looked at, and thrown away.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from modelscan.errors import ReadError
from modelscan.fetcher.local import LocalFile
from modelscan.fetcher.resource import Resource
from modelscan.fetcher.transfer import PassingError, TransferError
from modelscan.vocabulary.artifact import CHUNK
from modelscan.vocabulary.snapshot import Access, OpenArtifact

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PRIVATE = 0o700

Arrived = Callable[[int], None]


class Expected(NamedTuple):
    """What a file should be, according to its listing."""

    sha256: str
    """Empty when nobody says: then nothing of it is kept."""
    size: int


class Store:
    """The cache.

    Args:
        folder: of the cache; made when something is put into it.
        others: folders of other programs with files that are named by their SHA-256.
    """

    def __init__(self, folder: Path, others: Sequence[Path] = ()) -> None:
        self._others = others
        self._blobs = folder / "sha256"
        self._incoming = folder / "incoming"

    def find(self, expected: Expected) -> Path | None:
        """The file with these bytes, once they have been hashed again; a damaged one is removed."""
        if not _SHA256.fullmatch(expected.sha256):
            return None
        own = self._blobs / expected.sha256
        for path in (own, *(folder / expected.sha256 for folder in self._others)):
            good = _holds(path, expected)
            if good:
                return path
            if good is False and path == own:
                path.unlink(missing_ok=True)
        return None

    @contextmanager
    def incoming(self, expected: Expected) -> Iterator[tuple[BinaryIO, Path]]:
        """A file to write to: what an interrupted run has left of these bytes, or a new one.

        Raises:
            OSError: it cannot be made.
        """
        for folder in (self._blobs, self._incoming):
            folder.mkdir(_PRIVATE, parents=True, exist_ok=True)
        file = self._resumable(expected)
        passing = file is None  # nothing to go by, or another process is at it
        if file is None:
            descriptor, name = tempfile.mkstemp(dir=self._incoming)
            file, path = os.fdopen(descriptor, "r+b"), Path(name)
        else:
            path = self._incoming / expected.sha256
        with file, ExitStack() as interrupted:
            if passing:  # then nothing is left behind
                interrupted.callback(path.unlink, missing_ok=True)
            yield file, path
            interrupted.pop_all()

    def _resumable(self, expected: Expected) -> BinaryIO | None:
        if not _SHA256.fullmatch(expected.sha256):
            return None
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        path = self._incoming / expected.sha256
        file = os.fdopen(os.open(path, flags, 0o600), "r+b")
        if _locked(file) and _still_at(file, path):
            return file
        file.close()
        return None

    def keep(self, path: Path, expected: Expected) -> Path:
        """Move a finished file to its name, in one step; another run may have been faster."""
        final = self._blobs / expected.sha256
        try:
            path.replace(final)
        except FileNotFoundError:
            if not final.is_file():
                raise
        return final


class StoredFile:
    """A remote file that comes through the cache: see `SourceFile`.

    Args:
        name: relative to the model's root.
        expected: what it should be.
        resource: where to get it.
        store: the cache.
        arrived: told how many bytes came in, or lay there already.
    """

    access: Access = "whole"

    def __init__(
        self,
        name: str,
        expected: Expected,
        resource: Resource,
        store: Store,
        arrived: Arrived | None = None,
    ) -> None:
        self.name = name
        self.size = expected.size
        self._expected = expected
        self._resource = resource
        self._store = store
        self._arrived = arrived or _ignore

    def open(self) -> AbstractContextManager[OpenArtifact]:
        """See `SourceFile.open`.

        Raises:
            ReadError: it cannot be fetched or kept.
        """
        try:
            found = self._store.find(self._expected)
            if found is not None:
                self._arrived(self.size)
                return LocalFile(self.name, found, self.size).open()
            return self._fetched()
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise ReadError(f"cannot be kept in the cache: {reason}") from None

    def _fetched(self) -> AbstractContextManager[OpenArtifact]:
        with self._store.incoming(self._expected) as (file, path):
            digest = _Download(self._resource, file, self._expected, self._arrived).run(path.parent)
            file.flush()
            os.fsync(file.fileno())
        # only now: Windows moves no file that is open
        if digest == self._expected.sha256:
            kept = self._store.keep(path, self._expected)
            return LocalFile(self.name, kept, self.size).open()
        return _passing(LocalFile(self.name, path, self.size), path)


class _Download:
    """One file on its way in."""

    def __init__(
        self, resource: Resource, file: BinaryIO, expected: Expected, arrived: Arrived
    ) -> None:
        self._resource = resource
        self._file = file
        self._expected = expected
        self._arrived = arrived
        self._hash = hashlib.sha256()
        self._reached = 0

    def run(self, folder: Path) -> str:
        """Fetch what is missing; returns the SHA-256 of all of it.

        Args:
            folder: on the disk that has to have room for it.

        Raises:
            ReadError: it cannot be fetched.
        """
        resumed = self._take_up(shutil.disk_usage(folder).free)
        try:
            self._rest()
        except TransferError as error:
            if not resumed or isinstance(error, PassingError):
                raise
        digest = self._hash.hexdigest()
        complete = self._reached == self._expected.size
        if not resumed or (complete and digest == self._expected.sha256):
            return digest
        self._restart()  # what an earlier run has left may have been damaged, or of other bytes
        self._rest()
        return self._hash.hexdigest()

    def _take_up(self, room: int) -> bool:
        """Hash what lies there already; true when there is something."""
        self._file.seek(0, os.SEEK_END)
        if self._file.tell() > self._expected.size:
            self._restart()
        self._file.seek(0)
        while piece := self._file.read(CHUNK):
            self._took(piece)
        if self._expected.size - self._reached > room:
            raise ReadError(
                f"{self._expected.size - self._reached:,} bytes do not fit on the cache's disk"
            )
        return self._reached > 0

    def _rest(self) -> None:
        """Fetch from here to the end, however often the connection breaks on the way.

        Raises:
            TransferError: it broke too often with hardly a byte in between, or for good.
        """
        failures = 0
        while self._reached < self._expected.size:
            before = self._reached
            try:
                with self._resource.body(before) as pieces:
                    for piece in pieces:
                        self._file.write(piece)
                        self._took(piece)
            except PassingError as error:
                failures = 1 if self._reached - before >= CHUNK else failures + 1
                self._resource.patience.pause(failures, error)

    def _took(self, piece: bytes) -> None:
        self._reached += len(piece)
        if self._reached > self._expected.size:
            raise TransferError("the server sends more than the file has")
        self._hash.update(piece)
        self._arrived(len(piece))

    def _restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._hash = hashlib.sha256()
        self._reached = 0


@contextmanager
def _passing(file: LocalFile, path: Path) -> Iterator[OpenArtifact]:
    """A file that is looked at once and not kept."""
    try:
        with file.open() as artifact:
            yield artifact
    finally:
        path.unlink(missing_ok=True)


def _holds(path: Path, expected: Expected) -> bool | None:
    """True when a plain file has these bytes, false when it has others, `None` for no such file."""
    try:
        found = path.stat(follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode):
            return None
        if found.st_size != expected.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == expected.sha256
    except OSError:
        return None


def _locked(file: BinaryIO) -> bool:
    """Keep other processes from writing to the same file, where the system can."""
    try:
        import fcntl  # POSIX only
    except ImportError:  # pragma: no cover  # Windows: two writers end in a wrong digest, unused
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _still_at(file: BinaryIO, path: Path) -> bool:
    """False when another run has moved the file away since it was opened."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat(follow_symlinks=False))
    except OSError:
        return False


def _ignore(count: int) -> None:
    """Nobody watches."""
