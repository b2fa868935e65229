from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelscan.errors import UsageError
from modelscan.report.evidence.folder import SIGNATURE, Document, evidence, write
from modelscan.report.residual import LIMITS, NOT_EVALUATED
from modelscan.vocabulary.result import ApprovalEntry, LoadHazards, Report
from tests.cli.conftest import Command
from tests.cli.conftest import modelassay as modelassay  # noqa: PLC0414  # the fixture
from tests.forge import models, reports, signing

APPROVED = (
    ApprovalEntry(owner="ml-platform", reason="SEC-1", until="2027-01-31", holds=True),
    ApprovalEntry(owner="old", reason="SEC-0", until="2026-01-31", holds=False),
)


def approved_report() -> Report:
    return reports.report(msgspec.structs.replace(reports.waived_model(), approvals=APPROVED))


def made(report: Report) -> dict[str, bytes]:
    return {one.path: one.data for one in evidence(report)}


def document(report: Report, name: str) -> Any:
    return json.loads(made(report)[name])


def test_the_index_names_every_file_with_its_digest() -> None:
    files = made(reports.bad_report())
    index = json.loads(files.pop("index.json"))
    assert {one["path"]: one["sha256"] for one in index["files"]} == {
        path: hashlib.sha256(data).hexdigest() for path, data in files.items()
    }
    assert "no claim" in index["note"]
    assert made(reports.bad_report()) == made(reports.bad_report())


def test_who_decided_and_who_approved() -> None:
    (model,) = document(approved_report(), "decision.json")["models"]
    assert [one["owner"] for one in model["approved_by"]] == ["ml-platform", "old"]
    page = made(approved_report())["README.md"].decode()
    assert "- Approved by `ml-platform,` until `2027-01-31: SEC-1`" in page
    assert "which ended on" in page
    assert "Approved by nobody" in made(reports.bad_report())["README.md"].decode()


def test_waivers_are_told_apart_from_open_findings() -> None:
    (model,) = document(approved_report(), "waivers.json")["models"]
    first = model["waived"][0]
    assert first["justification"] == "vulnerable_code_not_in_execute_path"
    assert first["reason"] == "the loader uses weights_only=True"
    (model,) = document(approved_report(), "residual-risk.json")["models"]
    assert [one["rule"] for one in model["open_findings"]] == ["model-card-missing"]


def test_silence_and_its_limits() -> None:
    report = reports.report(reports.gap_model(3), exit_code=3)
    (model,) = document(report, "coverage.json")["models"]
    assert (len(model["needed_and_not_read"]), model["parts"]) == (3, {"encrypted": 3})
    risk = document(report, "residual-risk.json")
    assert risk["not_evaluated"] == list(NOT_EVALUATED)
    assert LIMITS in risk["models"][0]["left"]
    asked = LoadHazards(status="incomplete", reason="not asked: verify looks at origin alone")
    answers = reports.answers(load_hazards=asked)
    page = made(reports.report(reports.model(answers=answers)))["README.md"].decode()
    assert "| not asked |" in page


def test_what_could_not_be_read_is_said() -> None:
    report = reports.report(reports.unreadable_model(), exit_code=3)
    assert "Could not be read" in made(report)["README.md"].decode()
    assert document(report, "decision.json")["models"][0]["error"]


@pytest.mark.parametrize("text", reports.HOSTILE)
def test_hostile_text_is_inert(text: str) -> None:
    files = made(reports.report(reports.hostile_model(text), exit_code=1))
    for name, data in files.items():
        shown = data.decode()
        assert not [one for one in shown if (one < " " and one != "\n") or one in "\x7f\x9b\u202e"]
        if name == "README.md":
            assert "<script>" not in shown.replace("`", "") or "`" in shown
            assert len(shown) < 60_000


def test_the_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    documents = (Document("a.txt", "a", b"1"),)

    def fail(_: Path) -> bytes:
        raise UsageError("no key")

    with pytest.raises(UsageError, match="no key"):
        write(tmp_path / "new", documents, fail)
    assert not list(tmp_path.iterdir())
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", documents, lambda folder: (folder / "a.txt").read_bytes())
    assert (tmp_path / "empty" / SIGNATURE).read_bytes() == b"1"
    for taken in (tmp_path / "empty", tmp_path / "empty" / "a.txt"):
        with pytest.raises(UsageError, match="not an empty folder"):
            write(taken, documents)
    with pytest.raises(UsageError, match="cannot be written"):
        write(tmp_path / "empty" / "a.txt" / "below", documents)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_the_command_writes_a_folder_that_verifies(modelassay: Command, tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    scan, folder, key, public = (tmp_path / name for name in ("s.json", "ev", "k", "k.pub"))
    key.write_bytes(signing.signer().private_pem)
    public.write_bytes(signing.signer().pem)
    assert modelassay("scan", model, "-f", f"json={scan}").code == 0
    ran = modelassay("report", "convert", scan, "--evidence", folder, "--key", key)
    assert (ran.code, ran.out) == (0, "")
    assert "signed" in ran.err
    assert modelassay("verify", folder, "--key", public).code == 0
    (folder / "waivers.json").write_text("{}")
    assert modelassay("verify", folder, "--key", public).code == 1
    ran = modelassay("report", "convert", scan, "--evidence", tmp_path / "bare", "-f", "terminal")
    assert ran.code == 0
    assert "not signed" in ran.err
    assert "Load hazards" in ran.out
    assert not (tmp_path / "bare" / SIGNATURE).exists()
    assert modelassay("report", "convert", scan, "--key", key).code == 2
    assert modelassay("report", "convert", scan, "--evidence", folder).code == 2


def test_an_approval_is_in_the_report(modelassay: Command, tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    first = json.loads(modelassay("scan", model, "-f", "json").out)["models"][0]
    assert "approvals" not in first
    until = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
    config = tmp_path / "modelassay.toml"
    config.write_text(
        f'[[approval]]\nsubject = "{first["digest"]}"\nowner = "ml-platform"\n'
        f'reason = "SEC-1"\nuntil = {until}\n'
    )
    ran = modelassay("scan", model, "--config", config, "-f", "json")
    assert ran.code == 0, ran.err
    (approval,) = json.loads(ran.out)["models"][0]["approvals"]
    assert approval == {
        "owner": "ml-platform", "reason": "SEC-1", "until": until, "holds": True,
    }  # fmt: skip
    assert "Approved by ml-platform" in modelassay("scan", model, "--config", config).out
