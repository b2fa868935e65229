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

import msgspec

from modelscan.lineage import limits, wording
from modelscan.lineage.directions import is_hinted, is_shared
from modelscan.lineage.evidence import Evidence, Verdict
from modelscan.lineage.layers import RELATED
from modelscan.lineage.reparametrised import HIDDEN, SAME, Rewritten
from modelscan.lineage.summary import EMBEDDINGS, Summary, median_of
from modelscan.vocabulary.ancestry import Relation, Tier

LEAST_COMPARED: Final = 6
"""Matrices without which "unrelated" would rest on too little."""
LEAST_COVERED: Final = 0.5
"""Share of the candidate's matrices that must have a counterpart, for the same reason."""
PRUNED: Final = 0.1
"""Share of elements that became zero from which on a model is pruned."""
THINNED: Final = 0.02
"""The same where all the others are unchanged."""
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
DROWNING: Final = 0.1
"""Relative change of a fine-tune from which on the sketch may miss a projection beside it: .14."""
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
    first = (list(_equal(found)) or list(_encoded(found)) or list(_compared(found)))[0]
    besides = _besides(found, first)
    for note in (wording.renamed(found), wording.together(found)):
        first = msgspec.structs.replace(first, text=first.text + note)
    return (first, *besides)


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
        count = sum(change.members for change in found.exact)
        text = f"all {count:,} tensors have the base's values"
        yield Verdict(relation="identical", tier="proved", text=text, limits=limits.EQUAL)


def _encoded(found: Summary) -> Iterator[Verdict]:
    """Nothing but the way the values are stored differs."""
    evidence = found.evidence
    if found.reshaped or evidence.missing or found.added or found.rearranged or found.strangers:
        return
    if (evidence.similarity or 0.0) < RELATED or is_hinted(evidence.directions):
        return
    if found.above and not _is_unstructured(found):
        return
    fitted = found.outside <= FITTED * found.checked
    plain = not found.above and not found.changed and not found.unfaithful
    if found.quantised and plain and fitted:
        yield Verdict(
            relation="quantized",
            tier="measured",
            text=wording.quantised(found),
            limits=limits.QUANTISED if found.checked else limits.UNBOUNDED,
        )
    elif found.changed and not found.quantised:
        rounded = [c.steps is not None and c.steps <= 1 for c in found.changed]
        if all(rounded) and not any(change.same_dtype for change in found.changed):
            text = "every sample is within one rounding step of the base's, and no digest proves it"
            yield Verdict(relation="cast", tier="measured", text=text, limits=limits.MEASURED)


def _compared(found: Summary) -> Iterator[Verdict]:
    """Related by more than encoding, or not at all."""
    evidence = found.evidence
    relation: Relation
    similarity, invariants = evidence.similarity, evidence.invariants or 0.0
    if similarity is not None and (similarity >= RELATED or _knows_layers(found)):
        yield from _changed(found)
    elif invariants >= SAME and evidence.coverage < LEAST_COVERED:
        text = wording.resized(found)
        yield Verdict(relation="derived", tier="measured", text=text, limits=limits.MEASURED)
    elif invariants >= SAME and len(found.coded) * 2 > len(found.quantised) > 0:
        text, relation = wording.coded(found), "derived" if found.changed else "quantized"
        yield Verdict(relation=relation, tier="measured", text=text, limits=limits.CODED)
    elif invariants >= SAME:
        text = wording.reparametrised(found)
        yield Verdict(
            relation="reparametrised", tier="measured", text=text, limits=limits.REPARAMETRISED
        )
    elif found.telling:
        text = wording.partly_equal(found) + wording.resembling_nothing(found)
        yield Verdict(relation="derived", tier="proved", text=text, limits=limits.KINSHIP)
    elif (
        evidence.by == "sketches"
        and evidence.sampled is None
        and evidence.compared >= LEAST_COMPARED
        and evidence.coverage >= LEAST_COVERED
    ):
        text = wording.unrelated(found)
        yield Verdict(relation="unrelated", tier="measured", text=text, limits=limits.UNRELATED)
    elif evidence.sampled is not None and evidence.compared >= LEAST_COMPARED:
        relation = "derived" if evidence.sampled >= RELATED else "unrelated"
        text = wording.by_samples(found)
        yield Verdict(relation=relation, tier="hint", text=text, limits=limits.SAMPLES)
    else:
        text = wording.unknown(found)
        yield Verdict(relation="unknown", tier="none", text=text, limits=limits.UNKNOWN)


def _knows_layers(found: Summary) -> bool:
    """Some layers are the base's, by enough matrices to mean something."""
    evidence = found.evidence
    layers = len(evidence.layer_map)
    known = sum(
        of is not None and score >= RELATED
        for of, score in zip(evidence.layer_map, evidence.layer_scores, strict=True)
    )
    return known > 0 and found.evidence.compared * known >= LEAST_COMPARED * layers


