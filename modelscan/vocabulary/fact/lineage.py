"""Facts of lineage: what the weights were measured to descend from, beside what the files claim."""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.ancestry import Relation, Tier
from modelscan.vocabulary.fact.base import Fact


class LineageComparison(Fact, frozen=True, kw_only=True, tag="lineage.comparison"):
    """The model's weights held against those of one base, or of several for a merge."""

    relation: Relation
    """What was measured."""
    tier: Tier
    """How it is known."""
    base: str
    """The base that was compared with."""
    summary: str
    """The numbers, in one sentence."""
    claims: Literal["this-base", "other-base", "some-base", "nothing", "single-file"]
    """What the model's files name as a base: the compared one, another one, one that cannot be told
    from the compared one (a folder has no name that proves anything), or none; `single-file` when
    there is no other file that could say so."""
    claimed: str = ""
    """The bases that the files name."""
    claimed_relation: str = ""
    """The relation that they state: `finetune`, `adapter`, `merge`, `quantized`, or empty."""
    asked: bool = False
    """The user named this base as the one that the model descends from."""
    one_direction: bool = False
    """What writes into the residual stream changed along one direction, and hardly otherwise."""
    direction_among_others: bool = False
    """It changed along one direction more than along any other: training towards one output does
    that as well."""
    announced: bool = False
    """The model's files say that safeguards were removed."""
    quantisation: Literal["none", "within-bound", "outside-bound", "not-testable"] = "none"
    """For quantised tensors: whether the base's values can have been rounded to them."""
    outside: tuple[str, ...] = ()
    """Tensors that cannot have come from the base's values."""


class LineageCompanion(Fact, frozen=True, kw_only=True, tag="lineage.companion"):
    """What stands beside weights that are the base's, and differs from it."""

    part: Literal["tokenizer", "template"]
    """What differs."""
    names: tuple[str, ...]
    """Parts of the tokenizer, or names of templates."""
    relation: Relation
    """What the weights are to the base."""
    base: str
    """The base that was compared with."""


class LineageSearch(Fact, frozen=True, kw_only=True, tag="lineage.search"):
    """A library of fingerprints, searched for what the model descends from."""

    outcome: Literal["found", "nothing-found"]
    """`nothing-found` says something about the library alone."""
    compared: int
    """Fingerprints in the library."""
    claims: Literal["some-base", "nothing"] = "nothing"
    """Whether the model's files name a base."""
