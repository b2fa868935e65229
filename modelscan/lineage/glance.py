"""A few values of each tensor against a library of fingerprints: what a default scan can afford.

At most 128 values of each tensor, read in four places, and no numpy. Correlation is what is
measured, tensor by tensor, so that a common mean or scale of unrelated models counts for nothing.
Over a whole model that tells relatives from strangers beyond doubt, and nothing more: which kind of
change it was takes all of the weights, and so does a proof.

Measured on really trained models: strangers of equal architecture, data and tokenizer .007,
fine-tunes .9986, adapters .9885, heavy continued training .94 (5,376 values). Copies that were
rotated or permuted look like strangers here, so that no resemblance is no answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from modelscan.lineage.asked import Base
from modelscan.lineage.prints import Fingerprint, TensorPrint
from modelscan.lineage.rounding import Half, rounded

RELATED: Final = 0.5
"""Mean correlation from which on kinship is measured: half of the weakest that was seen, and seven
times what chance leaves of six matrices, four times over."""
HINTED: Final = 0.25
"""The same for a hint."""
LEAST: Final = 6
"""Matrices without which chance plays a part."""
COVERED: Final = 0.5
"""Share of the model's matrices that must have a counterpart."""
_LEAST_VALUES: Final = 16
_TABLES: Final = frozenset({"embedding.position"})
"""Roles of matrices that everybody may compute from the same formula."""
_HALVES: Final[tuple[Half, ...]] = ("bf16", "f16")


class Glance(NamedTuple):
    """What the values of a model show next to one base's."""

    base: Base
    correlation: float
    """Mean over the matrices."""
    matrices: int
    coverage: float
    """Share of the model's matrices that were compared."""
    values: int
    equal: int
    """Of the values."""
    cast: Half | None
    """All values are the base's, rounded so; none when they are equal, or neither."""
    whole: bool
    """Both have the same tensors of the same shapes, and all of them were compared."""

    @property
    def telling(self) -> bool:
        """Enough was compared to mean something."""
        return self.matrices >= LEAST and self.coverage >= COVERED

    @property
    def alike(self) -> bool:
        """Every value is the base's, or the base's rounded."""
        return self.whole and (self.equal == self.values or self.cast is not None)


def glances(candidate: Fingerprint, bases: Sequence[Base]) -> list[Glance]:
    """The model next to every base with which enough can be compared, the closest first.

    Args:
        candidate: from `fingerprint.samples_only`.
        bases: of any seed; those of another one are left out.
    """
    own = {name: _finite(tensor) for name, tensor in candidate.tensors.items()}
    found = [_glance(candidate, own, base) for base in bases if base.print.seed == candidate.seed]
    telling = [each for each in found if each.telling]
    return sorted(telling, key=lambda each: (-each.alike, -each.correlation, -each.equal))


def _glance(candidate: Fingerprint, own: dict[str, list[float]], base: Base) -> Glance:
    correlations: list[float] = []
    values = equal = compared = 0
    rounds = dict.fromkeys(_HALVES, True)
    for name, tensor in candidate.tensors.items():
        other = base.print.tensors.get(name)
        if other is None or other.shape != tensor.shape:
            continue
        theirs = _finite(other)
        mine = own[name][: len(theirs)]
        if not mine or len(mine) != len(theirs):
            continue
        compared += 1
        values += len(mine)
        same = sum(a == b for a, b in zip(mine, theirs, strict=True))
        equal += same
        for kind in _HALVES:
            rounds[kind] = rounds[kind] and (same == len(mine) or rounded(theirs, kind) == mine)
        if _counts(tensor):
            correlation = _correlation(mine, theirs)
            if correlation is not None:
                correlations.append(correlation)
    matrices = sum(_counts(tensor) for tensor in candidate.tensors.values())
    whole = compared == len(candidate.tensors) == len(base.print.tensors)
    return Glance(
        base=base,
        correlation=sum(correlations) / len(correlations) if correlations else 0.0,
        matrices=len(correlations),
        coverage=len(correlations) / matrices if matrices else 0.0,
        values=values,
        equal=equal,
        cast=next((kind for kind in _HALVES if rounds[kind] and equal < values), None),
        whole=whole and not any(gap.needed for gap in candidate.skipped),
    )


def _counts(tensor: TensorPrint) -> bool:
    return len(tensor.shape) > 1 and tensor.role not in _TABLES


def _finite(tensor: TensorPrint) -> list[float]:
    """The values; what is no finite number counts as zero."""
    return [value if math.isfinite(value) else 0.0 for value in tensor.values()]


def _correlation(mine: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Pearson's coefficient; `None` where there are few values, or nothing but one."""
    if len(mine) < _LEAST_VALUES:
        return None
    a, b = _centred(mine), _centred(theirs)
    norms = math.hypot(*a) * math.hypot(*b)
    if not 0 < norms < math.inf:
        return None
    return max(-1.0, min(1.0, math.fsum(x * y for x, y in zip(a, b, strict=True)) / norms))


def _centred(values: Sequence[float]) -> list[float]:
    """The values less their mean, in units of the largest: squares of huge ones are infinite."""
    largest = max(map(abs, values)) or 1.0
    mean = math.fsum(value / largest for value in values) / len(values)
    return [value / largest - mean for value in values]
