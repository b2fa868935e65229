"""What a policy's `[licences]` say to a licence: by its one spelling, or as it was written.

Of alternatives (`Apache-2.0 OR MIT`) the most lenient counts, since whoever uses the model chooses;
of licences that hold together (`AND`) the strictest. A line that fits how the licence was written
counts as much as one for its one spelling, and a bare `*` only where no other line fits.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelscan.policy.levels import Level, level_of, rank
from modelscan.vocabulary.fact import LicenceStated

_ANY = "*"
_NOT_WRITTEN = frozenset({"base", "text"})
"""Sources whose `stated` is where the licence was found, and not how it was written."""
_OR, _AND = " OR ", " AND "
"""As in SPDX expressions; the facts have no parentheses."""


def level_of_licence(table: Mapping[str, Level], stated: LicenceStated) -> Level:
    """What the table says to one licence of a model."""
    if not stated.identifier:
        return level_of(table, "" if stated.source == "text" else stated.stated)
    found = [_alternative(table, each) for each in stated.identifier.split(_OR)]
    level = min(found, key=rank)
    if len(found) > 1 or stated.source in _NOT_WRITTEN:
        return level
    specific = {name: each for name, each in table.items() if name != _ANY}
    if not _names(specific, stated.stated):
        return level
    written = level_of(specific, stated.stated)
    return max(level, written, key=rank) if _names(specific, stated.identifier) else written


def words(stated: LicenceStated) -> str:
    """A licence, and who says so, in a few words."""
    if not stated.stated:
        return "none is named"
    if stated.source == "base":
        return f"{stated.identifier}, of the base {stated.stated}"
    if stated.source == "text":
        return f"{stated.identifier or 'unknown terms'}, by {stated.stated}"
    return stated.identifier or stated.stated


def _alternative(table: Mapping[str, Level], alternative: str) -> Level:
    return max((level_of(table, part) for part in alternative.split(_AND)), key=rank)


def _names(table: Mapping[str, Level], name: str) -> bool:
    """True when some line fits the name, whatever its level."""
    denied: dict[str, Level] = dict.fromkeys(table, "deny")
    return level_of(denied, name) == "deny"
