"""The native report, `modelassay-report/1`. Its JSON Schema is generated from these types."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.containment import Containment
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.evidence import OfficialBytes, Signed
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.rule import Maps, Severity
from modelscan.vocabulary.snapshot import Source

SCHEMA = "modelassay-report/1"
"""Which shape this is; the number changes only when a reader would break."""


class LoadHazards(msgspec.Struct, frozen=True, kw_only=True):
    """Can loading it run code, read files, exhaust or deceive the loader?"""

    status: Literal["none-found", "found", "incomplete"]
    reason: str


class Allowed(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy says, and which line of it decided."""

    status: Literal["pass", "fail", "incomplete"]
    policy: str
    reason: str


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """The five answers, side by side. None of them ever says "safe"."""

    load_hazards: LoadHazards
    official_bytes: OfficialBytes
    signed: Signed
    descends_from: Lineage
    allowed: Allowed


class FileEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the model."""

    path: str
    size: int
    digests: dict[str, str]
    """Hexadecimal, by algorithm; `git-blob` is the SHA-1 object id that git gives the bytes."""
    format: str
    """What the bytes are; `unknown` when no reader recognises them."""


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the model's files say about it, and what was measured."""

    licence: tuple[str, ...] = ()
    claims: tuple[dict[str, Any], ...] = ()
    provenance: dict[str, Any] = {}
    lineage: dict[str, Any] = {}


class ApprovalEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody approved exactly these bytes, as the policy records it."""

    owner: str
    """Who answers for it."""
    reason: str
    until: str
    """The last day on which it holds, `2027-03-01`."""
    holds: bool
    """False when that day was over at the time of the scan."""


class ModelReport(msgspec.Struct, frozen=True, kw_only=True):
    """One target, also when it could not be read."""

    ref: str
    source: Source
    digest: str | None
    """Identity of the bytes, see `vocabulary.digest`; `None` when not all of them were read."""
    files: tuple[FileEntry, ...]
    answers: Answers
    findings: tuple[Finding, ...]
    """Most severe first."""
    coverage: tuple[Coverage, ...]
    facts: ModelFacts
    error: str | None = None
    """Why the target could not be read at all."""
    fixed: tuple[Finding, ...] = ()
    """Findings of the baseline that are gone."""
    containment: Containment | msgspec.UnsetType = msgspec.UNSET
    """Of `contain`, where the target is a deployment: how models are run. Absent elsewhere."""
    approvals: tuple[ApprovalEntry, ...] | msgspec.UnsetType = msgspec.UNSET
    """Approvals of this digest in the policy; absent when there is none."""


class RuleEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What a report repeats of a rule, so that it can be read without us."""

    title: str
    severity: Severity
    why: str
    fix: str
    maps: Maps
    references: tuple[str, ...]
    doc: str
    """Path of the rule's page in the documentation."""


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """What wrote the report."""

    name: str
    version: str
    rules_digest: str


class PolicyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The policy that decided."""

    name: str
    digest: str
    baseline: str | None = None
    """`sha256:` of the report that findings were held against; with one, only new ones fail."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome over all models."""

    exit_code: int
    status: Literal["pass", "fail", "incomplete", "nothing"]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    schema: str = SCHEMA
    created: str
    """UTC, RFC 3339; taken from `SOURCE_DATE_EPOCH` when that is set."""
    tool: Tool
    policy: PolicyEntry
    rules: dict[str, RuleEntry]
    """The rules that found something."""
    models: tuple[ModelReport, ...]
    """One for each target, in the order given."""
    decision: Decision
