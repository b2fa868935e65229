"""A rule: data that turns facts into findings, with its own documentation and examples."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Severity = Literal["info", "low", "medium", "high", "critical"]
Confidence = Literal["low", "medium", "high"]
Persona = Literal["regular", "pedantic", "auditor"]
AnswerKey = Literal["load_hazards", "official_bytes", "signed", "descends_from", "allowed"]

SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")
"""From least to most severe."""
CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")
"""From least to most certain."""


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which facts a rule is about."""

    fact: str
    """The kind of fact."""
    where: dict[str, Any] = {}
    """Tests that must all hold, by field."""
    unless: dict[str, Any] = {}
    """Tests that must not all hold."""


class Maps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the rule stands in public taxonomies."""

    atlas: tuple[str, ...] = ()
    """MITRE ATLAS technique ids."""
    owasp_llm: tuple[str, ...] = ()
    """OWASP Top 10 for LLM applications, with the edition: `LLM04:2026`."""
    cwe: tuple[str, ...] = ()
    """Weaknesses, `CWE-502`."""


class Examples(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Facts that the rule must and must not match; they are run as tests."""

    match: tuple[dict[str, Any], ...]
    no_match: tuple[dict[str, Any], ...]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """One rule file. The id names the bad thing, so that "allow <id>" reads right."""

    id: str
    title: str
    """One line: what is wrong."""
    since: str
    """The version that introduced it."""
    status: Literal["experimental", "stable", "deprecated"]
    severity: Severity
    confidence: Confidence
    persona: Persona = "regular"
    """Who sees it: everybody, the pedantic, or auditors."""
    answer: AnswerKey
    """Which of the five answers it bears on."""
    match: Match
    message: str
    """One line for people, with `{field}` filled from the fact."""
    identity: tuple[str, ...] = ("subject", "location.member")
    """The fields that make two findings the same one."""
    why: str
    fix: str
    false_positives: str = msgspec.field(name="false_positives")
    maps: Maps = Maps()
    references: tuple[str, ...] = ()
    examples: Examples
