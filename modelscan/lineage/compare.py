"""A candidate's fingerprint against a base's: every tensor, and what they have in common.

A pure function of the two fingerprints. Digests come first: where they are equal nothing else is
asked. Sketches and samples are compared only between fingerprints of the same seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from modelscan.lineage import tensor_change
from modelscan.lineage.directions import Writer, directions
from modelscan.lineage.evidence import Evidence
from modelscan.lineage.halfstep import settled
from modelscan.lineage.layers import Resemblance, local_name, resemblance
from modelscan.lineage.name_tables import WRITERS
from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.prints import Fingerprint, TensorPrint
from modelscan.lineage.renaming import renamed
from modelscan.lineage.reparametrised import agreement, rewritten

_MOST_NAMED: Final = 100
_TIED_TO: Final = "embedding.weight"
"""What a tied output matrix is."""

By = Literal["sketches", "samples", "digests"]


class Pair(NamedTuple):
    """A tensor of the candidate and the one of the base that stands at its place."""

    mine: TensorPrint
    theirs: TensorPrint | None


def compare(candidate: Fingerprint, base: Fingerprint) -> Evidence:
    """Measure what a candidate and a base have in common.

    Args:
        candidate: of the model in question.
        base: of the model that it may descend from.
    """
    with np.errstate(all="ignore"):  # hostile values may overflow; what is not finite is left out
        return _compare(candidate, base)


def _compare(candidate: Fingerprint, base: Fingerprint) -> Evidence:
    by = _by(candidate, base)
    k = min(candidate.k, base.k) if by == "sketches" else 0
    candidate, count = renamed(candidate, base, k)
    if by == "samples":
        candidate = _as_sampled(candidate, base)
    found, sampled = _resemblance(candidate, base, by, k), None
    if by == "sketches" and not found.compared:
        glimpse = _resemblance(_as_sampled(candidate, base), base, "samples", 0)
        found = glimpse._replace(similarity=None)
        sampled = glimpse.similarity
    pairs = _pairs(candidate, base, found.chosen)
    changes, writers = [], []
    for pair in pairs:
        change, writer = tensor_change.measure(
            pair.mine, pair.theirs, k, comparable=by != "digests"
        )
        changes.append(change)
        if writer is not None and pair.mine.role in WRITERS:
            writers.append(writer)
    computed = rewritten(candidate, base, changes, found.chosen)
    taken = {pair.theirs.name for pair in pairs if pair.theirs is not None}
    return Evidence(
        changes=tuple(settled(changes)),
        missing=_missing(candidate, base, taken),
        layer_map=found.chosen,
        layer_scores=found.scores,
        base_layers=base.layers,
        similarity=found.similarity,
        compared=found.compared,
        sampled=sampled,
        by=by,
        coverage=_coverage(pairs),
        invariants=agreement(candidate, base),
        gross=computed.gross,
        intact=computed.intact,
        renamed=count,
        directions=directions(_of_one_size(writers)),
        tokenizer=_differing(candidate.tokenizer, base.tokenizer),
        templates=_differing_templates(candidate.templates, base.templates),
        skipped=tuple(
            f"{side}: {skipped.name[:200]}: {skipped.reason}"
            for side, model in (("target", candidate), ("base", base))
            for skipped in model.skipped
            if skipped.needed
        )[:_MOST_NAMED],
    )


def _by(candidate: Fingerprint, base: Fingerprint) -> By:
    """What can be compared besides digests."""
    if candidate.seed != base.seed:
        return "digests"
    return "samples" if "samples" in {candidate.mode, base.mode} else "sketches"


def _as_sampled(candidate: Fingerprint, base: Fingerprint) -> Fingerprint:
    """With no more samples than the base: of a model of very many tensors fewer are kept."""
    counts = {local_name(tensor): tensor.sampled for tensor in base.tensors.values()}
    tensors = {
        name: tensor.first(counts.get(local_name(tensor), tensor.sampled))
        for name, tensor in candidate.tensors.items()
    }
    return msgspec.structs.replace(candidate, tensors=tensors)


def _resemblance(candidate: Fingerprint, base: Fingerprint, by: By, k: int) -> Resemblance:
    def sketched(tensor: TensorPrint) -> NDArray[np.float64]:
        if not tensor_change.is_matrix(tensor, k):
            return np.empty(0)
        return tensor.matrix(k).astype(np.float64).ravel()

    def sampled(tensor: TensorPrint) -> NDArray[np.float64]:
        values = tensor.values() if len(tensor.shape) > 1 else []
        return np.array([value if math.isfinite(value) else 0.0 for value in values])

    if by == "digests":
        return Resemblance((), (), None, 0)
    return resemblance(
        list(candidate.tensors.values()),
        list(base.tensors.values()),
        sketched if by == "sketches" else sampled,
    )


def _pairs(candidate: Fingerprint, base: Fingerprint, chosen: tuple[int | None, ...]) -> list[Pair]:
    """Each tensor of the candidate with the one at its place, in the layer that its own resembles.

    A layer that resembles none is held against the one of its own number, so that tensors which
    are bit-exact there are still found.
    """
    places = {(tensor.layer, local_name(tensor)): tensor for tensor in base.tensors.values()}
    pairs = []
    for tensor in candidate.tensors.values():
        layer = tensor.layer
        if layer is not None and layer < len(chosen):
            found = chosen[layer]
            layer = layer if found is None else found
        counterpart = places.get((layer, local_name(tensor)))
        if counterpart is None and tensor.name in base.tied:  # stored here, and not in the base
            counterpart = base.tensors.get(_TIED_TO)
        pairs.append(Pair(tensor, counterpart))
    return pairs


def _coverage(pairs: list[Pair]) -> float:
    """Share of the candidate's matrices whose place in the base holds one of the same shape."""
    matrices = [pair for pair in pairs if len(pair.mine.shape) > 1]
    fitting = [pair for pair in matrices if pair.theirs and pair.theirs.shape == pair.mine.shape]
    return len(fitting) / len(matrices) if matrices else 0.0


def _missing(candidate: Fingerprint, base: Fingerprint, taken: set[str]) -> tuple[str, ...]:
    """Tensors of the base without a counterpart. A tied one is there under its other name."""
    known = {tensor.digest for tensor in candidate.tensors.values() if tensor.digest}
    tied = set(candidate.tied)
    return tuple(
        name
        for name, tensor in base.tensors.items()
        if name not in taken and not (name in tied and tensor.digest in known)
    )


def _of_one_size(writers: list[Writer]) -> list[Writer]:
    return [writer for writer in writers if writer.delta.shape == writers[0].delta.shape]


def _differing(mine: Mapping[str, str], theirs: Mapping[str, str]) -> tuple[str, ...]:
    """Parts that both have and that differ: what one file format does not carry proves nothing."""
    return tuple(name for name in sorted(mine.keys() & theirs.keys()) if mine[name] != theirs[name])


def _differing_templates(mine: Mapping[str, str], theirs: Mapping[str, str]) -> tuple[str, ...]:
    """Chat templates that differ, and those that only the candidate has."""
    if not theirs:
        return ()
    return tuple(name for name in sorted(mine) if mine[name] != theirs.get(name))
