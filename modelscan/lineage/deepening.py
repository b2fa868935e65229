"""What `--deep` adds: exact ranks, and the directions that the changed matrices write.

Needs the weights of both. Singular values tell a merged adapter of any ordinary rank from a
fine-tune, where a sketch ends at its own size; the common direction of what writes into the
residual stream is found itself, with how much of it was taken out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from modelscan.budget import Limits
from modelscan.lineage import limits as limitations
from modelscan.lineage.answer import Measured
from modelscan.lineage.delta import Decomposed, decompose, energy_along
from modelscan.lineage.direction_files import Directions, encode
from modelscan.lineage.directions import is_shared
from modelscan.lineage.emptied import emptied
from modelscan.lineage.evidence import Evidence, TensorChange, Verdict
from modelscan.lineage.name_tables import WRITERS
from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.opening import open_weights
from modelscan.lineage.picture import verdict_entry
from modelscan.lineage.prints import Fingerprint
from modelscan.lineage.summary import Summary
from modelscan.lineage.weights import Weights, WeightTensor
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.fact import LineageComparison
from modelscan.vocabulary.snapshot import SourceFile

MOST: Final = 1_000
"""Matrices that are decomposed."""
_LARGEST: Final = 1 << 16
"""Rows or columns beyond which a matrix is left out: an embedding, decomposed for nothing."""
_SHOWN: Final = 8
_HELD: Final = 48 << 20
"""Bytes of directions that are kept, over all matrices."""
_SEVERAL: Final = 2
_NOTHING_TO_SEE: Final = frozenset(
    {"identical", "cast", "adapter", "unrelated", "unknown", "reparametrised"}
)
"""Relations in which there is no difference to decompose, or none that means anything."""


_Found = tuple[TensorChange, Decomposed]
"""A changed matrix and its decomposition."""


class _Shared(NamedTuple):
    """A common direction of several matrices."""

    vector: NDArray[np.float64]
    share: float
    """Of the sum of squares of their main directions."""


class Deep(NamedTuple):
    """The decomposition of all changed matrices."""

    picture: dict[str, Any]
    verdict: Verdict | None
    """What it says better than the sketches did."""
    directions: tuple[Directions, ...] = ()
    """What each matrix writes differently."""
    shared: NDArray[np.float64] | None = None
    """The direction that the writers have in common."""
    besides: Verdict | None = None
    """A projection that the differences alone did not show."""


def deepen(
    candidate: Weights, base: Weights, prints: Fingerprint, evidence: Evidence, first: Verdict
) -> Deep:
    """Decompose the differences of the matrices that changed.

    Args:
        candidate: the model's weights, open.
        base: the base's, open.
        prints: the candidate's fingerprint, for the noise of its types.
        evidence: of the comparison of the fingerprints.
        first: the verdict that it led to.

    Raises:
        ReadError: weights cannot be read.
    """
    chosen: list[tuple[TensorChange, WeightTensor, WeightTensor]] = []
    for change in Summary.of(evidence).above[:MOST]:
        mine, theirs = candidate.tensors.get(change.name), base.tensors.get(change.base)
        if mine is None or theirs is None or mine.shape != theirs.shape:
            continue
        if max(mine.rows, mine.columns) <= _LARGEST:
            chosen.append((change, mine, theirs))
    kept = _HELD // (4 * max(sum(mine.rows for _, mine, _ in chosen), 1))
    kept = min(max(kept, 1), _SHOWN)
    found: list[_Found] = []
    for change, mine, theirs in chosen:
        each = decompose(mine, theirs, prints.tensors[change.name].noise)
        # of a large model's hundreds of matrices, all that is not needed any more is let go
        found.append((change, each._replace(left=each.left[:, :kept].astype(np.float32))))
    entries = [_entry(change, each) for change, each in found]
    picture: dict[str, Any] = {"decomposed": len(entries), "matrices": entries}
    writers = [(change, each) for change, each in found if change.role in WRITERS]
    shared = _shared(writers)
    if shared is not None:
        picture["write_direction"] = _direction(candidate, base, writers, shared)
    directions = tuple(
        Directions(change.name, each.left, each.values[:kept].astype(np.float32))
        for change, each in found
    )
    missing = None
    known = evidence.directions is not None and evidence.directions.clean
    if first.relation != "abliteration-like" and not (known and is_shared(evidence.directions)):
        missing = emptied(candidate, base)
    return Deep(
        picture,
        _verdict(found, evidence, first),
        directions,
        shared.vector if shared else None,
        missing.verdict if missing else None,
    )


def in_depth(
    found: Measured,
    candidate: Fingerprint,
    files: Sequence[SourceFile],
    limits: Limits,
    directions: Callable[[bytes], None] | None = None,
) -> Measured:
    """The same answer, with the differences from its base decomposed.

    Args:
        found: what the fingerprints said.
        candidate: the model's fingerprint.
        files: all files of the model.
        limits: what reading headers may cost.
        directions: takes the file with the main directions, when there are any.

    Raises:
        ReadError: weights cannot be read.
        SourceError: one of the two has no weights.
    """
    held = found.best
    if found.mixed or not held.base.files or held.verdicts[0].relation in _NOTHING_TO_SEE:
        return found
    with (
        open_weights(files, limits=limits) as mine,
        open_weights(held.base.files, limits=limits) as theirs,
    ):
        deep = deepen(mine, theirs, candidate, held.evidence, held.verdicts[0])
    if directions is not None and deep.directions:
        first = deep.verdict or held.verdicts[0]
        directions(encode(deep.directions, deep.shared, held.base.label, first.relation))
        deep.picture["directions"] = len(deep.directions)
    picture = {**found.picture, "deep": deep.picture}
    if deep.besides is not None:
        found = _projected(found, deep.besides, held.base.label)
        picture["verdicts"] = [*picture["verdicts"], verdict_entry(deep.besides)]
    if deep.verdict is None:
        return found._replace(picture=picture)
    first = deep.verdict
    picture["verdicts"] = [verdict_entry(first), *picture["verdicts"]]
    lineage = Lineage(
        status=first.relation,
        base=found.lineage.base,
        tier=first.tier,
        reason=f"{first.tier}: {first.text}",
    )
    facts = tuple(
        msgspec.structs.replace(fact, relation=first.relation, tier=first.tier, summary=first.text)
        if isinstance(fact, LineageComparison) and fact.base == held.base.label
        else fact
        for fact in found.facts
    )
    return found._replace(lineage=lineage, facts=facts, picture=picture)


def _projected(found: Measured, verdict: Verdict, label: str) -> Measured:
    """The same answer, with a projection besides."""
    reason = f"{found.lineage.reason}; {verdict.text}"
    facts = tuple(
        msgspec.structs.replace(fact, one_direction=True, direction_among_others=False)
        if isinstance(fact, LineageComparison) and fact.base == label
        else fact
        for fact in found.facts
    )
    lineage = msgspec.structs.replace(found.lineage, reason=reason)
    return found._replace(lineage=lineage, facts=facts)


def _entry(change: TensorChange, found: Decomposed) -> dict[str, Any]:
    total = float((found.values**2).sum())
    values = [float(f"{value:.4g}") for value in found.values[:_SHOWN]]
    return {
        "name": change.name,
        "rank": found.rank if found.resolved else None,
        "norm": float(f"{found.norm:.4g}"),
        "singular_values": values,
        "first_share": round(float(found.values[0] ** 2) / total, 4) if total else 0.0,
    }


def _shared(writers: Sequence[_Found]) -> _Shared | None:
    """The direction that most of the writers' differences share; `None` for one writer alone."""
    if len(writers) < _SEVERAL or len({len(each.left) for _, each in writers}) != 1:
        return None
    weighted = [
        each.left.astype(np.float64) * (each.values[: each.left.shape[1]] / each.norm)
        for _, each in writers
    ]
    left, values, _ = np.linalg.svd(np.concatenate(weighted, axis=1), full_matrices=False)
    return _Shared(left[:, 0], float(values[0] ** 2 / (values**2).sum()))


