from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelscan.report.native import Native
from modelscan.report.writer import Output
from modelscan.report.writers import BY_NAME
from tests.cli.conftest import Command
from tests.forge import models, reports


@pytest.fixture
def native(tmp_path: Path) -> Path:
    path = tmp_path / "report.json"
    path.write_bytes(Native().write(reports.bad_report(), Output()))
    return path


@pytest.mark.parametrize("form", [name for name in BY_NAME if name != "openvex"])
def test_converting_gives_what_the_scan_would_have_written(
    form: str, modelassay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    model = models.plain(tmp_path / "model")
    (model / "bad\x1b[31m.pkl").write_bytes(models.ECHO)
    written, saved = tmp_path / "written", tmp_path / "report.json"
    scan = modelassay("scan", model, "-f", f"{form}={written}", "-f", f"json={saved}", "-f",
                      "terminal" if form != "terminal" else "junit")  # fmt: skip
    assert scan.code == 1
    converted = tmp_path / "converted"
    ran = modelassay("report", "convert", saved, "-f", f"{form}={converted}")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert converted.read_bytes() == written.read_bytes()
    assert str(tmp_path) not in written.read_text(encoding="utf-8")


def test_the_terminal_report_is_the_default(modelassay: Command, native: Path) -> None:
    ran = modelassay("report", "convert", native)
    assert ran.code == 0
    assert "Load hazards" in ran.out


def test_a_silent_format_writes_no_file_and_says_so(
    modelassay: Command, native: Path, tmp_path: Path
) -> None:
    vex, sarif = tmp_path / "vex.json", tmp_path / "log.sarif"
    ran = modelassay("report", "convert", native, "-f", f"openvex={vex}", "-f", f"sarif={sarif}")
    assert ran.code == 0
    assert "openvex: no finding is waived" in ran.err
    assert str(vex) in ran.err
    assert not vex.exists()
    assert json.loads(sarif.read_text())["version"] == "2.1.0"
    ran = modelassay("report", "convert", native, "-f", "openvex")
    assert (ran.code, ran.out) == (0, "")
    assert "nothing is printed" in ran.err


def test_what_is_not_a_report_is_a_usage_error(modelassay: Command, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    for words in (("convert", other), ("score", other), ("convert", tmp_path / "gone")):
        ran = modelassay("report", *words)
        assert ran.code == 2
        assert ran.out == ""
    assert modelassay("report", "convert", other, "-f", "sarfi").err.count("did you mean 'sarif'")
    assert modelassay("report", "convert").code == 2


def test_a_score_is_a_table_or_json(modelassay: Command, native: Path) -> None:
    ran = modelassay("report", "score", native)
    assert ran.code == 0
    assert "G7 SBOM for AI" in ran.out
    assert "OWASP AIBOM fields" in ran.out
    ran = modelassay("report", "score", native, "--standard", "owasp", "-f", "json")
    found = json.loads(ran.out)
    assert found["schema"] == "modelassay-score/1"
    (standard,) = found["models"][0]["standards"]
    assert (standard["standard"], standard["total"]) == ("owasp", 24)
