"""A manifest of a model that is here, or that a hub serves at a commit.

Of a local model it is self-pinned: that the bytes were these when the manifest was made, and
nothing about who published them. Of a hub's repository it records what that name space published at
that commit: every byte is hashed, and where the hub's git objects prove which files the commit
stands for, the manifest says so. A hub whose files are not those of its commit gives no manifest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime

import msgspec

from modelscan.errors import SourceError, UsageError
from modelscan.fetcher.options import FetchOptions
from modelscan.verifier.git_evidence import stored
from modelscan.verifier.hashing import GIT_BLOB, Digester
from modelscan.verifier.release import (
    SCHEMA,
    GitAnchor,
    ListedFile,
    Manifest,
    Origin,
    Publisher,
    Release,
    parse_manifest,
)
from modelscan.verifier.stated import StatedDigests
from modelscan.verifier.whole import Sink, pour, whole_snapshot
from modelscan.vocabulary.fact import SourceCheck
from modelscan.vocabulary.result import FileEntry
from modelscan.vocabulary.snapshot import Snapshot, SourceFile

SELF = "self"
"""Who pins a model when nobody says who."""
_LENGTH = 8
"""Bytes before a safetensors header, which say its length."""
_LARGEST_HEADER = 100 << 20
"""Bytes of a safetensors header that readers of the format accept."""


def pin(
    target: str,
    *,
    release: str = "",
    location: str = "",
    publisher: str = SELF,
    supersedes: Sequence[str] = (),
    takes: Callable[[str], bool] | None = None,
    fetch: FetchOptions | None = None,
) -> Manifest:
    """Hash a model and list its files.

    Args:
        target: a folder, a file, a hub cache folder, or `hf:org/name@revision`.
        release: id of the release; by default what the source calls it.
        location: where it is published, such as `hf:org/name`; by default the source's claim.
        publisher: who pins it.
        supersedes: ids of the releases that it replaces.
        takes: which files; all of them by default, and only then the release is complete.
        fetch: how a model is fetched that is not on this machine; without it, none is.

    Raises:
        SourceError: something of it cannot be read, or there is nothing to list.
        UsageError: a file's name cannot stand in a manifest.
    """
    with closing(whole_snapshot(target, fetch)) as snapshot:
        taken = [_taken(file) for file in snapshot.files if takes is None or takes(file.name)]
    claimed, _, commit = snapshot.claimed.partition("@")
    where = location or claimed
    if not taken:
        raise SourceError("no files to list", "check the path")
    from_hub = snapshot.source.kind == "hub"
    own_id = f"{claimed.partition(':')[2]}@{commit}" if from_hub and commit else snapshot.ref
    manifest = Manifest(
        schema=SCHEMA,
        serial=1,
        issued=_today(),
        publisher=_publisher(snapshot, publisher, _proof(snapshot, taken)),
        assurance="third-party-recorded" if from_hub else "self-pinned",
        evidence=(_origin(snapshot, claimed, commit),),
        releases=(
            Release(
                id=release or own_id,
                files=tuple(listed for listed, _ in taken),
                locations=(where,) if where else (),
                revision=commit or None,
                complete=takes is None,
                supersedes=tuple(supersedes),
                git_anchor=_git_anchor(snapshot, commit),
            ),
        ),
    )
    return parse_manifest(encode(manifest), snapshot.ref)


def _git_anchor(snapshot: Snapshot, commit: str) -> GitAnchor | None:
    """The objects by which anybody can check, offline, what the commit stands for."""
    if not snapshot.objects or not commit:
        return None
    return GitAnchor(commit, tuple(stored(each.kind, each.data) for each in snapshot.objects))


def _proof(snapshot: Snapshot, taken: Sequence[_Taken]) -> str:
    """How it is known that the files are those of their source.

    Raises:
        SourceError: they are not.
    """
    checks = StatedDigests(snapshot.facts).run([entry for _, entry in taken], (), "").facts
    compared = [fact for fact in checks if isinstance(fact, SourceCheck)]
    wrong = next((fact for fact in compared if fact.outcome == "differs"), None)
    if wrong is not None:
        raise SourceError(
            f"{wrong.location.file}: not the bytes that its source states for it",
            "nobody published this: fetch again, or ask the publisher",
        )
    proved = {fact.location.file for fact in compared if fact.stated_by == "git"}
    if proved.issuperset(entry.path for _, entry in taken):
        return "the commit's git objects prove every digest"
    return "the hub's word for the commit; its git objects were not there to prove it"


def _publisher(snapshot: Snapshot, named: str, proof: str) -> Publisher:
    if snapshot.source.kind != "hub":
        return Publisher(id=named, name=named, verified_how="made by whoever pins it")
    space, _, _ = snapshot.claimed.partition("@")[0].rpartition("/")
    name = space if named == SELF else named
    how = f"as published by {space} at {snapshot.source.endpoint}: {proof}"
    return Publisher(id=name, name=name, verified_how=how, namespaces=(space,))


def _origin(snapshot: Snapshot, claimed: str, commit: str) -> Origin:
    if snapshot.source.kind != "hub":
        return Origin(path=snapshot.ref)
    name = claimed.partition(":")[2]
    repository = f"{snapshot.source.endpoint}/{name}"
    return Origin(path=name, repository=repository, commit=commit or None, retrieved=_today())


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def encode(manifest: Manifest) -> bytes:
    """A manifest as people review it: indented JSON.

    Raises:
        UsageError: a file's name is not Unicode text.
    """
    try:
        return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    except UnicodeEncodeError:
        raise UsageError("a file's name is not Unicode text", "rename it") from None


_Taken = tuple[ListedFile, FileEntry]
"""A file as a manifest lists it, and with all digests that were taken of it."""


def _taken(file: SourceFile) -> _Taken:
    digesters: list[Digester] = []
    header = _Header(file.name)

    def sinks(size: int) -> tuple[Sink, ...]:
        digesters.append(Digester(size, (GIT_BLOB,)))
        return digesters[0], header

    size = pour(file, sinks)
    digests = digesters[0].result()
    listed = ListedFile(
        path=file.name,
        digests={"sha256": digests["sha256"]},
        size=size,
        header_sha256=header.digest(),
    )
    return listed, FileEntry(path=file.name, size=size, digests=digests, format="unknown")


class _Header:
    """The header of a safetensors file as its bytes go by; it tells weights from other weights."""

    def __init__(self, name: str) -> None:
        self._wanted = _LENGTH if name.lower().endswith(".safetensors") else 0
        self._known = False
        self._data = bytearray()

    def update(self, data: bytes, /) -> None:
        """See `Sink.update`."""
        missing = self._wanted - len(self._data)
        if missing <= 0:
            return
        self._data += data[:missing]
        if not self._known and len(self._data) == _LENGTH:
            self._known = True
            length = int.from_bytes(self._data, "little")
            self._wanted += length if length <= _LARGEST_HEADER else 0
            self.update(data[missing:])

    def digest(self) -> str | None:
        """SHA-256 over length and header; `None` for a file without."""
        complete = _LENGTH < self._wanted == len(self._data)
        return hashlib.sha256(self._data).hexdigest() if complete else None
