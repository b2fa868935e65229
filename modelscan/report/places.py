"""Where a finding is shown by tools that show it beside a repository's files.

Such a tool (code scanning, merge request widgets, annotations) wants a path inside the repository.
A model's own files have one only when the model lies in it; a fetched model has not, so that its
findings belong at the line that references it, when the report knows that line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from modelscan.report.identity import without_revision
from modelscan.report.machine import LONGEST_NAME, representable, text
from modelscan.vocabulary.location import MEMBER_SEPARATOR, Location
from modelscan.vocabulary.result import ModelReport

REFERENCED_AT = "referenced_at"
"""Key of `ModelFacts.provenance`: `{"file": …, "line": …}` of the reference to a fetched model."""
_LAST_LINE = 2**31 - 1
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:/*", re.IGNORECASE)


class Place(NamedTuple):
    """A line of a file."""

    path: str
    """Relative, with forward slashes; inert, never empty."""
    line: int
    """From 1; 1 when no line is known."""


def place(model: ModelReport, location: Location) -> Place:
    """Where to show a finding: the reference to the model, else the model's file."""
    reference = model.facts.provenance.get(REFERENCED_AT)
    if isinstance(reference, dict) and isinstance(reference.get("file"), str):
        return Place(_relative(reference["file"]), _line(reference.get("line")))
    line = _line(location.line)
    if model.source.kind == "file":
        return Place(_relative(location.file or model.ref), line)
    root = without_revision(model.ref)
    scheme = _SCHEME.match(root)
    root = root[scheme.end() :] if scheme else root
    return Place(_relative(f"{root}/{location.file}"), line)


def inside(model: ModelReport, location: Location) -> str:
    """The place as the report names it, `ref!file!member @offset`; inert."""
    parts = [model.ref, location.file, location.member or ""]
    where = MEMBER_SEPARATOR.join(text(part, LONGEST_NAME) for part in parts if part) or "."
    return where if location.offset is None else f"{where} @{location.offset}"


def _line(value: object) -> int:
    return min(max(value, 1), _LAST_LINE) if isinstance(value, int) else 1


def _relative(path: str) -> str:
    """The path without what would lead out of the repository, or nowhere."""
    parts = representable(path)[:LONGEST_NAME].split("/")
    return "/".join(text(part) for part in parts if part not in ("", ".", "..")) or "model"
