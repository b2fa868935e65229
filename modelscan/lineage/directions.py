"""Did everything that writes into the residual stream change along one direction?

Abliteration projects one direction (or a few) out of the matrices that write into the residual
stream: the attention's output, the MLP's last matrix, the embedding. The differences then share
their left singular vector. Sketches keep it, because the signs on the side of a dimension are the
same wherever that dimension occurs.

A single quantised writer hides a weak edit below its rounding; side by side, all of them show it:
the first singular value of the pooled differences, each over its own noise, against
`√(k·n) + √k`, the edge for noise alone.

Where several directions were taken out together, no two differences need have the same first one;
all of them then lie in one space of few dimensions.

A projection leaves nothing else in a matrix. Training whose output hardly varies also finds one
direction for all layers, among many others: models that were trained towards a constant output
share one (.78 over all writers, .92 within a layer), with .75 to .80 of a difference's energy along
its first direction, where projections and their variants have .92 and more.

Measured: 7 hard negatives (full and low-rank fine-tunes, also of the writers alone) reach at most
.60 between all writers and .68 within a layer; projections, also weak, partial, per layer or with
row norms kept, at least .84 or .93. Pooled noise alone: .99 to 1.14. In the best space of as many
dimensions as they have ranks, merged adapters on the writers alone have .27 to .62 of their energy,
projections along three directions all of it.

Source: Arditi et al., "Refusal in language models is mediated by a single direction" (2024).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from modelscan.lineage.evidence import Directions
from modelscan.lineage.numerics import NDArray, np

SHARED: Final = 0.8
"""Mean |cosine| between all writers from which on a direction is shared."""
PAIR: Final = 0.85
"""The same within a layer, for directions that differ from layer to layer."""
MIXED_PAIR: Final = 0.9
"""The same beside other changes: a short fine-tune of a model that was hardly trained has .86."""
FEW: Final = 0.95
"""The same for so few writers that chance plays a part."""
ENOUGH: Final = 6
"""Writers from which on `SHARED` and `PAIR` are significant: two random directions of a 16 x 16
sketch have a mean |cosine| of .2."""
LEAST: Final = 4
PAIRED: Final = 0.98
"""The same for the two writers of a layer, of rank one: adapters of rank one have .27 to .64."""
CLEAN: Final = 0.88
"""Share of its energy that a difference has along its first direction after a projection."""
CLEAN_SPACE: Final = 0.97
"""The same for two or three directions: as many as the differences have ranks."""
_FEW_RANKS: Final = 3
_NOISY: Final = 0.3
"""Share of rounding in a difference from which on nothing can be told."""
WITHIN: Final = 0.9
"""Energy in a common space of few dimensions from which on the space is shared."""
FRACTION: Final = 5
"""Such a space has at most this fraction of the sketch's dimensions: chance fills larger ones."""
HINTED: Final = 0.7
"""The same where only some of the writers stand above their rounding."""
POOLED: Final = 1.3
"""Pooled singular value over its edge from which on something is there."""
LEAD: Final = 1.25
"""First over second pooled singular value from which on it is one direction."""


class Writer(NamedTuple):
    """The difference of one writer."""

    layer: int | None
    delta: NDArray[np.float64]
    """k x k."""
    noise: float
    """Variance of one entry that the storing alone explains; positive."""
    left: NDArray[np.float64]
    """First left singular vector (k)."""
    rank: int
    """Of what stands above the noise."""

    @property
    def above(self) -> bool:
        """The difference stands above the noise."""
        return self.rank > 0


