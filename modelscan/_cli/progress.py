"""Progress on stderr: bytes, files and time left, for models that take a while.

Nothing is drawn, and rich is not even imported, when stderr is no terminal or the models are small.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from modelscan.vocabulary.artifact import CHUNK

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_WORTH_SHOWING = 256 * CHUNK


class ConsoleProgress:
    """Draws one bar for each model; see `passing.Progress`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._files = 0
        self._done = 0

    def start(self, ref: str, files: int, size: int) -> None:
        """See `Progress.start`."""
        self.close()
        if size < _WORTH_SHOWING:
            return
        # lazy: rich costs 47 ms, which a small scan would pay for nothing
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._files, self._done = files, 0
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("{task.fields[files]}", markup=False),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        label = "".join(char if char.isprintable() else "?" for char in ref)
        self._bar.start()
        self._task = self._bar.add_task(label, total=size, files=self._count())

    def advance(self, size: int) -> None:
        """See `Progress.advance`."""
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, size)

    def file_done(self) -> None:
        """See `Progress.file_done`."""
        if self._bar is not None and self._task is not None:
            with self._lock:
                self._done += 1
            self._bar.update(self._task, files=self._count())

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None

    def _count(self) -> str:
        return f"{self._done}/{self._files} files"
