from __future__ import annotations

import subprocess
import sys

import pytest

from modelscan.report.writer import Output
from modelscan.report.writers import BY_NAME, WRITERS
from tests.forge import reports


def test_the_table_of_formats() -> None:
    assert [writer.name for writer in WRITERS] == ["terminal", "json", "cyclonedx"]
    assert list(BY_NAME.values()) == list(WRITERS)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_same_report_gives_the_same_bytes_ending_in_a_line_break(name: str) -> None:
    first, second = (BY_NAME[name].write(reports.bad_report(), Output()) for _ in range(2))
    assert first == second
    assert first.endswith(b"\n")
    assert not first.endswith(b"\n\n")


def test_importing_the_writers_stays_cheap() -> None:
    probe = "import sys, modelscan.report.writers; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not {"rich", "urllib", "yaml", "click", "json"} & set(done.stdout.split())
