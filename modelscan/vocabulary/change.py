"""What changed between two states of some models, `modelassay-diff/1`.

Its JSON Schema is generated from these types.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import Decision, PolicyEntry, Report

SCHEMA = "modelassay-diff/1"
"""Which shape this is; the number changes only when a reader would break."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is otherwise."""

    change: str
    """What kind of thing: `revision`, `licence`, `code-added`, ... (fact `model.change`)."""
    phrase: str
    """In a few words."""
    before: str = ""
    """What it was; empty for nothing."""
    after: str = ""
    """What it is now; empty for nothing."""
    count: int = 1
    """How many files, tensors or findings."""


class ModelDiff(msgspec.Struct, frozen=True, kw_only=True):
    """One model that changed."""

    ref: str
    """How the newer side names it; a model that is gone, how the older side did."""
    status: Literal["added", "removed", "changed"]
    before: str = ""
    """Its commit or digest, before."""
    after: str = ""
    """And now."""
    line: int | None = None
    """Where it stands in the newer lock."""
    summary: str
    """All of it in one paragraph."""
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...] = ()
    """What the rules say about the changes, the most severe first."""


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """Two states, held against each other."""

    schema: str = SCHEMA
    old: str
    """What the older side was: a file, or a file at a revision."""
    new: str
    models: tuple[ModelDiff, ...]
    """Those that changed."""
    unchanged: int
    """How many did not."""
    coverage: tuple[Coverage, ...] = ()
    """What could not be looked at."""
    policy: PolicyEntry
    decision: Decision


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A difference, and the same as a report, for formats that show reports."""

    diff: Diff
    report: Report
