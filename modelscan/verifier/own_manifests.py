"""Lists of releases beside the shipped ones: an organisation's own, and a fetched set.

    [manifests]
    sets = ["manifests"]
    repository = "https://models.acme.example/manifests"
    root = "root.json"
    max-age = 30

`sets` are folders or files of the organisation's own. `repository` is one that `manifest update`
fetches by TUF; `root` is where trust in it begins. Paths are relative to the configuration.

Invariant: a set that is configured and cannot be used is an error, never a set that is silently not
asked. One that grew older than `max-age` is asked and says nothing good any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from modelscan import _resources
from modelscan.errors import UsageError
from modelscan.verifier.checksums import parse_list
from modelscan.verifier.compiling import SUFFIX, compile_releases
from modelscan.verifier.index import Index, Known, ReleaseIndex, Summary
from modelscan.verifier.installed import shared_index
from modelscan.verifier.release import (
    SCHEMA,
    ListedFile,
    Manifest,
    Origin,
    Publisher,
    Release,
    parse_manifest,
)

Text = Annotated[str, msgspec.Meta(min_length=1)]
LIMIT = 64 << 20
"""Bytes of a manifest."""
_MOST_FILES = 10_000
_MEMBER = 40
"""Bits of a release's number inside its own index; those above say which index."""


class ManifestsTable(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab",
    omit_defaults=True,
):  # fmt: skip
    """`[manifests]`."""

    sets: tuple[Text, ...] = ()
    """Files or folders with manifests."""
    repository: Text | None = None
    """Base URL of a TUF repository with manifests."""
    root: Text | None = None
    """File with the repository's root metadata, which came by another way than the repository."""
    max_age: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    """Days after which the fetched set says nothing good any more."""


class Member(msgspec.Struct, frozen=True):
    """One index among several."""

    releases: ReleaseIndex
    source: str = ""
    """What reports call it; empty for the shipped one."""
    void: str = ""
    """Why nothing that it says counts as good news any more."""


class Library:
    """Several indexes, searched as one. No release hides another: every one is found."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = tuple(members)
        summaries = [member.releases.summary for member in members]
        self.summary = Summary(
            sum(summary.releases for summary in summaries),
            sum(summary.files for summary in summaries),
            {},
            {},
        )

    def _all(self, find: Callable[[ReleaseIndex], list[int]]) -> list[int]:
        return [
            place << _MEMBER | number
            for place, member in enumerate(self._members)
            for number in find(member.releases)
        ]

    def by_digest(self, algorithm: str, digest: str) -> list[int]:
        """See `Index`."""
        return self._all(lambda index: index.by_digest(algorithm, digest))

    def by_prefix(self, sha256: str) -> list[int]:
        """See `Index`."""
        return self._all(lambda index: index.by_prefix(sha256))

    def by_location(self, location: str) -> list[int]:
        """See `Index`."""
        return self._all(lambda index: index.by_location(location))

    def known(self, number: int) -> Known:
        """See `Index`."""
        member = self._members[number >> _MEMBER]
        found = member.releases.known(number & ((1 << _MEMBER) - 1))
        if not member.source:
            return found
        return msgspec.structs.replace(found, source=member.source, void=found.void or member.void)

    def algorithms_for(self, size: int, name: str) -> tuple[str, ...]:
        """See `Index`."""
        wanted = (
            algorithm
            for member in self._members
            for algorithm in member.releases.algorithms_for(size, name)
        )
        return tuple(dict.fromkeys(wanted))


class OwnSets:
    """What the user's configuration adds to the shipped releases.

    Args:
        members: indexes of the user's own; none adds nothing.
    """

    def __init__(self, members: Sequence[Member] = ()) -> None:
        self._members = tuple(members)
        self._library: Library | None = None

    def __bool__(self) -> bool:
        return bool(self._members)

    def index(self) -> Index:
        """All known releases: the shipped ones and the user's."""
        if not self._members:
            return shared_index()
        if self._library is None:
            self._library = Library((Member(shared_index()), *self._members))
        return self._library

    def algorithms_for(self, size: int, name: str) -> tuple[str, ...]:
        """Algorithms besides SHA-256 by which the user's own sets could recognise a file."""
        found = (a for m in self._members for a in m.releases.algorithms_for(size, name))
        return tuple(dict.fromkeys(found)) if self._members else ()


def read_set(path: Path) -> list[Manifest]:
    """The manifests in a file, or in all `.json` files below a folder.

    Raises:
        UsageError: one is broken, there is none, or two describe the same release.
    """
    if not path.is_dir():
        return [read_listing(path)]
    sources = _resources.sources(path, SUFFIX)
    if not sources:
        raise UsageError(f"{path}: no manifests in this folder", "they are files named *.json")
    if len(sources) > _MOST_FILES:
        raise UsageError(f"{path}: more than {_MOST_FILES:,} files")
    return [read_listing(source) for source in sources]


def read_listing(path: Path) -> Manifest:
    """A manifest, or a list of checksums such as `SHA256SUMS` that the user trusts like one.

    Raises:
        UsageError: it cannot be read, or is neither.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "check the path") from error
    if len(data) > LIMIT:
        raise UsageError(f"{path}: too large for a manifest")
    if data.lstrip()[:1] == b"{":
        return parse_manifest(data, str(path))
    # The user names it, so that its paths are those of the model, wherever the list lies.
    lines = parse_list(data, path.name)
    if not lines:
        raise UsageError(f"{path}: neither a manifest nor a list of checksums")
    listed: dict[str, dict[str, str]] = {}
    for line in lines:
        listed.setdefault(line.path, {})[line.algorithm] = line.digest
    manifest = Manifest(
        schema=SCHEMA,
        serial=1,
        issued=f"{datetime.now(UTC):%Y-%m-%d}",
        publisher=Publisher(id="list", name=path.name, verified_how="named on the command line"),
        assurance="self-pinned",
        evidence=(Origin(path=path.name),),
        releases=(
            Release(
                id=f"{path.name}@sha256:{hashlib.sha256(data).hexdigest()[:12]}",
                files=tuple(ListedFile(name, digests) for name, digests in listed.items()),
            ),
        ),
    )
    return parse_manifest(msgspec.json.encode(manifest), str(path))


def members(paths: Iterable[Path]) -> list[Member]:
    """The user's own sets, each as an index.

    Raises:
        UsageError: one cannot be used.
    """
    return [Member(ReleaseIndex(compile_releases(read_set(path))), path.name) for path in paths]
