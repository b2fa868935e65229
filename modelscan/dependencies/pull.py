"""`pull`: fetch a model, scan it, lock it, and only then let it appear.

1. What the reference stands for is listed, and every byte of it copied into a private folder.
2. What is otherwise than it was locked becomes facts, so that the rules judge it.
3. The copies are scanned: exactly what will be handed out, and nothing else.
4. The policy passes, or nothing appears and nothing is locked.
5. The lock is written, then the folder gets its name, in one step.

Invariants: only `pass` lets anything appear, `incomplete` and `nothing` don't; the lock is written
first, so that no folder appears that is not locked; an interruption leaves neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from modelscan.dependencies import (
    copying,
    identity,
    lockfile,
    locking,
    staging,
    transfer_writing,
)
from modelscan.dependencies.copying import Copied
from modelscan.dependencies.entry import entry
from modelscan.dependencies.resolving import Resolved
from modelscan.dependencies.stated import stated
from modelscan.dependencies.transfer_writing import Wish
from modelscan.errors import SourceError, UsageError
from modelscan.fetcher.sources import take
from modelscan.passing import Progress
from modelscan.pipeline import (
    EVERYTHING,
    Scanned,
    Selection,
    Tools,
    scan_snapshot,
    unreadable,
    watched,
)
from modelscan.policy.clock import today
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.lock import Lock
from modelscan.vocabulary.ref import HubRef, ModelRef
from modelscan.vocabulary.result import Report
from modelscan.vocabulary.snapshot import Snapshot

Assemble = Callable[[Scanned], Report]
"""Makes the report of one model, as every command writes it."""


class Job(NamedTuple):
    """How a model is taken in."""

    tools: Tools
    assemble: Assemble
    lock: Path
    """The lock that is to name it; it need not exist."""
    selection: Selection = EVERYTHING
    workers: int = 1
    progress: Progress | None = None


class Pulled(NamedTuple):
    """What became of it."""

    report: Report
    folder: Path | None
    """Where the model is now; `None`: nothing appeared."""
    lock: Path | None
    """The lock that names it now; `None`: nothing was locked."""
    note: str = ""
    """What else there is to say: who signed a bundle's receipt."""
    bundle: Path | None = None
    """The bundle that was written; `None`: none was."""
    records: Path | None = None
    """What else came with a bundle; `None`: nothing, or nothing appeared."""


class Looked(NamedTuple):
    """A model that was copied and scanned."""

    scanned: Scanned
    report: Report
    snapshot: Snapshot

    @property
    def passes(self) -> bool:
        """True when it may appear."""
        return self.scanned.outcome == "pass" == self.report.decision.status


def pull(
    ref: str,
    folder: Path | None,
    job: Job,
    *,
    force: bool = False,
    export: Wish | None = None,
) -> Pulled:
    """Take a model in.

    Args:
        ref: what a person typed.
        folder: where it shall appear; `None` for a bundle alone.
        job: how.
        force: replace a folder that is there, whole.
        export: the bundle that shall be written; `None` for none.

    Raises:
        SourceError: nothing can be written there.
        UsageError: something is there already, or the lock is broken or being written.
    """
    target = None if folder is None else staging.place(folder, force=force)
    if export is not None:
        transfer_writing.check(export)
    near = target or (export.place.absolute() if export else None)
    if near is None:
        raise UsageError("no folder to put the model into", "name one: pull REF DIR")
    before = lockfile.read(job.lock) if job.lock.is_file() else Lock()
    model = ModelRef.parse(ref)
    try:
        snapshot = take(model, watched(job.tools.fetch, model, job.progress))
    except SourceError as error:
        return Pulled(job.assemble(unreadable(ref, job.tools.profile, error)), None, None)
    with staging.staging(near) as stage, closing(snapshot):
        looked = _look(model, snapshot, stage, job, before)
        if not looked.passes:
            return Pulled(looked.report, None, None)
        named_so = list(_entry(model, looked))
        if export is not None:
            one = [each.model for each in named_so or _unnamed(looked) if each.model]
            lock = lockfile.encode(lockfile.ordered(one))
            transfer_writing.write(export, stage.model, looked.report, lock)
        if target is not None:
            whole = () if _known_in_part(before, named_so, job.selection) else named_so
            locking.put(job.lock, [*whole, *local_entry(looked, target, job.lock)])
            stage.publish()
    return Pulled(
        looked.report,
        target,
        None if target is None else job.lock,
        bundle=None if export is None else export.place,
    )


