"""One pass over the files of a model: every file is opened once, hashed and read.

Invariants: the descriptor that is hashed is the one that is read, and whether the file changed is
asked afterwards; what is read in parts is not hashed, and says so; no file ends the pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING, Protocol

import msgspec

from modelscan.budget import Budget, Limits
from modelscan.errors import ReadError
from modelscan.fetcher.local import LocalFile
from modelscan.formats.candidates import Candidates
from modelscan.formats.routing import Reading
from modelscan.verifier.hashing import Digester, algorithms_for, digest_bytes
from modelscan.verifier.request import Plan
from modelscan.verifier.signature_files import Watcher
from modelscan.vocabulary.artifact import CHUNK, Artifact, BytesArtifact, stream
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.result import FileEntry
from modelscan.vocabulary.snapshot import OpenArtifact, SourceFile

if TYPE_CHECKING:
    from concurrent.futures import Executor

SMALL = CHUNK
"""Files up to this many bytes are held in memory: hashed and read from the very same bytes."""
_THREADED = 8 << 20
"""Files from this many bytes on are worth a thread: hashing releases the interpreter lock."""


_CONNECTIONS = 8
"""Remote files that are fetched at once: they wait for the server, and not for a processor."""


class Progress(Protocol):
    """Whoever wants to watch. Called from several threads."""

    def listing(self, ref: str, files: int) -> None:
        """A place elsewhere is asked which files a model has; so many are known by now."""

    def start(self, ref: str, files: int, size: int) -> None:
        """A model of `files` files and `size` bytes is about to be read."""

    def advance(self, size: int) -> None:
        """So many more bytes have been read."""

    def file_done(self) -> None:
        """One more file is done."""


class Pass(msgspec.Struct, frozen=True):
    """What every file of one model is examined with."""

    readers: Candidates
    limits: Limits
    plan: Plan
    """What has to be hashed, and how."""
    progress: Progress | None = None


class Examined(msgspec.Struct, frozen=True):
    """What became of one file."""

    entry: FileEntry
    facts: list[Fact]
    coverage: list[Coverage]
    recognised: bool


def examine_all(
    files: Sequence[SourceFile], within: Pass, workers: Executor | int, let_go: Callable[[], None]
) -> list[Examined]:
    """Examine every file: the small ones by turns, then several large or remote ones at once.

    Remote files spend their time waiting, however small they are. The small ones are taken by kind:
    the same code over and over runs a tenth faster than all of it by turns.

    Returns:
        What became of them, in the order of `files`.
    """
    done: list[Examined | None] = [None] * len(files)
    kinds = [_kind(file) for file in files]
    together = workers != 1 and len(files) > 1
    waiting: list[int] = []
    for at in sorted(range(len(files)), key=kinds.__getitem__):
        if not together or files[at].access == "local":
            done[at] = _examine(files[at], within, most=_THREADED if together else None)
        if done[at] is None:
            waiting.append(at)
    if len(waiting) > 1:
        waiting.sort(key=lambda at: -files[at].size)
        if isinstance(workers, int) and any(files[at].access != "local" for at in waiting):
            workers = max(workers, _CONNECTIONS)
        with _pool(workers) as pool, ExitStack() as interrupted:
            # a download that goes on would keep the pool, and whoever interrupts it
            interrupted.callback(let_go)
            examined = pool.map(lambda at: _examine(files[at], within), waiting)
            for at, item in zip(waiting, examined, strict=True):
                done[at] = item
            interrupted.pop_all()
    elif waiting:
        done[waiting[0]] = _examine(files[waiting[0]], within)
    return [item for item in done if item is not None]


def _kind(file: SourceFile) -> str:
    """What a file's name ends in."""
    return file.name[file.name.rfind(".") :]


def _pool(workers: Executor | int) -> AbstractContextManager[Executor]:
    """The caller's executor, left open, or threads of our own."""
    if not isinstance(workers, int):
        return nullcontext(workers)
    from concurrent.futures import ThreadPoolExecutor  # lazy: models of one file need no threads

    return ThreadPoolExecutor(workers)


