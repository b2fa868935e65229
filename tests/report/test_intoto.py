from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelscan.errors import SourceError
from modelscan.report.intoto.predicates import MOST_TESTS
from modelscan.report.intoto.statements import KINDS, FailedScanError, statements
from modelscan.report.intoto.subjects import subjects
from modelscan.verifier.attested.statement import parse_any
from modelscan.verifier.oms.statement import parse_statement
from modelscan.verifier.oms.writing import Serialization, state
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.evidence import Signed
from modelscan.vocabulary.result import Allowed, LoadHazards, ModelFacts, ModelReport, Report
from modelscan.vocabulary.snapshot import Source
from tests.forge import reports, signing, told

NEEDED_PARTS_READ = "MODELASSAY_NEEDED_PARTS_READ"


def stated(report: Report, kind: str = "svr", **options: str) -> dict[str, Any]:
    (made,) = statements(report, [kind], **options)
    found: dict[str, Any] = json.loads(made)
    return found


def properties(**changes: Any) -> list[str]:
    found: list[str] = stated(reports.report(reports.model(**changes)))["predicate"]["properties"]
    return found


def digests(model: ModelReport) -> dict[str, str]:
    """Digests by what a subject's name says behind the model's."""
    return {
        one["name"].removeprefix(model.ref).strip(" ()"): next(iter(one["digest"].values()))
        for one in subjects(model)
    }


def test_the_first_subject_is_the_digest_of_the_model() -> None:
    model = reports.model()
    first = subjects(model)[0]
    assert model.digest == f"sha256:{first['digest']['sha256']}"
    assert first["name"] == model.ref


