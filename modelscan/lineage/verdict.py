"""The answer to "descends from what?" without a look at the weights.

It is what the model's own files claim, marked as a claim; where they claim nothing, the digests of
weight files may be those of a published release, which is proof of where these bytes come from.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.fact import Fact, HashCheck, ModelClaim

_WEIGHTS = (".safetensors", ".gguf", ".bin", ".pt", ".pth", ".h5", ".onnx", ".npz", ".msgpack")
"""Endings of files whose digest says which weights they are."""
_NAMED = 3
"""Bases of a merge that the reason names; a merge can have dozens."""


def descends_from(facts: Iterable[Fact]) -> Lineage:
    """The claimed base, or bases. A claim with a stated relation outweighs one without.

    Of the files that claim a base, the one whose claim weighs most is believed as a whole: a card
    that lists the models of a merge is not mixed with what the configuration says.
    """
    facts = tuple(facts)
    claims = [fact for fact in facts if isinstance(fact, ModelClaim) and fact.claim == "base"]
    if not claims:
        return published(facts)
    claim = max(claims, key=_weight)
    where = claim.location.file
    names = dict.fromkeys(
        other.value
        for other in claims
        if (other.location.file, other.relation) == (where, claim.relation)
    )
    listed = ", ".join(list(names)[:_NAMED])
    if len(names) > _NAMED:
        listed += f" and {len(names) - _NAMED} more"
    relation = f"{claim.relation} of " if claim.relation else ""
    return Lineage(
        status="claimed",
        base=claim.value,
        tier="declared",
        reason=f"{relation}{listed}, by {where} (not measured)",
    )


def published(facts: Iterable[Fact]) -> Lineage:
    """The release whose weight files these are, by digest; unknown when they are nobody's."""
    same = [
        fact
        for fact in facts
        if isinstance(fact, HashCheck)
        and fact.outcome == "matches"
        and fact.location.file.lower().endswith(_WEIGHTS)
    ]
    if not same:
        return Lineage(status="unknown", tier="none", reason="no file of the model names a base")
    release = same[0].release
    count = sum(fact.release == release for fact in same)
    files = "1 weight file has its" if count == 1 else f"{count:,} weight files have their"
    reason = f"{files} published digest"
    return Lineage(status="identical", base=release, tier="proved", reason=reason)


def _weight(claim: ModelClaim) -> tuple[bool, bool, bool]:
    """A relation, then the card, then what was said over what was concluded."""
    return (
        bool(claim.relation),
        claim.location.file.lower() == "readme.md",
        claim.status == "declared",
    )
