"""The answer to "descends from what?": what the model's own files claim, marked as a claim."""

from __future__ import annotations

from collections.abc import Iterable

from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.fact import Fact, ModelClaim


def descends_from(facts: Iterable[Fact]) -> Lineage:
    """The claimed base. A claim with a stated relation outweighs one without."""
    claims = [fact for fact in facts if isinstance(fact, ModelClaim) and fact.claim == "base"]
    if not claims:
        return Lineage(status="unknown", tier="none", reason="no file of the model names a base")
    claim = max(claims, key=lambda fact: (bool(fact.relation), fact.location.file == "README.md"))
    relation = f"{claim.relation} of " if claim.relation else ""
    return Lineage(
        status="claimed",
        base=claim.value,
        tier="declared",
        reason=f"{relation}{claim.value}, by {claim.location.file} (not measured)",
    )
