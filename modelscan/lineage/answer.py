"""The answer to "descends from what?" once weights were measured: one base, or several.

A pure function of fingerprints and claims. Every base is compared; the closest one is the answer,
unless two or more of them together explain the weights: then it is a merge. Each answer carries its
tier, and what it does not show stands beside it in `facts.lineage`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from modelscan.lineage import limits
from modelscan.lineage.adapters import adapter_verdict
from modelscan.lineage.asked import Base
from modelscan.lineage.claims import Claims, identity_of, listed, standing
from modelscan.lineage.compare import compare
from modelscan.lineage.directions import is_shared
from modelscan.lineage.evidence import Evidence, Verdict
from modelscan.lineage.judgement import judge
from modelscan.lineage.merge import Recipe, recipe
from modelscan.lineage.mosaic import mosaic
from modelscan.lineage.picture import picture, verdict_entry
from modelscan.lineage.prints import Fingerprint
from modelscan.lineage.summary import Summary
from modelscan.vocabulary.ancestry import Lineage, Relation
from modelscan.vocabulary.fact import (
    Fact,
    LineageCompanion,
    LineageComparison,
    LineageSearch,
)

_CLOSEST: Final[tuple[Relation, ...]] = ("identical", "cast", "quantized")
_NO_DESCENT: Final = frozenset({"unrelated", "unknown"})
_SAME_WEIGHTS: Final = frozenset({"identical", "cast", "quantized"})
_MOST_CANDIDATES: Final = 20
_MOST_PARTS: Final = 16
"""Bases that are tried as the parts of a merge, the closest ones."""
_MOST_NAMED: Final = 20


class Held(NamedTuple):
    """One base, and what the comparison with it showed."""

    base: Base
    evidence: Evidence
    verdicts: tuple[Verdict, ...]

    @property
    def distance(self) -> tuple[int, float]:
        """The closest first: by relation where it proves most, then by how much changed."""
        relation = self.verdicts[0].relation
        if relation in _CLOSEST:
            return _CLOSEST.index(relation), 0.0
        if relation in _NO_DESCENT:
            return len(_CLOSEST) + 1, -(self.evidence.similarity or 0.0)
        # of a sparse difference, as merges of differences leave it, most values did not change
        known = [
            c.relative * (1 - (c.equal or 0.0))
            for c in self.evidence.changes
            if c.matrix and c.relative is not None
        ]
        return len(_CLOSEST), sum(known) / len(known) if known else 1.0


class Measured(NamedTuple):
    """What lineage has to say about a model."""

    lineage: Lineage
    facts: tuple[Fact, ...]
    picture: Mapping[str, Any]
    best: Held
    """The base that the answer is about."""
    mixed: bool
    """The answer is a merge, of which that base is one part."""


def measure(
    candidate: Fingerprint, bases: Sequence[Base], claims: Claims, *, searched: bool = False
) -> Measured:
    """Compare a model with every base.

    Args:
        candidate: fingerprint of the model in question.
        bases: at least one.
        claims: what the model's files say.
        searched: the bases are a library, and the question is which of them it is.
    """
    held = sorted((_hold(candidate, base) for base in bases), key=lambda each: each.distance)
    best = held[0]
    mixed = _mixture(candidate, held)
    facts = list(_facts(best, mixed, held, claims))
    if searched:
        found = best.verdicts[0].relation not in _NO_DESCENT or mixed is not None
        facts.append(
            LineageSearch(
                status="verified" if found else "absent",
                outcome="found" if found else "nothing-found",
                compared=len(bases),
                claims="some-base" if claims.names else "nothing",
            )
        )
    shown = picture(best.evidence, best.verdicts, best.base.label)
    if candidate.root and not any(gap.needed for gap in candidate.skipped):
        shown["weights_root"] = candidate.root
    if mixed is not None:
        verdict, parts, layers = mixed
        shown["verdicts"].insert(0, verdict_entry(verdict))
        shown["merge"] = parts
        if layers:
            shown["merge_by_layer"] = layers
    if best.base.authority is not None:
        shown["fingerprint_of"] = msgspec.structs.asdict(best.base.authority)
    if len(held) > 1:
        shown["candidates"] = [_candidate(each) for each in held[:_MOST_CANDIDATES]]
    lineage = _lineage(best, mixed, claims, searched=len(bases) if searched else 0)
    return Measured(lineage, tuple(facts), shown, best, mixed is not None)


_Mixture = tuple[Verdict, list[dict[str, Any]], list[list[float]]]


def _hold(candidate: Fingerprint, base: Base) -> Held:
    evidence = compare(candidate, base.print)
    fits = adapter_verdict(candidate, base.print)
    return Held(base, evidence, (fits,) if fits else judge(evidence))


def _mixture(candidate: Fingerprint, held: Sequence[Held]) -> _Mixture | None:
    """The recipe, when several of the bases explain what none explains alone."""
    if held[0].verdicts[0].relation in _SAME_WEIGHTS:
        return None
    assembled = mosaic([each.evidence for each in held[:_MOST_PARTS]])
    if assembled:
        parts = [{"base": held[n].base.label, "tensors": count} for n, count in assembled]
        text = "; ".join(f"{part['tensors']:,} tensors of {part['base']}" for part in parts[:8])
        text = f"put together from several models, bit-exact: {text}"
        made = Verdict(relation="merge", tier="proved", text=text, limits=limits.KINSHIP)
        return made, parts, []
    if held[0].verdicts[0].tier == "proved":
        return None
    found = recipe(candidate, [each.base.print for each in held[:_MOST_PARTS]])
    if found is None:
        return None
    parts = [
        {"base": held[index].base.label, "weight": round(weight, 3)}
        for index, weight in found.parts
    ]
    verdict = Verdict(
        relation="merge", tier="measured", text=_recipe_text(parts, found), limits=limits.MERGE
    )
    return verdict, parts, [list(row) for row in found.layers]


def _recipe_text(parts: list[dict[str, Any]], found: Recipe) -> str:
    terms = " + ".join(f"{part['weight']:.3g} x {part['base']}" for part in parts[:8])
    each = "" if found.by == "model" else f", in other proportions in each {found.by}"
    return f"{terms}{each}, residual {found.residual:.3f}"


def _lineage(best: Held, mixed: _Mixture | None, claims: Claims, *, searched: int) -> Lineage:
    first = mixed[0] if mixed else best.verdicts[0]
    base: str | None = best.base.label
    if mixed:
        base = ", ".join(str(part["base"]) for part in mixed[1][:8])
    text = first.text
    if best.base.authority and not mixed:
        text += f"; {best.base.authority.words}"
    also = [v.text for v in best.verdicts[1:] if v.tier in {"proved", "measured"}]
    if also and not mixed:
        text += "; " + also[0]
    if first.relation in _NO_DESCENT:
        if searched:
            more = f" and {searched - 1:,} more" if searched > 1 else ""
            text = f"nothing that it descends from among {best.base.label}{more}: {text}"
            base = None
        if claims.names:
            text += f"; the files claim {listed(claims.names)}"
    return Lineage(
        status=first.relation,
        base=base,
        tier=first.tier,
        reason=text if first.tier == "none" else f"{first.tier}: {text}",
    )


def _facts(
    best: Held, mixed: _Mixture | None, held: Sequence[Held], claims: Claims
) -> Iterator[Fact]:
    """Facts about the answer, and about each base that the user named and that it is not."""
    yield _comparison(best, claims, mixed)
    for other in held:
        if other is not best and other.verdicts[0].relation == "unrelated" and not mixed:
            names_it = standing(claims, _identity(other.base), other.base.label) == "this-base"
            if names_it and best.verdicts[0].relation in _NO_DESCENT | {"merge"}:
                yield _comparison(other, claims, None)
    if best.verdicts[0].relation in _SAME_WEIGHTS:
        for part, names in (
            ("tokenizer", best.evidence.tokenizer),
            ("template", best.evidence.templates),
        ):
            if names:
                yield LineageCompanion(
                    part="tokenizer" if part == "tokenizer" else "template",
                    names=names[:_MOST_NAMED],
                    relation=best.verdicts[0].relation,
                    base=best.base.label,
                )


def _comparison(held: Held, claims: Claims, mixed: _Mixture | None) -> LineageComparison:
    found = Summary.of(held.evidence)
    first = mixed[0] if mixed else held.verdicts[0]
    label = held.base.label
    if mixed:
        label = ", ".join(str(part["base"]) for part in mixed[1][:8])
    descends = first.relation not in _NO_DESCENT
    shared = descends and is_shared(held.evidence.directions)
    clean = held.evidence.directions is None or held.evidence.directions.clean
    return LineageComparison(
        status="verified" if first.tier == "proved" else "inferred",
        relation=first.relation,
        tier=first.tier,
        base=label,
        summary=first.text,
        claims=standing(claims, _identity(held.base), held.base.label),
        claimed=listed(claims.names),
        claimed_relation=claims.relation,
        asked=held.base.asked,
        one_direction=shared and clean,
        direction_among_others=shared and not clean,
        announced=claims.unguarded,
        quantisation=_quantisation(found) if descends else "none",
        outside=tuple(change.name for change in found.unfaithful[:_MOST_NAMED]) if descends else (),
    )


def _quantisation(found: Summary) -> Any:
    if not found.quantised:
        return "none"
    if found.unfaithful:
        return "outside-bound"
    return "not-testable" if len(found.untestable) == len(found.quantised) else "within-bound"


def _identity(base: Base) -> str:
    return base.identity or identity_of(base.print.source)


def _candidate(held: Held) -> dict[str, Any]:
    first = held.verdicts[0]
    entry = {"base": held.base.label, "relation": first.relation, "tier": first.tier}
    if held.evidence.similarity is None:
        return entry
    return {**entry, "resemblance": round(held.evidence.similarity, 4)}
