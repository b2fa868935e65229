"""Copies for a staging folder, of sources that don't keep to what sources promise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from modelscan.dependencies import copying
from modelscan.dependencies.copying import Copied
from modelscan.dependencies.staging import staging
from modelscan.errors import ReadError, SourceError
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.snapshot import Access, OpenArtifact, Snapshot, Source


class Opened(BytesArtifact):
    """Bytes that may say that they changed."""

    changes = False

    def changed(self) -> bool:
        return self.changes


class File:
    """A file of a source."""

    def __init__(
        self,
        name: str,
        *,
        access: Access = "whole",
        changes: bool = False,
        broken: str = "",
        late: str = "",
    ) -> None:
        self.name = name
        self.size = 3
        self.access: Access = access
        self._changes = changes
        self._broken = broken
        self._late = late

    def open(self) -> AbstractContextManager[OpenArtifact]:
        return self._open()

    @contextmanager
    def _open(self) -> Iterator[OpenArtifact]:
        if self._broken:
            raise ReadError(self._broken)
        opened = Opened(self.name, b"abc")
        opened.changes = self._changes
        yield opened
        if self._late:
            raise ReadError(self._late)


def copied(folder: Path, *files: File) -> Copied:
    snapshot = Snapshot(ref="it", source=Source(kind="hub"), files=files)
    with staging(folder / "target") as stage:
        found = copying.copy(snapshot, lambda _: True, stage)
        here = {path.name for path in stage.model.rglob("*") if path.is_file()}
        assert here == {file.name for file in found.snapshot.files}
        return found


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([File("../evil")], "leads out"),
        ([File("/evil")], "leads out"),
        ([File("a\\b")], "leads out"),
        ([File("")], "leads out"),
        ([File("x.bin", access="ranges")], "parts of it only"),
        ([File("x.bin", changes=True)], "changed while"),
        ([File("x.bin", broken="the connection broke")], "the connection broke"),
        ([File("x.bin", late="the server lied")], "the server lied"),
        ([File("x.bin"), File("x.bin")], "has the same name"),
        ([File("y/" + "long" * 200)], "cannot be written"),
    ],
)
def test_what_cannot_be_copied_is_a_gap(tmp_path: Path, files: list[File], why: str) -> None:
    found = copied(tmp_path, *files)
    (gap,) = found.snapshot.coverage
    assert gap.needed
    assert why in gap.reason
    assert len(found.snapshot.files) == len(found.files) == len(files) - 1
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_is_not_begun(tmp_path: Path) -> None:
    large = File("x.bin")
    large.size = 1 << 60
    with pytest.raises(SourceError, match="do not fit"):
        copied(tmp_path, large)


def test_an_interruption_lets_the_connections_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(copying, "_copied", interrupted)
    snapshot = Snapshot(
        ref="it",
        source=Source(kind="hub"),
        files=(File("x.bin"),),
        let_go=lambda: closed.append(True),
    )
    with staging(tmp_path / "target") as stage, pytest.raises(KeyboardInterrupt):
        copying.copy(snapshot, lambda _: True, stage)
    assert closed == [True]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="nothing can be written"), staging(tmp_path / "file/x"):
        pass
