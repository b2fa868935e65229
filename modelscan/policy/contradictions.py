"""Lines of one table of a configuration that cannot both be meant.

Between files, environments and floors the later or the stricter line holds, on purpose. Within one
table nobody can say which of two lines was meant, and one that quietly does nothing is a permission
that somebody believes to have taken away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from modelscan.policy.configuration import Configuration, Lines
from modelscan.policy.lines import Where
from modelscan.policy.profile import AUTONOMY

_NAMED = ("publishers", "formats", "licences", "bases")
"""Tables whose names do not depend on letter case."""


def contradictions(configuration: Configuration) -> Iterator[tuple[Where, str]]:
    """Where a line stands that another one contradicts, and what it says."""
    yield from _of(configuration, ())
    for name, environment in configuration.env.items():
        yield from _of(environment, ("env", name))


def _of(table: Lines, place: Where) -> Iterator[tuple[Where, str]]:
    required = dict(table.requirements)
    for name in table.require:
        if required.get(name, "fail") != "fail":
            yield (*place, "requirements", name), f"{required[name]!r}, and require lists it"
    for name in AUTONOMY[table.autonomy] if table.autonomy else ():
        if required.get(name, "fail") != "fail":
            said = f"{required[name]!r}, and autonomy = {table.autonomy!r} requires it"
            yield (*place, "requirements", name), said
    document: Mapping[str, Any] = msgspec.to_builtins(table)
    for answer, statuses in document.get("answers", {}).items():
        both = set(statuses.get("fail") or ()) & set(statuses.get("incomplete") or ())
        if both:
            said = f"{', '.join(sorted(both))} cannot both fail and be incomplete"
            yield (*place, "answers", answer, "incomplete"), said
    for kind in _NAMED:
        seen: dict[str, str] = {}
        for pattern, level in document.get(kind, {}).items():
            if seen.setdefault(pattern.casefold(), level) != level:
                yield (*place, kind, pattern), f"{level!r}, and {seen[pattern.casefold()]!r} above"
