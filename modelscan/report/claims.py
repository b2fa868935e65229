"""What a model's own files claim, by kind: the part of a report that nobody has checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from modelscan.vocabulary.result import ModelFacts

_MOST = 1_000
"""Claims that are repeated for one model; an honest card makes a few dozen."""


class Claim(NamedTuple):
    """One claim."""

    value: str
    relation: str = ""
    """For a base: `finetune`, `adapter`, `merge`, `quantized`, or empty."""
    file: str = ""
    """The file that makes the claim."""


Claims = dict[str, list[Claim]]
"""Claims by their kind, in the report's order."""


def claims_of(facts: ModelFacts) -> Claims:
    """The claims of a model. Claims of another shape, which only a forged report has, are left."""
    found: Claims = {}
    for kind, claim in _well_formed(facts):
        found.setdefault(kind, []).append(claim)
    return found


def values(claims: Claims, kind: str) -> list[str]:
    """The different values claimed, sorted."""
    return sorted({claim.value for claim in claims.get(kind, ())})


def _well_formed(facts: ModelFacts) -> Iterator[tuple[str, Claim]]:
    for claim in facts.claims[:_MOST]:
        kind, value = claim.get("claim"), claim.get("value")
        if isinstance(kind, str) and isinstance(value, str) and value:
            relation, file = claim.get("relation"), claim.get("file")
            yield (
                kind,
                Claim(
                    value,
                    relation if isinstance(relation, str) else "",
                    file if isinstance(file, str) else "",
                ),
            )
