"""Accessibility, judged by axe-core in a real browser: no violation in any state of the page.

axe-core is fetched with npm into a temporary folder: one release, whose file is checked before it
runs. `make interop` runs this; where npm or the registry cannot be reached, or there is no browser,
it is skipped.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from modelscan.report.html.writer import Html
from modelscan.report.writer import Output
from modelscan.vocabulary.result import Report
from tests.browser.chromium import CHROMIUM, Browser
from tests.forge import reports, told

pytestmark = pytest.mark.interop

RELEASE = "axe-core@4.14.1"
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core."""
    npm = shutil.which("npm")
    if npm is None or CHROMIUM is None:
        pytest.skip("no npm or no chromium here")
    folder = tmp_path_factory.mktemp("axe")
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--prefer-offline")
    try:
        done = subprocess.run(
            [npm, "install", *options, "--fetch-retries=0", "--prefix", str(folder), RELEASE],
            capture_output=True,
            check=False,
            cwd=folder,
            timeout=120,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("the registry does not answer")
    if done.returncode != 0:
        pytest.skip("the registry cannot be reached")
    source = (folder / "node_modules" / "axe-core" / "axe.min.js").read_bytes()
    assert hashlib.sha256(source).hexdigest() == SHA256
    return source.decode()


@pytest.mark.parametrize(
    ("report", "width", "scheme"),
    [
        (reports.full_report, 390, "light"),
        (reports.full_report, 1280, "light"),
        (reports.full_report, 1280, "dark"),
        (reports.hostile_report, 390, "dark"),
        (told.report, 390, "light"),
        (told.report, 1280, "dark"),
    ],
)
def test_axe_finds_nothing(
    browser: Browser,
    axe: str,
    tmp_path: Path,
    report: Callable[[], Report],
    width: int,
    scheme: str,
) -> None:
    file = tmp_path / "page.html"
    file.write_bytes(Html().write(report(), Output()))
    page = browser.open(file, width=width, scheme=scheme)
    page.evaluate(axe + ";0")
    for opened in ("false", "true"):
        page.evaluate(
            f"document.querySelectorAll('details').forEach(d => {{ d.open = {opened}; }})"
        )
        found = page.evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => "
            "[v.id, v.nodes.length, v.nodes[0].html.slice(0, 200), v.nodes[0].failureSummary]))"
        )
        assert found == []
    page.close()
