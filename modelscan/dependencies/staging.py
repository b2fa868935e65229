"""A private folder in which a model becomes complete before anybody sees it.

Invariants:
- The folder is on the disk of the place that the model is for, so that one rename is all that is
  left to do, and only its owner may enter it.
- No file is overwritten, and no link followed: a name that is there already is an error.
- Whatever ends the run before `publish`, the folder is removed or, if the machine stopped, lies
  there under a name of its own that nothing ever reads again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from modelscan.errors import SourceError, UsageError

MODEL: Final = "model"
_SUFFIX: Final = ".pulling"


class Staging:
    """The folder, while it is being filled.

    Args:
        folder: private and empty.
        target: what the model will be called.
    """

    def __init__(self, folder: Path, target: Path) -> None:
        self._folder = folder
        self._target = target
        self.model = folder / MODEL
        """The files of the model."""

    def room_for(self, size: int) -> None:
        """Refuse what does not fit on the disk.

        Raises:
            SourceError: there is too little room.
        """
        free = shutil.disk_usage(self._folder).free
        if size > free:
            raise SourceError(
                f"{size:,} bytes do not fit into {self._target.parent}, which has {free:,}",
                "make room, or choose another disk",
            )

    def write(self, name: str, pieces: Iterable[bytes]) -> Path:
        """Write one new file of the model, and wait until the disk has it.

        Args:
            name: a path inside the model that was checked, see `oci_names.inside`.
            pieces: its bytes.

        Raises:
            OSError: it cannot be written, or is there already.
        """
        path = self.model / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        return path

    def drop(self, name: str) -> None:
        """Remove what was written of a file that could not be finished."""
        with suppress(OSError):
            (self.model / name).unlink()

    def _put_back(self, old: Path) -> None:
        """What was there before is there again."""
        with suppress(FileNotFoundError):
            old.rename(self._target)

    def publish(self) -> None:
        """Let the model appear under its name, whole, in the place of what was there.

        Raises:
            SourceError: it cannot be moved there; what was there is there still.
        """
        old = self._folder / "old"
        try:
            with suppress(FileNotFoundError):
                self._target.rename(old)
            with ExitStack() as interrupted:  # which must not lose the old folder
                interrupted.callback(self._put_back, old)
                self.model.rename(self._target)
                interrupted.pop_all()
            _settle(self._target.parent)
        except OSError as error:
            why = (error.strerror or type(error).__name__).lower()
            raise SourceError(f"{self._target} cannot be put there: {why}") from None


@contextmanager
def staging(target: Path) -> Iterator[Staging]:
    """A folder beside a target, removed afterwards with all that was not published.

    Raises:
        SourceError: it cannot be made.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(prefix=f".{target.name[:64]}.", suffix=_SUFFIX, dir=target.parent)
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise SourceError(f"nothing can be written beside {target}: {why}") from None
    folder = Path(made)
    try:
        stage = Staging(folder, target)
        stage.model.mkdir()
        yield stage
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def place(path: Path, *, force: bool) -> Path:
    """The place of a new folder, once it is known that nothing is lost there.

    Args:
        path: what a person typed.
        force: replace a folder that is there.

    Raises:
        UsageError: something is there already that is not to be replaced.
    """
    # the folder's own name may be a link, which would be replaced: it must not be one
    parent = Path(os.path.realpath(path.parent))
    target = parent / path.name
    if not path.name or path.name == ".." or target == parent:
        raise UsageError(f"{path} is no name for a new folder", "name one: ./models/name")
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(f"{path} is there, and no folder", "name a new one")
    if target.is_dir() and not force and any(target.iterdir()):
        raise UsageError(
            f"{path} is not empty", "name a new folder, or replace this one whole: --force"
        )
    return target


def _settle(folder: Path) -> None:
    """Wait until the disk knows the new name, where a system can say so."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