def _direction(
    candidate: Weights, base: Weights, writers: Sequence[_Found], shared: _Shared
) -> dict[str, Any]:
    """How well the writers agree on their common direction, and what is left of it."""
    cosines = [abs(float(each.left[:, 0] @ shared.vector)) for _, each in writers]
    kept = []
    for change, _each in writers:
        before = energy_along(base.tensors[change.base], shared.vector)
        after = energy_along(candidate.tensors[change.name], shared.vector)
        kept.append(after / before if before else 1.0)
    return {
        "matrices": len(writers),
        "cosine": round(float(np.mean(cosines)), 4),
        "share": round(shared.share, 4),
        "left_of_it": round(float(np.median(kept)), 4),
    }


def _verdict(found: Sequence[_Found], evidence: Evidence, first: Verdict) -> Verdict | None:
    """A rank where the sketch could not tell it; `None` where it could."""
    if first.relation != "low-rank" or first.tier != "hint" or not found:
        return None
    ranks = sorted(each.rank for _, each in found if each.resolved)
    count = f"{len(found):,} of {len(evidence.changes):,} tensors"
    if len(ranks) * 2 > len(found):
        text = f"differences of rank {ranks[0]} to {ranks[-1]} in {count}, by decomposition"
        return Verdict(relation="low-rank", tier="measured", text=text, limits=limitations.LOW_RANK)
    text = f"differences of full rank in {count}, by decomposition"
    return Verdict(relation="finetune", tier="measured", text=text, limits=limitations.MEASURED)
