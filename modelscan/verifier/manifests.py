"""Are these the bytes that somebody published? The model's files against all known releases.

Fail closed, and the worst file wins: a denied digest outweighs everything, a file that was changed
in an otherwise published model outweighs every match, and what could not be compared is never a
match. Names and shortened digests lead to hints only.

`modified` means: a file that a release lists differs at the same path; at least two other listed
files match, or the model claims to be that release; weights with the release's header are there;
the model does not declare that it derives from the release; and the differing file is not simply
part of another release that is here unharmed (a later revision, say).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelscan.verifier import freshness, statements, wording
from modelscan.verifier.comparison import Comparison, compare
from modelscan.verifier.index import Index
from modelscan.verifier.release import COMPARED, SigningExpectation
from modelscan.vocabulary.evidence import Evidence, OfficialBytes, OfficialStatus
from modelscan.vocabulary.fact import Fact, HashCheck, ModelClaim, TensorHeader
from modelscan.vocabulary.result import FileEntry

_ENOUGH = 2
"""Matching files that make a release the one a differing file belongs to."""


def check_releases(
    files: Sequence[FileEntry], facts: Sequence[Fact], claimed: str, index: Index
) -> Evidence:
    """Hold a model against the known releases.

    Args:
        files: the model's files with their digests; one without digests was not read.
        facts: what the readers stated; used are claims of a base and headers of weights.
        claimed: the identity that the model's source claims, `hf:org/name`, with `@` and the commit
            behind it when that is known; empty when it claims none.
        index: the known releases.

    Raises:
        ModelAssayError: the index is damaged.
    """
    found = _Found(files, index)
    if found.denied:
        first = found.denied[0]
        reason = wording.denied([fact.location.file for fact in found.denied], first.note)
        return _evidence("denied", first.release, first.assurance, reason, found.denied)
    comparisons = _compare_all(found, facts, claimed)
    revoked = next(
        (c for c in comparisons if c.weights and c.known.release.status == "revoked"), None
    )
    if revoked is not None:
        release = revoked.known.release
        return _evidence(
            "denied",
            release.id,
            revoked.known.assurance,
            wording.denied(sorted(revoked.files), f"revoked: {release.reason}"),
            statements.revoked(revoked),
        )
    decided = _modified(comparisons, facts) or _published(comparisons, files, found, claimed)
    return decided or _unknown(comparisons, facts, found)


class _Found:
    """The model's files, and which releases know their digests."""

    def __init__(self, files: Sequence[FileEntry], index: Index) -> None:
        self.files = files
        self.index = index
        self.releases: set[int] = set()
        self.by_digest: dict[tuple[str, str], list[FileEntry]] = {}
        self.denied: list[HashCheck] = []
        self.unhashed: list[str] = []
        for file in files:
            digests = file.digests
            if "sha256" not in digests:
                self.unhashed.append(file.path)
            for algorithm in digests:
                if algorithm in COMPARED and (
                    numbers := index.by_digest(algorithm, digests[algorithm])
                ):
                    self._look(file, algorithm, numbers)

    def _look(self, file: FileEntry, algorithm: str, numbers: Iterable[int]) -> None:
        digest = file.digests[algorithm]
        self.by_digest.setdefault((algorithm, digest), []).append(file)
        for number in numbers:
            known = self.index.known(number)
            if known.release.status != "denied":
                self.releases.add(number)
            elif any(listed.digests.get(algorithm) == digest for listed in known.release.files):
                self.denied.append(statements.denied(file, algorithm, known))

    def unlisted(self) -> Iterable[FileEntry]:
        """Files whose SHA-256 no release lists."""
        known = self.by_digest
        return (f for f in self.files if ("sha256", f.digests.get("sha256", "")) not in known)


def _compare_all(found: _Found, facts: Sequence[Fact], claimed: str) -> list[Comparison]:
    """Every release that shares a file with the model, or that it claims to be; best first."""
    own = _claimed_releases(found.index, claimed)
    numbers = sorted(found.releases | own)
    if not numbers:
        return []
    by_path = {file.path: file for file in found.files}
    headers = {
        fact.location.file: fact.digest
        for fact in facts
        if isinstance(fact, TensorHeader) and fact.location.member is None
    }
    comparisons = [
        compare(
            found.index.known(number), found.files, by_path, found.by_digest, headers,
            claimed=number in own,
        )
        for number in numbers
    ]  # fmt: skip
    return sorted(comparisons, key=Comparison.strength)


def _claimed_releases(index: Index, claimed: str) -> set[int]:
    """The releases that the claimed identity names. Another commit of it is another release."""
    location, _, commit = claimed.partition("@")
    numbers = index.by_location(location) if location else []
    return {
        number
        for number in numbers
        if (release := index.known(number).release).status != "denied"
        and (not commit or release.revision in {None, commit})
    }


