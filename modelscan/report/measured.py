"""What lineage measured, for the terminal: each verdict with its tier and limits, and the layers.

The picture of the layers is one line for each role and one character for each layer: a dot where
nothing changed, else a digit for the size of the change. It needs no colour and no wide characters.
Entries of another shape than `lineage.picture` writes are left out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import Any

from modelscan.report.kinship import entries, said
from modelscan.report.page import Page
from modelscan.report.text import counted
from modelscan.vocabulary.result import ModelReport

_STEPS = (1e-6, 1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0)
"""Relative changes from which on the next higher digit is shown."""
_ROLE = 20
_INDENT = 4
_RANKS = 14
"""Columns that are kept for the ranks behind a line."""
_MOST_ROLES = 24
_MOST_VERDICTS = 6
_LIMIT_LINES = 3


def measured(page: Page, model: ModelReport) -> None:
    """Add what was measured, when anything was."""
    found = model.facts.lineage
    verdicts = said(found)
    if not verdicts:
        return
    page.line()
    page.paragraph(f"Lineage, compared with {found.get('base', '')}", 0, 2, "bold")
    for verdict in verdicts[:_MOST_VERDICTS]:
        lead = f"{verdict['relation']} ({verdict['tier']})"
        page.paragraph(f"{lead}: {verdict['text']}", 2, 6)
        page.paragraph(f"Limits: {verdict['limits']}", _INDENT, _LIMIT_LINES, "dim")
    _direction(page, found.get("deep"))
    for candidate in entries(found.get("candidates"))[:_MOST_VERDICTS]:
        likeness = candidate.get("resemblance")
        shown = f", resemblance {likeness:.3f}" if isinstance(likeness, float) else ""
        text = f"{candidate.get('base')}: {candidate.get('relation')} ({candidate.get('tier')})"
        page.paragraph(f"against {text}{shown}", 2, 2, "dim")
    _layers(page, entries(found.get("layers")))


def _direction(page: Page, deep: Any) -> None:
    """The direction that the weights' differences share, when they were decomposed."""
    direction = deep.get("write_direction") if isinstance(deep, dict) else None
    if not isinstance(direction, dict):
        return
    names = ("matrices", "cosine", "left_of_it")
    values = [direction.get(name) for name in names]
    if all(isinstance(value, (int, float)) for value in values):
        matrices, cosine, left = values
        page.paragraph(
            f"In depth: along the direction that {matrices} matrices changed most in common "
            f"(cosine {cosine:.2f}), they write {left:.1%} of what the base's write.",
            2,
            3,
        )


def _layers(page: Page, cells: list[dict[str, Any]]) -> None:
    """A line for each role; the layers that share a column show their largest change."""
    rows: defaultdict[str, dict[int, tuple[float, int]]] = defaultdict(dict)
    for cell in cells:
        layer, role, change = cell.get("layer"), cell.get("role"), cell.get("change")
        if isinstance(layer, int) and layer >= 0 and isinstance(change, (int, float)):
            rank = cell.get("rank")
            rows[str(role)][layer] = (float(change), rank if isinstance(rank, int) else 0)
    changed = {role: row for role, row in rows.items() if any(each[0] for each in row.values())}
    if not changed:
        return
    last = max(layer for row in rows.values() for layer in row)
    room = page.width - _INDENT - _ROLE - _RANKS
    share = -(-(last + 1) // room)
    columns = "" if share == 1 else f", {share} layers to a column"
    page.paragraph(
        f"What changed in layers 0 to {last}{columns}: . nothing, then from 1e-6, 1e-4, 1e-3, .01, "
        ".03, .1, .3, 1 of the base's norm on",
        2,
        3,
    )
    for role, row in sorted(changed.items())[:_MOST_ROLES]:
        marks = "".join(
            _mark([row.get(layer) for layer in range(start, min(start + share, last + 1))])
            for start in range(0, last + 1, share)
        )
        name = page.plain(role)[: _ROLE - 1].ljust(_ROLE)
        page.line(" " * _INDENT + name + marks + _rank([each[1] for each in row.values()]))
    unchanged = len(rows) - len(changed)
    if unchanged or len(changed) > _MOST_ROLES:
        hidden = max(len(changed) - _MOST_ROLES, 0)
        text = f"{counted(unchanged, 'role')} unchanged" + (
            f", {hidden} not drawn" if hidden else ""
        )
        page.paragraph(text, _INDENT, 1, "dim")


def _mark(cells: list[tuple[float, int] | None]) -> str:
    known = [cell[0] for cell in cells if cell is not None]
    if not known:
        return " "
    return str(bisect_right(_STEPS, max(known)) or 1) if max(known) > 0 else "."


def _rank(ranks: list[int]) -> str:
    known = sorted({rank for rank in ranks if rank > 0})
    if not known:
        return ""
    return f"  rank {known[0]}" + (f"-{known[-1]}" if len(known) > 1 else "")
