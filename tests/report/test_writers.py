from __future__ import annotations

import subprocess
import sys

import pytest

from modelscan.report.writer import Output
from modelscan.report.writers import BY_NAME
from tests.forge import reports


def test_the_table_of_formats() -> None:
    assert list(BY_NAME) == [
        "terminal", "json", "cyclonedx", "cyclonedx-1.7", "spdx", "sarif", "markdown", "html",
        "junit", "gitlab", "github", "openvex",
    ]  # fmt: skip
    assert [writer.name for writer in BY_NAME.values()] == list(BY_NAME)
    assert len(BY_NAME) == 12


@pytest.mark.parametrize("name", BY_NAME)
def test_the_same_report_gives_the_same_bytes_ending_in_a_line_break(name: str) -> None:
    report = reports.report(reports.bad_model(), reports.waived_model(), exit_code=1)
    first, second = (BY_NAME[name].write(report, Output()) for _ in range(2))
    assert first == second
    assert first.endswith(b"\n")
    assert not first.endswith(b"\n\n")


def test_importing_the_writers_stays_cheap() -> None:
    probe = "import sys, modelscan.report.writers; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "modelscan.report.terminal" not in done.stdout.split()
    assert not {"rich", "urllib", "yaml", "click", "json"} & set(done.stdout.split())