def _changed(found: Summary) -> Iterator[Verdict]:
    """The kind of change between relatives."""
    relation: Relation
    special = _special(found)
    if special is not None:
        relation, text, limit = special
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
        limit = limits.STRONG if found.relative > DROWNING else limits.MEASURED
        limit = limits.REFITTED if found.refitted else limit
        relation, text = "finetune", wording.finetune(found)
    yield Verdict(relation=relation, tier="measured", text=text, limits=limit)


def _special(found: Summary) -> tuple[Relation, str, str] | None:
    """Changes that are not made by training: relation, sentence and limits."""
    if _is_pruned(found):
        return "derived", wording.pruned(found), limits.MEASURED
    if _is_hidden(found):
        return "reparametrised", wording.reparametrised(found), limits.REPARAMETRISED
    if _is_scaled(found):
        return "reparametrised", wording.scaled(found), limits.REPARAMETRISED
    if found.replaced and len(found.replaced) == len(found.changed) == len(found.above):
        return "derived", wording.replaced(found), limits.KINSHIP
    if _is_sparse(found):
        return "derived", wording.sparse(found), limits.SPARSE
    if found.strangers or found.rearranged:
        return "derived", wording.rearranged(found, exact=False), limits.MEASURED
    return None


def _below(found: Summary) -> Iterator[Verdict]:
    """Matrices without a difference that a sketch could show."""
    only_vectors = found.vectors and len(found.vectors) == len(found.changed)
    relation: Relation = "finetune" if only_vectors else "derived"
    tier: Tier = "measured"
    if found.reshaped and not found.changed and not found.unfaithful:
        text, limit = wording.reshaped(found), limits.KINSHIP
        if not found.quantised and found.proved:
            tier = "proved"
    elif only_vectors and not found.outside:
        text, limit = wording.vectors(found), limits.MEASURED
    elif found.outside or found.changed:
        text, limit = wording.below(found), limits.BELOW
    else:
        text, limit = wording.partly_equal(found), limits.KINSHIP
    yield Verdict(relation=relation, tier=tier, text=text, limits=limit)


def _besides(found: Summary, first: Verdict) -> Iterator[Verdict]:
    """What is true besides the answer."""
    shared = found.evidence.directions
    told = first.relation in {"abliteration-like", "unrelated", "reparametrised"}
    if shared is not None and is_shared(shared) and not told:
        yield Verdict(
            relation="abliteration-like",
            tier="measured",
            text=wording.projected(found),
            limits=limits.PROJECTED if shared.clean else limits.AMONG_OTHERS,
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
    """What is computed agrees far better than the matrices that compute it."""
    evidence = found.evidence
    if evidence.invariants is None or evidence.similarity is None or found.is_low_rank:
        return False
    far = evidence.invariants >= SAME and evidence.invariants - evidence.similarity > HIDDEN
    if found.strangers:  # layers from elsewhere: they alone are what does not resemble the base
        far = False
    return far or Rewritten(evidence.gross, evidence.intact).mostly


def _is_scaled(found: Summary) -> bool:
    """Most matrices are the base's times a factor."""
    scaled = [
        1 - change.cosine < _SAME_SCALE * change.relative**2 / 2
        for change in found.above
        if change.cosine is not None and (change.relative or 0.0) > _NOTICED and change.relative
    ]
    return len(scaled) >= 2 and sum(scaled) * 2 > len(scaled)  # noqa: PLR2004  # one is no pattern


def _is_pruned(found: Summary) -> bool:
    """Most of the matrices that changed have new zeros; in a few of many they are another thing."""
    matrices = [c for c in found.changed if c.matrix]
    if found.rearranged and len(matrices) * 2 < sum(c.matrix for c in found.evidence.changes):
        return False
    zeros, kept = median_of(c.zeros for c in matrices), median_of(c.kept for c in matrices)
    return bool(matrices) and (zeros >= PRUNED or (zeros >= THINNED and kept == 1))


def _is_sparse(found: Summary) -> bool:
    """Of the embeddings nothing is asked: rows of tokens that never came up are unchanged."""
    matrices = [c for c in found.changed if c.matrix and c.role not in EMBEDDINGS]
    equal, steps = median_of(c.equal for c in matrices), median_of(c.steps for c in matrices)
    return bool(found.above) and equal >= SPARSE and steps >= SPARSE_STEPS


def _is_projected(found: Summary) -> bool:
    shared = found.evidence.directions
    return found.only_writers and shared is not None and shared.clean and is_shared(shared)


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
