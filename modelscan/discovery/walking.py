"""The files below a path, and modules among them.

Invariants: a folder is never entered through a link, so that loops end; devices and pipes are never
opened; what is left out is said.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, NamedTuple

from modelscan.discovery.finder import Imported
from modelscan.errors import ReadError, SourceError
from modelscan.fetcher.local import LocalFile
from modelscan.vocabulary.coverage import Coverage

_OWN: Final = frozenset(
    {".git", ".hg", ".svn", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".tox",
     ".nox", ".hypothesis", ".idea", ".gradle", ".terraform", ".eggs", ".ipynb_checkpoints"}
)  # fmt: skip
"""What tools keep for themselves."""
_INSTALLED: Final = frozenset(
    {"node_modules", "site-packages", "dist-packages", "bower_components"}
)
"""Other people's code; its models are those of the packages."""
_ENVIRONMENT: Final = "pyvenv.cfg"
_CACHE: Final = "models--"
_MODULE_BYTES: Final = 4 << 20
_MOST: Final = 2_000_000
"""Files below one path."""


class Found(NamedTuple):
    """One file."""

    path: str
    """Relative to the folder that is looked at."""
    real: str
    """Where its bytes are; differs from the path for links in a hub's cache."""
    size: int


class Tree:
    """What lies below one path.

    Args:
        target: a folder, or a single file.
        exclude: globs on relative paths that are left out.
        everything: look into installed packages, too.

    Raises:
        SourceError: the path cannot be listed.
    """

    def __init__(
        self, target: Path, exclude: tuple[str, ...] = (), *, everything: bool = False
    ) -> None:
        self.root = Path(os.path.realpath(target))
        self.files: list[Found] = []
        self.coverage: list[Coverage] = []
        self.parsed: dict[str, Any] = {}
        self._exclude = exclude
        self._everything = everything
        try:
            mode = self.root.stat().st_mode
        except OSError as error:
            raise SourceError(f"{target}: {_reason(error)}", "check the path") from None
        if stat.S_ISREG(mode):
            self.files.append(Found(self.root.name, str(self.root), self.root.stat().st_size))
            self.root = self.root.parent
        elif stat.S_ISDIR(mode):
            self._walk()
        else:
            raise SourceError(f"{target}: neither a file nor a folder", "name a folder")
        self.files.sort()
        self._paths = {found.path: found.real for found in self.files}
        self._folders = {path[:end] for path in self._paths for end in _slashes(path)}

    def holds(self, path: str) -> bool:
        """See `CodeBase.holds`."""
        path = path.strip("/").removeprefix("./")
        return path in self._paths or path in self._folders

    def module(self, dotted: str, importer: str) -> Imported | None:
        """See `CodeBase.module`. An absolute name is looked for from the importer's folder up."""
        plain = dotted.lstrip(".")
        level = len(dotted) - len(plain)
        folders = importer.split("/")[:-1]
        parts = [part for part in plain.split(".") if part]
        if level:
            bases = [folders[: len(folders) - level + 1]] if level <= len(folders) + 1 else []
        else:
            bases = [folders[:end] for end in range(len(folders), -1, -1)]
            bases += [["src"], ["backend"], ["app"]]
        for base in bases:
            for end in range(len(parts), -1 if level else 0, -1):
                found = self._module_at([*base, *parts[:end]])
                if found is not None:
                    return Imported(*found, tuple(parts[end:]))
        return None

    def _module_at(self, parts: list[str]) -> tuple[str, str] | None:
        stem = "/".join(parts)
        for path in (f"{stem}.py", f"{stem}/__init__.py" if stem else "__init__.py"):
            real = self._paths.get(path)
            if real is not None:
                try:
                    return path, self.read(Found(path, real, 0), _MODULE_BYTES).decode(
                        "utf-8", "replace"
                    )
                except ReadError:
                    return None
        return None

    def read(self, found: Found, limit: int) -> bytes:
        """The first bytes of a file.

        Raises:
            ReadError: it cannot be opened or read.
        """
        with LocalFile(found.path, found.real, found.size).open() as artifact:
            return artifact.read_at(0, min(artifact.size, limit))

    def _walk(self) -> None:
        pending = [(str(self.root), "")]
        while pending:
            path, prefix = pending.pop()
            try:
                with os.scandir(path) as entries:
                    listed = list(entries)
            except OSError as error:
                if not prefix:
                    raise SourceError(
                        f"{self.root.name}: {_reason(error)}", "check the path"
                    ) from None
                self._gap(prefix.rstrip("/"), _reason(error), needed=True)
                continue
            if (
                not self._everything
                and any(each.name == _ENVIRONMENT for each in listed)
                and prefix
            ):
                self._gap(prefix.rstrip("/"), "a virtual environment (--all looks into it)")
                continue
            for entry in listed:
                self._entry(entry, prefix, pending)
            if len(self.files) > _MOST:
                self._gap(".", f"more than {_MOST:,} files", needed=True)
                return

    def _entry(self, entry: os.DirEntry[str], prefix: str, pending: list[tuple[str, str]]) -> None:
        name = prefix + entry.name
        if self._exclude and any(fnmatchcase(name, glob) for glob in self._exclude):
            self._gap(name, "left out on the command line")
        elif entry.is_symlink():
            self._link(entry.path, name)
        elif entry.is_dir(follow_symlinks=False):
            if entry.name in _OWN:
                return
            if entry.name in _INSTALLED and not self._everything:
                self._gap(name, "installed packages (--all looks into them)")
                return
            pending.append((entry.path, name + "/"))
        else:
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError as error:
                self._gap(name, _reason(error), needed=True)
                return
            if stat.S_ISREG(found.st_mode):
                self.files.append(Found(name, entry.path, found.st_size))

    def _link(self, path: str, name: str) -> None:
        """Links are read where they lead to, except in a hub's cache: there they have the names."""
        real = os.path.realpath(path)
        inside = f"{real}{os.sep}".startswith(f"{self.root}{os.sep}")
        cache = real.partition(_CACHE)[0] == path.partition(_CACHE)[0] and _CACHE in path
        try:
            found = os.stat(real)  # noqa: PTH116  # strings are cheaper than paths here
        except OSError:
            self._gap(name, "a link that leads nowhere", needed=cache)
            return
        if stat.S_ISREG(found.st_mode) and cache:
            self.files.append(Found(name, real, found.st_size))
        elif not inside:
            self._gap(name, "a link that leads outside, not followed")

    def _gap(self, name: str, reason: str, *, needed: bool = False) -> None:
        status: Any = "unreadable" if needed else "skipped"
        self.coverage.append(Coverage(file=name, status=status, needed=needed, reason=reason))


def _slashes(path: str) -> Iterator[int]:
    position = path.find("/")
    while position >= 0:
        yield position
        position = path.find("/", position + 1)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
