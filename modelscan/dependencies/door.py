"""The public door to dependencies: locks and differences. `modelscan.api` hands it on.

Invariant: importing this costs nothing; what a function needs is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelscan.engine.catalogue import load
from modelscan.errors import UsageError
from modelscan.policy.layers import Policy, plain

if TYPE_CHECKING:
    from modelscan.dependencies.gate import Checked
    from modelscan.dependencies.locking import Written
    from modelscan.dependencies.outdated import Outdated
    from modelscan.fetcher.options import FetchOptions
    from modelscan.pipeline import Tools
    from modelscan.vocabulary.change import Compared
    from modelscan.vocabulary.search import Found


def lock_check(
    *paths: str | Path,
    exclude: Sequence[str] = (),
    lock: str | Path | None = None,
    policy: Policy | None = None,
) -> Checked:
    """Hold code bases against their locks; the network is never used.

    Args:
        paths: code bases, or single files of one.
        exclude: globs on relative paths that are left out.
        lock: one lock for all of it, instead of the nearest one upward of each file.
        policy: what fails; by default the built-in profile `default`.

    Raises:
        SourceError: a path cannot be listed, or a lock cannot be read.
        UsageError: a lock is broken.
    """
    from modelscan.dependencies import gate  # lazy: a scan needs no locks

    profile = (policy or plain()).profile
    file = None if lock is None else Path(lock)
    return gate.check_paths(
        [Path(path) for path in paths], profile, load(), exclude=exclude, lock=file
    )


def lock_write(  # noqa: PLR0913  # one keyword for each choice that a caller has
    *paths: str | Path,
    add: Sequence[str] = (),
    consent: Sequence[str] = (),
    force: bool = False,
    exclude: Sequence[str] = (),
    lock: str | Path | None = None,
    policy: Policy | None = None,
    fetch: FetchOptions | None = None,
    cache: str | Path | None = None,
    tensors: bool = False,
) -> tuple[Written, ...]:
    """Lock every model that code bases use: one lock for each, and for each lock inside it.

    Args:
        paths: code bases.
        add: references to lock besides.
        consent: references whose Python may run.
        force: also lock what the policy does not allow.
        exclude: globs on relative paths that are left out.
        lock: where to write; by default `models.lock` in each path.
        policy: what is allowed; by default the built-in profile `default`.
        fetch: how models are fetched that are not on this machine.
        cache: the hub's cache, from which models are taken when offline.
        tensors: also lock the digest of each tensor, which reads all weights.

    Raises:
        SourceError: a path cannot be listed.
        UsageError: a lock is broken, or somebody else is writing it.
    """
    from modelscan.dependencies import writing  # lazy: a scan needs no locks

    job = writing.Job(_tools(policy, fetch), Path(cache) if cache else None, tensors)
    return writing.write_paths(
        [Path(path) for path in paths],
        job,
        add=add,
        consent=consent,
        force=force,
        exclude=exclude,
        lock=Path(lock) if lock else None,
    )


def lock_update(
    *refs: str,
    lock: str | Path | None = None,
    consent: Sequence[str] = (),
    force: bool = False,
    policy: Policy | None = None,
    fetch: FetchOptions | None = None,
    cache: str | Path | None = None,
    tensors: bool = False,
) -> Written:
    """Look at locked models again, and lock what they are now.

    Args:
        refs: models as the lock names them; none means all.
        lock: the lock; by default the nearest one from the working directory upward.
        consent: references whose Python may run.
        force: also lock what the policy does not allow.
        policy: what is allowed; by default the built-in profile `default`.
        fetch: how models are fetched that are not on this machine.
        cache: the hub's cache, from which models are taken when offline.
        tensors: also lock the digest of each tensor, which reads all weights.

    Raises:
        SourceError: there is no lock.
        UsageError: a lock is broken, does not have a model, or somebody else is writing it.
    """
    from modelscan.dependencies import writing  # lazy: a scan needs no locks

    job = writing.Job(_tools(policy, fetch), Path(cache) if cache else None, tensors)
    return writing.update(
        refs, job, consent=consent, force=force, lock=Path(lock) if lock else None
    )


def lock_changes(written: Written, policy: Policy | None = None) -> Compared:
    """What writing a lock changed, as `diff` would say it."""
    from modelscan.dependencies import writing  # lazy: a scan needs no locks

    return writing.changes(written, (policy or plain()).profile, load())


def lock_outdated(
    *,
    lock: str | Path | None = None,
    policy: Policy | None = None,
    fetch: FetchOptions | None = None,
) -> Outdated:
    """Ask what became of the models of a lock. This uses the network.

    Args:
        lock: the lock; by default the nearest one from the working directory upward.
        policy: what fails; by default the built-in profile `default`.
        fetch: how the places of models are asked.

    Raises:
        SourceError: there is no lock.
        UsageError: it is broken.
    """
    from modelscan.dependencies import outdated, writing  # lazy: a scan needs no locks

    job = writing.Job(_tools(policy, fetch))
    profile = (policy or plain()).profile
    return outdated.outdated(writing.nearest(lock), job, profile, load())


def diff(old: str, new: str, *, policy: Policy | None = None) -> Compared:
    """Say what changed between two states of some models, and what the policy makes of it.

    Args:
        old: a lock or a native report: a file, `revision:path` in git, or a revision alone.
        new: the same, newer.
        policy: what fails; by default the built-in profile `default`.

    Raises:
        SourceError: a side is not there.
        UsageError: a side is neither a lock nor a report.
    """
    from modelscan.dependencies import differing, reportchanges, sides  # lazy: as above

    before, after = sides.read(old), sides.read(new)
    models = reportchanges.models(before, after)
    profile, gaps = (policy or plain()).profile, (*before.coverage, *after.coverage)
    return differing.compare(before.side, after.side, models, profile, load(), gaps)


def _tools(policy: Policy | None, fetch: FetchOptions | None) -> Tools:
    from modelscan.fetcher.options import FetchOptions  # lazy: a check of a lock fetches nothing
    from modelscan.pipeline import Tools  # lazy: and needs no readers of models

    tools = Tools.prepare(load(), (policy or plain()).profile)
    return msgspec.structs.replace(tools, fetch=fetch or FetchOptions())


def find(
    what: str,
    *paths: str | Path,
    exclude: Sequence[str] = (),
    hash_limit: int | None = None,
    seconds: float | None = None,
    deep: bool = False,
) -> Found:
    """Say who has a file, a commit, a model or a signature: in reports, locks, BOMs and folders.

    Args:
        what: a digest, a commit, a reference, or a signer; see `dependencies.query.parse`.
        paths: where to look: folders or files.
        exclude: globs on relative paths that are left out.
        hash_limit: files of more bytes are not hashed, which the result says.
        seconds: after so long nothing more is opened, which the result says.
        deep: also read the tensors of models in folders.

    Raises:
        SourceError: a path cannot be listed.
        UsageError: nothing is asked, or no path is given.
    """
    from modelscan.dependencies import find as search  # lazy: a scan looks for nothing
    from modelscan.dependencies.query import parse

    if not paths:
        raise UsageError("no path to look in", "name a folder or a file: --in PATH")
    bounds = search.Bounds(hash_limit, seconds or search.SECONDS, deep)
    return search.find(parse(what), [Path(path) for path in paths], bounds, exclude)
