"""From what was measured to what may be said: the rules of lineage, in their order.

A pure function. The first verdict answers "descends from what?"; the others add to it. What rests
on digests is `proved`, what rests on thresholds `measured`, everything weaker a `hint`.

Invariants: a tensor of the same stored type with another digest is a modification, however alike
the sketches are; nothing is called unrelated unless enough matrices of equal shape were compared;
no verdict speaks of intent, of training data, or of what the model does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.lineage import limits, wording
from modelscan.lineage.directions import is_hinted, is_shared
from modelscan.lineage.evidence import Evidence, Verdict
from modelscan.lineage.layers import RELATED
from modelscan.lineage.reparametrised import GROSS, HIDDEN, INTACT, SAME
from modelscan.lineage.summary import Summary, median_of
from modelscan.vocabulary.ancestry import Relation, Tier

LEAST_COMPARED: Final = 6
"""Matrices without which "unrelated" would rest on too little."""
LEAST_COVERED: Final = 0.5
"""Share of the candidate's matrices that must have a counterpart, for the same reason."""
PRUNED: Final = 0.1
"""Share of elements that became zero from which on a model is pruned."""
KEPT: Final = 0.95
"""Share of the others that are unchanged in a model that was pruned and nothing else."""
SPARSE: Final = 0.3
"""Share of samples that are unchanged from which on a difference is sparse."""
SPARSE_STEPS: Final = 4
"""Units of the last place by which the others differ: rounding small changes leaves less."""
UNSTRUCTURED: Final = 1.02
"""Excess of the first singular value of noise, as a median: noise has .88 to .98, training 1.08."""
NEVER_STRUCTURED: Final = 1.15
"""The same in any one matrix: noise reached 1.02, some matrix of every trained model 1.3."""
FITTED: Final = 0.2
"""Share of samples outside half a step that a quantiser with fitted scales may leave."""
SMALL: Final = 0.3
"""Relative change up to which an unstructured difference can be a re-encoding."""
_NOTICED: Final = 1e-3
"""Relative change above what rounding to bfloat16 leaves of a scale."""
_SAME_SCALE: Final = 0.05
"""Of what the angle of an ordinary change would be: less is a change of scale alone."""


def judge(evidence: Evidence) -> tuple[Verdict, ...]:
    """What may be said about a candidate and one base; never empty."""
    found = Summary.of(evidence)
    if evidence.by == "samples":
        return (_glimpsed(found),)
    verdicts = list(_equal(found)) or list(_encoded(found)) or list(_compared(found))
    return (*verdicts, *_besides(found, verdicts[0]))


def _glimpsed(found: Summary) -> Verdict:
    """What a few values of each tensor hint at."""
    evidence = found.evidence
    relation: Relation = "unknown"
    if evidence.similarity is not None:
        relation = "derived" if evidence.similarity >= RELATED else "unrelated"
        equal = [change.equal for change in evidence.changes if change.state == "sampled"]
        if equal and all(share == 1 for share in equal) and not found.reshaped:
            relation = "identical"
    text = wording.glimpsed(found)
    tier: Tier = "none" if relation == "unknown" else "hint"
    return Verdict(relation=relation, tier=tier, text=text, limits=limits.SAMPLES)


def _equal(found: Summary) -> Iterator[Verdict]:
    """Every value is the base's, by digest."""
    evidence = found.evidence
    if not found.proved or len(found.exact) < len(evidence.changes) - len(found.added):
        return
    if found.rearranged:
        text = wording.rearranged(found, exact=True)
        yield Verdict(relation="derived", tier="proved", text=text, limits=limits.KINSHIP)
    elif evidence.missing or found.added or found.unread:
        text = wording.partly_equal(found)
        yield Verdict(relation="derived", tier="proved", text=text, limits=limits.KINSHIP)
    elif any(change.state == "cast" for change in found.exact):
        text = wording.cast(found)
        yield Verdict(relation="cast", tier="proved", text=text, limits=limits.EQUAL)
    else:
        text = f"all {len(found.exact):,} tensors have the base's values"
        yield Verdict(relation="identical", tier="proved", text=text, limits=limits.EQUAL)


