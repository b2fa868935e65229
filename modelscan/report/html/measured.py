"""What lineage measured, in words and tables: verdicts with their limits, parts, rivals, depth.

See `kinship` for where it stands in a report. What is known by no name here is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelscan.report.html.answers import status
from modelscan.report.html.markup import LONGEST_PROSE, code, data, definitions, text
from modelscan.report.html.tables import MOST_ROWS, table
from modelscan.report.kinship import entries, merged, number, said
from modelscan.report.verdicts import tone_of
from modelscan.vocabulary.ancestry import Tier

_SHOWN = frozenset({"verdicts", "merge", "candidates", "deep", "base"})
"""Entries that have a place of their own."""
_MOST_VALUES = 4
"""Singular values of one matrix that are shown."""
_TIERS: tuple[Tier, ...] = ("proved", "measured", "hint", "declared", "none")
_NAMES = {
    "compared_by": "Compared by",
    "invariants": "Likeness of invariants",
    "layer_map": "Base's layer for each layer",
    "missing": "Tensors that are missing",
    "not_compared": "Not compared",
    "resemblance": "Resemblance",
    "templates_differ": "Templates that differ",
    "tensors": "Tensors",
    "tokenizer_differs": "Parts of the tokenizer that differ",
    "write_direction": "Direction that the differences share",
    "half_step": "Within the rounding of quantisation",
    "weights_root": "Digest of the weights' values",
}


def measured(found: Mapping[str, Any]) -> str:
    """Everything that was measured, but for the picture of the layers."""
    parts = [*_verdicts(found), table("Parts of the merge", _PARTS, _merge(found))]
    rivals = table("Compared with", _RIVALS, _candidates(found))
    deep = found.get("deep")
    depth = table("Matrices, decomposed", _MATRICES, _matrices(deep))
    direction = deep.get("write_direction") if isinstance(deep, dict) else None
    others = [
        (_NAMES.get(name, name.replace("_", " ")), _value(value))
        for name, value in sorted(found.items())
        if name not in _SHOWN
    ]
    if direction is not None:
        others.append(("Direction, in depth", _value(direction)))
    numbers = f"<h4>Measured</h4>{definitions(others)}" if others else ""
    return "".join(parts) + rivals + numbers + depth


def _verdicts(found: Mapping[str, Any]) -> Iterator[str]:
    against = found.get("base")
    if isinstance(against, str) and against:
        yield f"<h4>Measured against {code(against)}</h4>"
    for verdict in said(found):
        tier: Tier = next((one for one in _TIERS if one == verdict["tier"]), "none")
        relation = verdict["relation"]
        yield (
            f'<div class="verdict">{status(relation, tone_of(relation, tier))}'
            f"<p>{text(tier)}: {text(verdict['text'], LONGEST_PROSE)}</p>"
            f'<p class="question">Limits: {text(verdict["limits"], LONGEST_PROSE)}</p></div>'
        )


_PARTS = ("Base", "Weight")
_RIVALS = ("Base", "Relation", "Known by", "Resemblance")
_MATRICES = ("Matrix", "Rank", "Norm", "First share", "Largest singular values")


def _merge(found: Mapping[str, Any]) -> list[list[str]]:
    return [[code(part.base), _number(part.weight)] for part in merged(found)]


def _candidates(found: Mapping[str, Any]) -> list[list[str]]:
    return [
        [
            code(str(one.get("base", ""))),
            text(str(one.get("relation", ""))),
            text(str(one.get("tier", ""))),
            _number(one.get("resemblance")),
        ]
        for one in entries(found.get("candidates"))
    ]


def _matrices(deep: Any) -> list[list[str]]:
    listed = entries(deep.get("matrices")) if isinstance(deep, dict) else []
    return [
        [
            code(str(one.get("name", ""))),
            "full" if one.get("rank") is None else _number(one["rank"]),
            _number(one.get("norm")),
            _number(one.get("first_share")),
            _numbers(one.get("singular_values")),
        ]
        for one in listed
    ]


def _number(value: Any) -> str:
    return f"{value:.4g}" if number(value) else "–"  # noqa: RUF001  # a dash is meant


def _numbers(values: Any) -> str:
    listed = values if isinstance(values, list) else []
    return ", ".join(_number(value) for value in listed[:_MOST_VALUES])


def _value(value: Any) -> str:
    """Numbers and short lists in a line, everything else as it is."""
    if number(value):
        return _number(value)
    if isinstance(value, dict) and value and all(number(one) for one in value.values()):
        pairs = (
            f"{text(str(name)).replace('_', ' ')}: {_number(one)}" for name, one in value.items()
        )
        return ", ".join(pairs)
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return ", ".join(code(one) for one in value[:MOST_ROWS])
    return data(value)
