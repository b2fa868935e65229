"""Facts as reports show them: licences, claims, and where a model comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from modelscan.policy.limits import days_left
from modelscan.policy.profile import Profile
from modelscan.vocabulary.fact import (
    AttestationCheck,
    ChatTemplate,
    Fact,
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
_Kind = TypeVar("_Kind", bound=Fact)


def model_facts(facts: Sequence[Fact]) -> ModelFacts:
    """What a report repeats of the facts."""
    claims = [fact for fact in facts if isinstance(fact, ModelClaim)]
    return ModelFacts(
        licence=_licence(facts),
        claims=tuple(
            {
                "claim": claim.claim,
                "value": claim.value,
                "relation": claim.relation,
                "file": claim.location.file,
            }
            for claim in claims
        ),
        provenance=_provenance(facts),
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


def _licence(facts: Sequence[Fact]) -> tuple[str, ...]:
    """The claimed licences as they are written; without a claim, those whose text is here."""
    stated = [fact for fact in _of(facts, LicenceStated) if fact.source != "base"]
    claimed = {fact.stated for fact in stated if fact.source != "text"}
    return tuple(sorted(claimed or {fact.identifier for fact in stated} - {""}))


def _provenance(facts: Sequence[Fact]) -> dict[str, Any]:
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
        }
        for fact in facts
        if isinstance(fact, SignatureCheck) and fact.outcome != "unsigned"
    ]
    repository = next(_of(facts, HubRepository), None)
    if repository is not None:
        # `released` is what the writers look for, see `report.spdx.packages`
        found |= {"released": repository.created, "modified": repository.modified}
        found["repository"] = _fields(repository)
    history = next(_of(facts, HubHistory), None)
    if history is not None:
        found["history"] = _fields(history)
    found["scanner_results"] = [
        {"file": fact.location.file, "verdict": fact.verdict, "scanners": list(fact.scanners)}
        for fact in _of(facts, HubFile)
        if fact.verdict in _ALARMING
    ]
    found["signatures"] = signatures
    found["unlisted"] = [path for fact in _of(facts, UnlistedFiles) for path in fact.files]
    first = next((f for f in _of(facts, SignatureExpectation) if f.outcome == "first"), None)
    if first is not None:
        found["first_signer"] = {"model": first.model, "anchor": first.found[0]}
    attestation = next(_of(facts, AttestationCheck), None)
    if attestation is not None:
        found["attestation"] = _fields(attestation) | {"file": attestation.location.file}
    found["licences"] = [
        _fields(fact) | {"file": fact.location.file} for fact in _of(facts, LicenceStated)
    ]
    revision = next(_of(facts, SourceRevision), None)
    if revision is not None:
        found["version"] = _fields(revision)
    found["proved_by_commit"] = {
        fact.location.file: f"{fact.algorithm}:{fact.expected}"
        for fact in _of(facts, SourceDigest)
        if fact.stated_by == "git"
    }
    found["parts"] = [
        _fields(fact) | {"file": fact.location.file} for fact in _of(facts, SourcePart)
    ]
    closure = next(_of(facts, RemoteClosure), None)
    if closure is not None:
        found["remote_code"] = _fields(closure)
    found["templates"] = sorted({fact.digest for fact in _of(facts, ChatTemplate)})
    return {name: value for name, value in found.items() if value}


def _of(facts: Iterable[Fact], kind: type[_Kind]) -> Iterator[_Kind]:
    return (fact for fact in facts if isinstance(fact, kind))


def _fields(fact: Fact) -> dict[str, Any]:
    """The fields of a fact that say something, as JSON has them."""
    fields: dict[str, Any] = msgspec.to_builtins(fact)
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in fields.items()
        if name not in _COMMON and value not in (None, "", ())
    }
