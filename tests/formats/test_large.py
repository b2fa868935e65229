"""Large files of every format: what they cost in memory does not go by their size.

`python -m tools.bench_large` scans the same files, larger ones, with the whole command.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from modelscan.engine import catalogue
from modelscan.formats.reader import Glimpse
from modelscan.formats.readers import deferred_readers
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import large, large_payloads

CEILING = 96 << 20
"""Bytes that a process may take, the interpreter and all of the command included."""
SIZE = 1 << 17

READ = """
import sys
from modelscan.budget import Budget
from modelscan.engine import catalogue
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.sources import take
from modelscan.formats.candidates import Candidates
from modelscan.formats.readers import deferred_readers
from modelscan.formats.routing import Reading
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.ref import ModelRef

readers = Candidates(deferred_readers(catalogue.load().lists))
for file in take(ModelRef.parse(sys.argv[1]), FetchOptions()).files:
    with file.open() as artifact:
        reading = Reading(artifact, readers, Budget())
        for item in reading:
            if isinstance(item, Coverage) and " failed: " in item.reason:
                print(file.name, item.reason)
        if reading.format == "unknown" and not file.name.startswith("document/"):
            print(file.name, "was not recognised")
    lines = open("/proc/self/status").read().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) << 10
    if peak > int(sys.argv[2]):
        sys.exit(f"{file.name}: {peak >> 20} MiB")
"""
"""Reads the structure of every file of a folder, and leaves out the digests."""

linux = pytest.mark.skipif(
    not Path("/proc/self/status").is_file(), reason="asks Linux for the peak"
)


def _read(folder: Path) -> str:
    command = [sys.executable, "-c", READ, str(folder), str(CEILING)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_every_reader_has_a_large_file() -> None:
    small = {name: payload.head for name, payload in large_payloads.WEIGHTS.items()}
    samples = [(name, head + bytes(5000)) for name, head in small.items()]
    for label, made in (large.STRUCTURES | large.DOCUMENTS).items():
        samples.append((label.rpartition("!")[2], made(20_000)))
    glimpses = [Glimpse(BytesArtifact(name, data)) for name, data in samples]
    missing = {
        type(reader.reader).__name__
        for reader in deferred_readers(catalogue.load().lists)
        if not any(reader.recognises(glimpse) for glimpse in glimpses)
    }
    assert missing == set()


@linux
def test_no_file_of_four_gigabytes_costs_more_than_the_ceiling(tmp_path: Path) -> None:
    for name, payload in large_payloads.WEIGHTS.items():
        large_payloads.write(tmp_path / name, payload, large_payloads.FOUR)
    assert _read(tmp_path) == ""


@linux
def test_no_structure_costs_more_than_the_ceiling(tmp_path: Path) -> None:
    for label, made in (large.STRUCTURES | large.DOCUMENTS).items():
        folder = tmp_path / label.partition("!")[0]
        folder.mkdir(exist_ok=True)
        (folder / label.rpartition("!")[2]).write_bytes(made(SIZE))
    assert _read(tmp_path) == ""