def test_the_root_is_that_of_a_model_signature(tmp_path: Path) -> None:
    folder = signing.write(tmp_path / "model", {**signing.MODEL, "b": b"", "sub/a": b"1"})
    payload = state(str(folder), Serialization(), leave_out=("model.sig",))
    parse_statement(payload)
    (signed,) = json.loads(payload)["subject"]
    files = tuple(
        msgspec.structs.replace(
            reports.file(path.relative_to(folder).as_posix()),
            digests={"sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
        )
        for path in folder.rglob("*")
        if path.is_file()
    )
    extra = (reports.file("model.sig"), reports.file(".git/HEAD"))
    said = {"signatures": [{"file": "model.sig", "method": "OpenSSF Model Signing (key)"}, 7]}
    model = reports.model(files=files + extra, facts=ModelFacts(provenance=said))
    assert digests(model)["OpenSSF Model Signing root"] == signed["digest"]["sha256"]
    unsigned = msgspec.structs.replace(model, facts=ModelFacts(provenance={"signatures": {}}))
    assert digests(unsigned)["OpenSSF Model Signing root"] != signed["digest"]["sha256"]


def test_a_file_a_package_and_a_commit() -> None:
    one = reports.file("model.gguf")
    lone = reports.model(ref="model.gguf", files=(one,), source=Source(kind="file"))
    assert digests(lone)["bytes of the file"] == one.digests["sha256"]
    package = reports.model(source=Source(kind="oci", revision="sha256:" + "e" * 64))
    assert digests(package)["registry manifest"] == "e" * 64
    claims = reports.model(source=Source(kind="hub", revision="sha256:" + "e" * 64))
    assert "registry manifest" not in digests(claims)
    hub = reports.hub_model(revision=reports.COMMIT)
    assert "commit" not in digests(hub)
    proved = {file.path: "sha1:" for file in hub.files}
    facts = ModelFacts(provenance={"proved_by_commit": proved})
    described = subjects(msgspec.structs.replace(hub, facts=facts))[-1]
    assert described["digest"] == {"gitCommit": reports.COMMIT}
    assert described["uri"] == f"pkg:huggingface/org/name@{reports.COMMIT}"
    facts = ModelFacts(provenance={"proved_by_commit": dict([proved.popitem()])})
    assert "commit" not in digests(msgspec.structs.replace(hub, facts=facts))
    here = reports.model(source=Source(kind="hub", revision=reports.COMMIT))
    facts = ModelFacts(provenance={"proved_by_commit": {f.path: "" for f in here.files}})
    assert "uri" not in subjects(msgspec.structs.replace(here, facts=facts))[-1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "report",
    [reports.report(reports.model()), reports.report(reports.proven_model())],
    ids=["plain", "proven"],
)
def test_statements_are_what_verifiers_read(kind: str, report: Report) -> None:
    (made,) = statements(report, [kind])
    found = parse_any(made)
    assert {"sha256": (report.models[0].digest or "").removeprefix("sha256:")} in [
        one.digests for one in found.subjects
    ]
    assert not found.origin  # none of them may ever count as a signature of the model
    assert made == next(iter(statements(report, [kind])))


def test_only_what_was_established_is_a_property() -> None:
    assert properties() == [
        "MODELASSAY_POLICY_PASSED", "MODELASSAY_ALL_BYTES_HASHED", NEEDED_PARTS_READ,
        "MODELASSAY_NO_LOAD_HAZARDS_FOUND", "MODELASSAY_NOTHING_WAIVED",
    ]  # fmt: skip
    proven = stated(reports.report(reports.proven_model()))["predicate"]["properties"]
    assert {"MODELASSAY_OFFICIAL_BYTES_VERIFIED", "MODELASSAY_SIGNED_BY_TRUSTED_SIGNER",
            "MODELASSAY_DESCENT_MEASURED"} <= set(proven)  # fmt: skip
    claimed = Lineage(status="claimed", base="a/b", tier="declared", reason="")
    unrelated = Lineage(status="unrelated", base="a/b", tier="measured", reason="")
    untrusted = Signed(status="signed-untrusted", reason="")
    for answers in (
        {"descends_from": claimed},
        {"descends_from": unrelated},
        {"signed": untrusted},
    ):
        assert properties(answers=reports.answers(**answers)) == properties()
    hazards = LoadHazards(status="found", reason="a pickle")
    found = properties(answers=reports.answers(load_hazards=hazards))
    assert "MODELASSAY_NO_LOAD_HAZARDS_FOUND" not in found
    assert "MODELASSAY_NOTHING_WAIVED" not in properties(findings=reports.waived_model().findings)
    assert NEEDED_PARTS_READ not in properties(coverage=reports.gap_model().coverage)


def test_an_approval_that_holds_is_a_property() -> None:
    said = stated(told.report())["predicate"]["properties"]
    assert "MODELASSAY_APPROVED" in said
    ended = msgspec.structs.replace(told.model(), approvals=told.model().approvals[1:])  # type: ignore[index]  # it has two
    said = stated(reports.report(ended))["predicate"]["properties"]
    assert "MODELASSAY_APPROVED" not in said


def test_who_only_verified_states_nothing_about_the_inside() -> None:
    hazards = LoadHazards(status="incomplete", reason="not asked: verify looks at origin alone")
    assert NEEDED_PARTS_READ not in properties(answers=reports.answers(load_hazards=hazards))
    report = reports.report(reports.model(answers=reports.answers(load_hazards=hazards)))
    said = stated(report, "test-result")["predicate"]
    tests = said["passedTests"] + said["warnedTests"] + said["failedTests"]
    assert "question:load_hazards" not in tests


def test_when_under_which_policy_and_by_whom() -> None:
    report = reports.report(reports.model())
    said = stated(report)["predicate"]
    assert said["timeCreated"] == report.created
    assert said["policies"] == [{"name": "default", "digest": {"sha256": "d" * 64}}]
    assert said["verifier"] == {"id": "pkg:generic/modelassay@0.1.0"}
    named = stated(report, verifier="https://scans.example.org")["predicate"]
    assert named["verifier"] == {"id": "https://scans.example.org"}


def test_good_news_needs_a_pass() -> None:
    with pytest.raises(FailedScanError, match="minilm-copy did not pass: fail"):
        stated(reports.bad_report())
    assert FailedScanError("").exit_code == 1
    allowed = Allowed(status="incomplete", policy="default", reason="gaps")
    partial = reports.report(reports.model(answers=reports.answers(allowed=allowed)))
    with pytest.raises(SourceError, match="incomplete: gaps"):
        stated(partial)
    assert stated(partial, "test-result")["predicate"]["result"] == "FAILED"
    with pytest.raises(SourceError, match="has no digest"):
        stated(reports.report(reports.model(digest=None)))
    with pytest.raises(SourceError, match="has no digest"):
        stated(reports.report(reports.unreadable_model()))
    with pytest.raises(SourceError, match="about no model"):
        next(statements(reports.report(), ["svr"]))


def test_a_test_result_says_how_it_ended() -> None:
    said = stated(reports.bad_report(), "test-result")["predicate"]
    assert said["result"] == "FAILED"
    assert "rule:pickle-dangerous-call" in said["failedTests"]
    assert "question:allowed" in said["failedTests"]
    assert "question:descends_from" in said["warnedTests"]
    assert stated(reports.report(reports.model()), "test-result")["predicate"] == {
        "result": "PASSED",
        "configuration": [{"name": "default", "digest": {"sha256": "d" * 64}}],
        "url": "pkg:generic/modelassay@0.1.0",
        "passedTests": ["question:load_hazards", "question:allowed"],
        "warnedTests": [],
        "failedTests": [],
    }
    let_pass = reports.model(findings=(reports.finding("odd", "high"), reports.finding("b", "low")))
    said = stated(reports.report(let_pass), "test-result")["predicate"]
    assert (said["result"], said["failedTests"]) == ("WARNED", [])
    assert said["warnedTests"] == ["rule:odd", "rule:b"]
    waived = stated(reports.report(reports.waived_model()), "test-result")["predicate"]
    assert waived["result"] == "PASSED"


def test_a_rule_counts_by_its_most_severe_finding_and_lists_end() -> None:
    many = tuple(reports.finding(f"r{index:05}", "low") for index in range(MOST_TESTS + 5))
    both = (reports.finding("r", "critical"), reports.finding("r", "low"))
    allowed = Allowed(status="fail", policy="default", reason="r")
    model = reports.model(findings=both + many, answers=reports.answers(allowed=allowed))
    said = stated(reports.report(model, exit_code=1), "test-result")["predicate"]
    assert "rule:r" in said["failedTests"]
    assert len(said["warnedTests"]) == MOST_TESTS


def test_every_model_has_statements_of_its_own() -> None:
    report = reports.report(reports.model(), reports.renamed(reports.waived_model(), "second"))
    made = [json.loads(each) for each in statements(report, ["svr", "cyclonedx"])]
    assert [one["subject"][0]["name"] for one in made] == [
        "minilm-copy", "minilm-copy", "second", "second",
    ]  # fmt: skip
    assert "vulnerabilities" not in made[1]["predicate"]
    (component,) = made[3]["predicate"]["components"]
    assert component["name"] == "second"


@pytest.mark.parametrize("text", reports.HOSTILE)
@pytest.mark.parametrize("kind", KINDS[1:])
def test_hostile_text_stays_inert(text: str, kind: str) -> None:
    report = reports.report(reports.hostile_model(text), exit_code=1)
    (made,) = statements(report, [kind])
    assert parse_any(made).subjects[0].digests
    assert "\x1b" not in made.decode()
    assert len(made) < 400_000
