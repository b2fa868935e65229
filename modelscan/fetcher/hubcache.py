"""A model in a Hugging Face hub cache, read where it lies.

The layout (huggingface_hub's "cache-system reference"): `models--<org>--<name>/` holds `blobs/`,
`refs/<branch>` files with a commit each, and `snapshots/<commit>/` whose files are links into
`blobs/`. Folder, ref and blob names are claims: a blob named after the wrong SHA-256 is accepted by
the client (measured), so every byte is hashed here like any other, and held against the name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from modelscan.errors import SourceError
from modelscan.fetcher.local import list_folder
from modelscan.fetcher.options import FetchOptions
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, SourceDigest
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot, Source, SourceFile

_REPOSITORY = re.compile(r"models--(?P<id>[^/\\]+)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REF: Final = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*")
"""A branch, tag or pull request, as a path below `refs/` that cannot lead out of it."""
_SHORTEST: Final = 7
"""Digits from which the beginning of a commit's id stands for it."""


class _Place(NamedTuple):
    """What a reference means in a cache."""

    repository: Path
    snapshot: Path
    asked: str | None
    """The branch, tag or commit that was asked for, or `main` when it was taken for want of any."""
    whole: bool = False
    """True when the folder of the repository itself was named."""


class HubCache:
    """`models--<org>--<name>`, the same with `@<revision>`, or one of the snapshots in it."""

    def accepts(self, ref: ModelRef) -> bool:
        """See `ModelSource.accepts`."""
        if ref.kind != "path":
            return False
        return _repository_of(Path(os.path.realpath(_split(ref.text)[0]))) is not None

    def snapshot(
        self,
        ref: ModelRef,
        options: FetchOptions,  # noqa: ARG002  # a local model is not fetched
    ) -> Snapshot:
        """See `ModelSource.snapshot`. The repository's folder stands for its `main` snapshot."""
        place = _place(ref.text)
        path = place.snapshot
        found = _REPOSITORY.fullmatch(place.repository.name)
        identity = "/".join(found["id"].split("--")) if found else place.repository.name
        revision = path.name if _COMMIT.fullmatch(path.name) else None
        claimed = f"hf:{identity}" + (f"@{revision}" if revision else "")
        listed = list_folder(
            path,
            root=place.repository,
            ref=claimed,
            source=Source(kind="hub-cache", revision=revision, asked_revision=place.asked),
            claimed=claimed,
        )
        stated = _stated(listed.files, path, place.repository / "blobs")
        odd = _odd(place.repository) if place.whole else ()
        return msgspec.structs.replace(
            listed, facts=(*listed.facts, *stated), coverage=(*listed.coverage, *odd)
        )


def _split(text: str) -> tuple[str, str]:
    """A path, and the revision behind its last `@`; a path that exists has none."""
    path, sign, revision = text.rpartition("@")
    if not sign or not path or os.path.lexists(text):
        return text, ""
    return path, revision


def _place(text: str) -> _Place:
    """The snapshot that a reference means.

    Raises:
        SourceError: it means none, or one of several and does not say which.
    """
    named, revision = _split(text)
    path = Path(os.path.realpath(named))
    repository = _repository_of(path)
    if repository is None:
        raise SourceError("no longer a hub cache", "check the path")
    if revision:
        return _Place(repository, _revision(repository, revision), revision)
    if path != repository:
        return _Place(repository, path, None)
    asked, path = _default_snapshot(repository)
    return _Place(repository, path, asked, whole=True)


def _revision(repository: Path, revision: str) -> Path:
    """The snapshot of a branch, a tag, a commit, or the beginning of a commit's id.

    Raises:
        SourceError: the cache does not have it.
    """
    commit = revision
    if _REF.fullmatch(revision):
        commit = _pointed(repository / "refs" / revision) or revision
    snapshots = _snapshots(repository)
    if len(commit) >= _SHORTEST:
        matching = [snapshot for snapshot in snapshots if snapshot.name.startswith(commit)]
        if len(matching) == 1:
            return matching[0]
    raise SourceError(
        f"revision not found in this hub cache: {revision}",
        f"it has {', '.join(snapshot.name for snapshot in snapshots) or 'no snapshot'}",
    )


def _repository_of(path: Path) -> Path | None:
    """The cache folder of a repository that a path is, or that it is a snapshot of."""
    for candidate in (path, *path.parents[1:2]):
        inside = candidate == path or path.parent.name == "snapshots"
        if inside and _REPOSITORY.fullmatch(candidate.name) and (candidate / "snapshots").is_dir():
            return candidate
    return None


def _pointed(path: Path) -> str:
    """The commit in a file below `refs`; empty when there is none."""
    try:
        if not path.is_file():  # a FIFO would make us wait for ever
            return ""
        with path.open("rb") as file:
            commit = file.read(64).decode("ascii", "replace").strip()
    except (OSError, ValueError):
        return ""
    return commit if _COMMIT.fullmatch(commit) else ""


def _snapshots(repository: Path) -> list[Path]:
    try:
        return sorted(entry for entry in (repository / "snapshots").iterdir() if entry.is_dir())
    except OSError:
        return []


def _default_snapshot(repository: Path) -> tuple[str | None, Path]:
    """The snapshot that `main` points to, else the only one there is.

    Raises:
        SourceError: there is none, or there are several and nothing says which is meant.
    """
    commit = _pointed(repository / "refs" / "main")
    if commit and (repository / "snapshots" / commit).is_dir():
        return "main", repository / "snapshots" / commit
    snapshots = _snapshots(repository)
    if len(snapshots) == 1:
        return None, snapshots[0]
    if not snapshots:
        raise SourceError("this hub cache holds no snapshot", "download the model again")
    names = ", ".join(snapshot.name for snapshot in snapshots)
    raise SourceError(
        "several snapshots and no main", f"name one behind an @, as in {repository.name}@…: {names}"
    )


def _odd(repository: Path) -> Iterator[Coverage]:
    """Files beside the folders of a cache: a model could be hidden there for another program."""
    reason = "no part of a hub cache, which was read in its place; scan the file by itself"
    for entry in sorted(repository.iterdir()):
        if not entry.is_dir() or entry.is_symlink():
            yield Coverage(file=entry.name, status="skipped", needed=True, reason=reason)


def _stated(files: Iterable[SourceFile], snapshot: Path, blobs: Path) -> Iterator[Fact]:
    """The digests that blobs are named after: SHA-256 of large files, git's object id of others."""
    folder = os.path.realpath(blobs)
    for file in files:
        parent, name = os.path.split(os.path.realpath(snapshot / file.name))
        if parent != folder:
            continue
        where = Location(file.name)
        if _SHA256.fullmatch(name):
            yield SourceDigest(
                location=where,
                status="declared",
                algorithm="sha256",
                expected=name,
                stated_by="blob-name",
            )
        elif _COMMIT.fullmatch(name):
            yield SourceDigest(
                location=where,
                status="declared",
                algorithm="git-blob",
                expected=name,
                stated_by="blob-name",
            )