def _modified(comparisons: Sequence[Comparison], facts: Sequence[Fact]) -> Evidence | None:
    """The release that was modified, when there is one."""
    explained = _explained(comparisons)
    for comparison in comparisons:
        changed = [d for d in comparison.differing if d.file.path not in explained]
        if not changed or not comparison.same_header or _derives(comparison, facts):
            continue
        if not comparison.claimed and len(comparison.matched) < _ENOUGH:
            continue
        release, assurance = comparison.known.release, comparison.known.assurance
        reason = wording.modified(release.id, [d.file.path for d in changed])
        stated = statements.differences(comparison, changed, tampered=True) + statements.matches(
            [comparison]
        )
        return _evidence("modified", release.id, assurance, reason, stated)
    return None


def _explained(comparisons: Iterable[Comparison]) -> set[str]:
    """Files that are part of a release which is here with its weights, and without a difference."""
    return {
        path
        for comparison in comparisons
        if comparison.weights and not comparison.differing
        for path in comparison.files
    }


def _published(
    comparisons: Sequence[Comparison], files: Sequence[FileEntry], found: _Found, claimed: str
) -> Evidence | None:
    """The release whose bytes these are, when nothing speaks against it."""
    own = [comparison for comparison in comparisons if comparison.claimed]
    clean = [
        c
        for c in comparisons
        if c.weights and not c.differing and not c.unhashed and not c.known.void
    ]
    if any(c.differing for c in own) and not any(c.claimed for c in clean):
        return None  # it claims to be a release that it is not: another's bytes do not make up
    if not clean or any(_is_withdrawn(c) for c in comparisons):
        return None  # what its publisher withdrew is not made good by another's record of it
    official = [c for c in clean if _is_official(c, files)]
    chosen = (official or clean)[0]
    release = chosen.known.release
    status: OfficialStatus = "verified-official" if official else "matches-known-release"
    reason = wording.published(release, chosen, files, found.unhashed)
    ordered = [chosen, *comparisons]
    reason += wording.mirror(release, claimed) + wording.source(chosen.known.source)
    return _evidence(
        status,
        release.id,
        chosen.known.assurance,
        reason,
        [
            *statements.matches(ordered),
            *statements.unlisted(chosen, files),
            freshness.by_releases(chosen, comparisons, found.index),
        ],
        release.signing if chosen.in_place else None,
    )


def _is_official(comparison: Comparison, files: Sequence[FileEntry]) -> bool:
    """Stated by the publisher as complete, and exactly that is here."""
    release = comparison.known.release
    return (
        release.complete
        and comparison.known.assurance.startswith("publisher-")
        and comparison.in_place
        and len(files) == len(release.files)
    )


def _unknown(comparisons: Sequence[Comparison], facts: Sequence[Fact], found: _Found) -> Evidence:
    """No release's bytes: why, and what is known all the same."""
    hints = statements.hints(found.unlisted(), found.index)
    stated: list[Fact] = [*statements.matches(comparisons), *hints]
    gone = freshness.withdrawn(comparisons)
    stated += [gone] if gone else []
    count = found.index.summary.releases
    against = [
        c
        for c in comparisons
        if _is_withdrawn(c) or (c.weights and c.known.void) or (c.claimed and c.differing)
    ]
    likely = next((c for c in [*against, *comparisons] if _is_likely(c)), None)
    if likely is not None and likely.differing:
        stated += statements.differences(likely, likely.differing, tampered=False)
    if found.unhashed:
        reason = wording.not_hashed(found.unhashed, len(found.files))
        return _evidence("not-hashed", None, None, reason, stated)
    if likely is not None:
        reason = wording.not_quite(likely, derives=_derives(likely, facts))
    elif hints:
        reason = wording.hint(hints[0].location.file, hints[0].release)
    else:
        reason = wording.nothing_known(comparisons, count, any_files=bool(found.files))
    return _evidence("unknown", None, None, reason, stated)


def _is_withdrawn(comparison: Comparison) -> bool:
    """Weights are here whose publisher took them back."""
    return comparison.weights and comparison.known.release.status == "withdrawn"


def _is_likely(comparison: Comparison) -> bool:
    """More than a shared tokenizer: worth naming, although these are not the release's bytes."""
    return (
        (comparison.claimed and bool(comparison.matched or comparison.differing))
        or comparison.weights
        or len(comparison.matched) >= _ENOUGH
    )


def _derives(comparison: Comparison, facts: Sequence[Fact]) -> bool:
    """Whether the model declares that it derives from the release.

    A base without a relation counts when a model card names it. In `config.json` it is only
    `_name_or_path`, which exact copies carry as well.
    """
    release = comparison.known.release
    names = {release.id.casefold()}
    for location in release.locations:
        names.add(location.casefold())
        names.add(location.partition(":")[2].casefold())
    return any(
        isinstance(fact, ModelClaim)
        and fact.claim == "base"
        and fact.value.casefold() in names
        and (bool(fact.relation) or fact.location.file.lower().endswith(".md"))
        for fact in facts
    )


def _evidence(
    status: OfficialStatus,
    release: str | None,
    assurance: str | None,
    reason: str,
    facts: Sequence[Fact],
    signing: SigningExpectation | None = None,
) -> Evidence:
    official = OfficialBytes(status=status, release=release, assurance=assurance, reason=reason)
    signers = signing.signers if signing and signing.expect == "model-signature" else None
    return Evidence(official=official, facts=tuple(facts), signers=signers)