def directions(writers: Sequence[Writer]) -> Directions | None:
    """Measure what the writers' differences have in common; `None` for fewer than two."""
    if len(writers) < 2:  # noqa: PLR2004  # one direction is not shared
        return None
    k = writers[0].delta.shape[0]
    side = np.concatenate([each.delta / math.sqrt(each.noise) for each in writers], axis=1)
    values = np.linalg.svd(side, compute_uv=False)
    above = [each for each in writers if each.above]
    shared, pair = 0.0, None
    if len(above) >= 2:  # noqa: PLR2004  # as above
        lefts = np.stack([each.left for each in above])
        cosines = np.abs(lefts @ lefts.T)
        shared = float((cosines.sum() - len(above)) / (len(above) * (len(above) - 1)))
        pair = _within_layers(above)
    dimensions, within = _space(above)
    return Directions(
        writers=len(above),
        all=len(writers),
        shared=shared,
        pair=pair,
        pooled=float(values[0]) / (math.sqrt(k * len(writers)) + math.sqrt(k)),
        lead=float(values[0] / max(float(values[1]), 1e-300)),
        dimensions=dimensions,
        within=within,
        clean=_is_clean(above, dimensions),
    )


def is_shared(found: Directions | None) -> bool:
    """True when one write direction, or one for each layer, accounts for the differences."""
    if found is None or found.pooled < POOLED:
        return False
    if found.writers >= ENOUGH:
        pair = PAIR if found.clean else MIXED_PAIR
        return found.shared > SHARED or (found.pair or 0.0) > pair or is_space(found)
    if found.writers >= LEAST:
        return found.shared > FEW
    return found.dimensions == 1 and found.shared > PAIRED


def is_space(found: Directions) -> bool:
    """True when the differences have several directions, and all lie in one small space."""
    return found.writers >= ENOUGH and found.dimensions > 1 and found.within > WITHIN


def is_hinted(found: Directions | None) -> bool:
    """True when only all writers together show a common direction above their rounding."""
    return (
        found is not None
        and not is_shared(found)
        and found.writers * 2 <= found.all
        and found.all >= ENOUGH
        and (found.writers < 2 or found.shared >= HINTED)  # noqa: PLR2004  # one direction is not shared
        and found.pooled >= POOLED
        and found.lead >= LEAD
    )


def _space(writers: Sequence[Writer]) -> tuple[int, float]:
    """The largest rank, and the energy in the best space of that many dimensions; 0 if unknown."""
    dimensions = max((each.rank for each in writers), default=0)
    if not dimensions or dimensions * FRACTION > len(writers[0].delta):
        return 0, 0.0
    equal = [each.delta / max(float(np.linalg.norm(each.delta)), 1e-300) for each in writers]
    energies = np.linalg.svd(np.concatenate(equal, axis=1), compute_uv=False) ** 2
    return dimensions, float(energies[:dimensions].sum() / max(float(energies.sum()), 1e-300))


def _is_clean(writers: Sequence[Writer], dimensions: int) -> bool:
    """The median difference is its main directions and rounding, and nothing else."""
    count = dimensions if 1 < dimensions <= _FEW_RANKS else 1
    shares = [share for each in writers if (share := _share(each, count)) is not None]
    if not shares or len(shares) * 2 < len(writers):
        return True
    return float(np.median(shares)) >= (CLEAN if count == 1 else CLEAN_SPACE)


def _share(writer: Writer, count: int) -> float | None:
    """Energy along the main directions, less what rounding adds; `None` if that is too much."""
    energies = np.linalg.svd(writer.delta, compute_uv=False) ** 2
    total, k = float(energies.sum()), len(energies)
    rounding = writer.noise * k * k
    if not rounding < _NOISY * total:
        return None
    return (float(energies[:count].sum()) - rounding * 2 * count / k) / (total - rounding)


def _within_layers(writers: Sequence[Writer]) -> float | None:
    """Median |cosine| between the writers of a layer."""
    by_layer: defaultdict[int | None, list[NDArray[np.float64]]] = defaultdict(list)
    for each in writers:
        by_layer[each.layer].append(each.left)
    pairs = [abs(float(lefts[0] @ lefts[1])) for lefts in by_layer.values() if len(lefts) == 2]  # noqa: PLR2004  # a pair
    return float(np.median(pairs)) if pairs else None
