"""What a model descends from, as pictures: its bases, and what changed in which layer.

Both pictures are inline SVG. Everything they show is said in words, too: for readers who do not
see pictures, and because a picture cannot hold a name of a thousand characters.

The layers are drawn when lineage measured them. They are the entry `layers` of
`ModelFacts.lineage`: a list of objects with `layer` (a number or name), `role` (`attn.q`,
`mlp.down`), `change` (Frobenius norm of the difference, relative to the base's) and, where it was
estimated, the `rank` of the difference. Entries of another shape are not drawn.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from modelscan.report.html.answers import status
from modelscan.report.html.markup import LONGEST_PROSE, code, definitions, text
from modelscan.report.html.measured import measured
from modelscan.report.kinship import merged
from modelscan.report.text import clip_middle
from modelscan.report.verdicts import tone_of
from modelscan.vocabulary.ancestry import Tier
from modelscan.vocabulary.result import ModelReport

MOST_BASES = 8
"""Bases that are drawn; a merge can have dozens."""
MOST_LAYERS = 256
MOST_ROLES = 32

_TIERS: dict[Tier, str] = {
    "proved": "proved by digests",
    "measured": "measured from the weights",
    "hint": "a hint, no measurement",
    "declared": "declared by the model's own files, not measured",
    "none": "nothing is known",
}
_ROW = 58
"""Pixels from one model of the graph to the next."""
_WIDTH = 340
_CELLS = 34
"""Columns of a name in the graph."""
_STEPS = (0.0, 1e-6, 1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0)
"""Relative changes from which on a cell is drawn in the next darker shade."""
_LARGEST = 1e9


class _Cell(NamedTuple):
    layer: str
    role: str
    change: float
    rank: int | None


def graph(model: ModelReport) -> str:
    """The bases above, this model below, and between them the relation with its tier."""
    lineage = model.answers.descends_from
    bases = _bases(model)
    relation = f"{lineage.status} ({_TIERS[lineage.tier]})"
    said = ", ".join(bases) if bases else "a base that nobody names"
    shown = bases[:MOST_BASES]
    picture = _picture(
        shown or ["unknown"],
        model.ref,
        lineage.status,
        lineage.tier,
        len(merged(model.facts.lineage)) or 1,
    )
    listed = "".join(f"<li>{code(base)}</li>" for base in shown)
    if len(bases) > MOST_BASES:
        listed += f"<li>and {len(bases) - MOST_BASES:,} more</li>"
    pairs = [
        ("Relation", status(lineage.status, tone_of(lineage.status, lineage.tier))),
        ("Known by", _TIERS[lineage.tier]),
        ("Base", f'<ul class="bases">{listed}</ul>' if listed else "none is named"),
        ("Reason", text(lineage.reason, LONGEST_PROSE)),
    ]
    label = text(f"{model.ref}: {relation}, from {said}", 400)
    return (
        f'<div class="ancestry"><svg class="graph" role="img" aria-label="{label}" '
        f'viewBox="0 0 {_WIDTH} {picture.height}" width="{_WIDTH}" height="{picture.height}">'
        f"{picture.content}</svg>{definitions(pairs)}</div>{_measured(model)}"
    )


def _bases(model: ModelReport) -> list[str]:
    """The parts of a merge, or the base that the answer names; then what the files claim."""
    parts = merged(model.facts.lineage)
    named = [part.base for part in parts] or [model.answers.descends_from.base or ""]
    for claim in model.facts.claims:
        value = claim.get("value")
        if claim.get("claim") == "base" and isinstance(value, str):
            named.append(value)
    return list(dict.fromkeys(name for name in named if name))


class _Picture(NamedTuple):
    height: int
    content: str


def _picture(bases: list[str], ref: str, relation: str, tier: Tier, proved: int = 1) -> _Picture:
    """A dot for each model, and a line from each base; dashed where nobody measured it.

    The first `proved` bases are those that the answer is about; the others are claims.
    """
    last = 24 + _ROW * len(bases)
    alone = len(bases) == 1
    lines, dots = [], []
    for number, base in enumerate(bases):
        y = 24 + _ROW * number
        measured = number < proved and tier in ("proved", "measured")
        bend = f"M16 {y}" if alone else f"M34 {y}H26Q16 {y} 16 {y + 10}"
        lines.append(f'<path class="rail {"solid" if measured else "dashed"}" d="{bend}V{last}"/>')
        dots.append(f'<circle class="base" cx="{16 if alone else 34}" cy="{y}" r="7"/>')
        dots.append(_label(base, y, "base"))
    dots += (
        f'<path class="arrow" d="M10 {last - 20}l6 8l6 -8"/>',
        f'<text class="relation" x="54" y="{last - 24}">{text(relation)} · {tier}</text>',
        f'<circle class="self" cx="16" cy="{last}" r="8"/>',
        _label(ref, last, "self"),
    )
    return _Picture(last + 24, "".join([*lines, *dots]))


def _label(name: str, y: int, kind: str) -> str:
    shown = clip_middle(name, _CELLS) or "(no name)"
    return f'<text class="{kind}" x="54" y="{y + 5}">{text(shown)}</text>'


def _measured(model: ModelReport) -> str:
    """What lineage measured: the picture of the layers, and everything else in words."""
    found = model.facts.lineage
    cells = _cells(found.get("layers"))
    others = {name: value for name, value in found.items() if name != "layers" or not cells}
    return measured(others) + (_layers(cells) if cells else "")


def _cells(layers: Any) -> list[_Cell]:
    found = []
    for entry in layers if isinstance(layers, (list, tuple)) else ():
        if not isinstance(entry, dict):
            continue
        layer, role, change = entry.get("layer"), entry.get("role"), entry.get("change")
        rank = entry.get("rank")
        named = isinstance(layer, str) or _is_number(layer)
        if named and isinstance(role, str) and _is_number(change):
            whole = rank if isinstance(rank, int) and _is_number(rank) else None
            found.append(_Cell(str(layer)[:40], role[:200], float(change or 0), whole))
    return found


def _is_number(value: Any) -> bool:
    """True for a number that can be drawn: no NaN, no integer of thousands of digits."""
    return isinstance(value, (int, float)) and -_LARGEST < value < _LARGEST


def _layers(cells: list[_Cell]) -> str:
    """A cell for each layer and role, the darker the more it changed."""
    names = list(dict.fromkeys(cell.layer for cell in cells))
    roles = list(dict.fromkeys(cell.role for cell in cells))
    rows = {name: number for number, name in enumerate(names[:MOST_LAYERS])}
    columns = {name: number for number, name in enumerate(roles[:MOST_ROLES])}
    left, top, wide, high = 56, 92, 30, 16
    parts = [
        f'<text class="axis" x="{left - 8}" y="{top + high * row + 12}" text-anchor="end">'
        f"{text(name)}</text>"
        for name, row in rows.items()
    ]
    for name, column in columns.items():
        x = left + wide * column + 18
        parts.append(
            f'<text class="axis" transform="translate({x} {top - 6}) rotate(-60)">'
            f"{text(clip_middle(name, 18))}</text>"
        )
    parts += [
        f'<rect class="heat-{_step(cell.change)}" x="{left + wide * columns[cell.role]}" '
        f'y="{top + high * rows[cell.layer]}" width="{wide - 2}" height="{high - 2}">'
        f"<title>{_said(cell)}</title></rect>"
        for cell in cells
        if cell.layer in rows and cell.role in columns
    ]
    width, height = left + wide * len(columns) + 48, top + high * len(rows) + 8
    changed = sum(1 for cell in cells if cell.change > 0)
    label = f"Relative change by layer and role: {changed:,} of {len(cells):,} matrices changed"
    hidden = len(names) - len(rows) + len(roles) - len(columns)
    more = f'<p class="hidden-count">{hidden:,} layers or roles are not drawn</p>' if hidden else ""
    return (
        f"<h4>What changed, by layer and role</h4><p>{label}.</p>{_legend()}"
        f'<div class="scroll" tabindex="0" role="group" aria-label="Picture of the layers">'
        f'<svg class="layers" role="img" aria-label="{label}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">{"".join(parts)}</svg></div>{more}'
    )


def _legend() -> str:
    shades = "".join(
        f'<li><svg width="14" height="14" aria-hidden="true"><rect class="heat-{step}" width="14" '
        f'height="14"/></svg>{"none" if step == 0 else f"≥ {low:g}"}</li>'
        for step, low in enumerate(("", *_STEPS[1:]))
    )
    return f'<ul class="legend" aria-label="Relative change">{shades}</ul>'


def _step(change: float) -> int:
    """The shade of a change: 0 for none, and for what is no number."""
    return max((step for step, low in enumerate(_STEPS) if change >= low), default=0)


def _said(cell: _Cell) -> str:
    rank = "" if cell.rank is None else f", rank {cell.rank:,}"
    return text(f"layer {cell.layer}, {cell.role}: change {cell.change:.3g}{rank}")
