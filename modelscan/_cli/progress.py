"""Progress on stderr: bytes, files and time left, for models that take a while.

Large models have a bar of bytes; one that takes a while for another reason, such as a hub that is
asked for many small files, has a bar of files. Nothing is drawn, and rich is not even imported, for
what is done at once, nor by who has no terminal and makes no `ConsoleProgress`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from modelscan.vocabulary.artifact import CHUNK

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn, TaskID

_WORTH_SHOWING = 256 * CHUNK
_PATIENCE = 1.0
"""Seconds after which a small model has a bar, too."""


class ConsoleProgress:
    """Draws one bar for each model; see `passing.Progress`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._label = ""
        self._since = 0.0
        self._by_files = False
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._files = 0
        self._done = 0

    def listing(self, ref: str, files: int) -> None:
        """See `Progress.listing`."""
        known = f"{files:,} files so far" if files else ""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, files=known)
            return
        # lazy: as below; a place elsewhere takes longer to answer than this takes to import
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        self._begin(
            [SpinnerColumn("line"), TextColumn("asking for {task.description}", markup=False),
             TextColumn("{task.fields[files]}", markup=False), TimeElapsedColumn()],
            _printable(ref), None, known,
        )  # fmt: skip

    def start(self, ref: str, files: int, size: int) -> None:
        """See `Progress.start`."""
        self.close()
        self._label = _printable(ref)
        self._since = self._clock()
        self._files, self._done = files, 0
        self._by_files = size < _WORTH_SHOWING
        if not self._by_files:
            self._draw(size)

    def _draw(self, total: int) -> None:
        # lazy: rich costs 47 ms, which a small scan would pay for nothing
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        amounts: list[ProgressColumn] = [DownloadColumn(), TransferSpeedColumn()]
        columns = [
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            *([] if self._by_files else amounts),
            TextColumn("{task.fields[files]}", markup=False),
            TimeRemainingColumn(),
        ]
        self._begin(columns, self._label, total, self._count())

    def _begin(
        self, columns: Sequence[ProgressColumn], label: str, total: int | None, files: str
    ) -> None:
        from rich.console import Console  # lazy: as above
        from rich.progress import Progress

        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        self._task = self._bar.add_task(label, total=total, files=files)

    def advance(self, size: int) -> None:
        """See `Progress.advance`."""
        if self._bar is not None and self._task is not None and not self._by_files:
            self._bar.advance(self._task, size)

    def file_done(self) -> None:
        """See `Progress.file_done`."""
        with self._lock:
            self._done += 1
            slow = self._by_files and self._clock() - self._since > _PATIENCE
            if self._bar is None and slow and self._done < self._files:
                self._draw(self._files)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, files=self._count())
            if self._by_files:
                self._bar.update(self._task, completed=self._done)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None

    def _count(self) -> str:
        return f"{self._done}/{self._files} files"


def _printable(ref: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in ref)
