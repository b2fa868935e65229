"""What a configuration says of lineage.

    [lineage]
    library = ["fingerprints"]
    seed = "seed.txt"

`library` are folders of fingerprints that a scan holds every model against, by a few values of each
tensor. `seed` is the file with the secret that private ones were made with. Paths are relative to
the configuration.

Invariant: a library or seed that is configured and cannot be used is an error, never one that is
silently not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from modelscan.errors import UsageError

Text = Annotated[str, msgspec.Meta(min_length=1)]


class LineageTable(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[lineage]`."""

    library: tuple[Text, ...] = ()
    """Folders of fingerprints."""
    seed: Text | None = None
    """File with the secret of private fingerprints."""


class Placed(msgspec.Struct, frozen=True):
    """The table of one configuration file."""

    path: Path
    table: LineageTable


class Library(msgspec.Struct, frozen=True):
    """What to hold models against."""

    folders: tuple[Path, ...] = ()
    seed: Path | None = None


def library_of(tables: Sequence[Placed]) -> Library:
    """The folders of all files together; the seed is the same for all.

    Args:
        tables: of all files, the organisation's first.

    Raises:
        UsageError: two files name different seeds.
    """
    folders = [each.path.parent / name for each in tables for name in each.table.library]
    seeds = dict.fromkeys(_seeds(tables))
    if len(seeds) > 1:
        raise UsageError(f"lineage.seed: {', '.join(map(str, seeds))}", "one seed serves a run")
    return Library(tuple(dict.fromkeys(folders)), next(iter(seeds), None))


def _seeds(tables: Iterable[Placed]) -> Iterable[Path]:
    return (each.path.parent / each.table.seed for each in tables if each.table.seed)
