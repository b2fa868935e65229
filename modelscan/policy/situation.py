"""What a policy sees of one model: the answers, the files, the facts and the findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.evidence import OfficialBytes, Signed
from modelscan.vocabulary.fact import Fact, ModelClaim
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import FileEntry, LoadHazards
from modelscan.vocabulary.snapshot import Source

PROVEN = ("verified-official", "matches-known-release", "pinned-match")
"""Statuses of "official bytes?" that say which bytes these are."""
_ORIGINAL = ("identical", "cast", "quantized", "unknown")
"""Relations of a model that nobody trained further, as far as is known."""


def gaps(coverage: Iterable[Coverage]) -> str:
    """How many needed parts were not looked at, in words; empty for none."""
    count = sum(entry.needed for entry in coverage)
    parts = "1 needed part was" if count == 1 else f"{count} needed parts were"
    return f"{parts} not looked at" if count else ""


class Situation(NamedTuple):
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

    @property
    def known(self) -> bool:
        """True when the bytes are those of a release or a lock."""
        return self.official.status in PROVEN

    @property
    def repository(self) -> str:
        """`org/name`, as claimed; empty when nothing is."""
        return self.claimed.removeprefix("hf:").partition("@")[0]

    @property
    def identity(self) -> str:
        """`org/name`, when it rests on more than the name of a folder; else empty.

        It does when the hub itself was asked, or when a release of this repository has these bytes.
        """
        released = (self.official.release or "").partition("@")[0]
        if self.known and released.casefold() == self.repository.casefold():
            return self.repository
        return self.repository if self.source.kind == "hub" else ""

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
    def relations(self) -> tuple[str, ...]:
        """How the model relates to its base: as measured, and as its files state."""
        stated = {claim.relation for claim in self.claims("base") if claim.relation}
        if self.claims("safeguards-removed"):
            stated.add("safeguards-removed")
        if not stated or self.lineage.status not in {"claimed", "unknown"}:
            stated.add(self.lineage.status)
        return tuple(sorted(stated))

    @property
    def derived(self) -> bool:
        """True for a model made from another one by more than a change of number format."""
        return any(relation not in _ORIGINAL for relation in self.relations)
