"""Waivers and overrides: which findings do not count for now, and which count for more or less.

Invariants: a waived finding stays in every report; a waiver binds to bytes, or to an identity that
rests on more than a name in the model; past its last day it does nothing; what a digest or a
signature has proven to be bad is waived only where the waiver says so in as many words. A waiver
that does not do its work is a fact of its own, so that exceptions do not rot.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from modelscan.policy.entries import Override, Waiver
from modelscan.policy.limits import days_left
from modelscan.policy.situation import Situation
from modelscan.vocabulary.fact import PolicyWaiver
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location

PROVEN_BAD = {
    "release-denied": "denied",
    "release-file-modified": "modified",
    "signature-invalid": "invalid-signature",
    "advisory-malicious": "",
}
"""Rules about what is proven by digest or signature, and the status that goes with each."""

_Problem = Literal["expired", "unused", "over-broad", "refused"]
_ONE_PUBLISHER = re.compile(r"pkg:[a-z]+/[^/*?\[]+/.+")


def waive(
    waivers: Sequence[Waiver], situation: Situation
) -> tuple[tuple[Finding, ...], tuple[PolicyWaiver, ...]]:
    """The findings with waivers applied, and what is wrong with the waivers."""
    if not waivers:
        return situation.findings, ()
    problems: dict[tuple[Waiver, _Problem], Location] = {}
    by_rule: dict[str, list[tuple[int, Waiver]]] = {}
    for index, waiver in enumerate(waivers):
        by_rule.setdefault(waiver.rule, []).append((index, waiver))
    digests = digests_of(situation)
    used: set[int] = set()
    findings = []
    for finding in situation.findings:
        matching = [
            (index, waiver)
            for index, waiver in by_rule.get(finding.rule, ())
            if fnmatchcase(finding.location.file, waiver.path)
            and binds(waiver.subject, situation, digests.get(finding.location.file))
        ]
        used.update(index for index, _ in matching)
        holding = [waiver for _, waiver in matching if not _trouble(waiver)]
        if holding:
            finding = msgspec.structs.replace(finding, waived=_words(holding[0]))  # noqa: PLW2901  # the same finding, waived
            if not one_publisher(holding[0].subject):
                problems.setdefault((holding[0], "over-broad"), Location())
        else:
            for _, waiver in matching:
                trouble = _trouble(waiver)
                assert trouble  # noqa: S101  # `holding` would have it otherwise
                problems.setdefault((waiver, trouble), finding.location)
        findings.append(finding)
    for index, waiver in enumerate(waivers):
        concerns = waiver.subject in digests.values() or binds(waiver.subject, situation, None)
        if index not in used and concerns:
            problems[waiver, "unused"] = Location()
    return tuple(findings), tuple(_fact(key, place) for key, place in problems.items())


def override(
    overrides: Sequence[Override], findings: tuple[Finding, ...], situation: Situation
) -> tuple[Finding, ...]:
    """The findings with the severities that a policy gives them; of several, the last counts."""
    digests = digests_of(situation) if overrides else {}

    def concerns(line: Override, finding: Finding) -> bool:
        file = finding.location.file
        return (
            finding.rule == line.rule
            and finding.rule not in PROVEN_BAD
            and fnmatchcase(file, line.path)
            and (line.subject is None or binds(line.subject, situation, digests.get(file)))
        )

    for line in overrides:
        findings = tuple(
            msgspec.structs.replace(finding, severity=line.severity)
            if concerns(line, finding)
            else finding
            for finding in findings
        )
    return findings


def _trouble(waiver: Waiver) -> _Problem | None:
    if days_left(waiver.expires) < 0:
        return "expired"
    if waiver.rule in PROVEN_BAD and not waiver.even_if_proven_malicious:
        return "refused"
    return None


def digests_of(situation: Situation, only: Container[str] | None = None) -> dict[str, str]:
    """What a waiver can be bound to, by file.

    Args:
        situation: the model.
        only: the files that are asked for; all of them by default.
    """
    return {
        entry.path: f"sha256:{entry.digests['sha256']}"
        for entry in situation.files
        if (only is None or entry.path in only) and "sha256" in entry.digests
    }


def binds(subject: str, situation: Situation, file: str | None) -> bool:
    """True when a subject is this model, or the digest of the file that a finding is about."""
    if not subject.startswith("sha256:"):
        return bool(situation.purl) and fnmatchcase(situation.purl, subject)
    return subject in {situation.digest, file}


def one_publisher(subject: str) -> bool:
    """True for a digest, and for a purl glob that fits the models of one publisher only."""
    return not subject.startswith("pkg:") or _ONE_PUBLISHER.fullmatch(subject) is not None


def _words(waiver: Waiver) -> str:
    """The form that report writers understand: a justification of OpenVEX, then words."""
    return f"{waiver.justification}: {waiver.reason} ({waiver.owner}, until {waiver.expires})"


def _fact(key: tuple[Waiver, _Problem], place: Location) -> PolicyWaiver:
    waiver, problem = key
    return PolicyWaiver(
        location=place,
        status="declared",
        problem=problem,
        rule=waiver.rule,
        bound_to=waiver.subject,
        owner=waiver.owner,
        end=str(waiver.expires),
    )
