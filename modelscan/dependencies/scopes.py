"""Which lock is in charge of which part of a code base.

The nearest lock upward is: a repository may have one at its top, one for each service, or both.

Invariants: a lock inside a model's own folder is in charge of nothing but that folder; looking
upward ends at the top of the repository (the folder with `.git`); one walk and one inventory for
each path, however many locks there are.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import msgspec

from modelscan.dependencies import folders, lockfile
from modelscan.discovery import inventory as discovery
from modelscan.discovery.walking import Tree
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.reference import Inventory, ModelFile, Reference

_REPOSITORY = ".git"


class Scope(NamedTuple):
    """A part of a code base, and the lock in charge of it."""

    folder: Path
    """The lock's folder: paths of the inventory are relative to it."""
    lock: Path | None
    """`None` where there is no lock yet."""
    inventory: Inventory
    marked: frozenset[str]
    """Folders of it that are models, see `folders`."""
    whole: bool
    """True when all of the folder was looked at: only then can a lock's entry be unused."""
    shown: str
    """How messages call the folder: relative to the working directory, with a slash, or empty."""


def scopes(path: Path, exclude: Sequence[str] = (), *, upwards: bool = True) -> list[Scope]:
    """The parts of what lies below a path, each with its lock; outermost first.

    Args:
        path: a folder, or a single file.
        exclude: globs on relative paths that are left out.
        upwards: a lock above the path is in charge of what no lock below it is.

    Raises:
        SourceError: the path cannot be listed.
    """
    tree = Tree(path, tuple(exclude))
    top = tree.root
    found = discovery.take([path], exclude=exclude, hash_limit=0)
    below = {
        PurePosixPath(file.path).parent.as_posix()
        for file in tree.files
        if file.path.rpartition("/")[2] == lockfile.NAME
    }
    whole = path.is_dir()
    above = top if not upwards or (whole and "." in below) else upward(top)
    marked = folders.marked(tree)
    parts: dict[str, list[Reference | ModelFile | Coverage]] = {".": []}
    parts |= {folder: [] for folder in sorted(below)}
    items: list[Reference | ModelFile | Coverage] = []
    items += found.references
    items += found.artifacts
    items += found.coverage
    for each in items:
        parts[_in_charge(_file(each), below)].append(each)
    result = []
    for folder, inside in parts.items():
        home = above or top if folder == "." else top / folder
        lock = home / lockfile.NAME
        moved = [_moved(each, top, home) for each in inside]
        result.append(
            Scope(
                folder=home,
                lock=lock if lock.is_file() else None,
                inventory=Inventory(
                    references=tuple(each for each in moved if isinstance(each, Reference)),
                    artifacts=tuple(each for each in moved if isinstance(each, ModelFile)),
                    coverage=tuple(each for each in moved if isinstance(each, Coverage)),
                ),
                marked=frozenset(
                    moved_path(each, top, home)
                    for each in marked
                    if _in_charge(f"{each}/-", below) == folder
                ),
                whole=whole and (folder != "." or home == top),
                shown=_shown(home),
            )
        )
    return result


def upward(folder: Path) -> Path | None:
    """The nearest folder with a lock, from this one up to the top of the repository."""
    for level in (folder, *folder.parents):
        if (level / lockfile.NAME).is_file():
            return level
        if (level / _REPOSITORY).exists():
            return None
    return None


def _in_charge(file: str, below: set[str]) -> str:
    for folder in PurePosixPath(file).parents:
        if folder.as_posix() in below:
            return folder.as_posix()
    return "."


def _file(each: Reference | ModelFile | Coverage) -> str:
    if isinstance(each, Reference):
        return each.where.file
    return each.path if isinstance(each, ModelFile) else each.file


def _moved(
    each: Reference | ModelFile | Coverage, top: Path, home: Path
) -> Reference | ModelFile | Coverage:
    """The same, with paths from another folder: above the one that was looked at, or below it."""
    if home == top:
        return each

    if isinstance(each, Reference):
        where = msgspec.structs.replace(each.where, file=moved_path(each.where.file, top, home))
        return msgspec.structs.replace(each, where=where)
    if isinstance(each, ModelFile):
        also = tuple(moved_path(path, top, home) for path in each.also)
        return msgspec.structs.replace(each, path=moved_path(each.path, top, home), also=also)
    return msgspec.structs.replace(each, file=moved_path(each.file, top, home))


def moved_path(path: str, top: Path, home: Path) -> str:
    """A path below one folder, as seen from another."""
    return path if home == top else Path(os.path.relpath(top / path, home)).as_posix()


def _shown(folder: Path) -> str:
    """A folder as seen from the working directory; by its name alone when it lies elsewhere."""
    here = Path(os.path.realpath(Path.cwd()))
    if folder == here:
        return ""
    if folder.is_relative_to(here):
        return folder.relative_to(here).as_posix() + "/"
    return f"{folder.name}/"
