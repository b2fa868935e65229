"""The answer to "descends from what?": what the model's own files claim, marked as a claim."""

from __future__ import annotations

from collections.abc import Iterable

from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.fact import Fact, ModelClaim

_NAMED = 3
"""Bases of a merge that the reason names; a merge can have dozens."""


def descends_from(facts: Iterable[Fact]) -> Lineage:
    """The claimed base, or bases. A claim with a stated relation outweighs one without.

    Of the files that claim a base, the one whose claim weighs most is believed as a whole: a card
    that lists the models of a merge is not mixed with what the configuration says.
    """
    claims = [fact for fact in facts if isinstance(fact, ModelClaim) and fact.claim == "base"]
    if not claims:
        return Lineage(status="unknown", tier="none", reason="no file of the model names a base")
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


def _weight(claim: ModelClaim) -> tuple[bool, bool, bool]:
    """A relation, then the card, then what was said over what was concluded."""
    return (
        bool(claim.relation),
        claim.location.file.lower() == "readme.md",
        claim.status == "declared",
    )
