"""Who waits sees why: bytes of large models, files of slow ones, nothing for the rest."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import NamedTuple

import pytest

from modelscan._cli.progress import ConsoleProgress


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Watched(NamedTuple):
    progress: ConsoleProgress
    clock: Clock
    screen: Terminal


Watch = Callable[[], Watched]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """To be called by the test itself: until then, standard error is pytest's."""

    def begin() -> Watched:
        screen, clock = Terminal(), Clock()
        monkeypatch.setattr("sys.stderr", screen)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "200")
        return Watched(ConsoleProgress(clock), clock, screen)

    return begin


def test_what_is_done_at_once_draws_nothing(watch: Watch) -> None:
    progress, _, screen = watch()
    progress.start("model", 2, 100)
    for _ in range(2):
        progress.advance(50)
        progress.file_done()
    progress.close()
    assert screen.getvalue() == ""


def test_a_large_model_has_bytes(watch: Watch) -> None:
    progress, _, screen = watch()
    progress.start("big\x1b[31m", 2, 10 << 30)
    progress.advance(5 << 30)
    progress.file_done()
    progress.close()
    drawn = screen.getvalue()
    assert "big?[31m" in drawn
    assert "5.4/10.7 GB" in drawn
    assert "1/2 files" in drawn


def test_a_small_model_that_takes_a_while_has_files(watch: Watch) -> None:
    progress, clock, screen = watch()
    progress.start("hf:acme/model", 40, 1000)
    progress.file_done()
    assert screen.getvalue() == ""
    clock.now = 2.0
    progress.advance(10)
    progress.file_done()
    progress.advance(10)
    progress.file_done()
    progress.close()
    drawn = screen.getvalue()
    assert "hf:acme/model" in drawn
    assert "3/40 files" in drawn
    assert "bytes" not in drawn


def test_the_last_file_of_a_slow_model_needs_no_bar(watch: Watch) -> None:
    progress, clock, screen = watch()
    progress.start("hf:acme/model", 1, 1000)
    clock.now = 2.0
    progress.file_done()
    assert screen.getvalue() == ""


def test_a_place_that_is_asked_has_a_line_until_the_model_begins(watch: Watch) -> None:
    progress, _, screen = watch()
    progress.listing("hf:acme/[red]\x1bmodel", 0)
    assert "asking for hf:acme/[red]?model" in screen.getvalue()
    progress.listing("hf:acme/model", 12_000)
    progress.start("hf:acme/model", 1, 10)
    drawn = screen.getvalue()
    assert "12,000 files so far" in drawn
    progress.file_done()
    progress.close()
    assert screen.getvalue() == drawn
