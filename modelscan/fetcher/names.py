"""File names that can deceive whoever reads a listing, wherever the listing comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from modelscan.vocabulary.fact import Fact, FileName
from modelscan.vocabulary.location import Location

_STREAM = re.compile(r"(?::[^:/]*)?:\$data(?=/|$)")
"""What NTFS takes for the file's own bytes, or for others beside them."""
_ENDING = re.compile(r"(?<=[^./ ])[. ]+(?=/|$)")
"""Dots and blanks at the end of a name, which Windows drops."""
_BIDIRECTIONAL = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def name_facts(path: str, name: str | None = None) -> Iterable[Fact]:
    """Facts about a path whose characters do not show as they are.

    Args:
        path: relative to the model's root.
        name: the part of it to look at; all of it by default.
    """
    looked_at = path if name is None else name
    # Every name comes by here: for nearly all of them nothing is to be begun.
    return () if looked_at.isascii() and looked_at.isprintable() else _deceiving(path, looked_at)


def _deceiving(path: str, looked_at: str) -> Iterator[Fact]:
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


def collisions(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of paths that are one on some disks, or of which one has to be a folder and a file.

    Args:
        paths: of files, relative to the model's root; of equal ones nothing is said.
    """
    first: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        folded = fold(path)
        other = first.setdefault(folded, path)
        if other is not path and other != path:
            yield path, other
        end = folded.rfind("/")
        while end > 0:
            folded = folded[:end]
            if folded in folders:
                break  # this one and all above it are known
            folders[folded] = path
            end = folded.rfind("/")
    if folders.keys().isdisjoint(first):
        return
    for folder in sorted(folders.keys() & first.keys()):
        yield folders[folder], first[folder]


def fold(path: str) -> str:
    """What disks that ignore case, normalise names or drop their ends make of a path."""
    if path.isascii():
        folded = path.lower()
    else:
        import unicodedata  # lazy: hardly a name has such characters

        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
    if ":" in folded:  # else there is no stream; every name in a listing comes by here
        folded = _STREAM.sub("", folded)
    if folded.endswith((".", " ")) or "./" in folded or " /" in folded:
        folded = _ENDING.sub("", folded)
    return folded
