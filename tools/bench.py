"""`make bench`: what a scan costs, as ratios to public tools measured in the same run.

Each figure is the median over pairs (ours, theirs, ours, theirs ...) of whole processes, as the
operating system accounts for them: CPU seconds are user and system time together. Ratios hold where
absolute times drift; nothing here is a test, and nothing fails on a slow machine.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(".bench")
LANGUAGE = 1024
"""MiB of the language model whose descent is measured."""
PEER = "picklescan==1.0.5"
FORMATS = (
    "terminal", "json", "cyclonedx", "cyclonedx-1.7", "spdx", "sarif", "markdown", "html", "junit",
    "gitlab", "github", "openvex",
)  # fmt: skip
OURS = [str(Path(sys.executable).parent / "modelassay")]


class Run(NamedTuple):
    """One finished process."""

    cpu: float
    """User and system seconds."""
    memory: float
    """Peak resident memory in MiB."""
    code: int


def run(command: Sequence[str]) -> Run:
    """Run a command to its end, its output thrown away."""
    process = subprocess.Popen(  # noqa: S603  # fixed commands of ours
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)


def pairs(ours: Sequence[str], theirs: Sequence[str], count: int) -> tuple[list[Run], list[Run]]:
    """Run two commands in turn, after one warm-up of each."""
    run(ours), run(theirs)
    found = [(run(ours), run(theirs)) for _ in range(count)]
    return [first for first, _ in found], [second for _, second in found]


def compare(what: str, ours: Sequence[str], theirs: Sequence[str], goal: float, count: int) -> None:
    """Print the CPU ratio of our command to another one."""
    first, second = pairs(ours, theirs, count)
    ratios = [a.cpu / max(b.cpu, 1e-6) for a, b in zip(first, second, strict=True)]
    ratio = statistics.median(ratios)
    print(
        f"{what:<46} {statistics.median(item.cpu for item in first):8.3f} s "
        f"{statistics.median(item.cpu for item in second):8.3f} s   "
        f"x {ratio:5.3f} (goal {goal:g}) {'met' if ratio <= goal else 'NOT MET'}   "
        f"{max(item.memory for item in first):6.1f} MiB, exit {first[-1].code}",
        flush=True,
    )


def absolute(
    what: str,
    command: Sequence[str],
    goal: float,
    count: int,
    most: float = math.inf,
    *,
    before: Callable[[], None] = lambda: None,
) -> None:
    """Print our own CPU seconds; a goal in milliseconds holds on this project's machines only.

    Args:
        what: is measured.
        command: is run.
        goal: CPU seconds.
        count: times.
        most: MiB of memory.
        before: is called before each run.
    """
    found = []
    for _ in range(1 + count):
        before()
        found.append(run(command))
    cpu = statistics.median(item.cpu for item in found[1:])
    memory = max(item.memory for item in found)
    limit = f", {most:g} MiB" if most < math.inf else ""
    print(
        f"{what:<46} {cpu:8.3f} s {'':>10}   (goal {goal:g} s{limit}) "
        f"{'met' if cpu <= goal and memory <= most else 'NOT MET'}"
        f"   {memory:6.1f} MiB, exit {found[-1].code}",
        flush=True,
    )


def lineage(runs: int) -> None:
    """What measuring descent costs, the digest of the file included; at most 256 MiB of memory."""
    model = ROOT / f"language-{LANGUAGE}" / "model.safetensors"
    prints = str(ROOT / "language.fp.safetensors")
    hashed = ["openssl", "dgst", "-sha256", str(model)]
    goal = 5.0  # 3 CPU seconds for each gigabyte, where its digest takes 0.6
    make = [*OURS, "manifest", "fingerprint", str(model), "--output", prints]
    compare(f"fingerprint {LANGUAGE} MiB language model / openssl", make, hashed, goal, runs)
    compared = [*OURS, "lineage", str(model), "--base", prints]
    compare(f"lineage {LANGUAGE} MiB language model / openssl", compared, hashed, goal, runs)
    wide = ROOT / f"wide-{LANGUAGE}" / "model.safetensors"
    many = ROOT / "tensors-100000" / "model.safetensors"
    # 3 CPU seconds for each gigabyte of bfloat16, its digest included; 10 for many small tensors
    for what, path in (("language model", model), ("single tensor", wide), ("tensors", many)):
        size = "100,000" if path == many else f"{LANGUAGE} MiB"
        most = 10.0 if path == many else 3 * path.stat().st_size / 1e9
        make = [*OURS, "manifest", "fingerprint", str(path), "--output", prints]
        absolute(f"fingerprint of {size} {what}", make, most, runs, 256)
        both = [*OURS, "lineage", str(path), "--base", str(path)]
        absolute(f"lineage of {size} {what}, both sides", both, 2 * most, runs, 256)


def reports(runs: int) -> None:
    """What each format costs at 10,000 findings: at most 2 CPU seconds, and 256 MiB of memory."""
    native, out = ROOT / "report.json", ROOT / "report.out"
    make = [sys.executable, str(Path(__file__).with_name("bench_reports.py")), str(native)]
    subprocess.run(make, check=True)  # noqa: S603  # our own script
    convert = [*OURS, "report", "convert", str(native)]
    for form in FORMATS:
        absolute(f"10,000 findings as {form}", [*convert, "-f", f"{form}={out}"], 2.0, runs, 256)
    folder = ROOT / "evidence"

    def anew() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    command = [*convert, "--evidence", str(folder)]
    absolute("10,000 findings as a folder of evidence", command, 2.0, runs, 256, before=anew)


def peer() -> str | None:
    """The other scanner's command, in an environment of its own; `None` when it cannot be had."""
    folder = ROOT / "peers"
    command = folder / "bin" / "picklescan"
    if not command.exists():
        venv.create(folder, with_pip=True)
        install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", PEER]
        if subprocess.run(install, check=False).returncode:  # noqa: S603  # fixed command
            return None
    return str(command)