def _look(
    model: ModelRef, snapshot: Snapshot, stage: staging.Staging, job: Job, before: Lock
) -> Looked:
    """Copy a model, hold it against the lock, and scan the copies.

    Raises:
        SourceError: there is no room for it, or the copies changed while they were scanned.
    """
    takes = job.selection.within(snapshot)
    if job.progress:
        files = [file for file in snapshot.files if takes(file.name)]
        job.progress.start(snapshot.ref, len(files), sum(file.size for file in files))
    copied = copying.copy(snapshot, takes, stage)
    left_out = tuple(
        Coverage(file=file.name, status="skipped", reason="left out, and not fetched")
        for file in snapshot.files
        if not takes(file.name)
    )
    facts = (*snapshot.facts, *_identity(model, copied, before, job))
    here = msgspec.structs.replace(
        copied.snapshot, facts=facts, coverage=(*copied.snapshot.coverage, *left_out)
    )
    return scan_copies(here, {file.path: file.sha256 for file in copied.files}, job)


def scan_copies(snapshot: Snapshot, digests: Mapping[str, str], job: Job) -> Looked:
    """Scan the copies of a model.

    Args:
        snapshot: the copies.
        digests: SHA-256 of each when it was made.
        job: how.

    Raises:
        SourceError: they are not what they were.
    """
    scanned = scan_snapshot(snapshot, job.tools, workers=job.workers, progress=job.progress)
    now = {file.path: file.digests.get("sha256") for file in scanned.report.files}
    if scanned.outcome == "pass" and dict(digests) != now:
        raise SourceError("the copies changed while they were scanned", "somebody else wrote there")
    return Looked(scanned, job.assemble(scanned), snapshot)


def _identity(model: ModelRef, copied: Copied, before: Lock, job: Job) -> list[Fact]:
    """What is otherwise about the name than when it was locked, as facts."""
    ref, asked = named(model)
    known = identity.locked(before, ref, asked) if ref else None
    if known is None:
        return []
    ask = partial(_asked, job.tools)
    return list(identity.held(known, asked, copied.snapshot, copied.files, ask))


def _asked(tools: Tools, ref: str) -> Snapshot:
    return take(ModelRef.parse(ref), tools.fetch)


def named(model: ModelRef) -> tuple[str, str]:
    """How a lock names a reference, and the revision that is asked for; empty for a local path."""
    if model.kind == "path":
        return "", ""
    found = HubRef.parse(model.text) if model.kind == "hub" else None
    if found is None:
        return model.shown, ""
    family = f":{found.family}" if found.family else ""
    return f"hf:{found.repository}{family}", found.revision or ""


def _entry(model: ModelRef, looked: Looked) -> Iterator[Resolved]:
    """The table of the lock for a reference; none for a path, which means nothing elsewhere."""
    ref, asked = named(model)
    if ref:
        said, since = stated(looked.snapshot.facts), today().isoformat()
        made = entry(ref, looked.scanned.report, asked=asked, since=since, said=said)
        yield Resolved(ref, asked, made, looked.scanned.report)


def _known_in_part(before: Lock, found: Sequence[Resolved], selection: Selection) -> bool:
    """True when the lock has this commit already, and only a part of its files was taken now."""
    known = {(model.key, model.revision) for model in before.model}
    same = any(
        each.model and (each.model.key, each.model.revision) in known and each.model.revision
        for each in found
    )
    return same and selection != EVERYTHING


def local_entry(looked: Looked, target: Path, lock: Path) -> Iterator[Resolved]:
    """The table of the lock for a folder, when it lies beside the lock or below."""
    try:
        inside = target.relative_to(lock.resolve().parent).as_posix()
    except ValueError:
        return
    yield _table(f"./{inside}", looked)


def _unnamed(looked: Looked) -> Iterator[Resolved]:
    """The table of a bundle's lock for a model that has no reference but a path."""
    yield _table("./model", looked)


def _table(ref: str, looked: Looked) -> Resolved:
    report = looked.scanned.report
    return Resolved(ref, "", entry(ref, report, since=today().isoformat()), report)
