"""What a model's own files claim, by kind: the part of a report that nobody has checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from modelscan.report.kinship import merged
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.result import ModelFacts

_MOST = 1_000
"""Claims that are repeated for one model; an honest card makes a few dozen."""
_MOST_BASES = 100
_NO_BASE = frozenset({"unrelated", "unknown"})
_SEVERAL = frozenset({"claimed", "merge"})
"""Relations whose answer names one base where the model's files may name several."""


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


def bases_of(
    lineage: Lineage, claims: Claims, measured: Mapping[str, Any]
) -> dict[str, tuple[str, str]]:
    """The base models, each with its relation and its tier; a denied descent has none.

    Args:
        lineage: the answer to "descends from what?".
        claims: what the model's files claim; further bases of a merge are taken from it.
        measured: the entry `facts.lineage`, which knows the parts of a merge.
    """
    if lineage.base is None or lineage.status in _NO_BASE:
        return {}
    parts = merged(measured) if lineage.status == "merge" else []
    if parts:
        return {part.base: ("merge", lineage.tier) for part in parts}
    bases: dict[str, tuple[str, str]] = {lineage.base: (lineage.status, lineage.tier)}
    if lineage.status in _SEVERAL:
        for claim in claims.get("base", ())[:_MOST_BASES]:
            bases.setdefault(claim.value, ("claimed", "declared"))
    return bases


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
