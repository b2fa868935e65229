"""`report attest`, and the gate that reads what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelscan._cli import report_attest
from modelscan.report.intoto.statements import KINDS
from modelscan.verifier.signed import LIMIT
from tests.cli.conftest import Command
from tests.forge import models, signing, sigstore_service
from tests.forge.sigstore_instance import IDENTITY, ISSUER, Instance


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "gate.key").write_bytes(signing.signer().private_pem)
    (tmp_path / "gate.pub").write_bytes(signing.signer().pem)
    return models.plain(tmp_path / "model")


@pytest.fixture
def scan(model: Path, modelassay: Command) -> Path:
    place = model.parent / "scan.json"
    assert modelassay("scan", model, "-f", f"json={place}").code == 0
    return place


def gate(model: Path, name: str = "scan.intoto.jsonl") -> tuple[object, ...]:
    folder = model.parent
    return ("verify", model, "--attestation", folder / name, "--key", folder / "gate.pub")


def test_the_kinds_are_those_of_the_report() -> None:
    assert report_attest._KINDS == KINDS


@pytest.mark.parametrize("kind", ["svr", "test-result"])
def test_what_was_attested_passes_the_gate(
    modelassay: Command, model: Path, scan: Path, kind: str
) -> None:
    place = model.parent / "scan.intoto.jsonl"
    signer = ("--key", model.parent / "gate.key", "--statement", kind, "-o", place)
    ran = modelassay("report", "attest", scan, *signer)
    assert (ran.code, ran.out) == (0, "")
    assert "signed: " in ran.err
    asked = (*gate(model), "--attestation-policy", "default")
    assert modelassay(*asked).code == 0
    aged = modelassay(*asked, "--attestation-max-age", 1)
    assert aged.code == (0 if kind == "svr" else 1)  # a test result says no time
    assert modelassay(*gate(model), "--attestation-policy", "production").code == 1
    policy = json.loads(scan.read_text())["policy"]["digest"]
    assert modelassay(*gate(model), "--attestation-policy", policy).code == 0
    (model / "config.json").write_bytes(b"{}")
    assert modelassay(*asked).code == 1


def test_several_statements_in_one_file(modelassay: Command, model: Path, scan: Path) -> None:
    place = model.parent / "scan.intoto.jsonl"
    kinds = [word for kind in ("cyclonedx", "svr", "spdx", "svr") for word in ("--statement", kind)]
    options = (
        *kinds,
        "--verifier",
        "https://scans.example.org",
        "--key",
        model.parent / "gate.key",
    )
    ran = modelassay("report", "attest", scan, *options, "-o", place)
    assert ran.code == 0
    assert len(place.read_text().splitlines()) == 3
    shown = modelassay(*gate(model), "--attestation-max-age", 1)
    assert shown.code == 0
    assert "https://scans.example.org" in " ".join(shown.out.split())


def test_a_bill_of_materials_is_no_scan(modelassay: Command, model: Path, scan: Path) -> None:
    place = model.parent / "scan.intoto.jsonl"
    options = ("--statement", "cyclonedx", "--key", model.parent / "gate.key", "-o", place)
    assert modelassay("report", "attest", scan, *options).code == 0
    ran = modelassay(*gate(model))
    assert ran.code == 1
    assert "not about a scan" in " ".join(ran.out.split())


def test_by_certificate(modelassay: Command, model: Path, scan: Path) -> None:
    folder = model.parent
    signer = signing.authority().signer()
    (folder / "leaf.key").write_bytes(signer.private_pem)
    (folder / "chain.pem").write_bytes(signer.chain_pem)
    (folder / "ca.pem").write_bytes(signing.authority().pem)
    place = folder / "scan.intoto.jsonl"
    options = ("--key", folder / "leaf.key", "--certificates", folder / "chain.pem", "-o", place)
    assert modelassay("report", "attest", scan, *options).code == 0
    who = ("--ca", folder / "ca.pem", "--identity", "release@example.org")
    assert modelassay("verify", model, "--attestation", place, *who).code == 0


def test_by_sigstore(
    modelassay: Command, model: Path, scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, instance = model.parent, Instance()
    (folder / "root.json").write_bytes(instance.trusted_root())
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", sigstore_service.token())
    place = folder / "scan.intoto.jsonl"
    with sigstore_service.served(instance) as configuration:
        (folder / "trust.json").write_text(configuration)
        options = ("--sigstore", "--trust-config", folder / "trust.json", "-o", place)
        ran = modelassay("report", "attest", scan, *options)
    assert ran.code == 0, ran.err
    who = ("--sigstore-identity", IDENTITY, "--sigstore-issuer", ISSUER)
    named = (*who, "--trusted-root", folder / "root.json")
    assert modelassay("verify", model, "--attestation", place, *named).code == 0


def test_unsigned_statements_are_printed(modelassay: Command, model: Path, scan: Path) -> None:
    ran = modelassay("report", "attest", scan, "--unsigned")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["_type"] == "https://in-toto.io/Statement/v1"
    bare = model.parent / "bare.json"
    assert modelassay("report", "attest", scan, "--unsigned", "-o", bare).code == 0
    assert modelassay(*gate(model, "bare.json")).code == 1  # nobody signed it


def test_bad_news_makes_no_good_statement(modelassay: Command, model: Path, tmp_path: Path) -> None:
    (model / "bad.pkl").write_bytes(models.ECHO)
    scan, place = tmp_path / "bad.json", tmp_path / "scan.intoto.jsonl"
    assert modelassay("scan", model, "-f", f"json={scan}").code == 1
    signer = ("--key", tmp_path / "gate.key", "-o", place)
    ran = modelassay("report", "attest", scan, *signer)
    assert ran.code == 1
    assert "did not pass" in ran.err
    assert not place.exists()
    result = ("--statement", "test-result")
    assert modelassay("report", "attest", scan, *signer, *result).code == 0
    ran = modelassay(*gate(model))
    assert ran.code == 1
    assert "the result was FAILED" in " ".join(ran.out.split())


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--key", "k", "--sigstore"),
        ("--unsigned", "--key", "k"),
        ("--unsigned", "--verifier", "me"),
        ("--unsigned", "--verifier", "a\x1b:b"),
        ("--unsigned", "--statement", "slsa"),
    ],
)
def test_options_that_make_no_sense(
    modelassay: Command, scan: Path, options: tuple[str, ...]
) -> None:
    assert modelassay("report", "attest", scan, *options).code == 2


def test_a_bill_that_no_verifier_would_read(
    modelassay: Command, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelscan.verifier.signed.LIMIT", 10_000)
    assert LIMIT > 1 << 20
    saved = tmp_path / "large.json"
    written = modelassay("scan", model, "-f", f"json={saved}")
    assert written.code == 0
    options = ("--statement", "cyclonedx", "--key", tmp_path / "gate.key")
    ran = modelassay("report", "attest", saved, *options)
    assert ran.code == 2
    assert "more than a verifier reads" in ran.err