def main() -> None:
    """Make the workloads, run them, print a line for each."""
    parser = argparse.ArgumentParser(description="Measure the scanner against public tools.")
    parser.add_argument("--size", type=int, default=4096, help="MiB of the large file")
    parser.add_argument("--runs", type=int, default=5, help="pairs for each figure")
    options = parser.parse_args()
    print(f"{'':<46} {'ours':>10} {'theirs':>10}   CPU ratio{'':<22} our peak memory")

    small = ROOT / "small.json"
    ROOT.mkdir(exist_ok=True)
    small.write_text('{"model_type": "bert"}')
    absolute("modelassay --version", [*OURS, "--version"], 0.050, options.runs)
    absolute("modelassay --help", [*OURS, "--help"], 0.100, options.runs)
    absolute("scan of one small file", [*OURS, "scan", str(small)], 0.200, options.runs)

    reports(min(options.runs, 3))

    # In a process of its own: a child's peak memory starts at what its parent holds.
    make = [sys.executable, str(Path(__file__).with_name("bench_workloads.py")), str(ROOT)]
    subprocess.run([*make, str(options.size), str(LANGUAGE)], check=True)  # noqa: S603  # our own script
    large = ROOT / f"large-{options.size}" / "model.safetensors"
    if shutil.which("openssl"):
        compare(
            f"scan {options.size} MiB safetensors / openssl dgst -sha256",
            [*OURS, "scan", str(large)],
            ["openssl", "dgst", "-sha256", str(large)],
            1.25,
            options.runs,
        )
        lineage(min(options.runs, 3))
    other = peer()
    if other is None:
        print(f"{PEER} cannot be had here: the comparisons with it are left out")
        return
    many = ROOT / "many-5000"
    compare(
        "scan 5,000 small files / picklescan",
        [*OURS, "scan", str(many)],
        [other, "--path", str(many)],
        0.5,
        options.runs,
    )
    objects = ROOT / "opcodes" / "objects.pkl"
    compare(
        "scan 60 MB opcode-heavy pickle / picklescan",
        [*OURS, "scan", str(objects)],
        [other, "--path", str(objects)],
        0.05,
        1,
    )


if __name__ == "__main__":
    main()
