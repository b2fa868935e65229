"""A model that is about to be taken in, held against what the lock says of its name.

Invariants: only what is known on both sides is compared; bytes are compared by the digests that
they had here; nothing that a place states makes a difference disappear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from modelscan.dependencies.changes import changes
from modelscan.dependencies.stated import Stated, stated
from modelscan.errors import SourceError
from modelscan.vocabulary.fact import Fact, HubHistory, IdentityCheck
from modelscan.vocabulary.lock import Lock, LockedFile, LockedModel
from modelscan.vocabulary.snapshot import Snapshot

_LOST: Final = "revision not found"
_DAY: Final = 10


def locked(lock: Lock, ref: str, asked: str) -> LockedModel | None:
    """What a lock says of a reference: at this revision, else at any other one."""
    named = lock.named(ref)
    return next((model for model in named if model.asked == asked), named[0] if named else None)


def held(
    before: LockedModel,
    asked: str,
    snapshot: Snapshot,
    files: Sequence[LockedFile],
    ask: Callable[[str], Snapshot],
) -> Iterator[Fact]:
    """What is otherwise about a name than when it was locked.

    Args:
        before: what was locked.
        asked: the revision that is asked for now.
        snapshot: the model as its place presents it.
        files: what was fetched of it.
        ask: asks its place about a reference; raises `SourceError`.
    """
    said = stated(snapshot.facts)
    now = _now(before, asked, snapshot, said, files)
    yield from changes(before, now)
    if before.since and said.created and said.created[:_DAY] > before.since:
        yield _check("registered-later", before, before.since, said.created)
    if not before.revision or not now.revision or before.revision == now.revision:
        return
    if asked == before.asked and asked in _tags(snapshot):
        yield _check("tag-moved", before, before.revision, now.revision)
    if before.ref.startswith("hf:") and _lost(f"{before.ref}@{before.revision}", ask):
        yield _check("history-rewritten", before, before.revision, now.revision)


def _now(
    before: LockedModel,
    asked: str,
    snapshot: Snapshot,
    said: Stated,
    files: Sequence[LockedFile],
) -> LockedModel:
    """The locked model as it would be now, in what is known before it is scanned."""
    formats = {file.path: file.format for file in before.files}
    return msgspec.structs.replace(
        before,
        asked=asked,
        author=said.author or before.author,
        object_id=said.object_id or before.object_id,
        created=said.created or before.created,
        committed=said.committed or before.committed,
        repository=said.repository,
        revision=snapshot.source.revision or "",
        manifest=said.manifest,
        tensors=(),
        weights_root="",
        files=tuple(
            msgspec.structs.replace(file, format=formats.get(file.path, "")) for file in files
        ),
    )


def _tags(snapshot: Snapshot) -> set[str]:
    return {
        name for fact in snapshot.facts if isinstance(fact, HubHistory) for name in fact.tags
    }  # fmt: skip


def _lost(ref: str, ask: Callable[[str], Snapshot]) -> bool:
    """True when the place itself says that it does not have a commit."""
    try:
        ask(ref).close()
    except SourceError as error:
        return error.message.startswith(_LOST)
    return False


def _check(
    kind: Literal["tag-moved", "history-rewritten", "registered-later"],
    model: LockedModel,
    before: str,
    after: str,
) -> IdentityCheck:
    return IdentityCheck(kind=kind, ref=model.ref, before=before, after=after, status="declared")
