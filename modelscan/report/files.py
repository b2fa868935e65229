"""Report files: written whole or not at all."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from modelscan.errors import UsageError


def write_file(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part of it.

    A link is followed and stays a link. A pipe or a device (`/dev/stdout`) is written to directly,
    since replacing it would not be what the person meant.

    Raises:
        UsageError: the file cannot be written; nothing is left behind.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file() and not target.is_dir():
        _write(path, target, data, mode="wb")
        return
    partial = target.with_name(f".modelassay-{os.urandom(8).hex()}.partial")
    with ExitStack() as interrupted:
        interrupted.callback(partial.unlink, missing_ok=True)
        _write(path, partial, data, mode="xb")  # created under the umask, like any file
        _replace(path, partial, target)
        interrupted.pop_all()


def _write(asked: Path, target: Path, data: bytes, *, mode: str) -> None:
    try:
        with target.open(mode) as file:
            file.write(data)
    except OSError as error:
        raise _unwritable(asked, error) from error


def _replace(asked: Path, partial: Path, target: Path) -> None:
    try:
        partial.replace(target)
    except OSError as error:
        raise _unwritable(asked, error) from error


def _unwritable(path: Path, error: OSError) -> UsageError:
    why = error.strerror or type(error).__name__
    return UsageError(f"the report file {path} cannot be written: {why}", "name another file")
