"""What is stated of a model: that a scan passed, how a scan ended, or a bill of materials.

Sources: in-toto predicates `svr` v0.2, `test-result` v0.1, `cyclonedx` and `spdx3`.

Invariants: a verification result exists only for a model that passed, and names only what was
established; what is not known, not asked or only claimed is left out, so that its absence says
nothing good. The time is that of the scan, not of the signature: a gate asks how old the look is.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelscan._about import NAME
from modelscan.report.cyclonedx.writer import document as cyclonedx
from modelscan.report.machine import Json, text
from modelscan.report.residual import approvals
from modelscan.report.spdx.writer import document as spdx
from modelscan.report.verdicts import verdicts
from modelscan.vocabulary.result import ModelReport, Report
from modelscan.vocabulary.rule import SEVERITIES

SVR = "https://in-toto.io/attestation/svr/v0.2"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
CYCLONEDX = "https://cyclonedx.org/bom"
SPDX = "https://spdx.dev/Document/v3"

MOST_TESTS = 1_000
"""Names of tests in one list; a scan of ten thousand findings has some hundred rules."""
_PREFIX = "MODELASSAY_"
_BYTES = {
    "verified-official": "OFFICIAL_BYTES_VERIFIED",
    "matches-known-release": "KNOWN_RELEASE",
    "pinned-match": "PINNED_BYTES",
}
_DESCENT = {"proved": "DESCENT_PROVED", "measured": "DESCENT_MEASURED"}
_NO_DESCENT = frozenset({"unrelated", "unknown", "claimed"})
_FAILING = SEVERITIES[SEVERITIES.index("high") :]


def verifier_id(report: Report) -> str:
    """The URI of this tool in the version that scanned, where the user names no verifier."""
    return f"pkg:generic/{NAME}@{text(report.tool.version, 100)}"


def svr(report: Report, model: ModelReport, verifier: str) -> Json:
    """A simple verification result: which properties the model was found to have.

    Args:
        report: that the model is in.
        model: one that passed.
        verifier: URI of whoever verified.
    """
    return {
        "verifier": {"id": verifier},
        "timeCreated": report.created,
        "policies": [_policy(report)],
        "properties": [_PREFIX + each for each in _properties(model)],
    }


def test_result(report: Report, model: ModelReport, verifier: str) -> Json:
    """How the scan ended: the five questions and the rules that found something, as tests."""
    failed: list[str] = []
    warned: list[str] = []
    passed: list[str] = []
    lists = {"good": passed, "bad": failed, "gap": failed, "claim": warned}
    for answer in verdicts(model.answers):
        if answer.asked and answer.tone in lists:
            lists[answer.tone].append(f"question:{answer.key}")
    found = {one.rule: one.severity for one in reversed(model.findings) if one.waived is None}
    for rule, severity in sorted(found.items()):
        if severity != "info":
            (failed if severity in _FAILING else warned).append(f"rule:{text(rule, 200)}")
    outcome = "FAILED"
    if model.answers.allowed.status == "pass" and model.error is None:
        # the policy decides: what it lets pass is a warning, however severe a rule finds it
        warned, failed = [*failed, *warned], []
        outcome = "WARNED" if warned else "PASSED"
    return {
        "result": outcome,
        "configuration": [_policy(report)],
        "url": verifier,
        "passedTests": passed[:MOST_TESTS],
        "warnedTests": warned[:MOST_TESTS],
        "failedTests": failed[:MOST_TESTS],
    }


def cyclonedx_bom(report: Report, model: ModelReport, verifier: str) -> Json:  # noqa: ARG001  # one of the predicates
    """The bill of materials of this model, as `-f cyclonedx` writes it."""
    return cyclonedx(report)


def spdx_bom(report: Report, model: ModelReport, verifier: str) -> Json:  # noqa: ARG001  # one of the predicates
    """The same, as `-f spdx` writes it."""
    return spdx(report)


def _policy(report: Report) -> Json:
    algorithm, _, digest = report.policy.digest.partition(":")
    return {"name": text(report.policy.name), "digest": {algorithm: digest}}


def _properties(model: ModelReport) -> Iterator[str]:
    answers = model.answers
    yield "POLICY_PASSED"
    yield "ALL_BYTES_HASHED"
    looked_inside = verdicts(answers)[0].asked
    if looked_inside and not any(gap.needed for gap in model.coverage):
        yield "NEEDED_PARTS_READ"
    if answers.load_hazards.status == "none-found":
        yield "NO_LOAD_HAZARDS_FOUND"
    if answers.official_bytes.status in _BYTES:
        yield _BYTES[answers.official_bytes.status]
    if answers.signed.status == "signed-trusted":
        yield "SIGNED_BY_TRUSTED_SIGNER"
    lineage = answers.descends_from
    if lineage.tier in _DESCENT and lineage.status not in _NO_DESCENT:
        yield _DESCENT[lineage.tier]
    if not any(finding.waived is not None for finding in model.findings):
        yield "NOTHING_WAIVED"
    if any(one.holds for one in approvals(model)):
        yield "APPROVED"
