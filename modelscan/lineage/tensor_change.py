"""One tensor of a candidate against its counterpart: known to be equal, or how it differs.

Two values of equal digest are equal, whatever their stored types; a rounding of the base is told by
the digest of that rounding. Everything else is measured on the sketches and samples.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from modelscan.lineage.directions import Writer
from modelscan.lineage.evidence import State, TensorChange
from modelscan.lineage.grid import on_grid
from modelscan.lineage.halfstep import half_step
from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.prints import TensorPrint
from modelscan.lineage.rounding import Half, rounded
from modelscan.lineage.spectra import entry_rounding, spectrum
from modelscan.lineage.stored import FLOATS

_FRACTION_BITS: Final = {"bf16": 7, "f16": 10, "f32": 23, "f64": 52}
"""Bits behind the point of each type's significand."""
MOSTLY_EQUAL: Final = 0.5
"""Share of equal samples from which on a tensor was not stored anew."""
GRID_NOISE: Final = 2.0
"""Room for what four blocks miss of the steps of all others."""
_LEAST_SAMPLES: Final = 8
_TINY: Final = 1e-300
_HALVES: Final[tuple[Half, ...]] = ("bf16", "f16")
_ON_GRID: Final = 0.9
"""Share of samples that a coarser type holds, from which on the values came through it."""
_CONSTANT: Final = 1e-6
"""Share of the sum of squares that rounding may leave of no variance."""


def is_matrix(tensor: TensorPrint, k: int) -> bool:
    """True for a sketched tensor both of whose sides are at least 2k.

    Smaller ones, such as BERT's two rows of token types, gave the only false rank that was seen.
    """
    if k <= 0 or len(tensor.sketch) < 4 * k * k or not tensor.shape:
        return False
    return min(tensor.sides) >= 2 * k


def is_constant(tensor: TensorPrint) -> bool:
    """True when the spread of the values is nothing but the rounding of their sums."""
    spread = tensor.sum_squares - tensor.mean * tensor.mean * tensor.size
    return not spread > _CONSTANT * tensor.sum_squares


def measure(
    mine: TensorPrint, theirs: TensorPrint | None, k: int, *, comparable: bool
) -> tuple[TensorChange, Writer | None]:
    """Hold one tensor against its counterpart.

    Args:
        mine: the candidate's.
        theirs: the base's; `None` when it has none.
        k: side of the sketches to compare; 0 for none.
        comparable: sketches and samples are of the same seed.

    Returns:
        The change, and for a matrix with a difference what `directions` needs of it.
    """
    state = _state(mine, theirs)
    change = TensorChange(
        name=mine.name,
        base=theirs.name if theirs else "",
        role=mine.role,
        layer=mine.layer,
        dtype=mine.dtype,
        state=state,
        members=mine.members,
        matrix=is_matrix(mine, k),
        constant=is_constant(mine),
        same_dtype=theirs is not None and mine.dtype == theirs.dtype,
        relative=0.0 if state == "exact" else None,
    )
    if theirs is None or state == "exact" or not comparable:
        return change, None
    if state == "reshaped":
        return _with(change, rows=_rows(mine, theirs)), None
    mine, theirs = _alike(mine, theirs)
    change = _sampled(change, mine, theirs)
    noise = mine.noise * _coarser(mine)
    if change.state == "changed" and len(mine.shape) > 1 and (change.equal or 0.0) < MOSTLY_EQUAL:
        grid = on_grid(mine, theirs)
        if grid is not None:
            change = _with(change, state="quantised", half_step=grid.half_step)
            noise += grid.noise * GRID_NOISE
    scaled = _is_scaled(mine) or _is_scaled(theirs)
    if scaled or state == "cast" or not is_matrix(mine, k) or not is_matrix(theirs, k):
        return change, None
    return _sketched(change, mine, theirs, k, noise)


def _alike(mine: TensorPrint, theirs: TensorPrint) -> tuple[TensorPrint, TensorPrint]:
    """Both with the same samples: the fingerprint of a model of very many tensors has fewer."""
    count = min(mine.sampled, theirs.sampled)
    return mine.first(count), theirs.first(count)


def _state(mine: TensorPrint, theirs: TensorPrint | None) -> State:
    if theirs is None:
        return "added"
    if mine.digest and mine.digest == theirs.digest:
        return "exact"
    if mine.shape != theirs.shape:
        return "reshaped"
    if mine.digest and mine.digest in {theirs.bf16, theirs.f16}:
        return "cast"
    if theirs.digest and theirs.digest in {mine.bf16, mine.f16}:
        return "cast"
    if not (mine.digest and theirs.digest):
        return "sampled"
    parts = mine.dtype.split("+")
    plain = all(part in FLOATS for part in parts) and not (_is_scaled(mine) or _is_scaled(theirs))
    return "changed" if plain else "quantised"


