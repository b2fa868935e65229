"""Facts as reports show them: licences, claims, and where a model comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from modelscan.formats.repository.relator import Facts
from modelscan.policy.limits import days_left
from modelscan.policy.profile import Profile
from modelscan.vocabulary.fact import (
    AttestationCheck,
    ChatTemplate,
    Fact,
    FreshnessCheck,
    HubFile,
    HubHistory,
    HubRepository,
    LicenceStated,
    ModelClaim,
    RemoteClosure,
    SignatureCheck,
    SignatureExpectation,
    SourceDigest,
    SourcePart,
    SourceRevision,
    UnlistedFiles,
)
from modelscan.vocabulary.result import ApprovalEntry, ModelFacts

_ALARMING = frozenset({"caution", "suspicious", "unsafe"})
_COMMON = frozenset({"fact", "location", "status"})


def model_facts(facts: Sequence[Fact]) -> ModelFacts:
    """What a report repeats of the facts."""
    stated = Facts(facts)
    return ModelFacts(
        licence=_licence(stated),
        claims=tuple(
            {
                "claim": claim.claim,
                "value": claim.value,
                "relation": claim.relation,
                "file": claim.location.file,
            }
            for claim in stated.of(ModelClaim)
        ),
        provenance=_provenance(stated),
    )


def approvals_of(
    profile: Profile, digest: str | None
) -> tuple[ApprovalEntry, ...] | msgspec.UnsetType:
    """Who approved exactly these bytes, by the policy and its floors; unset when nobody did."""
    found = {
        ApprovalEntry(
            owner=one.owner,
            reason=one.reason,
            until=str(one.until),
            holds=days_left(one.until) >= 0,
        )
        for policy in (profile, *profile.floors)
        for one in policy.approvals
        if digest is not None and one.subject == digest
    }
    return tuple(sorted(found, key=lambda one: (one.until, one.owner, one.reason))) or msgspec.UNSET


def _licence(facts: Facts) -> tuple[str, ...]:
    """The claimed licences as they are written; without a claim, those whose text is here."""
    stated = [fact for fact in facts.of(LicenceStated) if fact.source != "base"]
    claimed = {fact.stated for fact in stated if fact.source != "text"}
    return tuple(sorted(claimed or {fact.identifier for fact in stated} - {""}))


def _provenance(facts: Facts) -> dict[str, Any]:
    """Every signature that was looked at, and what the hub says, as far as it says something."""
    found: dict[str, Any] = {}
    signatures = [
        {
            "file": fact.location.file,
            "method": fact.method,
            "outcome": fact.outcome,
            "signer": fact.signer,
            "anchor": fact.anchor,
            "root": fact.root,
            "statement": fact.statement,
            "signed": fact.signed,
        }
        for fact in facts.of(SignatureCheck)
        if fact.outcome != "unsigned"
    ]
    repository = next(iter(facts.of(HubRepository)), None)
    if repository is not None:
        # `released` is what the writers look for, see `report.spdx.packages`
        found |= {"released": repository.created, "modified": repository.modified}
        found["repository"] = _fields(repository)
    history = next(iter(facts.of(HubHistory)), None)
    if history is not None:
        found["history"] = _fields(history)
    found["scanner_results"] = [
        {"file": fact.location.file, "verdict": fact.verdict, "scanners": list(fact.scanners)}
        for fact in facts.of(HubFile)
        if fact.verdict in _ALARMING
    ]
    found["signatures"] = signatures
    found["unlisted"] = [path for fact in facts.of(UnlistedFiles) for path in fact.files]
    first = next(
        (f for f in facts.of(SignatureExpectation) if f.outcome in {"first", "next"}), None
    )
    if first is not None:
        found["first_signer"] = {
            "model": first.model,
            "anchor": first.found[0],
            "statement": first.statement,
            "signed": first.signed,
        }
    found["freshness"] = [_fields(fact) for fact in facts.of(FreshnessCheck)]
    attestation = next(iter(facts.of(AttestationCheck)), None)
    if attestation is not None:
        found["attestation"] = _fields(attestation) | {"file": attestation.location.file}
    found["licences"] = [
        _fields(fact) | {"file": fact.location.file} for fact in facts.of(LicenceStated)
    ]
    revision = next(iter(facts.of(SourceRevision)), None)
    if revision is not None:
        found["version"] = _fields(revision)
    found["proved_by_commit"] = {
        fact.location.file: f"{fact.algorithm}:{fact.expected}"
        for fact in facts.of(SourceDigest)
        if fact.stated_by == "git"
    }
    found["parts"] = [_fields(fact) | {"file": fact.location.file} for fact in facts.of(SourcePart)]
    closure = next(iter(facts.of(RemoteClosure)), None)
    if closure is not None:
        found["remote_code"] = _fields(closure)
    found["templates"] = sorted({fact.digest for fact in facts.of(ChatTemplate)})
    return {name: value for name, value in found.items() if value}


def _fields(fact: Fact) -> dict[str, Any]:
    """The fields of a fact that say something, as JSON has them."""
    fields: dict[str, Any] = msgspec.to_builtins(fact)
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in fields.items()
        if name not in _COMMON and value not in (None, "", ())
    }
