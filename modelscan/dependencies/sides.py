"""What `diff` compares: a lock, a native report, or either of them at a revision of git.

    models.lock          a file
    report.json          a native report, `-f json`
    main:models.lock     a file at a revision
    main                 `models.lock` at a revision, as it lies below the working directory

Invariants: of a repository only objects are read, by `git cat-file`, which runs no hook, no filter
and no pager, and no program that its configuration names; a name that begins with a dash never
reaches git as an option.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Container
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from modelscan.dependencies import lockfile
from modelscan.dependencies.differing import Side
from modelscan.dependencies.entry import entry
from modelscan.errors import SourceError, UsageError
from modelscan.report.identity import without_revision
from modelscan.report.reading import parse_report
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.lock import LockedModel
from modelscan.vocabulary.result import ModelReport

_TIMEOUT: Final = 60
_LONGEST: Final = 256 << 20
"""Bytes of a lock or a report."""
_SAFE: Final = (
    "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "core.pager=cat",
    "-c", "protocol.allow=never", "-c", "core.sshCommand=false", "--no-pager",
    "--no-replace-objects", "--no-optional-locks", "--literal-pathspecs",
)  # fmt: skip
"""A repository may be hostile: nothing that its configuration names is run, nothing is fetched."""
_ENVIRONMENT: Final = {
    "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C",
}  # fmt: skip


class State(NamedTuple):
    """One side, read."""

    side: Side
    models: tuple[LockedModel, ...]
    reports: dict[tuple[str, str], ModelReport]
    """What was found in each model, by its key; empty for a lock."""
    coverage: tuple[Coverage, ...] = ()
    """Models that the report could not look at."""


def read(name: str, folder: Path | None = None) -> State:
    """One side by its name.

    Args:
        name: a file, `revision:path`, or a revision.
        folder: the repository; by default the working directory.

    Raises:
        SourceError: it is not there.
        UsageError: it is neither a lock nor a report.
    """
    path = Path(name)
    if (path / lockfile.NAME).is_file():
        path /= lockfile.NAME
    if path.is_file() or (":" not in name and name.endswith((".lock", ".json"))):
        return _state(_file(path), name, path.as_posix())
    revision, colon, inside = name.partition(":")
    inside = inside if colon else lockfile.NAME
    data = git_file(revision, inside, folder or Path.cwd())
    return _state(data, name, inside)


def _state(data: bytes, name: str, file: str) -> State:
    if data.lstrip()[:1] == b"{":
        report = parse_report(data, Path(name))
        models: dict[tuple[str, str], LockedModel] = {}
        reports: dict[tuple[str, str], ModelReport] = {}
        gaps: list[Coverage] = []
        for model in report.models:
            if model.error is not None:
                gaps.append(
                    Coverage(file=model.ref, status="unreadable", needed=True, reason=model.error)
                )
                continue
            made = _distinct(entry(without_revision(model.ref), model), models)
            models[made.key] = made
            reports[made.key] = model
        return State(Side(name), tuple(models.values()), reports, tuple(gaps))
    lock = lockfile.parse(data, name)
    return State(Side(name, file, lockfile.lines(data)), lock.model, {})


def _distinct(model: LockedModel, known: Container[tuple[str, str]]) -> LockedModel:
    """The same under a name of its own: two targets may have the same last part."""
    named, count = model, 1
    while named.key in known:
        count += 1
        named = msgspec.structs.replace(model, ref=f"{model.ref}~{count}")
    return named


def _file(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise SourceError(f"{path} is not there", "name a lock, a report, or a git revision")
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise SourceError(f"{path} cannot be read: {why}", "check its permissions") from None
    if len(data) > _LONGEST:
        raise UsageError(f"{path} is longer than {_LONGEST >> 20} MiB", "name a lock")
    return data


def git_file(revision: str, path: str, folder: Path) -> bytes:
    """The bytes of a file at a revision.

    Args:
        revision: whatever git understands as one.
        path: relative to the folder.
        folder: inside the repository.

    Raises:
        SourceError: git is not installed, this is no repository, or there is no such file.
        UsageError: the revision is no name.
    """
    odd = any(character in revision + path for character in "\0\r\n")
    if not revision or revision.startswith("-") or odd:
        raise UsageError(f"{revision!r} is no revision", "name a branch, a tag or a commit")
    relative = path if path.startswith(("./", "../")) else f"./{path}"
    name = f"{revision}:{relative}"
    head = git_output(["cat-file", "--batch-check"], folder, f"{name}\n".encode())
    size = head.decode("utf-8", "replace").split()[-1:]
    if not size or not size[0].isdigit():
        raise SourceError(
            f"there is no {path} at {revision}",
            "name a file, or a revision that has one: main:models.lock",
        )
    if int(size[0]) > _LONGEST:
        raise UsageError(f"{name} is {int(size[0]):,} bytes long", "name a lock")
    return git_output(["cat-file", "blob", name], folder, b"")


def git_output(arguments: list[str], folder: Path, given: bytes) -> bytes:
    """What git answers in a repository that may be hostile.

    Args:
        arguments: a command that reads objects alone.
        folder: in the repository.
        given: standard input.

    Raises:
        SourceError: there is no git, or it fails.
    """
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("GIT_")
    } | _ENVIRONMENT
    command = ["git", *_SAFE, *arguments]
    try:
        ran = subprocess.run(  # noqa: S603  # a fixed program; names never stand where options do
            command,
            cwd=folder,
            input=given,
            capture_output=True,
            env=environment,
            timeout=_TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        raise SourceError("git is not installed", "name two files instead") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"git could not be run: {error}", "name two files instead") from None
    if ran.returncode:
        words = ran.stderr.decode("utf-8", "replace").strip().splitlines()
        why = words[-1].removeprefix("fatal: ") if words else f"exit {ran.returncode}"
        raise SourceError(f"git: {why}", "name a file, or a revision that has one")
    return ran.stdout
