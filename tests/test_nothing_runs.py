"""Nothing of a scanned model is loaded, imported or run: shown by Python's own audit events.

A process scans every sample that the forges can make, twice. In the first pass our own lazy imports
happen. In the second, nothing may be imported, executed, started, connected or written.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.forge import corpus

WATCHED = """
import json, os, sys
from modelscan import api

folder = sys.argv[1]
seen = []
FORBIDDEN = ("exec", "import", "pickle.", "marshal.", "subprocess.", "os.", "socket.", "shutil.",
             "ctypes.", "urllib.", "http.", "ftplib.", "smtplib.", "sqlite3.", "code.", "pty.")
ALLOWED = {"os.listdir", "os.scandir", "os.walk", "os.fwalk"}

def hook(event, arguments):
    if event == "open":
        mode, flags = arguments[1], arguments[2]
        writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
        if (isinstance(mode, str) and set(mode) & set("wax+")) or flags & writes:
            seen.append(("open", str(arguments)))
    elif event.startswith(FORBIDDEN) and event not in ALLOWED:
        seen.append((event, str(arguments)[:200]))

first = api.scan(folder)
before = set(sys.modules)
sys.addaudithook(hook)
second = api.scan(folder)
events, imported = list(seen), sorted(set(sys.modules) - before)
foreign = [
    name for name, module in sys.modules.items()
    if (getattr(module, "__file__", None) or "").startswith(folder)
]
print(json.dumps({
    "events": events, "imported": imported, "foreign": foreign,
    "findings": len(second.models[0].findings), "same": first.models == second.models,
    "files": len(second.models[0].files),
}))
"""


def _audited(folder: Path) -> dict[str, object]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", WATCHED, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, object] = json.loads(ran.stdout)
    return found


def test_scanning_all_samples_runs_imports_connects_and_writes_nothing(tmp_path: Path) -> None:
    folder = corpus.write(tmp_path / "corpus")
    found = _audited(folder)
    assert found["events"] == []
    assert found["imported"] == []
    assert found["foreign"] == []
    assert found["same"] is True
    assert found["files"] == len(list(folder.iterdir()))
    assert found["findings"] != 0


def test_the_hook_would_notice(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("x = 1")
    script = WATCHED.replace("second = api.scan(folder)", "exec('1'); second = api.scan(folder)")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "exec" in [event for event, _ in json.loads(ran.stdout)["events"]]
