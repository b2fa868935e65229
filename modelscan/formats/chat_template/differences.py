"""Two versions of a template, line by line: what was put in, taken out or changed.

Source: the algorithm of `difflib`, on lines without the white space at their ends.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

_MOST_LINES: Final = 5_000
"""Templates of real models have up to a thousand lines; the comparison grows with their square."""
_SHOWN: Final = 400


class Difference(NamedTuple):
    """A block of lines that differs."""

    kind: Literal["added", "removed", "changed"]
    line: int
    """The line of the new version where it stands, or would stand; from 1."""
    old: str
    """The lines of the old version, abbreviated."""
    new: str
    """The lines of the new version, abbreviated."""


def differences(old: str, new: str) -> list[Difference]:
    """What differs between two templates, in the order of the new one; nothing when nothing does.

    Args:
        old: the base's.
        new: the one that is looked at.
    """
    from difflib import SequenceMatcher  # lazy: hardly a scan has two versions of a template

    mine, theirs = _lines(new), _lines(old)
    if mine == theirs:
        return []
    if max(len(mine), len(theirs)) > _MOST_LINES:
        return [Difference("changed", 1, "", "too many lines to compare them")]
    kinds: dict[str, Any] = {"insert": "added", "delete": "removed", "replace": "changed"}
    matcher = SequenceMatcher(None, theirs, mine, autojunk=False)
    return [
        Difference(kinds[tag], at + 1, _short(theirs[i:j]), _short(mine[at:end]))
        for tag, i, j, at, end in matcher.get_opcodes()
        if tag in kinds
    ]


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\r\n").splitlines()]


def _short(lines: list[str]) -> str:
    text = "\n".join(lines)[: _SHOWN + 1].encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "\u2026"
