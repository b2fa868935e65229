"""Compose files over each other: overrides, services that extend others, short forms and long ones.

Invariants: nothing outside of the files that were read is followed; what is missing is said; a loop
of services that extend each other ends.

Source: the Compose specification (merge, `!reset` and `!override`, `extends`, short syntaxes).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from modelscan.containment.nodes import Row, Table, at, rows, string, table, text
from modelscan.errors import BudgetError

_DRIVE: Final = re.compile(r"[A-Za-z]:(?:\\|/[^:]*:/)")
_PART: Final = re.compile(r"(?:\$\{[^}]*\}|[^:])+")
_DEEPEST: Final = 20
_LONGEST: Final = 10_000
"""Items of a list that is added to."""
_MOST: Final = 1_000
"""Services that extend others."""


def resolve(composes: dict[str, Table]) -> Iterator[tuple[str, str]]:
    """Make services whole that extend others, in place; says which files are missing.

    Args:
        composes: compose files by path.
    """
    extended = 0
    whole = {path: dict(table(root.get("services"))) for path, root in composes.items()}
    for path, root in composes.items():
        for each in rows(root.get("include")):
            for named in _included(each):
                other = posixpath.normpath(posixpath.join(posixpath.dirname(path), named))
                if other not in composes:
                    yield path, f"it includes {named or 'other files'}"
        services = table(root.get("services"))
        for name, service in services.items():
            if isinstance(service, Table) and "extends" in service:
                extended += 1
                if extended > _MOST:
                    yield path, f"more than {_MOST:,} services extend others"
                    return
                made, missing = _extended(whole, path, str(name), 0)
                services[name] = made or service
                if missing:
                    yield path, missing


def _included(given: Any) -> list[str]:
    """The files that an entry of `include` names."""
    path = given.get("path") if isinstance(given, Table) else given
    return [string(each) for each in rows(path)] if isinstance(path, Row) else [string(path)]


def _extended(
    whole: Mapping[str, Mapping[Any, Any]], path: str, name: str, depth: int
) -> tuple[Table | None, str]:
    """A service with what it extends below it, and what is missing for that."""
    service = whole.get(path, {}).get(name)
    if not isinstance(service, Table):
        return None, f"a service extends {name}, which is not here"
    given = service.get("extends")
    if given is None or depth > _DEEPEST:
        return (
            service,
            "" if given is None else "services extend each other in a circle, or too often",
        )
    file = string(at(service, "extends", "file"))
    other = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
    wanted = string(given) or string(at(service, "extends", "service")) or name
    if other not in whole:
        return service, f"a service extends {file}"
    base, missing = _extended(whole, other, wanted, depth + 1)
    if base is None:
        return service, missing
    own = Table((key, value) for key, value in service.items() if key != "extends")
    own.file, own.line = service.file, service.line
    made = merged(base, own)
    made.pop("extends", None)
    made.file, made.line = service.file, service.line
    if missing:
        made["extends"] = given  # not whole
    return made, missing


def merged(base: Any, over: Any) -> Any:
    """A compose file with another laid over it, as `docker compose -f base -f over` does.

    Tables are merged, lists of ports, volumes and the like added to; `!override` replaces, and
    `!reset` takes away.
    """
    if not isinstance(base, Table) or not isinstance(over, Table) or over.tag == "!override":
        return over
    made = Table(base)
    made.file, made.line = base.file, base.line
    for key, value in over.items():
        if getattr(value, "tag", "") == "!reset":
            made.pop(key, None)
        elif key not in base or getattr(value, "tag", "") == "!override" or key in _REPLACED:
            made[key] = value
        elif key in _NAMED:
            made[key] = merged(pairs(base[key]), pairs(value))
        elif isinstance(base[key], Row) or isinstance(value, Row):
            made[key] = _added(key, _row(base[key]), _row(value))
        else:
            made[key] = merged(base[key], value)
    return made


_NAMED: Final = frozenset(
    {"environment", "labels", "networks", "depends_on", "sysctls", "annotations", "models"}
)
"""Keys under which a list says the same as a table."""
_REPLACED: Final = frozenset({"command", "entrypoint", "test"})


def _added(key: str, base: Row, over: Row) -> Row:
    """Lists are added to each other; of two volumes for the same path the later one counts."""
    places = {_target(each) for each in over} if key == "volumes" else set()
    if len(base) + len(over) > _LONGEST:
        raise BudgetError(f"a list of more than {_LONGEST:,} values")
    made = Row([*(each for each in base if key != "volumes" or _target(each) not in places), *over])
    made.file, made.line = over.file, over.line
    return made


def _row(value: Any) -> Row:
    """A list; one value alone is a list of one."""
    if isinstance(value, Row):
        return value
    made = Row([value])
    made.file, made.line = value.file, value.line
    return made


def _target(volume: Any) -> str:
    if isinstance(volume, Table):
        return string(volume.get("target"))
    return split_volume(string(volume))[1]


def pairs(value: Any) -> Any:
    """`- NAME=value` as `NAME: value`, and `- name` as `name:`."""
    if not isinstance(value, Row):
        return value
    made = Table()
    made.file, made.line, made.tag = value.file, value.line, value.tag
    for each in value:
        name, tied, rest = string(each).partition("=")
        if name:
            given = text(rest, each.file, each.line, plain=False)
            made[text(name, each.file, each.line)] = (
                given if tied else text("", each.file, each.line)
            )
    return made


def split_volume(volume: str) -> tuple[str, str, str]:
    """`source:target:mode` taken apart; drives and `${NAME:-default}` hold colons of their own."""
    drive = _DRIVE.match(volume)
    parts = _PART.findall(volume[2:] if drive else volume) or [""]
    parts[0] = (volume[:2] if drive else "") + parts[0]
    if len(parts) == 1:
        return "", parts[0], ""
    return parts[0], parts[1], parts[2] if len(parts) > 2 else ""  # noqa: PLR2004  # the mode