def _encoded(found: Summary) -> Iterator[Verdict]:
    """Nothing but the way the values are stored differs."""
    evidence = found.evidence
    if found.reshaped or evidence.missing or found.added or found.rearranged or found.strangers:
        return
    if (evidence.similarity or 0.0) < RELATED or found.above or is_hinted(evidence.directions):
        return
    fitted = found.outside <= FITTED * found.checked
    if found.quantised and not found.changed and not found.unfaithful and fitted:
        yield Verdict(
            relation="quantized",
            tier="measured",
            text=wording.quantised(found),
            limits=limits.QUANTISED,
        )
    elif found.changed and not found.quantised:
        rounded = [c.steps is not None and c.steps <= 1 for c in found.changed]
        if all(rounded) and not any(change.same_dtype for change in found.changed):
            text = "every sample is within one rounding step of the base's, and no digest proves it"
            yield Verdict(relation="cast", tier="measured", text=text, limits=limits.MEASURED)


def _compared(found: Summary) -> Iterator[Verdict]:
    """Related by more than encoding, or not at all."""
    evidence = found.evidence
    similarity, invariants = evidence.similarity, evidence.invariants or 0.0
    known = len(evidence.layer_map) - len(found.strangers)
    if similarity is not None and (similarity >= RELATED or known):
        yield from _changed(found)
    elif invariants >= SAME:
        text = wording.reparametrised(found)
        yield Verdict(
            relation="reparametrised", tier="measured", text=text, limits=limits.REPARAMETRISED
        )
    elif found.telling:
        text = wording.partly_equal(found)
        yield Verdict(relation="derived", tier="proved", text=text, limits=limits.KINSHIP)
    elif (
        evidence.by == "sketches"
        and evidence.compared >= LEAST_COMPARED
        and evidence.coverage >= LEAST_COVERED
    ):
        text = wording.unrelated(found)
        yield Verdict(relation="unrelated", tier="measured", text=text, limits=limits.UNRELATED)
    else:
        text = wording.unknown(found)
        yield Verdict(relation="unknown", tier="none", text=text, limits=limits.UNKNOWN)


def _changed(found: Summary) -> Iterator[Verdict]:
    """The kind of change between relatives."""
    relation: Relation
    if _is_hidden(found):
        text = wording.reparametrised(found)
        relation, limit = "reparametrised", limits.REPARAMETRISED
    elif _is_pruned(found):
        relation, text, limit = "derived", wording.pruned(found), limits.MEASURED
    elif _is_sparse(found):
        relation, text, limit = "derived", wording.sparse(found), limits.SPARSE
    elif found.strangers or found.rearranged:
        relation, limit = "derived", limits.MEASURED
        text = wording.rearranged(found, exact=False)
    elif not found.above:
        yield from _below(found)
        return
    elif _is_projected(found):
        text = wording.projected(found)
        relation, limit = "abliteration-like", limits.PROJECTED
    elif found.frozen_around and found.is_low_rank and found.resolved:
        relation, text, limit = "low-rank", wording.low_rank(found), limits.LOW_RANK
    elif _is_unstructured(found):
        relation, text, limit = "derived", wording.unstructured(found), limits.UNSTRUCTURED
    elif found.frozen_around and found.resolved and _is_saturated(found):
        text = wording.saturated(found)
        yield Verdict(relation="low-rank", tier="hint", text=text, limits=limits.SATURATED)
        return
    else:
        relation, text, limit = "finetune", wording.finetune(found), limits.MEASURED
    yield Verdict(relation=relation, tier="measured", text=text, limits=limit)


