"""What `modelassay verify` asks for: good news, where a scan is content with no bad news.

Invariants: only `GOOD_BYTES` and `signed-trusted` pass, and what the user asked for (a signature by
somebody named, a release that was named) must be there itself: other good news does not stand in
for it. Bad news beats a gap, a gap beats good news.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from modelscan.verifier import wording
from modelscan.verifier.request import Request
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.evidence import OfficialBytes, Signed
from modelscan.vocabulary.result import Allowed, Answers, LoadHazards, ModelReport

POLICY = "verify"
"""What reports call this gate."""
FORMATS = frozenset({"safetensors", "gguf", "json", "model card"})
"""Formats whose readers state what provenance rests on: headers of weights, claims of a base."""
ANSWERS = ("official_bytes", "signed")
"""The questions that are asked."""
REQUIREMENTS = frozenset({"hashes-verified", "signed", "revision-pinned", "approved"})
"""Requirements of a policy that are about origin."""
GOOD_BYTES = frozenset({"verified-official", "matches-known-release", "pinned-match"})

_MISSING = frozenset({"signature-missing"})
"""Rules whose findings say that a signature which must be there is not."""
_UNMET = frozenset({"policy-not-met", "release-replaced"})
"""Rules whose findings, unless they are waived, say why a model does not pass: a line of a policy
that it does not keep, and a newer release that replaced it."""

_BAD = frozenset({"modified", "denied", "invalid-signature"})
_NOT_ASKED = "not asked: verify looks at origin alone"


def restrict(report: ModelReport, request: Request, policy: str = POLICY) -> ModelReport:
    """A model's report as an answer about its origin: the other questions are marked as not asked.

    Args:
        report: of the whole pipeline.
        request: what was asked.
        policy: what the gate is called.
    """
    if report.error is not None:
        return report
    hashed = {file.path for file in report.files if file.digests}
    coverage = tuple(gap for gap in report.coverage if gap.file not in hashed)
    official, signed = report.answers.official_bytes, report.answers.signed
    return msgspec.structs.replace(
        report,
        answers=Answers(
            load_hazards=LoadHazards(status="incomplete", reason=_NOT_ASKED),
            official_bytes=official,
            signed=signed,
            descends_from=Lineage(status="unknown", tier="none", reason=_NOT_ASKED),
            allowed=decide(
                official,
                signed,
                coverage,
                request,
                _also_lacking(report, request),
                policy=policy,
                assumed=_assumed(report),
            ),
        ),
        findings=tuple(
            finding
            for finding in report.findings
            if finding.answer in ANSWERS or finding.rule in _UNMET
        ),
        coverage=coverage,
    )


def decide(
    official: OfficialBytes,
    signed: Signed,
    coverage: Iterable[Coverage],
    request: Request,
    also_lacking: Iterable[str] = (),
    *,
    policy: str = POLICY,
    assumed: str = "",
) -> Allowed:
    """Whether the answers are what was asked for.

    Args:
        official: the answer to "official bytes?".
        signed: the answer to "signed by whom?".
        coverage: what was not looked at.
        request: what was asked.
        also_lacking: what else was asked for and is not there.
        policy: what the gate is called.
        assumed: what nobody could establish, and a pass does not say.
    """
    bad = [
        f"{question}: {status}"
        for question, status in (("official bytes", official.status), ("signed", signed.status))
        if status in _BAD
    ]
    gaps = sum(gap.needed for gap in coverage)
    lacking = [*also_lacking, *_lacking(official, signed, request)]
    undecided = "error" in {official.status, signed.status} or official.status == "not-hashed"
    if bad:
        return Allowed(status="fail", policy=policy, reason="; ".join(bad))
    if gaps:
        reason = f"{gaps} {'file was' if gaps == 1 else 'files were'} not read"
        return Allowed(status="incomplete", policy=policy, reason=reason)
    if undecided:
        reason = signed.reason if signed.status == "error" else official.reason
        return Allowed(status="incomplete", policy=policy, reason=reason)
    if lacking:
        return Allowed(status="fail", policy=policy, reason="; ".join(lacking))
    good: list[str] = [status for status in (official.status, signed.status) if _is_good(status)]
    good += ["attested"] if request.attestation else []
    reason = " and ".join(good) + (f"; {assumed}" if assumed else "")
    return Allowed(status="pass", policy=policy, reason=reason)


def _assumed(report: ModelReport) -> str:
    """That nobody knows whether the release is the newest; empty when somebody does."""
    said = report.facts.provenance.get("freshness") or []
    return next((each["note"] for each in said if each["outcome"] == "unknown"), "")


def _also_lacking(report: ModelReport, request: Request) -> Iterator[str]:
    """Signatures, scans and lines of a policy that must be there and are not."""
    for finding in report.findings:
        if finding.rule in _MISSING or (finding.rule in _UNMET and finding.waived is None):
            yield finding.message
    unlisted = report.facts.provenance.get("unlisted")
    signed = report.answers.signed.status == "signed-trusted"
    if unlisted and not signed and request.attestation is None:
        yield f"nobody vouches for {wording.names(unlisted)}"
    if request.attestation:
        found = report.facts.provenance.get("attestation")
        said = found if isinstance(found, Mapping) else {}
        if said.get("outcome") != "accepted":
            yield f"no scan by whom you named: {said.get('note', 'no statement')}"


def _lacking(official: OfficialBytes, signed: Signed, request: Request) -> Sequence[str]:
    """What was asked for and is not there."""
    lacking = []
    attested = request.attestation is not None  # then the signer named is the statement's
    if (
        request.signature or (request.trust.asked and not attested)
    ) and signed.status != "signed-trusted":
        lacking.append(f"no signature by whom you named: {signed.status}")
    if request.expected and official.status not in GOOD_BYTES:
        lacking.append(f"not the release that you named: {official.status}")
    if not lacking and not attested and not (_is_good(official.status) or _is_good(signed.status)):
        lacking.append(f"no good news: official bytes {official.status}, {signed.status}")
    return lacking


def _is_good(status: str) -> bool:
    return status in GOOD_BYTES or status == "signed-trusted"
