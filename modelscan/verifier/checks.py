"""All checks, and their evidence as two answers.

Invariants: the worst news wins, a check that failed is worse than any good news, and an answer that
no check gives is an error: nothing here can become a pass by not having been looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import msgspec

from modelscan.verifier import freshness
from modelscan.verifier.check import Check
from modelscan.verifier.index import Index
from modelscan.verifier.installed import shared_index
from modelscan.verifier.manifests import check_releases
from modelscan.verifier.signatures import Signatures
from modelscan.vocabulary.evidence import (
    Evidence,
    OfficialBytes,
    OfficialStatus,
    Signed,
    SignedStatus,
)
from modelscan.vocabulary.fact import Fact, FreshnessCheck, SignatureCheck, SignatureExpectation
from modelscan.vocabulary.result import FileEntry

_OFFICIAL: tuple[OfficialStatus, ...] = (
    "denied", "modified", "error", "verified-official", "matches-known-release", "pinned-match",
    "hub-consistent", "not-hashed", "unknown",
)  # fmt: skip
"""Which status decides when several checks answer: bad news, then good news, then none."""
_SIGNED: tuple[SignedStatus, ...] = (
    "invalid-signature", "error", "signed-trusted", "signed-untrusted", "unsigned",
)  # fmt: skip


class Releases:
    """The model's digests against the published releases."""

    name = "published releases"
    answer: Literal["official_bytes"] = "official_bytes"

    def __init__(self, index: Callable[[], Index] | None = None) -> None:
        self._index = index

    def run(self, files: Sequence[FileEntry], facts: Sequence[Fact], claimed: str) -> Evidence:
        """See `Check.run`."""
        return check_releases(files, facts, claimed, (self._index or shared_index)())


CHECKS: tuple[Check, ...] = (Releases(), Signatures())


def verify(
    files: Sequence[FileEntry],
    facts: Sequence[Fact],
    claimed: str,
    checks: Sequence[Check] = CHECKS,
) -> tuple[OfficialBytes, Signed, tuple[Fact, ...]]:
    """Run the checks and merge what they established.

    Args:
        files: the model's files with their digests.
        facts: what the readers stated.
        claimed: the identity that the model's source claims, such as `hf:org/name`; empty for none.
        checks: which checks.

    Returns:
        The two answers, and the facts that the checks stated.
    """
    evidence = [_run(check, files, facts, claimed) for check in checks]
    stated = tuple(fact for found in evidence for fact in found.facts)
    official = min(
        (found.official for found in evidence if found.official is not None),
        key=lambda answer: _OFFICIAL.index(answer.status),
        default=OfficialBytes(status="error", reason="no check answered"),
    )
    signed = min(
        (found.signed for found in evidence if found.signed is not None),
        key=lambda answer: _SIGNED.index(answer.status),
        default=Signed(status="error", reason="no check answered"),
    )
    expected = tuple(_expected(evidence, stated))
    if signed.status == "signed-trusted" and not any(isinstance(f, FreshnessCheck) for f in stated):
        # The signature holds for ever: said plainly, where nothing speaks for or against it.
        expected += (FreshnessCheck(outcome="unknown", note=freshness.UNKNOWN),)
        reason = f"{signed.reason}; {freshness.UNKNOWN}"
        signed = msgspec.structs.replace(signed, reason=reason)
    return official, signed, (*stated, *expected)


def _expected(evidence: Sequence[Evidence], stated: Sequence[Fact]) -> Iterator[Fact]:
    """Whether the signature is there that the publisher of this release makes."""
    for found in evidence:
        if found.signers is None or found.official is None:
            continue
        valid = [
            fact.anchor
            for fact in stated
            if isinstance(fact, SignatureCheck)
            and fact.outcome in {"valid-trusted", "valid-untrusted"}
            and not fact.part
            and fact.anchor
        ]
        fits = [anchor for anchor in valid if not found.signers or anchor in found.signers]
        yield SignatureExpectation(
            outcome="met" if fits else "missing",
            model=found.official.release or "",
            expected=found.signers or ("its publisher",),
            found=tuple(valid),
        )


def _run(check: Check, files: Sequence[FileEntry], facts: Sequence[Fact], claimed: str) -> Evidence:
    try:
        return check.run(files, facts, claimed)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong must be an answer, never a pass
        reason = f"{check.name} could not be checked: {error or type(error).__name__}"
        if check.answer == "signed":
            return Evidence(signed=Signed(status="error", reason=reason))
        return Evidence(official=OfficialBytes(status="error", reason=reason))
