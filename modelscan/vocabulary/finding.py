"""A finding: one cause, once."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from modelscan.vocabulary.location import Location
from modelscan.vocabulary.rule import AnswerKey, Confidence, Severity


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule said about a fact."""

    rule: str
    """The rule's id."""
    severity: Severity
    confidence: Confidence
    answer: AnswerKey
    """Which of the five answers it bears on."""
    message: str
    """One line for people; values from the model are in it as they were found."""
    location: Location
    """Where it was seen first."""
    identity: str
    """Stable hash of rule and identity fields: survives rewording and other findings."""
    fix: str
    evidence: dict[str, Any] = {}
    """The fact's fields, and `count` when the same cause was seen more than once."""
    waived: str | None = None
    """The waiver's reason when one applies."""
    baseline: Literal["new", "unchanged"] | None = None
    """Held against the baseline, when there is one."""