def _coarser(tensor: TensorPrint) -> float:
    """By how much the noise is larger of values that were rounded to a coarser type before.

    Weights in bfloat16 that were widened, or converted to half precision, keep what the first
    rounding did to them: against the step of the type that they are in now, it looks like a change
    of full rank. A few values of half precision have lost more, near zero.
    """
    own = _FRACTION_BITS.get(tensor.dtype, 0)
    values = [value for value in tensor.values() if value and math.isfinite(value)]
    for kind in _HALVES:
        bits = _FRACTION_BITS[kind]
        if bits < own and len(values) >= _LEAST_SAMPLES:
            through = rounded(values, kind)
            kept = sum(a == b for a, b in zip(values, through, strict=True))
            if kept >= _ON_GRID * len(values):
                return float(4 ** (own - bits))
    return 1.0


def _is_scaled(tensor: TensorPrint) -> bool:
    """True for eight-bit floats: their scale is another tensor, or a number in a configuration."""
    return any(part.startswith("f8_") for part in tensor.dtype.split("+"))


def _rows(mine: TensorPrint, theirs: TensorPrint) -> tuple[int, int] | None:
    """How many leading blocks of rows are equal: the last one of either is left out."""
    compared = min(len(mine.rows), len(theirs.rows)) - 1
    if compared <= 0:
        return None
    return sum(mine.rows[block] == theirs.rows[block] for block in range(compared)), compared


def _sampled(change: TensorChange, mine: TensorPrint, theirs: TensorPrint) -> TensorChange:
    """What the samples show. Equal shapes are sampled at equal places."""
    own, other = mine.values(), theirs.values()
    pairs = [
        (a, b) for a, b in zip(own, other, strict=False) if math.isfinite(a) and math.isfinite(b)
    ]
    if len(own) != len(other) or not pairs:
        return change
    differing = [(a, b) for a, b in pairs if a != b]
    kept = [(a, b) for a, b in pairs if a != 0]
    norm = math.sqrt(sum(b * b for _, b in pairs))
    size = max(mine.size, 1)
    return _with(
        change,
        relative=math.sqrt(sum((a - b) ** 2 for a, b in pairs)) / max(norm, _TINY),
        cosine=_cosine(pairs),
        equal=1 - len(differing) / len(pairs),
        steps=_steps(differing, mine.dtype, theirs.dtype),
        zeros=(mine.zeros - theirs.zeros) / size,
        kept=sum(a == b for a, b in kept) / len(kept) if len(kept) >= _LEAST_SAMPLES else None,
        half_step=half_step(mine, theirs) if change.state == "quantised" else None,
    )


def _cosine(pairs: list[tuple[float, float]]) -> float:
    inner = sum(a * b for a, b in pairs)
    norms = math.sqrt(sum(a * a for a, _ in pairs)) * math.sqrt(sum(b * b for _, b in pairs))
    return inner / norms if norms > 0 else 0.0


def _steps(differing: list[tuple[float, float]], *dtypes: str) -> float | None:
    """Median distance of the samples that differ, in units of the coarser type's last place."""
    bits = [_FRACTION_BITS[dtype] for dtype in dtypes if dtype in _FRACTION_BITS]
    if not differing or len(bits) != len(dtypes):
        return None
    found = sorted(
        abs(a - b) / math.ldexp(1.0, math.frexp(max(abs(a), abs(b)))[1] - 1 - min(bits))
        for a, b in differing
    )
    return found[len(found) // 2]


def _sketched(
    change: TensorChange, mine: TensorPrint, theirs: TensorPrint, k: int, noise: float
) -> tuple[TensorChange, Writer | None]:
    """What the sketches show."""
    own = mine.matrix(k).astype(np.float64)
    other = theirs.matrix(k).astype(np.float64)
    norm, own_norm = float(np.linalg.norm(other)), float(np.linalg.norm(own))
    delta = own - other
    if not (np.isfinite(delta).all() and 0 < norm < math.inf and 0 < own_norm < math.inf):
        return change, None
    # A quantiser's noise comes on top of what the base's own storing left of the original.
    if change.state == "quantised":
        noise += theirs.noise
    found, left = spectrum(delta.astype(np.float32), mine.sides, noise, norm)
    change = _with(
        change,
        relative=float(np.linalg.norm(delta)) / norm,
        cosine=float((own * other).sum()) / (norm * own_norm),
        spectrum=found,
    )
    return change, _writer(change, delta, noise, norm, left)


def _writer(
    change: TensorChange,
    delta: NDArray[np.float64],
    noise: float,
    norm: float,
    left: NDArray[np.float64],
) -> Writer:
    return Writer(
        layer=change.layer,
        delta=delta,
        noise=max(noise, 0.0) + entry_rounding(norm, delta.shape[0]) ** 2,
        left=left,
        rank=change.spectrum.rank if change.spectrum is not None else 0,
    )


def _with(change: TensorChange, **measured: object) -> TensorChange:
    return msgspec.structs.replace(change, **measured)
