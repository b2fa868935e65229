"""What a policy sees of one model: the answers, the files, the facts and the findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from modelscan.fetcher.options import HUB_ENDPOINT
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.evidence import OfficialBytes, Signed
from modelscan.vocabulary.fact import (
    Fact,
    HashCheck,
    HubHistory,
    HubRepository,
    LicenceStated,
    ModelClaim,
)
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import FileEntry, LoadHazards
from modelscan.vocabulary.snapshot import Source

_SCHEME = re.compile(r"[a-z0-9]{2,}:")
"""What a reference begins with that is no path."""
PROVEN = ("verified-official", "matches-known-release", "pinned-match")
"""Statuses of "official bytes?" that say which bytes these are."""
_RELEASED = frozenset({"verified-official", "matches-known-release"})
_DAY = re.compile(r"\d{4}-(?:0\d|1[0-2])-(?:[0-2]\d|3[01])")
_ORIGINAL = ("identical", "cast", "quantized", "unknown")
"""Relations of a model that nobody trained further, as far as is known."""


def gaps(coverage: Iterable[Coverage]) -> str:
    """How many needed parts were not looked at, in words; empty for none."""
    count = sum(entry.needed for entry in coverage)
    parts = "1 needed part was" if count == 1 else f"{count} needed parts were"
    return f"{parts} not looked at" if count else ""


def named(claimed: str, ref: str) -> str:
    """What a model is called without its revision: its repository, or the last part of its path."""
    repository = claimed.partition("@")[0]
    if repository or _SCHEME.match(ref):
        return repository or ref.partition("@")[0]
    return ref.replace("\\", "/").rstrip("/").rpartition("/")[2]


class Situation(msgspec.Struct, frozen=True):
    """One model, at the moment the policy looks at it."""

    source: Source
    claimed: str
    """`hf:org/name@<commit>`, as its source claims it; empty when it claims none."""
    digest: str | None
    files: Sequence[FileEntry]
    hazards: LoadHazards
    official: OfficialBytes
    signed: Signed
    lineage: Lineage
    findings: tuple[Finding, ...]
    coverage: Sequence[Coverage]
    facts: Sequence[Fact]
    weights_roots: tuple[str, ...] = ()
    """Digests over the values of the weights, where lineage has computed them."""
    endpoints: tuple[str, ...] = ()
    """Hubs beside the public one whose word counts for who publishes what."""

    @property
    def known(self) -> bool:
        """True when the bytes are those of a release or a lock."""
        return self.official.status in PROVEN

    @property
    def stale(self) -> str:
        """Why a release that has these bytes does not count; empty when none has, or it counts."""
        found = (fact.void for fact in self.facts if isinstance(fact, HashCheck) and fact.void)
        return "" if self.known else next(found, "")

    @property
    def repository(self) -> str:
        """`org/name` on the hub, as claimed; empty when nothing is."""
        hub, scheme, name = self.claimed.partition("hf:")
        return name.partition("@")[0] if scheme and not hub else ""

    def name(self, ref: str) -> str:
        """What exceptions and pins call the model: its repository, or the last part of its path."""
        return named(self.claimed, ref)

    @property
    def identity(self) -> str:
        """`org/name`, when it rests on more than the name of a folder; else empty.

        It does when a hub was asked whose word counts, or when a release of this repository has
        these bytes. Any other endpoint says what it likes about names.
        """
        released = (self.official.release or "").partition("@")[0]
        if self.known and released.casefold() == self.repository.casefold():
            return self.repository
        return self.repository if self.source.kind == "hub" and not self.mirror else ""

    @property
    def mirror(self) -> str:
        """The endpoint that was asked, when its word does not count; else empty."""
        asked = (self.source.endpoint or HUB_ENDPOINT).rstrip("/")
        believed = {each.rstrip("/").casefold() for each in (HUB_ENDPOINT, *self.endpoints)}
        return "" if self.source.kind != "hub" or asked.casefold() in believed else asked

    @property
    def purl(self) -> str:
        """The package URL of the identity; empty when there is none."""
        if not self.identity:
            return ""
        return "pkg:huggingface/" + self.claimed.removeprefix("hf:")

    def claims(self, kind: str) -> tuple[ModelClaim, ...]:
        """What the model's own files claim of this kind."""
        return tuple(
            fact for fact in self.facts if isinstance(fact, ModelClaim) and fact.claim == kind
        )

    @property
    def licences(self) -> tuple[LicenceStated, ...]:
        """The licences that hold by what the files say, and by the base that they name."""
        return tuple(fact for fact in self.facts if isinstance(fact, LicenceStated))

    @property
    def relations(self) -> tuple[str, ...]:
        """How the model relates to its base: as measured, and as its files state."""
        stated = {claim.relation for claim in self.claims("base") if claim.relation}
        if self.claims("safeguards-removed"):
            stated.add("safeguards-removed")
        if not stated or self.lineage.status not in {"claimed", "unknown"}:
            stated.add(self.lineage.status)
        return tuple(sorted(stated))

    @property
    def community(self) -> bool:
        """True for what somebody made from another's model, and no manifest lists as a release."""
        released = self.official.status in _RELEASED or bool(self.stale)
        return self.derived and not released

    @property
    def changed(self) -> str:
        """The day of the commit that was read, or of the repository's last change; as the hub says.

        `2026-11-01`; empty when nothing says it.
        """
        for fact in self.facts:
            if isinstance(fact, HubHistory) and _DAY.match(fact.date):
                return fact.date[:10]
        for fact in self.facts:
            if isinstance(fact, HubRepository) and _DAY.match(fact.modified):
                return fact.modified[:10]
        return ""

    @property
    def derived(self) -> bool:
        """True for a model made from another one by more than a change of number format."""
        return any(relation not in _ORIGINAL for relation in self.relations)
