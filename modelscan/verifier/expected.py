"""Is it what the user thinks it is? A model against a release that was named on the command line.

Stricter than the search among all known releases: every listed file must be there with the listed
bytes, and where the release is complete nothing else may be. What is not so is named, file by file.
The user's word decides which release is meant; it never makes bytes match. What all known releases
say against the model (denied, modified) stays said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from modelscan.verifier import statements, wording
from modelscan.verifier.compiling import compile_releases
from modelscan.verifier.index import Index, Known, ReleaseIndex
from modelscan.verifier.installed import shared_index
from modelscan.verifier.manifests import check_releases
from modelscan.verifier.release import COMPARED, ListedFile, Manifest, Release
from modelscan.vocabulary.evidence import Evidence, OfficialBytes, OfficialStatus
from modelscan.vocabulary.fact import ExpectationCheck, Fact, FreshnessCheck, UnlistedFiles
from modelscan.vocabulary.result import FileEntry

_BAD: tuple[OfficialStatus, ...] = ("denied", "modified", "error")
_ANSWERED_HERE = (ExpectationCheck, UnlistedFiles, FreshnessCheck)
_MOST_NAMES = 1_000


class _Held(msgspec.Struct, frozen=True):
    """A release held against the model, path by path."""

    known: Known
    same: tuple[str, ...]
    differing: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    """Files that the release does not have; only of a release that is complete."""
    unread: tuple[str, ...]
    """Files that could not be compared: nobody read them, or their digests prove nothing."""

    replayed: bool = False
    """The model is a release that this one replaced."""

    @property
    def fits(self) -> bool:
        return bool(self.same) and not (self.differing or self.missing or self.extra or self.unread)


class Expected:
    """The release that the user named, by a reference, a manifest, or both.

    Args:
        ref: a location such as `hf:org/name`, with `@` and a commit if one is meant, or the id of a
            release in the manifest; empty for any release of the manifest.
        manifests: manifests of the user's own; without any, all known releases are asked.
        index: all known releases; the shipped ones by default.
    """

    name = "the expected release"
    answer: Literal["official_bytes"] = "official_bytes"

    def __init__(
        self, ref: str, *manifests: Manifest, index: Callable[[], Index] | None = None
    ) -> None:
        self.ref = ref
        self._manifests = manifests
        self._index = index
        self._own = ReleaseIndex(compile_releases(manifests)) if manifests else None

    def _known(self) -> Index:
        return (self._index or shared_index)()

    def among(self, index: Callable[[], Index]) -> Expected:
        """The same expectation among other known releases."""
        return Expected(self.ref, *self._manifests, index=index)

    def algorithms_for(self, size: int, name: str) -> tuple[str, ...]:
        """Algorithms besides SHA-256 that could recognise a file."""
        return self._own.algorithms_for(size, name) if self._own else ()

    def run(self, files: Sequence[FileEntry], facts: Sequence[Fact], claimed: str) -> Evidence:
        """See `Check.run`."""
        location = self.ref if ":" in self.ref else claimed
        general = check_releases(files, facts, location, self._known())
        if general.official is not None and general.official.status in _BAD:
            return general
        candidates = self._candidates()
        newest, older = _newest(candidates, self.ref)
        held = [_hold(known, files) for known in newest]
        if not held:
            what = self.ref or "this manifest"
            reason = f"no release is known as {what}"
            return Evidence(official=OfficialBytes(status="unknown", reason=reason))
        best = max(held, key=lambda item: (item.fits, len(item.same), -len(item.differing)))
        if not best.fits and any(_hold(known, files).fits for known in older):
            best = msgspec.structs.replace(best, replayed=True)
        release = best.known.release
        stated = [f for f in general.facts if not isinstance(f, _ANSWERED_HERE)]
        stated += self._freshness(best, general.facts)
        if best.fits and not release.complete:
            stated += statements.unlisted_by(release.id, best.same, files)
        if self._own is not None and not best.fits:
            own = check_releases(files, facts, _location(best.known) or location, self._own)
            stated += [fact for fact in own.facts if not isinstance(fact, FreshnessCheck)]
            if own.official is not None and own.official.status in _BAD:
                official = OfficialBytes(
                    status=own.official.status,
                    release=best.known.release.id,
                    assurance=best.known.assurance,
                    reason=_reason(best),
                )
                return Evidence(official=official, facts=(*stated, _fact(best)))
        signing = best.known.release.signing
        return Evidence(
            official=_official(best),
            facts=(*stated, _fact(best)),
            signers=signing.signers if signing and signing.expect != "none" else None,
        )

    def _freshness(self, held: _Held, known: Iterable[Fact]) -> list[FreshnessCheck]:
        """Whether a newer release is known. Whoever names one exactly means that one."""
        if not held.fits:
            return []  # it is not what was named: that says it all
        release = held.known.release
        if self.ref and ("@" in self.ref or self.ref == release.id):
            note = f"{wording.short_id(release.id)} is the one that you named"
            return [FreshnessCheck(outcome="named", note=note, known_by="releases")]
        said = [fact for fact in known if isinstance(fact, FreshnessCheck)]
        note = f"no release that you named replaced {wording.short_id(release.id)}"
        return said or [
            FreshnessCheck(outcome="newest", note=note, known_by="releases", release=release.id)
        ]

    def _candidates(self) -> list[Known]:
        """The releases that may be meant."""
        if self._own is None:
            index = self._known()
            location, _, commit = self.ref.partition("@")
            found = [index.known(number) for number in index.by_location(location)]
            return [k for k in found if not commit or k.release.revision in {None, commit}]
        return [
            known
            for known in map(self._own.known, range(sum(len(m.releases) for m in self._manifests)))
            if not self.ref or self.ref in _references(known.release)
        ]


def _newest(candidates: Sequence[Known], ref: str) -> tuple[list[Known], list[Known]]:
    """The releases that may be meant, without those that others of them replaced, and these.

    Whoever names a commit or an id means that one, however old it is.
    """
    replaced = {old for known in candidates for old in known.release.supersedes}
    exact = {known.release.id for known in candidates if ref == known.release.id or "@" in ref}
    older = [k for k in candidates if k.release.id in replaced and k.release.id not in exact]
    return [known for known in candidates if known not in older], older


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
    elif held.fits and release.status in {"revoked", "denied"}:
        status = "denied"
    elif held.fits and release.status == "current" and not known.void:
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
        if held.known.void:
            return f"{wording.short_id(release.id)}: {held.known.void}"
        rest = "" if release.complete else "; the release may have more files"
        return wording.files(len(held.same), "as listed") + rest + wording.source(held.known.source)
    changes = wording.changes(
        ("differs", "differ", held.differing),
        ("is missing", "are missing", held.missing),
        ("does not belong to it", "do not belong to it", held.extra),
        ("could not be compared", "could not be compared", held.unread),
    )
    old = "an older release, which this one replaced: " if held.replayed else ""
    return f"not {wording.short_id(release.id)}: {old}{changes}"


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
