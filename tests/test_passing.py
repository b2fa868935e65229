from __future__ import annotations

import threading
from contextlib import AbstractContextManager

import pytest

from modelscan.budget import Limits
from modelscan.errors import ReadError
from modelscan.fetcher.held import HeldFile
from modelscan.formats.candidates import Candidates
from modelscan.passing import Pass, examine_all
from modelscan.verifier.request import Request
from modelscan.vocabulary.snapshot import Access, OpenArtifact, Snapshot, Source, SourceFile


class _Remote:
    """A file that comes from elsewhere."""

    access: Access = "whole"

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.size = len(data)
        self._data = data

    def open(self) -> AbstractContextManager[OpenArtifact]:
        return HeldFile(self.name, self._data).open()


class _Interrupted(_Remote):
    """The moment in which somebody presses Ctrl-C."""

    def __init__(self, other: threading.Event) -> None:
        super().__init__("a", b"")
        self._other = other

    def open(self) -> AbstractContextManager[OpenArtifact]:
        assert self._other.wait(10)
        raise KeyboardInterrupt


class _Endless(_Remote):
    """A download that goes on until its connection is closed."""

    def __init__(self) -> None:
        super().__init__("b", b"")
        self.begun = threading.Event()
        self.closed = threading.Event()

    def open(self) -> AbstractContextManager[OpenArtifact]:
        self.begun.set()
        if not self.closed.wait(10):
            raise AssertionError("nobody closed the connection")
        raise ReadError("closed")


def _pass(files: list[SourceFile]) -> Pass:
    snapshot = Snapshot(ref="model", source=Source(kind="hub"), files=files)
    return Pass(Candidates(()), Limits(), Request().plan(snapshot, lambda _: True))


def test_an_interruption_ends_what_is_still_being_fetched() -> None:
    endless = _Endless()
    files: list[SourceFile] = [_Interrupted(endless.begun), endless]
    with pytest.raises(KeyboardInterrupt):
        examine_all(files, _pass(files), 2, endless.closed.set)
    assert endless.closed.is_set()


def test_remote_files_are_examined_at_once_however_small() -> None:
    meeting = threading.Barrier(3, timeout=10)

    class Waiting(_Remote):
        def open(self) -> AbstractContextManager[OpenArtifact]:
            meeting.wait()  # breaks unless all three are open at the same time
            return super().open()

    files: list[SourceFile] = [Waiting(name, b"words") for name in "abc"]
    done = examine_all(files, _pass(files), 3, lambda: None)
    assert [item.entry.path for item in done] == ["a", "b", "c"]
    assert all(item.entry.digests for item in done)