def _examine(file: SourceFile, within: Pass, most: int | None = None) -> Examined | None:
    """Open one file, hash it and read it, through one descriptor.

    Args:
        file: what to open.
        within: what to examine it with.
        most: nothing is done, and `None` is returned, for a file of so many bytes or more.
    """
    facts: list[Fact] = []
    coverage: list[Coverage] = []
    digests: dict[str, str] = {}
    size, form, recognised, trouble = 0, "unknown", False, ""
    try:
        data = file.whole(SMALL) if type(file) is LocalFile else None
        if data is not None:  # as nearly every file is: closed again before it is looked at
            size = len(data)
            digests = _hash_held(file.name, data, within.plan, within.progress)
            reading = Reading(BytesArtifact(file.name, data), within.readers, Budget(within.limits))
            _sort(reading, facts, coverage)
        else:
            with file.open() as artifact:
                size = artifact.size
                if most is not None and size >= most:
                    return None
                readable: Artifact = artifact
                readers = within.readers
                if file.access == "ranges":
                    from modelscan.formats.light import light_readers  # lazy: of remote files alone

                    readers = light_readers(readers).choose(artifact)
                else:
                    # what comes from elsewhere has been counted as it came in
                    counting = within.progress if file.access == "local" else None
                    digests, readable = _hash(artifact, within.plan, counting)
                reading = Reading(readable, readers, Budget(within.limits))
                _sort(reading, facts, coverage)
                trouble = "changed while it was being read" if artifact.changed() else ""
        form, recognised = reading.format, reading.recognised
    except ReadError as error:
        trouble = error.message
        size = size or file.size
    if coverage and not digests:
        coverage = [_light(entry, file) for entry in coverage]
    if trouble:  # what was found stays; that everything was read does not
        digests = {}
        coverage = [entry for entry in coverage if entry.status != "read"]
        coverage.append(Coverage(file=file.name, status="unreadable", needed=True, reason=trouble))
    if within.progress:
        within.progress.file_done()
    entry = FileEntry(path=file.name, size=size, digests=digests, format=form)
    return Examined(entry, facts, coverage, recognised)


def _sort(reading: Reading, facts: list[Fact], coverage: list[Coverage]) -> None:
    """Read a file, and keep apart what is found in it and what became of it."""
    for item in reading:
        if isinstance(item, Fact):
            facts.append(item)
        else:
            coverage.append(item)


def _light(entry: Coverage, file: SourceFile) -> Coverage:
    """The same, about a file of which only the parts that readers asked for were fetched."""
    if entry.status != "read" or entry.file != file.name or entry.member is not None:
        return entry
    reason = "read in parts and not hashed: --full fetches and hashes every byte"
    return Coverage(file=entry.file, status="header-only", reason=reason)


def _hash(
    artifact: OpenArtifact, plan: Plan, progress: Progress | None
) -> tuple[dict[str, str], Artifact]:
    """The digests of a file, and the artifact to read: its bytes in memory when it is small."""
    name, size = artifact.name, artifact.size
    if size <= SMALL:
        data = artifact.read_at(0, size)
        if len(data) != size:
            raise ReadError("became shorter while it was being read")
        return _hash_held(name, data, plan, progress), BytesArtifact(name, data)
    wanted, watchers = _wanted(name, size, plan)
    digester = Digester(size, wanted)
    hashed = 0
    for chunk in stream(artifact):
        digester.update(chunk)
        for watcher in watchers:
            watcher.update(chunk)
        hashed += len(chunk)
        if progress:
            progress.advance(len(chunk))
    if hashed != size:
        raise ReadError("became shorter while it was being read")
    return digester.result(), artifact


def _hash_held(name: str, data: bytes, plan: Plan, progress: Progress | None) -> dict[str, str]:
    """The digests of a file that is in memory."""
    size = len(data)
    if plan.usual:
        wanted = algorithms_for(size, name)
    else:
        wanted, watchers = _wanted(name, size, plan)
        for watcher in watchers:
            watcher.update(data)
    if progress:
        progress.advance(size)
    return digest_bytes(data, wanted)


def _wanted(name: str, size: int, plan: Plan) -> tuple[tuple[str, ...], Sequence[Watcher]]:
    """The algorithms besides SHA-256 that a file is hashed with, and who else sees its bytes."""
    wanted = algorithms_for(size, name)
    if plan.usual:
        return wanted, ()
    return wanted + plan.algorithms_for(size, name), plan.watchers(name, size)
