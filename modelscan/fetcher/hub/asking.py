"""Asks a hub for a model, step by step.

1. What is the repository called, and which commit does the revision stand for?
2. Which files does that commit have?
3. May we read them?
4. What else does the hub say?
5. Do the git objects behind the commit say the same?

Invariants: everything after the first step is about the commit, never about a branch that may move
in between; an answer about another commit than the one asked for ends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

from modelscan.errors import SourceError
from modelscan.fetcher import gitanchor
from modelscan.fetcher.hub.client import Hub
from modelscan.fetcher.hub.files import Fetcher
from modelscan.fetcher.hub.listing import Listing, read_listing, unlisted
from modelscan.fetcher.hub.provenance import describe
from modelscan.fetcher.hub.source import other_families
from modelscan.fetcher.hub.wording import disabled, gated, not_understood
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.transfer import Patience, TransferError
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, SourceRevision
from modelscan.vocabulary.ref import HubRef
from modelscan.vocabulary.snapshot import Snapshot, Source

_COMMIT = re.compile(r"[0-9a-f]{40}")
_REFUSED = frozenset({401, 403})


def take(ref: HubRef, options: FetchOptions, patience: Patience | None = None) -> Snapshot:
    """The snapshot of a repository.

    Raises:
        SourceError: the hub does not have it, or not for us.
        UsageError: the endpoint is no address.
    """
    hub = Hub(options, patience)
    if options.listed:
        options.listed(0)
    with _understood(ref), hub.session():
        info = _identify(hub, ref)
        name, commit = str(info.id), str(info.sha)
        listing = hub.ask(
            name,
            commit,
            lambda: read_listing(
                hub.api.list_repo_tree(name, revision=commit, recursive=True), options.listed
            ),
        )
        hidden = unlisted(info.siblings, listing)
        paths = [file.path for file in listing.files]
        left_out = other_families(paths, ref.family) if ref.family else frozenset()
        fetcher = Fetcher(hub, name, commit, options)
        with ExitStack() as interrupted:
            interrupted.callback(fetcher.close)
            if info.gated:
                _knock(hub, fetcher, listing, name)
            with ThreadPoolExecutor(1) as pool:  # steps 4 and 5 wait for different answers
                asking = pool.submit(describe, hub, ref, info, listing.files)
                held = _held_against_git(hub, listing, name, commit, options)
                about = asking.result()
            interrupted.pop_all()
    known = {gap.file for gap in held.coverage}
    hidden = tuple(gap for gap in hidden if gap.file not in known)
    revision = SourceRevision(
        status="declared", asked=ref.revision or "main", resolved=commit, pinned=ref.pinned
    )
    facts: tuple[Fact, ...] = (*about.facts, revision, *listing.facts, *held.facts)
    silence = tuple(
        Coverage(file=".", status="skipped", reason=f"the hub did not say: {what}")
        for what in about.unknown
    )
    family = f":{ref.family}" if ref.family else ""
    return Snapshot(
        ref=f"hf:{name}{family}@{commit}",
        source=Source(
            kind="hub", endpoint=hub.endpoint, revision=commit, asked_revision=ref.revision
        ),
        files=tuple(fetcher.file(file) for file in listing.files),
        facts=facts,
        coverage=(*listing.coverage, *hidden, *silence, *held.coverage),
        claimed=f"hf:{name}@{commit}",
        left_out=left_out,
        let_go=fetcher.close,
        objects=held.objects,
    )


@contextmanager
def _understood(ref: HubRef) -> Iterator[None]:
    """A hostile answer may have any shape: whatever trips over it is no verdict."""
    try:
        yield
    except (TypeError, ValueError, KeyError, AttributeError):
        raise not_understood(ref.repository) from None


def _identify(hub: Hub, ref: HubRef) -> Any:
    """Step 1: the hub's own description of the repository at the revision."""
    info = hub.ask(
        ref.repository,
        ref.revision,
        lambda: hub.api.model_info(ref.repository, revision=ref.revision, securityStatus=True),
    )
    commit = info.sha
    if not isinstance(info.id, str) or HubRef.parse(f"hf:{info.id}") is None:
        raise not_understood(ref.repository)
    if info.disabled:
        raise disabled(info.id)
    if not isinstance(commit, str) or _COMMIT.fullmatch(commit) is None:
        raise SourceError(f"the hub names no commit for {ref.repository}", "name one yourself")
    if ref.pinned and commit != ref.revision:
        raise SourceError(
            f"the hub answers commit {commit} where {ref.revision} was asked for",
            "a pin means one commit: do not trust this hub or mirror",
        )
    return info


def _held_against_git(
    hub: Hub, listing: Listing, name: str, commit: str, options: FetchOptions
) -> gitanchor.Held:
    """Step 5: what the commit proves, where the listing contradicts it, and what that hides."""
    listed = {
        file.path: gitanchor.Listed(file.sha256 or None, file.git_blob or None, file.size)
        for file in listing.files
    }
    with hub.new_client() as client:
        held = gitanchor.held_against(hub.endpoint, name, commit, listed, options, client)
    known = {gap.file for gap in listing.coverage}
    return held._replace(coverage=[gap for gap in held.coverage if gap.file not in known])


def _knock(hub: Hub, fetcher: Fetcher, listing: Listing, name: str) -> None:
    """Step 3: everybody sees the listing of a gated repository, and not its files.

    Raises:
        SourceError: we are not let in.
    """
    if not hub.has_token:
        raise gated(name)
    filled = (file for file in listing.files if file.size)
    smallest = min(filled, key=lambda file: file.size, default=None)
    if smallest is None:
        return
    try:
        fetcher.resource(smallest).part(0, 1)
    except TransferError as error:
        if error.status in _REFUSED:
            raise gated(name, has_token=True) from None
