from __future__ import annotations

import msgspec
import pytest

from modelscan.report import containment
from modelscan.report.markdown import MOST_LINES
from modelscan.report.writer import Output
from modelscan.report.writers import BY_NAME
from modelscan.vocabulary.containment import Containment, ControlResult, WorkloadReport
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.result import Report
from tests.forge.deployments import EXAMPLES, look, scanned

BAD = EXAMPLES / "agent-compose" / "bad"


def with_workloads(report: Report, count: int) -> Report:
    workload = WorkloadReport(
        name="w",
        kind="Pod",
        role="serves",
        server="unknown",
        file="f",
        line=1,
        raised_by=("a model: it comes with code",),
        controls=(
            ControlResult(
                control="ephemeral", outcome="unknown", required=True, reason="r", file="f", line=2
            ),
        ),
    )
    section = Containment(autonomy="act", workloads=(workload,) * count)
    model = msgspec.structs.replace(report.models[0], containment=section)
    return msgspec.structs.replace(report, models=(model,))


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_the_section_is_shown(form: str) -> None:
    out = BY_NAME[form].write(look(BAD), Output(detail="verbose")).decode()
    flat = " ".join(out.split())
    for words in ("host-separated", "could reach", "could read", "could persist", "1 workload"):
        assert words in flat


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_what_is_required_and_why_is_shown(form: str) -> None:
    report = with_workloads(look(BAD), 1)
    flat = " ".join(BY_NAME[form].write(report, Output(colour=True)).decode().split())
    assert "required" in flat
    assert "cannot be told" in flat
    assert "raised by" in flat


def test_many_workloads_are_counted() -> None:
    out = BY_NAME["markdown"].write(with_workloads(look(BAD), MOST_LINES + 5), Output()).decode()
    assert "and 5 more workloads" in out


def test_a_console_without_the_symbols() -> None:
    out = BY_NAME["terminal"].write(look(BAD), Output(encoding="ascii"))
    assert b"x host-separated" in out


def test_the_report_of_a_scan_has_no_section() -> None:
    model = scanned()
    assert containment.section(model) is None
    assert containment.beside(model) is model


def test_findings_of_other_kinds_stay_beside_the_section() -> None:
    model = look(BAD).models[0]
    other = msgspec.structs.replace(model.findings[0], rule="waiver-expired", evidence={})
    model = msgspec.structs.replace(model, findings=(*model.findings, other))
    assert containment.beside(model).findings == (other,)


@pytest.mark.parametrize("form", sorted(set(BY_NAME) - {"json"}))
def test_nothing_is_said_to_be_loaded_where_nothing_is(form: str) -> None:
    report = look(BAD)
    gap = Coverage(file="values.yaml", status="unreadable", needed=True, reason="a template")
    model = msgspec.structs.replace(report.models[0], coverage=(gap,) * 2_000)
    report = msgspec.structs.replace(report, models=(model,))
    out = BY_NAME[form].write(report, Output()).decode()
    assert "loading needs" not in out
    assert form in {"openvex", "intoto"} or "the answer needs" in out
