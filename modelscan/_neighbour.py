"""Who else provides the package `modelscan` in this environment, and whether our files are ours.

Another project on the package index has the same import package. Both wheels share one file,
`modelscan/__init__.py`, which nothing of ours imports from: whichever is installed last writes it,
and when either is uninstalled it goes, after which Python finds what remains as a namespace
package (PEP 420). Every other file of ours must be the one that our wheel brought.

Invariants: nothing is imported but the standard library, and no code of a neighbour is ever run;
installed metadata (PEP 376, PEP 627) is read as text. Digests in `RECORD` find damage and
accidents; whoever can write to the environment can write `RECORD` too.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from modelscan._about import NAME

if TYPE_CHECKING:
    from importlib.metadata import Distribution

PACKAGE = "modelscan"
"""The import package that we share, and the name of the distribution we share it with."""
SHARED = f"{PACKAGE}/__init__.py"
"""The one file that both wheels bring."""


class Neighbour(NamedTuple):
    """A distribution that provides the package too."""

    name: str
    version: str
    files: int
    """How many files it brings into the package; 0 for an editable install."""


class Surroundings(NamedTuple):
    """What there is in this environment."""

    version: str | None
    """What our installed metadata says; `None` when we run from a folder that is not installed."""
    editable: bool
    """Installed as a link to a checkout: there are no installed files to compare."""
    neighbours: tuple[Neighbour, ...]
    missing: tuple[str, ...]
    """Files of ours that are gone; the shared one does not count."""
    changed: tuple[str, ...]
    """Files of ours that are not the ones our wheel brought; the shared one does not count."""
    elsewhere: Path | None
    """The installed package, when the code that runs is in another folder; else `None`."""
    folders: tuple[Path, ...]
    """Where Python looks for modules of the package, in its order."""


def look(running: Path = Path(__file__).parent) -> Surroundings:
    """Look around.

    Args:
        running: the folder of the package whose code runs.
    """
    from importlib import metadata  # lazy: 20 ms, which only `doctor` needs

    others: dict[tuple[str, str], Neighbour] = {}
    for distribution in metadata.distributions():
        files = _record(distribution)
        name = _stated(distribution, "Name", "a distribution without a name")
        if (files or name.lower() == PACKAGE) and name != NAME:
            found = Neighbour(name, _stated(distribution, "Version", "?"), len(files))
            others.setdefault((found.name, found.version), found)
    try:
        ours = metadata.distribution(NAME)
    except metadata.PackageNotFoundError:
        ours = None
    files = _record(ours) if ours else {}
    missing, changed = _damage(ours, files) if ours else ((), ())
    installed = Path(str(ours.locate_file(PACKAGE))) if ours and files else None
    return Surroundings(
        version=ours.version if ours else None,
        editable=ours is not None and not files,
        neighbours=tuple(sorted(others.values())),
        missing=missing,
        changed=changed,
        elsewhere=installed if installed and installed.resolve() != running.resolve() else None,
        folders=_folders(running),
    )


def _stated(distribution: Distribution, field: str, otherwise: str) -> str:
    """What a distribution says of itself; from Python 3.12 on `[]` warns of what is not there."""
    stated: list[str] = distribution.metadata.get_all(field) or []
    return "".join(stated[:1]) or otherwise


def _record(distribution: Distribution) -> dict[str, str]:
    """The files that a distribution brings into the package, each with the digest it states.

    `Distribution.files` would not do: from Python 3.12 on it leaves out the files that are missing.
    """
    try:
        text = distribution.read_text("RECORD") or ""
    except (OSError, UnicodeDecodeError):
        return {}
    lines = [line for line in text.splitlines() if line.lstrip('"').startswith(f"{PACKAGE}/")]
    return {row[0]: row[1] if len(row) > 1 else "" for row in csv.reader(lines)}


def _damage(
    distribution: Distribution, files: dict[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The missing and the changed among the files that a distribution brought."""
    missing: list[str] = []
    changed: list[str] = []
    for name, stated in sorted(files.items()):
        algorithm, _, digest = stated.partition("=")
        if algorithm != "sha256" or name == SHARED:
            continue  # byte code has no digest: it is made after the installation
        try:
            data = Path(str(distribution.locate_file(name))).read_bytes()
        except OSError:
            missing.append(name)
            continue
        if urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode() != digest:
            changed.append(name)
    return tuple(missing), tuple(changed)


def _folders(running: Path) -> tuple[Path, ...]:
    package = sys.modules.get(PACKAGE)
    places = getattr(package, "__path__", None)
    return tuple(Path(place) for place in places) if places is not None else (running,)
