"""`verify --attestation`: was this very model scanned, under which policy, by whom, and when?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from modelscan.vocabulary.digest import model_digest
from tests.cli.conftest import Command
from tests.forge import signing

SVR = "https://in-toto.io/attestation/svr/v0.2"
TESTED = "https://in-toto.io/attestation/test-result/v0.1"


def digest(model: Path) -> str:
    return model_digest(
        (
            path.relative_to(model).as_posix(),
            path.stat().st_size,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in model.rglob("*")
        if path.is_file()
    ).removeprefix("sha256:")


def stated(
    sha256: str, *, days: float = 0, kind: str = SVR, predicate: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    made = datetime.now(UTC) - timedelta(days=days)
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": sha256}}],
        "predicateType": kind,
        "predicate": {
            "verifier": {"id": "https://scans.example.org"},
            "timeCreated": f"{made:%Y-%m-%dT%H:%M:%SZ}",
            "policies": [{"name": "production", "digest": {"sha256": "ab" * 32}}],
            "properties": ["NO_LOAD_HAZARDS"],
        }
        if predicate is None
        else predicate,
    }


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "gate.pub").write_bytes(signing.signer().pem)
    return signing.write(tmp_path / "model")


def ask(
    modelassay: Command, model: Path, statement: Mapping[str, Any] | bytes, *options: object
) -> tuple[int, dict[str, Any]]:
    """Exit code, and what the report says of the attestation."""
    place = model.parent / "scan.json"
    bundle = statement
    if not isinstance(statement, bytes) and "_type" in statement:
        bundle = signing.signer().bundle(statement)
    place.write_bytes(bundle if isinstance(bundle, bytes) else json.dumps(bundle).encode())
    named = ("--attestation", place, "--key", model.parent / "gate.pub")
    ran = modelassay("verify", model, *named, *options, "-f", "json")
    report = json.loads(ran.out)["models"][0]
    said: dict[str, Any] = report["facts"]["provenance"].get("attestation", {})
    return ran.code, said | {"allowed": report["answers"]["allowed"]["reason"]}


def test_a_model_that_was_scanned(modelassay: Command, model: Path) -> None:
    options = ("--attestation-policy", "production", "--attestation-max-age", 7)
    code, said = ask(modelassay, model, stated(digest(model), days=3), *options)
    assert (code, said["outcome"], said["allowed"]) == (0, "accepted", "attested")
    assert said["verifier"] == "https://scans.example.org"
    assert said["properties"] == ["NO_LOAD_HAZARDS"]
    by_digest = ("--attestation-policy", "sha256:" + "ab" * 32)
    assert ask(modelassay, model, stated(digest(model)), *by_digest)[0] == 0


@pytest.mark.parametrize(
    ("changes", "options", "why"),
    [
        ({"days": 8}, ("--attestation-max-age", 7), "not of the last 7 days"),
        ({"days": -2}, ("--attestation-max-age", 7), "not of the last 7 days"),
        ({}, ("--attestation-policy", "strict"), "the policy was production"),
        ({"predicate": {"properties": ["X"]}}, ("--attestation-policy", "strict"), "none that it"),
        ({"predicate": {"properties": ["X"]}}, ("--attestation-max-age", 7), "does not say when"),
        (
            {"predicate": {"properties": ["X"], "timeCreated": "2026-01-01"}},
            ("--attestation-max-age", 7),
            "does not say when",
        ),
        ({"predicate": {}}, (), "nothing that the model passed"),
        ({"kind": TESTED, "predicate": {"result": "FAILED"}}, (), "the result was FAILED"),
        ({"kind": TESTED, "predicate": {}}, (), "the result was not said"),
        ({"kind": "https://slsa.dev/provenance/v1"}, (), "not about a scan"),
    ],
)
def test_a_scan_that_is_not_the_one_asked_for(
    modelassay: Command, model: Path, changes: dict[str, Any], options: tuple[Any, ...], why: str
) -> None:
    code, said = ask(modelassay, model, stated(digest(model), **changes), *options)
    assert (code, said["outcome"]) == (1, "refused")
    assert why in said["note"]
    assert why in said["allowed"]


def test_a_test_result(modelassay: Command, model: Path) -> None:
    predicate = {"result": "PASSED", "configuration": [{"uri": "policy://p"}], "passedTests": ["a"]}
    tested = stated(digest(model), kind=TESTED, predicate=predicate)
    assert ask(modelassay, model, tested, "--attestation-policy", "policy://p")[0] == 0
    assert ask(modelassay, model, tested, "--attestation-max-age", 7)[0] == 1


def test_another_model(modelassay: Command, model: Path) -> None:
    scanned = stated(digest(model))
    (model / "added.py").write_text("x")
    code, said = ask(modelassay, model, scanned)
    assert (code, said["outcome"]) == (1, "refused")
    assert "about another model" in said["note"]
    # Two files that exchange their names are another model, too.
    (model / "added.py").unlink()
    one, two = model / "config.json", model / "model.bin"
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    assert ask(modelassay, model, scanned)[0] == 1


def test_a_single_file_has_its_own_digest(modelassay: Command, model: Path) -> None:
    file = model / "model.bin"
    (model / "gate.pub").write_bytes(signing.signer().pem)
    own = hashlib.sha256(file.read_bytes()).hexdigest()
    assert ask(modelassay, file, stated(own))[0] == 0


def test_by_somebody_else(modelassay: Command, model: Path) -> None:
    stranger = signing.Signer().bundle(stated(digest(model)))
    code, said = ask(modelassay, model, stranger)
    assert (code, said["outcome"]) == (1, "refused")
    altered = signing.signer().bundle(stated("0" * 64))
    altered["dsseEnvelope"]["payload"] = signing.b64(signing.dumped(stated(digest(model))))
    assert ask(modelassay, model, altered)[0] == 1
    assert ask(modelassay, model, b"{}")[0] == 1
    assert ask(modelassay, model, signing.signer().message(b"1"))[0] == 1


def test_bad_news_stays_bad(modelassay: Command, model: Path) -> None:
    (model / "model.sig").write_text(
        json.dumps(signing.signer().bundle(signing.about({"a": b"1"})))
    )
    code, said = ask(modelassay, model, stated(digest(model)))
    assert (code, said["outcome"]) == (1, "accepted")
    assert "invalid-signature" in said["allowed"]


def test_questions_without_a_statement(modelassay: Command, model: Path) -> None:
    assert modelassay("verify", model, "--attestation-max-age", 7).code == 2
    assert modelassay("verify", model, "--attestation", model / "gone").code == 2
