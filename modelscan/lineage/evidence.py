"""What a comparison of two fingerprints found: values that a verdict is drawn from, and no opinion.

Invariants: a tensor has exactly one state; a number that could not be measured is `None`, never
zero; everything here can be computed again from the two fingerprints alone.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from modelscan.vocabulary.ancestry import Relation, Tier

State = Literal["exact", "cast", "quantised", "changed", "sampled", "added", "reshaped"]
"""`exact` and `cast` rest on digests; `quantised` is stored with a block quantiser, which no digest
can see through; `changed` has other values although it could have had the same; of `sampled` ones
only a few values are known."""


class Spectrum(msgspec.Struct, frozen=True):
    """What the sketch of a difference says about its singular values."""

    rank: int
    """How many of them stand above the noise of storing the candidate."""
    resolution: int
    """The largest rank that a sketch of this size can tell from a larger one."""
    gap: float
    """The last one above the noise over the next one; large where a rank is really exact."""
    top: float
    """Share of the squared sum that the first one has, from 0 to 1."""
    excess: float
    """The first one over what a random difference of the same size would have: 1 without structure,
    √k for rank one."""


class HalfStep(msgspec.Struct, frozen=True):
    """Samples of a quantised tensor held against the base's values at the same places."""

    checked: int
    """Samples whose original is bounded from at least one side."""
    outside: int
    """Base values that the quantiser could not have stored so."""
    strict: bool
    """True when the quantiser is one whose rounding is known, so that one sample outside is a
    proof."""


class TensorChange(msgspec.Struct, frozen=True, kw_only=True):
    """One tensor of the candidate and its counterpart in the base."""

    name: str
    """Canonical name in the candidate."""
    base: str
    """Canonical name in the base; empty for a tensor that the base does not have."""
    role: str
    layer: int | None
    dtype: str
    """Stored element type in the candidate."""
    state: State
    members: int = 1
    """Tensors that were read as this one."""
    matrix: bool
    """True for a matrix that is large enough for a sketch."""
    constant: bool = False
    """All its values are one number, as of a fresh norm: equal to another's means nothing."""
    same_dtype: bool = False
    """Both are stored with the same element type: other values then are a modification."""
    relative: float | None = None
    """‖Δ‖ / ‖W‖ in the Frobenius norm, from the sketches, or from the samples."""
    cosine: float | None = None
    """Between the sketches, or between the samples."""
    spectrum: Spectrum | None = None
    half_step: HalfStep | None = None
    equal: float | None = None
    """Share of the samples that are equal."""
    steps: float | None = None
    """Of samples that differ, the median distance in units of the coarser type's last place."""
    zeros: float = 0.0
    """Share of the candidate's elements that are zero, less the base's."""
    kept: float | None = None
    """Share of the samples that are not zero in the candidate and equal to the base's."""
    rows: tuple[int, int] | None = None
    """Of a matrix with other rows: how many blocks of rows are the base's, of how many compared."""


class Directions(msgspec.Struct, frozen=True):
    """Whether the matrices that write into the residual stream changed along one direction."""

    writers: int
    """Matrices with a difference above the noise."""
    all: int
    """Matrices whose difference was pooled, above the noise or not."""
    shared: float
    """Mean |cosine| between their first left singular vectors."""
    pair: float | None
    """Median |cosine| between the two writers of a layer; `None` without such pairs."""
    pooled: float
    """First singular value of all differences side by side, each over its noise, over the value
    that noise alone would have: about 1 when nothing is there."""
    lead: float
    """First over second of those singular values."""
    dimensions: int = 0
    """The largest rank among the differences, where the space that they share could be measured."""
    within: float = 0.0
    """Share of their energy, each counted alike, in the best space of that many dimensions."""
    clean: bool = True
    """Each difference is hardly more than its few main directions, or too noisy to tell."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was measured between a candidate and one base."""

    changes: tuple[TensorChange, ...]
    """By canonical name."""
    missing: tuple[str, ...] = ()
    """Canonical names that only the base has."""
    layer_map: tuple[int | None, ...] = ()
    """For each layer of the candidate the base's layer that it resembles; `None` for none."""
    layer_scores: tuple[float, ...] = ()
    """How much, as a mean cosine over the roles, less the resemblance to the other layers."""
    base_layers: int = 0
    similarity: float | None = None
    """The mean of those scores; over all matrices when there are no layers."""
    compared: int = 0
    """Matrices that the similarity rests on."""
    sampled: float | None = None
    """The same by the samples, where no sketches can be compared."""
    by: Literal["sketches", "samples", "digests"] = "digests"
    """What the similarity was computed from."""
    coverage: float = 0.0
    """Share of the candidate's matrices that have one of equal shape at their place."""
    invariants: float | None = None
    """Mean over the kinds of invariants of their median over the layers."""
    gross: int = 0
    """Computations between tokens (layers x kinds) whose matrices changed grossly."""
    intact: int = 0
    """Of these, how many are what they were."""
    renamed: int = 0
    """Tensors that were found under other names, by their values."""
    directions: Directions | None = None
    tokenizer: tuple[str, ...] = ()
    """Parts of the tokenizer that differ."""
    templates: tuple[str, ...] = ()
    """Chat templates that differ, by name."""
    skipped: tuple[str, ...] = ()
    """Stored tensors of either that are not part of the comparison and should have been."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One conclusion, with how it is known and what it does not show."""

    relation: Relation
    tier: Tier
    text: str
    """One sentence with the numbers."""
    limits: str
    """What this does not show."""
