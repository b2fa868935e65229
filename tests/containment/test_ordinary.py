"""Manifests that have nothing to do with models yield nothing, whatever else is in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.vocabulary.containment import Containment
from tests.forge.deployments import look
from tests.forge.ordinary import ORDINARY

FOLDERS = sorted({name.partition("/")[0] for name in ORDINARY})


def written(folder: Path, *which: str) -> Path:
    for name, text in ORDINARY.items():
        if name.partition("/")[0] in which:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", FOLDERS)
def test_an_ordinary_project_yields_nothing(tmp_path: Path, name: str) -> None:
    report = look(written(tmp_path, name))
    (entry,) = report.models
    assert (report.decision.status, report.decision.exit_code) == ("nothing", 4)
    assert (entry.findings, entry.files, entry.coverage) == ((), (), ())
    assert isinstance(entry.containment, Containment)
    assert entry.containment.workloads == ()


def test_all_of_them_together_yield_nothing(tmp_path: Path) -> None:
    assert len(FOLDERS) >= 60
    assert look(written(tmp_path, *FOLDERS)).decision.status == "nothing"
