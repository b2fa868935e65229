"""Tables that give names a level: which publishers, formats or licences are allowed here.

A table maps names and globs to levels, as `{"pickle": "deny", "*": "warn"}`. An exact name counts
before a glob, a longer glob before a shorter one, and of two that are equally long the stricter;
what no line names is allowed. Letter case does not matter: hubs and file names are loose about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Literal

Level = Literal["allow", "warn", "deny"]
Strictness = Literal["off", "warn", "fail"]

_RANK: dict[str, int] = {"allow": 0, "off": 0, "warn": 1, "deny": 2, "fail": 2}


def rank(level: str) -> int:
    """How strict a level is: 0 passes, 1 warns, 2 fails."""
    return _RANK[level]


def level_of(table: Mapping[str, Level], name: str) -> Level:
    """The level of a name."""
    wanted = name.casefold()
    matching = [
        (pattern.casefold() == wanted, len(pattern), rank(level), level)
        for pattern, level in table.items()
        if fnmatchcase(wanted, pattern.casefold()) or pattern.casefold() == wanted
    ]
    return max(matching)[3] if matching else "allow"
