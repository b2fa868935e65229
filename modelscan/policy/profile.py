"""Profiles: what a policy asks for. A scan fails on bad news, not on the absence of good news."""

from __future__ import annotations

import hashlib

import msgspec

from modelscan.vocabulary.rule import Confidence, Severity


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of a policy that the gate reads."""

    name: str
    fail_severity: Severity
    """Findings of at least this severity fail ..."""
    fail_confidence: Confidence
    """... when they are at least this certain."""
    fail_official: tuple[str, ...]
    """Statuses of "official bytes?" that fail."""
    fail_signed: tuple[str, ...]
    """Statuses of "signed by whom?" that fail."""

    @property
    def digest(self) -> str:
        """SHA-256 over the policy's lines: names in reports may be reused, digests may not."""
        return "sha256:" + hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()


DEFAULT = Profile(
    name="default",
    fail_severity="high",
    fail_confidence="medium",
    fail_official=("modified", "denied", "error"),
    fail_signed=("invalid-signature",),
)
"""Passes ordinary good models: unknown, unsigned and merely claimed are no violations."""
