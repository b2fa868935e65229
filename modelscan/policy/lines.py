"""On which line of a TOML file each key stands: what the standard library's parser does not tell.

A small scan of lines, for messages alone: it runs after the parser has accepted the text, and a key
that it misreads (inside a text of several lines, say) costs a wrong line number and nothing else.
"""

from __future__ import annotations

import re

Where = tuple[str | int, ...]
"""Keys and indexes that lead to a value."""

_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*(?P<open>\[\[?)\s*(?P<keys>{_DOTTED})\s*\]")
_ASSIGNMENT = re.compile(rf"\s*(?P<keys>{_DOTTED})\s*=")
_PARTS = re.compile(_PART)


def of(text: str, prefix: Where = ()) -> dict[Where, int]:
    """The first line, from 1, of each key and table.

    Args:
        text: the whole file.
        prefix: the table that counts; keys are relative to it, and others are left out.
    """
    found: dict[Where, int] = {}
    counts: dict[Where, int] = {}
    table: Where = ()
    for number, line in enumerate(text.split("\n"), 1):
        header, assignment = _HEADER.match(line), _ASSIGNMENT.match(line)
        if header:
            table = _keys(header["keys"])
            if header["open"] == "[[":
                index = counts[table] = counts.get(table, -1) + 1
                table = (*table, index)
            _note(found, table, prefix, number)
        elif assignment:
            _note(found, (*table, *_keys(assignment["keys"])), prefix, number)
    return found


def nearest(lines: dict[Where, int], where: Where) -> int:
    """The line of a value, of what stands in it, or of the closest table around it that has one."""
    while where and where not in lines:
        within = [line for key, line in lines.items() if key[: len(where)] == where]
        if within:
            return min(within)
        where = where[:-1]
    return lines.get(where, 1)


def _keys(text: str) -> Where:
    return tuple(part.strip("\"'") for part in _PARTS.findall(text))


def _note(found: dict[Where, int], where: Where, prefix: Where, number: int) -> None:
    if where[: len(prefix)] == prefix:
        found.setdefault(where[len(prefix) :], number)
