"""`lock write` and `lock update` over whole paths: which lock, what it wants, and how to look."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from modelscan.dependencies import differing, lockfile, locking, referenced, resolving, wanted
from modelscan.dependencies.differing import Side
from modelscan.dependencies.locking import Written
from modelscan.dependencies.pages import shown
from modelscan.dependencies.resolving import Resolved
from modelscan.dependencies.scopes import scopes, upward
from modelscan.dependencies.wanted import Want
from modelscan.engine.catalogue import Catalogue
from modelscan.errors import SourceError
from modelscan.fetcher.sources import take
from modelscan.pipeline import Scanned, Tools, scan
from modelscan.policy.clock import today
from modelscan.policy.profile import Profile
from modelscan.vocabulary.change import Compared
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot

if TYPE_CHECKING:
    from modelscan.lineage.prints import Fingerprint


class Job(NamedTuple):
    """How models are looked at before they are locked."""

    tools: Tools
    cache: Path | None = None
    """The hub's cache that stands in for the hub when offline; `None` means the usual one."""
    tensors: bool = False
    """Read every tensor, too."""

    def resolve(self, folder: Path, ref: str, asked: str, *, deep: bool = False) -> Resolved:
        """Look at one model, seen from a lock's folder; `deep` reads its tensors in any case."""
        cache = self.cache or resolving.hub_cache() if self.tools.fetch.offline else None
        return resolving.resolve(
            ref,
            asked,
            folder=folder,
            scan=self._scan,
            describe=self._describe,
            cache=cache,
            since=today().isoformat(),
            fingerprint=self._fingerprint if self.tensors or deep else None,
        )

    def snapshot(self, target: str) -> Snapshot:
        """Ask the place of a target about it; nothing is read, and it is closed already.

        Raises:
            SourceError: it is gone, or nobody answers.
        """
        with closing(take(ModelRef.parse(target), self.tools.fetch)) as snapshot:
            return snapshot

    def _fingerprint(self, target: str) -> Fingerprint:
        from modelscan.lineage.making import fingerprint_of  # lazy: needs numpy

        return fingerprint_of(target, fetch=self.tools.fetch)

    def _describe(self, target: str) -> Iterable[Fact]:
        try:
            return self.snapshot(target).facts
        except SourceError:  # what was scanned stays; what is said about it is not known
            return ()

    def _scan(self, target: str) -> Scanned:
        return scan(target, self.tools)


def write_paths(
    paths: Sequence[Path],
    job: Job,
    *,
    add: Collection[str] = (),
    consent: Collection[str] = (),
    force: bool = False,
    exclude: Sequence[str] = (),
    lock: Path | None = None,
) -> tuple[Written, ...]:
    """Write the lock of every path, and of every part of it that has a lock of its own.

    Args:
        paths: code bases.
        job: how models are looked at.
        add: references to lock besides; in the first lock alone.
        consent: references whose Python may run.
        force: also lock what the policy does not allow.
        exclude: globs on relative paths that are left out.
        lock: where to write instead of `models.lock` in the path.

    Raises:
        SourceError: a path cannot be listed, or is a single file.
        UsageError: a lock is broken, or somebody else is writing it.
    """
    results: list[Written] = []
    for path in paths:
        if not path.is_dir():
            raise SourceError(f"{path} is not a folder", "name the folder of the code")
        for scope in scopes(path, exclude, upwards=False):
            file = lock if lock and scope.folder == Path(path).resolve() else None
            file = file or scope.folder / lockfile.NAME
            found = wanted.code(scope.inventory, scope.marked)
            named = set(consent)
            if named and file.is_file() and (len(paths) > 1 or results):
                named &= {model.ref for model in lockfile.read(file).model}
            results.append(
                locking.write(
                    file,
                    wanted.wants(found),
                    partial(job.resolve, scope.folder),
                    added=() if results else add,
                    consent=named,
                    force=force,
                    since=partial(_since, scope.folder),
                )
            )
    return tuple(results)


def _since(folder: Path, want: Want) -> str:
    """Since when the code in a folder names a model of the hub."""
    if not want.ref.startswith("hf:"):
        return ""
    return referenced.since(folder, want.ref[3:].partition(":")[0], want.places)


def update(
    refs: Collection[str],
    job: Job,
    *,
    consent: Collection[str] = (),
    force: bool = False,
    lock: Path | None = None,
) -> Written:
    """Look at the models of one lock again.

    Args:
        refs: which ones; none means all.
        job: how models are looked at.
        consent: references whose Python may run; they are looked at again, too.
        force: also lock what the policy does not allow.
        lock: the lock; by default the nearest one upward.

    Raises:
        SourceError: there is no lock.
        UsageError: it is broken, does not have a model, or somebody else is writing it.
    """
    path = nearest(lock)
    folder = path.parent.resolve()
    chosen = {*refs, *consent} if refs or consent else ()
    return locking.update(
        path,
        chosen,
        partial(job.resolve, folder),
        consent=consent,
        force=force,
    )


def nearest(lock: str | Path | None) -> Path:
    """The lock that was named, else the nearest one from the working directory upward."""
    here = Path.cwd()
    return Path(lock) if lock else (upward(here) or here) / lockfile.NAME


def changes(written: Written, profile: Profile, catalogue: Catalogue) -> Compared:
    """What became of a lock, as `diff` would say it."""
    name = shown(written.path)
    lines = lockfile.lines(lockfile.encode(written.new))
    old, new = Side(name, name), Side(name, name, lines)
    models = differing.paired(written.old.model, written.new.model)
    return differing.compare(old, new, models, profile, catalogue, written.gaps)
