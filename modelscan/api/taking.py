"""Which models code uses, and how they come in: `inventory`, `pull` and `receive`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelscan.api.reporting import configured, report_on
from modelscan.engine.catalogue import load
from modelscan.errors import UsageError
from modelscan.fetcher.options import FetchOptions
from modelscan.passing import Progress
from modelscan.pipeline import Selection, Tools
from modelscan.policy.layers import Policy, plain
from modelscan.policy.limits import check_names
from modelscan.verifier.request import Request
from modelscan.vocabulary.reference import Inventory

if TYPE_CHECKING:
    from modelscan.dependencies.pull import Job, Pulled
    from modelscan.dependencies.transfer_writing import Wish
    from modelscan.verifier.trust import Trust


def inventory(
    *paths: str | Path,
    exclude: Sequence[str] = (),
    everything: bool = False,
    hash_limit: int | None = None,
) -> Inventory:
    r"""List the models that code bases name, and the model files that lie below the paths.

    Nothing is run and nothing is looked up: a reference is what the code says.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> code = "from transformers import AutoModel\nAutoModel.from_pretrained('org/base-7b')\n"
    >>> _ = Path(folder.name, "app.py").write_text(code)
    >>> found = inventory(folder.name)
    >>> [(each.ref, each.where.line, each.pinned) for each in found.references]
    [('hf:org/base-7b', 2, False)]
    >>> found.exit_code
    0
    >>> folder.cleanup()

    Args:
        paths: folders or files.
        exclude: globs on relative paths that are left out.
        everything: look into installed packages and virtual environments, too.
        hash_limit: model files of more bytes are listed without a digest; `None` hashes all.

    Raises:
        UsageError: no path is given.
        SourceError: a path cannot be listed.
    """
    from modelscan.discovery.inventory import take  # lazy: a scan needs no finders

    if not paths:
        raise UsageError("no path given", "name a folder or a file")
    return take(
        [Path(path) for path in paths],
        exclude=exclude,
        everything=everything,
        hash_limit=hash_limit,
    )


def pull(  # noqa: PLR0913  # one keyword for each choice that a caller has
    ref: str | Path,
    folder: str | Path | None = None,
    *,
    policy: Policy | None = None,
    fetch: FetchOptions | None = None,
    lock: str | Path | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    force: bool = False,
    export: Wish | None = None,
    progress: Progress | None = None,
) -> Pulled:
    """Fetch a model, scan it, lock it, and let it appear in a folder only if the policy passes.

    Args:
        ref: what `scan` takes.
        folder: where it shall appear; new or empty. `None` for a bundle alone.
        policy: what is allowed, from `load_policy`; by default the built-in profile `default`.
        fetch: how models are fetched; every byte is, whatever it says about that.
        lock: the lock that shall name it; by default the nearest one upward.
        include: globs of the files to take; none means all.
        exclude: globs of files to leave out.
        force: replace a folder that is there, whole.
        export: a bundle for a site without a network.
        progress: told what is being fetched and read; called from several threads.

    Raises:
        SourceError: nothing can be written there, or there is too little room.
        UsageError: the folder is not empty, or the lock is broken or being written.
    """
    from modelscan.dependencies import pull as pulling  # lazy: a scan copies nothing

    job = _taking_in(policy, fetch, lock, Selection(tuple(include), tuple(exclude)), progress)
    place = None if folder is None else Path(folder)
    return pulling.pull(os.fspath(ref), place, job, force=force, export=export)


def receive(
    bundle: str | Path,
    folder: str | Path,
    *,
    trust: Trust | None = None,
    policy: Policy | None = None,
    lock: str | Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Pulled:
    """Take in a bundle that `pull` wrote elsewhere; the network is never used.

    Args:
        bundle: a file or a folder.
        folder: where the model shall appear, and the records beside it; new or empty.
        trust: who may have signed the receipt; by default, no signature is asked for.
        policy: what is allowed here; by default the built-in profile `default`.
        lock: the lock that shall name it; by default the nearest one upward.
        force: replace folders that are there, whole.
        progress: told what is being read; called from several threads.

    Raises:
        SourceError: it is no bundle, not what its receipt says, or not signed as it has to be.
        UsageError: the folder is not empty, or the lock is broken or being written.
    """
    from modelscan.dependencies import transfer_reading  # lazy: as above
    from modelscan.verifier.trust import Trust

    job = _taking_in(policy, FetchOptions(offline=True), lock, Selection(), progress)
    trusted = trust or Trust()
    return transfer_reading.receive(Path(bundle), Path(folder), job, trusted, force=force)


def _taking_in(
    policy: Policy | None,
    fetch: FetchOptions | None,
    lock: str | Path | None,
    selection: Selection,
    progress: Progress | None,
) -> Job:
    """How models are taken in: every byte is fetched."""
    from modelscan.dependencies import pull as pulling  # lazy: as above
    from modelscan.dependencies import writing

    policy = policy or plain()
    tools = msgspec.structs.replace(
        Tools.prepare(load(()), policy.profile),
        fetch=msgspec.structs.replace(fetch or FetchOptions(), full=True),
        advisories=policy.advisories,
        request=configured(Request(), policy),
    )
    formats = (reader.format for reader in tools.readers)
    check_names(policy.profile, policy.origins, tools.catalogue.rules, formats)
    workers = min(os.cpu_count() or 1, 8)
    return pulling.Job(
        tools,
        lambda scanned: report_on([scanned], tools),
        writing.nearest(lock),
        selection,
        workers,
        progress,
    )
