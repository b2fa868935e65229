"""Was this very model scanned, under which policy, by whom, and how long ago?

A statement about a scan (in-toto SVR or test result), signed by somebody whom the user trusts, so
that a serving gate need not scan again. Sources: in-toto attestation predicates `svr` v0.1 and v0.2
and `test-result` v0.1; RFC 3339 for times.

Invariants: the statement must be about the digest of the model that is here, names of files
included; a result that did not pass, a time that cannot be told, and a policy other than the one
that was asked for are refusals; nothing in it is believed before its signature was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from modelscan.verifier.attested.attestation import Attestation, attestations_in
from modelscan.verifier.attested.statement import AnyStatement
from modelscan.verifier.oms.failures import BrokenSignatureError, UncheckableError
from modelscan.verifier.signed import SignatureFile
from modelscan.verifier.trust import Trust
from modelscan.vocabulary.digest import model_digest
from modelscan.vocabulary.evidence import Evidence
from modelscan.vocabulary.fact import AttestationCheck, Fact
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import FileEntry

SVR = ("https://in-toto.io/attestation/svr/v0.1", "https://in-toto.io/attestation/svr/v0.2")
"""Simple verification results: they are made of what passed, and only when it did."""
TEST_RESULT = ("https://in-toto.io/attestation/test-result/v0.1",)
"""Results of a test, which may have failed. They say no time."""

_CLOCKS_DIFFER = timedelta(minutes=5)
_MOST = 100
_LONGEST = 200


class Wanted(NamedTuple):
    """What the user asks of a scan by somebody else."""

    file: SignatureFile
    policy: str = ""
    """Name, address or digest of the policy; empty for any."""
    max_age: int | None = None
    """Days."""


class _Claim(NamedTuple):
    """What a statement says of a scan."""

    verifier: str
    policies: tuple[str, ...]
    made: datetime | None
    properties: tuple[str, ...]
    problem: str = ""
    """Why it is no good news."""


class ScanAttested:
    """The check of a statement that the user named.

    Args:
        wanted: the statement, and what is asked of it.
        trust: whose statement counts.
        lone: the model is a single file, whose own digest is meant as well.
    """

    name = "the attestation"
    answer: Literal["signed"] = "signed"

    def __init__(self, wanted: Wanted, trust: Trust, *, lone: bool = False) -> None:
        self._wanted = wanted
        self._trust = trust
        self._lone = lone

    def run(self, files: Sequence[FileEntry], facts: Sequence[Fact], claimed: str) -> Evidence:  # noqa: ARG002 - part of the protocol
        """See `Check.run`. Of several statements in the file, one that is accepted is enough."""
        found = [self._judge(each, files) for each in attestations_in(self._wanted.file)]
        order = ("accepted", "refused", "not-checked")
        return Evidence(facts=(min(found, key=lambda fact: order.index(fact.outcome)),))

    def _judge(self, attestation: Attestation, files: Sequence[FileEntry]) -> AttestationCheck:
        statement = attestation.statement
        if statement is None:
            return self._fact("refused", attestation.problem or "it signs a file, and no statement")
        try:
            authority = attestation.authenticate(self._trust)
        except BrokenSignatureError as error:
            return self._fact("refused", error.message)
        except UncheckableError as error:
            return self._fact("not-checked", error.message)
        signer = authority.party or authority.signer
        if not authority.trusted:
            return self._fact("refused", authority.reason, signer=signer)
        claim = _claim(statement)
        problem = claim.problem or self._about(statement, files) or self._asked(claim)
        return self._fact(
            "refused" if problem else "accepted",
            problem or f"scanned by {claim.verifier or 'somebody'}; {authority.reason}",
            signer=signer,
            claim=claim,
        )

    def _about(self, statement: AnyStatement, files: Sequence[FileEntry]) -> str:
        """Why the statement is not about this model; empty when it is."""
        if not files or not all("sha256" in file.digests for file in files):
            return "not every file of the model was read, so that it has no digest"
        own = model_digest((f.path, f.size, f.digests["sha256"]) for f in files)
        accepted = {own.removeprefix("sha256:")}
        if self._lone and len(files) == 1:
            accepted.add(files[0].digests["sha256"])
        if accepted & {subject.digests.get("sha256", "") for subject in statement.subjects}:
            return ""
        return f"it is about another model than this one, which is {own}"

    def _asked(self, claim: _Claim) -> str:
        """Why it is not what the user asked for; empty when it is."""
        wanted = self._wanted
        if wanted.policy and wanted.policy not in claim.policies:
            named = ", ".join(claim.policies) or "none that it names"
            return f"the policy was {named}, not {wanted.policy}"
        if wanted.max_age is None:
            return ""
        if claim.made is None:
            return "it does not say when the scan was made"
        age = (datetime.now(UTC) - claim.made).days
        if age > wanted.max_age or claim.made > datetime.now(UTC) + _CLOCKS_DIFFER:
            return f"the scan is of {claim.made:%Y-%m-%d}, not of the last {wanted.max_age} days"
        return ""

    def _fact(
        self,
        outcome: Literal["accepted", "refused", "not-checked"],
        note: str,
        *,
        signer: str = "",
        claim: _Claim | None = None,
    ) -> AttestationCheck:
        made = claim.made if claim else None
        return AttestationCheck(
            location=Location(self._wanted.file.name),
            outcome=outcome,
            note=note,
            signer=signer,
            verifier=claim.verifier if claim else "",
            policies=claim.policies if claim else (),
            properties=claim.properties if claim else (),
            made=f"{made:%Y-%m-%dT%H:%M:%SZ}" if made else "",
        )


def _claim(statement: AnyStatement) -> _Claim:
    said = statement.predicate
    if statement.kind in SVR:
        verifier = said.get("verifier")
        name = verifier.get("id") if isinstance(verifier, dict) else None
        properties = tuple(_texts(said.get("properties")))
        return _Claim(
            _text(name),
            tuple(_policies(said.get("policies"))),
            _time(said.get("timeCreated")),
            properties,
            "" if properties else "it names nothing that the model passed",
        )
    if statement.kind in TEST_RESULT:
        result = _text(said.get("result"))
        passed = tuple(_texts(said.get("passedTests")))
        problem = "" if result in {"PASSED", "WARNED"} else f"the result was {result or 'not said'}"
        policies = tuple(_policies(said.get("configuration")))
        return _Claim(_text(said.get("url")), policies, None, passed, problem)
    return _Claim("", (), None, (), f"a statement of the kind {statement.kind}, not about a scan")


def _policies(value: Any) -> Iterable[str]:
    """The names, addresses and digests by which policies are named."""
    for item in value[:_MOST] if isinstance(value, list) else ():
        if isinstance(item, Mapping):
            yield from filter(None, (_text(item.get("name")), _text(item.get("uri"))))
            digest = item.get("digest")
            if isinstance(digest, Mapping) and _text(digest.get("sha256")):
                yield f"sha256:{_text(digest.get('sha256'))}"


def _texts(value: Any) -> Iterable[str]:
    return filter(None, map(_text, value[:_MOST])) if isinstance(value, list) else ()


def _text(value: Any) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""


def _time(value: Any) -> datetime | None:
    """A time with its zone; `None` for anything else."""
    try:
        found = datetime.fromisoformat(_text(value))
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None
