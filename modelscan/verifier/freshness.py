"""Is it the newest release? A signature stays valid for ever, and an older release brings its own.

Who replays an older release brings its mended flaws back, with nothing altered. Three may know of a
newer one: lists of releases, in which another supersedes it or its publisher withdrew it; what was
written down of this signer's earlier signatures; and the user, who names the first day that will
do. Invariants: an order rests on such a statement and never on names, numbers of versions or the
times of files; a time of signing is sigstore's, or the signer's own word inside what is signed; who
cannot say gives no answer, so that the report says that nobody could.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from modelscan.verifier import wording
from modelscan.verifier.comparison import Comparison
from modelscan.verifier.index import Index, Known, replacing_key
from modelscan.vocabulary.fact import FreshnessCheck

_MOST_OLDER = 1_000
"""Older statements of a model that are remembered."""
_LONGEST_CHAIN = 100
"""Releases that replace one another."""
UNKNOWN = "nothing here says whether a newer release exists"


class Vote(msgspec.Struct, frozen=True):
    """A signature over the whole model that was checked."""

    party: str
    """The configuration's name of the signer; empty for somebody else."""
    anchor: str
    """What identifies them."""
    trusted: bool = False
    statement: str = ""
    """What they state, as `Statement.identity` has it."""
    signed: str = ""
    """When, UTC; empty when nobody says it."""


class Seen(msgspec.Struct, frozen=True):
    """What was written down of a model's signatures."""

    signer: str
    """Who signed it first."""
    statement: str = ""
    """What their newest signature states; empty when only the signer was written down."""
    signed: str = ""
    """When that was signed, UTC; empty when nobody says it."""
    older: tuple[str, ...] = ()
    """What earlier ones stated."""

    def order(self, vote: Vote) -> Literal["same", "newer", "older", "unknown"]:
        """How a signature by the same signer stands to the newest that was written down."""
        if not self.statement:
            return "unknown"
        if vote.statement == self.statement:
            return "same"
        if vote.signed and self.signed and vote.signed != self.signed:
            return "newer" if vote.signed > self.signed else "older"
        return "older" if vote.statement in self.older else "unknown"

    def followed_by(self, statement: str, signed: str) -> Seen:
        """The same after a newer signature. What was the newest is remembered as an older one."""
        past = (*self.older, self.statement) if self.statement else self.older
        older = tuple(dict.fromkeys(each for each in past if each != statement))
        return Seen(self.signer, statement, signed, older[-_MOST_OLDER:])


def by_signatures(
    votes: Iterable[Vote], seen: Seen | None, since: str, needed: int
) -> FreshnessCheck | None:
    """What is known of the order of these signatures; `None` when nothing says it.

    Args:
        votes: the signatures over the whole model.
        seen: what was written down of earlier ones.
        since: the first day on which it may have been signed, ISO 8601; empty for any.
        needed: how many signers must have signed since then.
    """
    good = [vote for vote in votes if vote.trusted]
    fresh = [vote for vote in good if vote.signed[:10] >= since]
    if since and len({vote.party or vote.anchor for vote in fresh}) < needed:
        return _too_old([vote.signed[:10] for vote in good if vote not in fresh], since)
    known = [vote for vote in good if vote.anchor == seen.signer] if seen else []
    orders = {seen.order(vote): vote for vote in known} if seen else {}
    if seen and "older" in orders:
        return _older(orders["older"], seen)
    for order, note in (
        ("newer", "newer than all that was written down of this signer"),
        ("same", "the newest that was written down of this signer"),
    ):
        if order in orders:
            return _newest(note, "earlier-signature", orders[order].statement)
    if since:
        return _newest(f"signed on {max(vote.signed for vote in fresh)[:10]}", "signed-since")
    return None


def by_releases(
    chosen: Comparison, comparisons: Sequence[Comparison], index: Index
) -> FreshnessCheck:
    """Whether a release that is here was replaced by another one.

    Args:
        chosen: the release whose bytes these are.
        comparisons: all releases that share something with the model.
        index: the known releases.
    """
    # Releases may share their weights: the rest of the files tells which of them is here. Several
    # lists may record it, and one of them that knows of a newer one is enough.
    clean = [c for c in comparisons if c.weights and not c.differing] or [chosen]
    most = max((c.in_place, len(c.matched)) for c in clean)
    here = [c.known for c in clean if (c.in_place, len(c.matched)) == most]
    own = {known.release.id for known in here}
    for known in here:
        newer = _newest_of(known, index)
        if newer is not None and newer.release.id not in own:
            return _replaced(known, newer)
    note = f"no known release replaced {wording.short_id(chosen.known.release.id)}"
    return _newest(note, "releases", chosen.known.release.id)


def withdrawn(comparisons: Iterable[Comparison]) -> FreshnessCheck | None:
    """That a release is here which its publisher took back; `None` when none is."""
    found = (c.known for c in comparisons if c.weights and c.known.release.status == "withdrawn")
    known = next(found, None)
    return None if known is None else _gone(known)


def _replacing(known: Known, index: Index) -> list[Known]:
    """The releases that say that they replace one, as far as they count."""
    found = [index.known(number) for number in index.by_location(replacing_key(known.release.id))]
    return [
        each
        for each in found
        if known.release.id in each.release.supersedes and each.release.status == "current"
    ]


def _newest_of(known: Known, index: Index) -> Known | None:
    """The last of the releases that replaced one another; `None` when none did."""
    passed = {known.release.id}
    newest: Known | None = None
    following = _replacing(known, index)
    while following and len(passed) < _LONGEST_CHAIN:
        newest = following[0]
        passed.add(newest.release.id)
        following = [each for each in _replacing(newest, index) if each.release.id not in passed]
    return newest


def _replaced(known: Known, newer: Known) -> FreshnessCheck:
    old, new = wording.short_id(known.release.id), wording.short_id(newer.release.id)
    return FreshnessCheck(
        outcome="older",
        note=f"{old} is an older release, which {new} replaced{wording.source(newer.source)}",
        known_by="releases",
        release=known.release.id,
        newer=newer.release.id,
    )


def _gone(known: Known) -> FreshnessCheck:
    release = known.release
    name = wording.short_id(release.id)
    note = f"{name} was withdrawn: {release.reason}{wording.source(known.source)}"
    return FreshnessCheck(outcome="older", note=note, known_by="releases", release=release.id)


def _newest(
    note: str, known_by: Literal["releases", "earlier-signature", "signed-since"], release: str = ""
) -> FreshnessCheck:
    return FreshnessCheck(outcome="newest", note=note, known_by=known_by, release=release)


def _too_old(days: Sequence[str], since: str) -> FreshnessCheck:
    """Signatures that are older than the user asks for, or may be."""
    latest = max(days, default="")
    when = f"it was signed on {latest}" if latest else "its signature does not say when it was made"
    note = f"{when}, and a signature of {since} or later is asked for"
    return FreshnessCheck(outcome="older", note=note, known_by="signed-since")


def _older(vote: Vote, seen: Seen) -> FreshnessCheck:
    """A release by the same signer that another one is known to have replaced."""
    newer = f"one of {seen.signed}" if seen.signed else f"one that states {seen.statement[:19]}…"
    when = f" of {vote.signed}" if vote.signed else ""
    return FreshnessCheck(
        outcome="older",
        note=f"an older release{when}, replayed: {newer} by the same signer was written down",
        known_by="earlier-signature",
        release=vote.statement,
        newer=seen.statement,
    )
