"""File names that can deceive whoever reads a listing, wherever the listing comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from modelscan.vocabulary.fact import Fact, FileName
from modelscan.vocabulary.location import Location

_BIDIRECTIONAL = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def name_facts(path: str, name: str | None = None) -> Iterator[Fact]:
    """Facts about a path whose characters do not show as they are.

    Args:
        path: relative to the model's root.
        name: the part of it to look at; all of it by default.
    """
    looked_at = path if name is None else name
    if looked_at.isascii() and looked_at.isprintable():
        return
    import unicodedata  # lazy: hardly a name has such characters

    problem: Literal["control-character", "bidirectional", "not-utf8"] | None = None
    for character in looked_at:
        category = unicodedata.category(character)
        if category == "Cs":
            problem = "not-utf8"
        elif category == "Cc":
            problem = "control-character"
        elif unicodedata.bidirectional(character) in _BIDIRECTIONAL:
            problem = "bidirectional"
        if problem:
            yield FileName(location=Location(path), problem=problem)
            return
