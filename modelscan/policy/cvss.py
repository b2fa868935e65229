"""The base score of a CVSS vector of version 3, as advisories carry it.

Source: FIRST, "Common Vulnerability Scoring System version 3.1: Specification Document", section
7.1 (base metrics equations), 7.4 (metric values), appendix A (rounding up), section 5 (ratings).
"""

from __future__ import annotations

import re
from typing import Literal

Rating = Literal["low", "medium", "high", "critical"]

_VECTOR = re.compile(r"CVSS:3\.[01](?:/[A-Z]{1,3}:[A-Z]){8,30}")
_IMPACT = {"H": 0.56, "L": 0.22, "N": 0.0}
_WEIGHTS: dict[str, dict[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": _IMPACT,
    "I": _IMPACT,
    "A": _IMPACT,
}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}
"""By scope: unchanged, changed."""
_RATINGS: tuple[tuple[float, Rating], ...] = (
    (9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.0, "low"),
)  # fmt: skip


def rating(vector: str) -> Rating | None:
    """The rating of a vector's base score; `None` for another version, or no vector at all."""
    found = score(vector)
    return None if found is None else next(name for least, name in _RATINGS if found >= least)


def score(vector: str) -> float | None:
    """The base score, 0.0 to 10.0."""
    if not _VECTOR.fullmatch(vector):
        return None
    metrics = dict(part.split(":") for part in vector.split("/")[1:])
    scope = metrics.get("S", "")
    try:
        weight = {name: table[metrics[name]] for name, table in _WEIGHTS.items()}
        privileges = _PRIVILEGES[scope][metrics["PR"]]
    except KeyError:
        return None
    base = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    exploitability = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    if scope == "U":
        impact, factor = 6.42 * base, 1.0
    else:
        impact, factor = 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15, 1.08
    return 0.0 if impact <= 0 else _round_up(min(factor * (impact + exploitability), 10.0))


def _round_up(number: float) -> float:
    """To one decimal place, upward, in integers so that it is the same everywhere (appendix A)."""
    whole = round(number * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
