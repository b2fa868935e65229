"""Is it what the user thinks it is? A model against a release that was named on the command line.

Stricter than the search among all known releases: every listed file must be there with the listed
bytes, and where the release is complete nothing else may be. What is not so is named, file by file.
The user's word decides which release is meant; it never makes bytes match. What all known releases
say against the model (denied, modified) stays said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from modelscan.verifier import wording
from modelscan.verifier.compiling import compile_releases
from modelscan.verifier.index import Known, ReleaseIndex
from modelscan.verifier.installed import shared_index
from modelscan.verifier.manifests import check_releases
from modelscan.verifier.release import COMPARED, ListedFile, Manifest, Release
from modelscan.vocabulary.evidence import Evidence, OfficialBytes, OfficialStatus
from modelscan.vocabulary.fact import ExpectationCheck, Fact
from modelscan.vocabulary.result import FileEntry

_BAD: tuple[OfficialStatus, ...] = ("denied", "modified", "error")
_MOST_NAMES = 1_000


class _Held(NamedTuple):
    """A release held against the model, path by path."""

    known: Known
    same: tuple[str, ...]
    differing: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    """Files that the release does not have; only of a release that is complete."""
    unread: tuple[str, ...]
    """Files that could not be compared: nobody read them, or their digests prove nothing."""

    @property
    def fits(self) -> bool:
        return bool(self.same) and not (self.differing or self.missing or self.extra or self.unread)


class Expected:
    """The release that the user named, by a reference, a manifest, or both.

    Args:
        ref: a location such as `hf:org/name`, with `@` and a commit if one is meant, or the id of a
            release in the manifest; empty for any release of the manifest.
        manifest: a manifest of the user's own; without one, the shipped ones are asked.
    """

    name = "the expected release"
    answer: Literal["official_bytes"] = "official_bytes"

    def __init__(self, ref: str, manifest: Manifest | None = None) -> None:
        self._ref = ref
        self._manifest = manifest
        self._own = ReleaseIndex(compile_releases([manifest])) if manifest else None

    def algorithms_for(self, size: int, name: str) -> tuple[str, ...]:
        """Algorithms besides SHA-256 that could recognise a file."""
        return self._own.algorithms_for(size, name) if self._own else ()

    def run(self, files: Sequence[FileEntry], facts: Sequence[Fact], claimed: str) -> Evidence:
        """See `Check.run`."""
        location = self._ref if ":" in self._ref else claimed
        general = check_releases(files, facts, location, shared_index())
        if general.official is not None and general.official.status in _BAD:
            return general
        held = [_hold(known, files) for known in self._candidates()]
        if not held:
            what = self._ref or "this manifest"
            reason = f"no release is known as {what}"
            return Evidence(official=OfficialBytes(status="unknown", reason=reason))
        best = max(held, key=lambda item: (item.fits, len(item.same), -len(item.differing)))
        stated = [fact for fact in general.facts if not isinstance(fact, ExpectationCheck)]
        if self._own is not None and not best.fits:
            own = check_releases(files, facts, _location(best.known) or location, self._own)
            stated += own.facts
            if own.official is not None and own.official.status in _BAD:
                official = OfficialBytes(
                    status=own.official.status,
                    release=best.known.release.id,
                    assurance=best.known.assurance,
                    reason=_reason(best),
                )
                return Evidence(official=official, facts=(*stated, _fact(best)))
        return Evidence(official=_official(best), facts=(*stated, _fact(best)))

    def _candidates(self) -> list[Known]:
        """The releases that may be meant."""
        if self._manifest is None:
            index = shared_index()
            location, _, commit = self._ref.partition("@")
            found = [index.known(number) for number in index.by_location(location)]
            return [k for k in found if not commit or k.release.revision in {None, commit}]
        manifest = self._manifest
        return [
            Known(release, manifest.assurance, manifest.publisher.name)
            for release in manifest.releases
            if not self._ref or self._ref in _references(release)
        ]


def _references(release: Release) -> Iterable[str]:
    """How a release may be named."""
    yield release.id
    for location in release.locations:
        yield location
        if release.revision:
            yield f"{location}@{release.revision}"


def _location(known: Known) -> str:
    release = known.release
    if not release.locations:
        return ""
    return release.locations[0] + (f"@{release.revision}" if release.revision else "")


def _hold(known: Known, files: Sequence[FileEntry]) -> _Held:
    release = known.release
    present: Mapping[str, FileEntry] = {file.path: file for file in files}
    listed = {item.path: item for item in release.files}
    if len(files) == 1 and not set(present) & set(listed):  # a lone file, out of its folder
        (path,) = present
        namesakes = [name for name in listed if name.rsplit("/", 1)[-1] == path]
        listed = {path: listed[namesakes[0]]} if len(namesakes) == 1 else listed
    same: list[str] = []
    differing: list[str] = []
    unread: list[str] = []
    for path, item in listed.items():
        file = present.get(path)
        if file is None:
            continue
        equal = _equal(item, file)
        (unread if equal is None else same if equal else differing).append(path)
    return _Held(
        known,
        tuple(same),
        tuple(differing),
        tuple(path for path in listed if path not in present),
        tuple(path for path in present if release.complete and path not in listed),
        tuple(unread),
    )


def _equal(listed: ListedFile, file: FileEntry) -> bool | None:
    """Whether the bytes are the listed ones; `None` when no strong digest says so."""
    shared = [name for name in COMPARED if name in listed.digests and name in file.digests]
    return all(listed.digests[name] == file.digests[name] for name in shared) if shared else None


def _official(held: _Held) -> OfficialBytes:
    known = held.known
    release = known.release
    status: OfficialStatus = "unknown"
    if held.unread and not (held.differing or held.missing or held.extra):
        status = "not-hashed"
    elif held.fits and release.status == "current":
        status = "matches-known-release"
        if known.assurance == "self-pinned":
            status = "pinned-match"
        elif release.complete and known.assurance.startswith("publisher-"):
            status = "verified-official"
    return OfficialBytes(
        status=status, release=release.id, assurance=known.assurance, reason=_reason(held)
    )


def _reason(held: _Held) -> str:
    release = held.known.release
    if held.fits:
        if release.status != "current":
            return f"{wording.short_id(release.id)} is {release.status}: {release.reason}"
        rest = "" if release.complete else "; the release may have more files"
        return wording.files(len(held.same), "as listed") + rest
    changes = wording.changes(
        ("differs", "differ", held.differing),
        ("is missing", "are missing", held.missing),
        ("does not belong to it", "do not belong to it", held.extra),
        ("could not be compared", "could not be compared", held.unread),
    )
    return f"not {wording.short_id(release.id)}: {changes}"


def _fact(held: _Held) -> ExpectationCheck:
    return ExpectationCheck(
        outcome="as-expected" if held.fits else "otherwise",
        release=held.known.release.id,
        assurance=held.known.assurance,
        note=_reason(held),
        differing=held.differing[:_MOST_NAMES],
        missing=held.missing[:_MOST_NAMES],
        extra=held.extra[:_MOST_NAMES],
    )
