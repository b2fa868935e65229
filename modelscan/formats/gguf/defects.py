"""What is wrong with one GGUF file, in the order in which it was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.fact import GgufDefect

_SAME: Final = 20
"""Defects of one kind that are stated one by one; the rest of a broken file says nothing new."""


class Defects:
    """Collects defects, a bounded number of each kind."""

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._found: list[GgufDefect] = []
        self._count: Counter[str] = Counter()

    def add(self, kind: Any, name: str, detail: str, offset: int | None = None) -> None:
        """Note a defect; see `GgufDefect` for the kinds."""
        self._count[kind] += 1
        if self._count[kind] <= _SAME:
            where = place(self._artifact, offset)
            self._found.append(GgufDefect(location=where, kind=kind, name=name, detail=detail))

    def __iter__(self) -> Iterator[GgufDefect]:
        return iter(self._found)


def text_of(raw: bytes) -> str:
    """A key or name for people: what is not UTF-8 is replaced, so that it can be shown."""
    return raw.decode("utf-8", "replace")


def is_text(raw: bytes) -> bool:
    """True for UTF-8."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
