"""Which file configures a run: the option, the environment, or the nearest one upward.

Invariant: what is scanned configures nothing. A configuration that lies in a target, or is one, is
passed over with a warning, unless the command line names it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from modelscan._about import NAME

VARIABLE = "MODELASSAY_CONFIG"
FILE = f"{NAME}.toml"
PROJECT = "pyproject.toml"
LONGEST = 1 << 20
"""Bytes of a configuration; a thousand waivers have about 300,000."""
_NAME = NAME.encode()
_TABLES = tuple(start + b"tool." + _NAME for start in (b"[", b"[[", b""))


class Found(msgspec.Struct, frozen=True):
    """Where the configuration is."""

    path: Path | None
    warnings: tuple[str, ...]


def find(targets: Sequence[str | os.PathLike[str]], named: Path | None = None) -> Found:
    """The file that configures a run over these targets, and what was passed over.

    Args:
        targets: what will be scanned; configuration in it is ignored.
        named: the file that the command line names.
    """
    if named is not None:
        return Found(named, ())
    warnings: list[str] = []
    from_environment = os.environ.get(VARIABLE)
    candidates = [Path(from_environment)] if from_environment else _upward(Path.cwd())
    for path in candidates:
        target = inside(path, targets)
        if target is None:
            return Found(path, tuple(warnings))
        warnings.append(
            f"{path} is ignored: it lies in the target {target}, and a model configures nothing "
            f"(--config {path} uses it all the same)"
        )
    return Found(None, tuple(warnings))


def inside(path: Path, targets: Iterable[str | os.PathLike[str]]) -> str | None:
    """The target that a file lies in or is, directly or through links; `None` for none."""
    places = {os.path.realpath(path), os.path.abspath(path)}  # noqa: PTH100  # links unfollowed
    for target in targets:
        for root in (os.path.realpath(target), os.path.abspath(target)):  # noqa: PTH100  # the same
            below = root.rstrip(os.sep) + os.sep
            if any(place == root or place.startswith(below) for place in places):
                return os.fspath(target)
    return None


def _upward(folder: Path) -> Iterable[Path]:
    """The configurations in a folder and those above it, the nearest first."""
    for level in (folder, *folder.parents):
        here = os.path.join(level, "")  # noqa: PTH118  # a string: paths cost at every start
        if os.path.isfile(here + FILE):  # noqa: PTH113  # the same
            yield Path(os.path.relpath(here + FILE))
        elif os.path.isfile(here + PROJECT) and _configures(Path(here + PROJECT)):  # noqa: PTH113  # the same
            yield Path(os.path.relpath(here + PROJECT))


def _configures(project: Path) -> bool:
    """True for a project file with a table of ours; one that cannot be read is somebody else's.

    Text is looked for before anything is parsed: most project files are not about us.
    """
    try:
        with project.open("rb") as file:
            text = file.read(LONGEST)
    except OSError:
        return False
    if _NAME not in text:
        return False
    lines = [re.sub(rb"[\s\"']", b"", line) for line in text.splitlines()]
    within = b"[tool]" in lines and any(line.startswith(_NAME) for line in lines)
    return within or any(line.startswith(_TABLES) for line in lines)
