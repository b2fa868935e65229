"""Helm templates as far as they can be read without rendering them.

Nothing is rendered. An action inside a value becomes a text that says so; a line that is nothing
but an action is left out. What comes out is marked as templated: neither silence nor the absence of
a bad setting means anything in it, and only what is written out counts.
"""

from __future__ import annotations

import re
from typing import Final

from modelscan.containment.nodes import Node
from modelscan.containment.nodes import documents as parse
from modelscan.errors import ReadError

PLACEHOLDER: Final = "PUT-IN-LATER"
"""What stands for a value that a template puts in."""
_ACTION: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_ALONE: Final = re.compile(r"[ \t]*(?:-[ \t]+)?(?:\{\{[^\n]*?\}\}[ \t]*)+(?:#.*)?")
_OPENS: Final = re.compile(r"\{\{-?\s*(?:if|range|with|define|block)\b")
_CLOSES: Final = re.compile(r"\{\{-?\s*end\b")
_KIND: Final = re.compile(r"^kind:[ \t]*[\"']?(\w+)", re.MULTILINE)


def kinds(content: str) -> set[str]:
    """The kinds of objects that a template names."""
    return set(_KIND.findall(content))


def conditional(content: str) -> frozenset[int]:
    """The lines that are there under a condition only: deeper than the `kind` of their object."""
    inside: set[int] = set()
    depth = base = 0
    for number, row in enumerate(_ACTION.sub(_on_one_row, content).split("\n"), start=1):
        opened = len(_OPENS.findall(row)) - len(_CLOSES.findall(row))
        depth += min(opened, 0)
        if row.strip() == "---" or _KIND.match(row):
            base = depth
        if depth > base:
            inside.add(number)
        depth += max(opened, 0)
    return frozenset(inside)


def _on_one_row(found: re.Match[str]) -> str:
    """An action in the row where it begins, with its line breaks behind it."""
    return found[0].replace("\n", " ") + "\n" * found[0].count("\n")


def documents(content: str, file: str) -> list[Node]:
    """The documents of a template that are YAML once its actions are taken out."""
    # Actions over several lines keep their line breaks, so that lines stay where they are.
    flat = _ACTION.sub(lambda found: _flat(found[0]), content)
    rows = [
        "" if _ALONE.fullmatch(row) else _ACTION.sub(PLACEHOLDER, row) for row in flat.split("\n")
    ]
    found: list[Node] = []
    part: list[str] = []
    start = 0
    for number, row in enumerate([*rows, "---"]):
        if row.strip() == "---":
            found += _one("\n" * start + "\n".join(part), file)
            part, start = [], number + 1
        else:
            part.append(row)
    return found


def _flat(action: str) -> str:
    breaks = action.count("\n")
    return action if not breaks else "{{ }}" + "\n" * breaks


def _one(content: str, file: str) -> list[Node]:
    """One document; none when it is no YAML even so."""
    try:
        return list(parse(content, file))
    except ReadError:
        return []
