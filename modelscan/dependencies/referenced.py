"""Since when the code names a model: what was meant then cannot be what was registered since.

A name that its owner gave up can be registered by anybody, and code that has named it for years
then loads what the new owner put there. A lock notices for models that it knows; for one that is
locked for the first time, the history of the code says how long the name has been there.

Invariants: as in `sides`, git reads objects alone and runs nothing that a repository names; when
nothing is known (no git, no history), nothing is said.

Source: Palo Alto Networks, Unit 42, "Model Namespace Reuse" (2025).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from modelscan.dependencies.sides import git_output
from modelscan.errors import SourceError

_BEFOREHAND: Final = timedelta(days=30)
"""How long before a model is published its own makers may write code that names it."""
_LOG: Final = (
    "-c", "log.showSignature=false", "log", "--format=%ct", "--no-textconv", "--no-ext-diff",
    "--no-show-signature", "--no-color",
)  # fmt: skip


def since(folder: Path, name: str, files: Sequence[str]) -> str:
    """The day on which one of some files first had a name in it; empty when nobody knows.

    The time of the commit counts, which a rebase moves forward: too late a day misses something,
    too early a one would be a false alarm.

    Args:
        folder: of the code, in a repository of git.
        name: as it stands in the code, `owner/model`.
        files: paths below the folder that name it now.
    """
    if not files or not name:
        return ""
    try:
        found = git_output([*_LOG, f"-S{name}", "HEAD", "--", *files], folder, b"")
    except SourceError:
        return ""
    times = [int(line) for line in found.split() if line.isdigit()]
    try:
        return datetime.fromtimestamp(min(times), UTC).date().isoformat() if times else ""
    except (OverflowError, OSError, ValueError):  # a commit of a year that no calendar has
        return ""


def registered_later(created: str, known: str) -> bool:
    """True when a repository was made well after code began to name it.

    Args:
        created: when the place says that it was made, RFC 3339; empty for unknown.
        known: from `since`.
    """
    if not created or not known:
        return False
    try:
        return date.fromisoformat(created[:10]) > date.fromisoformat(known) + _BEFOREHAND
    except (ValueError, OverflowError):
        return False
