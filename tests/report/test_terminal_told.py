"""What the terminal report says of approvals, scans by others, and questions nobody asked."""

from __future__ import annotations

import msgspec
import pytest

from modelscan.report.terminal import Terminal
from modelscan.report.writer import Output
from modelscan.vocabulary.result import LoadHazards, ModelReport
from tests.forge import reports, told


def shown(model: ModelReport) -> str:
    data = Terminal().write(reports.report(model), Output())
    assert max(map(len, data.decode().splitlines())) <= 80
    return " ".join(data.decode().split())


def test_approvals_and_a_scan_by_somebody_else() -> None:
    text = shown(told.model())
    assert "Approved by acme, until 2027-01-31: acme" in text
    assert "Approved by old, which ended on 2026-01-31: SEC-0" in text
    assert (
        "Scan by somebody else: accepted; scanned by acme; policy production; of 2026-11-01" in text
    )
    assert "Approved" not in shown(reports.model())
    assert "Scan by somebody else" not in shown(told.forged())


def test_what_was_not_asked_takes_one_line() -> None:
    why = LoadHazards(status="incomplete", reason="not asked: verify looks at origin alone")
    text = shown(reports.model(answers=reports.answers(load_hazards=why)))
    assert "Load hazards" not in text
    assert "Not asked: load hazards." in text
    assert "Not asked" not in shown(reports.model())


@pytest.mark.parametrize("hostile", reports.HOSTILE)
def test_hostile_names_stay_inert(hostile: str) -> None:
    model = told.model(hostile)
    facts = msgspec.structs.replace(model.facts, lineage={})
    data = (
        Terminal()
        .write(reports.report(msgspec.structs.replace(model, facts=facts)), Output())
        .decode()
    )
    assert not [one for one in data if (one < " " and one != "\n") or one in "\x7f\x9b\u202e"]
