"""What the whole command takes for large files of every format, as a table.

    python -m tools.bench_large          every file
    python -m tools.bench_large NAME...  those with one of these in their label

Each file is scanned by a process of its own: files of four gigabytes whose weights are a hole, and
files whose structure has many megabytes, in the worst shapes that `tests/forge/large.py` knows. The
exit code is 1 when one of them takes more than the ceiling, or was passed although something needed
was not read.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.forge import large, large_payloads  # noqa: E402  # the path first

CEILING: Final = 96 << 20
STRUCTURE: Final = 16 << 20
"""Bytes of a file that is all structure."""
_CHILD: Final = """
import resource, subprocess, sys
command = [sys.executable, "-m", "modelscan", *sys.argv[1:]]
code = subprocess.call(command, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
unit = 1 if sys.platform == "darwin" else 1024
print(code, used.ru_maxrss * unit, used.ru_utime + used.ru_stime)
"""
"""Starts the command from a process that is small: a child's peak begins at its parent's size."""


def _files() -> Iterator[tuple[str, Callable[[Path], object]]]:
    """Labels, and what writes the file of each."""
    for name, payload in large_payloads.WEIGHTS.items():
        yield (
            f"4 GiB!{name}",
            lambda path, payload=payload: large_payloads.write(  # type: ignore[misc]  # bound as it is
                path, payload, large_payloads.FOUR
            ),
        )
    for label, made in (large.STRUCTURES | large.DOCUMENTS).items():
        yield label, lambda path, made=made: path.write_bytes(made(STRUCTURE))  # type: ignore[misc]  # as above


def _scan(path: Path, report: Path) -> tuple[int, int, float, list[str]]:
    """Exit code, peak in bytes, seconds of processor time, and what was needed and not read."""
    command = [sys.executable, "-c", _CHILD, "scan", str(path), "-f", f"json={report}", "-q"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)  # noqa: S603  # our own command
    code, peak, seconds = done.stdout.split()
    model = json.loads(report.read_text(encoding="utf-8"))["models"][0]
    gaps = [entry["reason"] for entry in model["coverage"] if entry["needed"]]
    return int(code), int(peak), float(seconds), gaps


def main(names: list[str]) -> int:
    """Scan them one after the other; returns the exit code."""
    failed = 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        for label, write in _files():
            if names and not any(name in label for name in names):
                continue
            path = Path(folder) / label.rpartition("!")[2]
            write(path)
            code, peak, seconds, gaps = _scan(path, Path(folder) / "report.json")
            wrong = peak > CEILING or (bool(gaps) and code == 0)
            failed += wrong
            print(
                f"{'FAILED' if wrong else 'ok':7}{label:32}{path.stat().st_size >> 20:6,} MiB"
                f"{peak >> 20:5} MiB{seconds:7.1f} s  exit {code}  {'; '.join(gaps)[:90]}",
                flush=True,
            )
            path.unlink()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
