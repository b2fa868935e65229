"""Did everything that writes into the residual stream change along one direction?

Abliteration projects one direction (or a few) out of the matrices that write into the residual
stream: the attention's output, the MLP's last matrix, the embedding. The differences then share
their left singular vector. Sketches keep it, because the signs on the side of a dimension are the
same wherever that dimension occurs.

A single quantised writer hides a weak edit below its rounding; side by side, all of them show it:
the first singular value of the pooled differences, each over its own noise, against
`√(k·n) + √k`, the edge for noise alone.

Measured: 7 hard negatives (full and low-rank fine-tunes, also of the writers alone) reach at most
.60 between all writers and .68 within a layer; projections, also weak, partial, per layer or with
row norms kept, at least .84 or .93. Pooled noise alone: .99 to 1.14.

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
FEW: Final = 0.95
"""The same for so few writers that chance plays a part."""
ENOUGH: Final = 6
"""Writers from which on `SHARED` and `PAIR` are significant: two random directions of a 16 x 16
sketch have a mean |cosine| of .2."""
LEAST: Final = 4
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
    above: bool
    """The difference stands above the noise."""


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
    return Directions(
        writers=len(above),
        all=len(writers),
        shared=shared,
        pair=pair,
        pooled=float(values[0]) / (math.sqrt(k * len(writers)) + math.sqrt(k)),
        lead=float(values[0] / max(float(values[1]), 1e-300)),
    )


def is_shared(found: Directions | None) -> bool:
    """True when one write direction, or one for each layer, accounts for the differences."""
    if found is None or found.pooled < POOLED:
        return False
    if found.writers >= ENOUGH:
        return found.shared > SHARED or (found.pair or 0.0) > PAIR
    return found.writers >= LEAST and found.shared > FEW


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


def _within_layers(writers: Sequence[Writer]) -> float | None:
    """Median |cosine| between the writers of a layer."""
    by_layer: defaultdict[int | None, list[NDArray[np.float64]]] = defaultdict(list)
    for each in writers:
        by_layer[each.layer].append(each.left)
    pairs = [abs(float(lefts[0] @ lefts[1])) for lefts in by_layer.values() if len(lefts) == 2]  # noqa: PLR2004  # a pair
    return float(np.median(pairs)) if pairs else None
