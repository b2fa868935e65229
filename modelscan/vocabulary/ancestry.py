"""What a model descends from, and how well that is known."""

from __future__ import annotations

from typing import Literal

import msgspec

Relation = Literal[
    "identical", "cast", "quantized", "adapter", "low-rank", "finetune", "merge",
    "abliteration-like", "reparametrised", "derived", "unrelated", "claimed", "unknown",
]  # fmt: skip
Tier = Literal["proved", "measured", "hint", "declared", "none"]


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to "descends from what?"."""

    status: Relation
    base: str | None = None
    """The base model, as claimed or as measured."""
    tier: Tier
    """`proved` by digests, `measured` from weights, `hint`, `declared` by the model's own files."""
    reason: str
    """One line for people."""