def _below(found: Summary) -> Iterator[Verdict]:
    """Matrices without a difference that a sketch could show."""
    only_vectors = found.vectors and len(found.vectors) == len(found.changed)
    relation: Relation = "finetune" if only_vectors else "derived"
    if found.reshaped and not found.changed and not found.unfaithful:
        text, limit = wording.reshaped(found), limits.KINSHIP
    elif only_vectors and not found.outside:
        text, limit = wording.vectors(found), limits.MEASURED
    elif found.outside or found.changed:
        text, limit = wording.below(found), limits.BELOW
    else:
        text, limit = wording.partly_equal(found), limits.KINSHIP
    yield Verdict(relation=relation, tier="measured", text=text, limits=limit)


def _besides(found: Summary, first: Verdict) -> Iterator[Verdict]:
    """What is true besides the answer."""
    shared = is_shared(found.evidence.directions)
    if shared and first.relation not in {"abliteration-like", "unrelated", "reparametrised"}:
        yield Verdict(
            relation="abliteration-like",
            tier="measured",
            text=wording.projected(found),
            limits=limits.PROJECTED,
        )
    elif is_hinted(found.evidence.directions) and first.relation not in {"unrelated", "unknown"}:
        yield Verdict(
            relation="abliteration-like",
            tier="hint",
            text=wording.hinted(found),
            limits=limits.PROJECTED,
        )
    if found.unfaithful and first.relation not in {"unrelated", "unknown"}:
        yield Verdict(
            relation=first.relation,
            tier="proved",
            text=wording.unfaithful(found),
            limits=limits.UNFAITHFUL,
        )
    partly = wording.partly_equal(found)
    told = first.relation in {"unrelated", "unknown", "identical", "cast"} or first.text == partly
    if found.evidence.missing and found.proved and not told:
        yield Verdict(relation="derived", tier="proved", text=partly, limits=limits.KINSHIP)


def _is_hidden(found: Summary) -> bool:
    """What is computed agrees far better than the matrices, or only their scale changed."""
    evidence = found.evidence
    invariants = evidence.invariants
    if invariants is not None and evidence.similarity is not None and not found.is_low_rank:
        everywhere = len(found.layers) >= len(evidence.layer_map)
        intact = 1 - invariants < INTACT * found.relative**2 and found.relative >= GROSS
        gap = invariants - evidence.similarity
        if invariants >= SAME and (gap > HIDDEN or (intact and everywhere)):
            return True
    scaled = [
        1 - change.cosine < _SAME_SCALE * change.relative**2 / 2
        for change in found.above
        if change.cosine is not None and (change.relative or 0.0) > _NOTICED and change.relative
    ]
    return len(scaled) >= 2 and sum(scaled) * 2 > len(scaled)  # noqa: PLR2004  # one is no pattern


def _is_pruned(found: Summary) -> bool:
    return bool(found.changed) and median_of(c.zeros for c in found.changed if c.matrix) >= PRUNED


def _is_sparse(found: Summary) -> bool:
    matrices = [c for c in found.changed if c.matrix]
    equal, steps = median_of(c.equal for c in matrices), median_of(c.steps for c in matrices)
    return bool(found.above) and equal >= SPARSE and steps >= SPARSE_STEPS


def _is_projected(found: Summary) -> bool:
    return found.only_writers and is_shared(found.evidence.directions)


def _is_saturated(found: Summary) -> bool:
    """Most differences have a higher rank than can be told, in a quantised file at least half."""
    limit = found.resolution / 2 if found.quantised else found.resolution
    return median_of(map(float, found.ranks)) > limit


def _is_unstructured(found: Summary) -> bool:
    excesses = [c.spectrum.excess for c in found.above if c.spectrum]
    return (
        len(excesses) >= LEAST_COMPARED
        and median_of(excesses) <= UNSTRUCTURED
        and max(excesses) <= NEVER_STRUCTURED
        and found.relative < SMALL
    )
