"""Runs that are interrupted, killed in the middle of a file, or out of room: what is left of them
is never trusted, and the next run ends as if nothing had been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.hub.scanning import fake_hub
from tests.hub.server import FakeHub

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
_DATA = b"\x80\x04B" + (12 << 20).to_bytes(4, "little") + os.urandom(12 << 20) + b"."
_HELD = 5 << 20
_LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (6 << 20, 6 << 20))
sys.argv[0] = "modelassay"
runpy.run_module("modelscan", run_name="__main__")
"""


class Site(NamedTuple):
    """Where a command runs."""

    hub: FakeHub
    folder: Path

    def start(self, *arguments: str, program: tuple[str, ...] = ("-m", "modelscan")) -> Running:
        """Begin a command, as a person would."""
        environment = os.environ | {
            "HF_ENDPOINT": self.hub.url,
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "HOME": str(self.folder),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        # What a shell starts in the background ignores Ctrl+C, and hands that on.
        ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return subprocess.Popen(
                [sys.executable, *program, *arguments],
                cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        finally:
            signal.signal(signal.SIGINT, ignored)

    def run(self, *arguments: str, program: tuple[str, ...] = ("-m", "modelscan")) -> str:
        """Run a command to its end; what it printed, and its exit code behind that."""
        process = self.start(*arguments, program=program)
        out, errors = process.communicate(timeout=120)
        return f"{out.decode()}{errors.decode()}exit {process.returncode}"

    def wait(self) -> None:
        """Until the file is on its way, and the command waits for more of it."""
        assert self.hub.held.wait(60)
        for _ in range(600):
            if any(path.stat().st_size for path in self._files if path.parent.name == "incoming"):
                return
            time.sleep(0.05)
        raise AssertionError

    @property
    def _files(self) -> list[Path]:
        models = self.folder / "cache" / "modelassay" / "models"
        return [path for path in models.rglob("*") if path.is_file()]

    @property
    def cached(self) -> list[str]:
        """The folders of the cache that hold a file."""
        return sorted(path.parent.name for path in self._files)


Running = subprocess.Popen[bytes]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with fake_hub() as hub:
        hub.add("acme/model", {"config.json": b"{}", "model.pkl": _DATA})
        hub.holds_after = _HELD
        yield Site(hub, tmp_path)
        hub.released.set()


_COMMANDS = {
    "scan": ("scan", "--full", "hf:acme/model"),
    "verify": ("verify", "hf:acme/model"),
    "pull": ("pull", "hf:acme/model", "taken"),
}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("command", _COMMANDS)
def test_a_run_that_ends_in_the_middle_of_a_file(
    site: Site, command: str, sent: signal.Signals
) -> None:
    process = site.start(*_COMMANDS[command])
    site.wait()
    process.send_signal(sent)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == (130 if sent == signal.SIGINT else -sent)
    assert b"Traceback" not in errors
    assert not (site.folder / "taken").exists()
    assert not (site.folder / "models.lock").exists()
    assert "sha256" not in site.cached

    site.hub.holds_after = None
    site.hub.released.set()
    site.hub.log.clear()
    ended = site.run(*_COMMANDS[command])
    assert ended.endswith("exit 1" if command == "verify" else "exit 0"), ended
    assert "hub-consistent" in ended
    (download,) = [each for each in site.hub.log if each.path.startswith("/cdn/")]
    assert download.range.startswith("bytes=")  # it went on where the first one ended
    if command == "pull":
        assert (site.folder / "taken" / "model.pkl").read_bytes() == _DATA


def test_a_disk_that_fills_up_in_the_middle_of_a_file(site: Site) -> None:
    site.hub.holds_after = None
    ended = site.run(*_COMMANDS["scan"], program=("-c", _LIMITED))
    assert "cannot be kept in the cache: file too large" in " ".join(ended.split())
    assert ended.endswith("exit 3")
    assert site.cached == ["incoming"]
    again = site.run(*_COMMANDS["scan"])
    assert "hub-consistent" in again
    assert again.endswith("exit 0")
    assert site.cached == ["sha256"]
