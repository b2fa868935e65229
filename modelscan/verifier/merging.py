"""Several manifests as one, with what they contradict each other in.

Two statements about the same place (release, location and commit) that give a file different
digests cannot both be right; neither is preferred silently. A statement against a release
(withdrawn, revoked, denied) is kept, whoever else calls it current.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from modelscan.errors import ReadError, UsageError
from modelscan.verifier import git_evidence
from modelscan.verifier.release import RANK, Manifest, Release


class Conflict(NamedTuple):
    """Two statements that cannot both be right."""

    release: str
    path: str
    """The file; empty when it is about the release as a whole."""
    why: str

    def __str__(self) -> str:
        where = f"{self.release}: {self.path}" if self.path else self.release
        return f"{where}: {self.why}"


def conflicts(manifests: Sequence[Manifest]) -> list[Conflict]:
    """Every contradiction between releases of these manifests."""
    seen: dict[str, Release] = {}
    found: list[Conflict] = []
    for manifest in manifests:
        for release in manifest.releases:
            found += _unproved(release)
            for place in _places(release):
                other = seen.setdefault(place, release)
                if other is not release:
                    found += _contradictions(other, release)
    return list(dict.fromkeys(found))


def merge(manifests: Sequence[Manifest]) -> Manifest:
    """One manifest with all releases; the assurance is the weakest of them.

    Raises:
        UsageError: they contradict each other, or there is none.
    """
    if not manifests:
        raise UsageError("nothing to merge", "name at least one manifest")
    found = conflicts(manifests)
    if found:
        named = "; ".join(map(str, found[:3])) + (
            f" and {len(found) - 3} more" if found[3:] else ""
        )
        raise UsageError(f"the manifests contradict each other: {named}", "settle it by hand")
    releases: dict[str, Release] = {}
    for manifest in manifests:
        for release in manifest.releases:
            known = releases.get(release.id)
            releases[release.id] = release if known is None else _one(known, release)
    first = manifests[0]
    expiries = sorted(manifest.expires for manifest in manifests if manifest.expires)
    return msgspec.structs.replace(
        first,
        serial=max(manifest.serial for manifest in manifests),
        issued=max(manifest.issued for manifest in manifests),
        expires=expiries[0] if expiries else None,
        assurance=min((manifest.assurance for manifest in manifests), key=RANK.__getitem__),
        evidence=tuple(dict.fromkeys(o for manifest in manifests for o in manifest.evidence)),
        releases=tuple(releases.values()),
    )


def _one(known: Release, other: Release) -> Release:
    """Two releases of one id that do not contradict each other, as one."""
    files = {file.path: file for file in known.files}
    for file in other.files:
        old = files.get(file.path)
        digests = {**file.digests, **(old.digests if old else {})}
        files[file.path] = msgspec.structs.replace(old or file, digests=digests)
    bad = next((each for each in (known, other) if each.status != "current"), known)
    return msgspec.structs.replace(
        known,
        files=tuple(files.values()),
        locations=tuple(dict.fromkeys((*known.locations, *other.locations))),
        status=bad.status,
        reason=bad.reason,
        complete=known.complete or other.complete,
    )


def _unproved(release: Release) -> Iterator[Conflict]:
    """What a release's own git objects say against it."""
    if release.git_anchor is None or not release.git_anchor.objects:
        return
    try:
        proof = git_evidence.prove(release, release.git_anchor)
    except ReadError as error:
        yield Conflict(release.id, "", f"its git anchor proves nothing: {error.message}")
        return
    for path in proof.contradicted:
        yield Conflict(release.id, path, "the git objects of its commit say otherwise")


def _places(release: Release) -> Iterator[str]:
    """What a release states bytes of: its id, and each location at its commit."""
    yield release.id
    if release.revision:
        for location in release.locations:
            yield f"{location.casefold()}@{release.revision}"


def _contradictions(one: Release, other: Release) -> Iterator[Conflict]:
    listed = {file.path: file for file in one.files}
    for file in other.files:
        known = listed.get(file.path)
        if known is None:
            if one.complete:
                yield Conflict(other.id, file.path, "not in the list that is complete")
            continue
        for algorithm in known.digests.keys() & file.digests.keys():
            if known.digests[algorithm] != file.digests[algorithm]:
                yield Conflict(other.id, file.path, f"two {algorithm} digests")
    names = {file.path for file in other.files}
    if other.complete:
        for path in listed.keys() - names:
            yield Conflict(other.id, path, "not in the list that is complete")
    if one.revision and other.revision and one.revision != other.revision and one.id == other.id:
        yield Conflict(other.id, "", "two commits")
