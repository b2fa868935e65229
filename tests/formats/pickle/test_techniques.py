from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from modelscan.api import scan
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import Report
from tests.forge import pickle_rows as rows
from tests.forge import pickle_techniques as forge

FAILING = rows.failing()
INCOMPLETE = forge.incomplete()
PASSING = rows.passing()


def scanned(folder: Path, data: bytes, name: str = "model.pkl") -> Report:
    file = folder / name
    file.write_bytes(data)
    return scan(file, jobs=1)


def loud(report: Report) -> list[Finding]:
    return [found for found in report.models[0].findings if found.severity != "info"]


def matching(patterns: str, names: dict[str, bytes]) -> set[str]:
    found = set[str]()
    for pattern in patterns.split():
        fitting = {name for name in names if fnmatchcase(name, pattern)}
        assert fitting, pattern
        found |= fitting
    return found


def test_every_row_of_the_table_is_forged_and_has_a_look_alike() -> None:
    assert list(rows.ROWS) == list(range(1, 20))
    bad, good = set[str](), set[str]()
    for row in rows.ROWS.values():
        bad |= matching(row.bad, FAILING)
        good |= matching(row.good, PASSING)
    assert bad == FAILING.keys()
    assert good == PASSING.keys()


@pytest.mark.parametrize("name", FAILING)
def test_every_technique_fails_and_is_reported_once(tmp_path: Path, name: str) -> None:
    report = scanned(tmp_path, FAILING[name])
    assert report.decision.exit_code == 1
    assert 1 <= len(loud(report)) <= 2


@pytest.mark.parametrize("name", INCOMPLETE)
def test_what_cannot_be_read_is_incomplete(tmp_path: Path, name: str) -> None:
    assert scanned(tmp_path, INCOMPLETE[name]).decision.exit_code == 3


@pytest.mark.parametrize("name", PASSING)
def test_look_alikes_pass(tmp_path: Path, name: str) -> None:
    report = scanned(tmp_path, PASSING[name])
    assert report.decision.exit_code == 0
    assert not loud(report)
