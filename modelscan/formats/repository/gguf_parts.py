"""The parts of split GGUF models against each other.

A loader is given the first part, and finds the others by the numbers in their names, which each
part repeats inside. Parts that were mixed from two models, or of which one was exchanged, disagree.

Source: `llama_split_path` and the loader of llama.cpp: `<name>-00001-of-00003.gguf`, counted from 1
in names and from 0 in `split.no`; `split.count`; `split.tensors.count` over all parts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, GgufFile, GgufSeries, TensorHeader
from modelscan.vocabulary.location import Location

_NAME: Final = re.compile(
    r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE
)
_SAME: Final = 20
"""Disagreements of one kind that are stated for one series."""


class _Part(NamedTuple):
    """One file of a series."""

    path: str
    number: int
    """By its name, from 1."""
    parts: int
    """Of how many, by its name."""
    file: GgufFile
    tensors: int | None
    """How many it holds; absent where that could not be read."""


class GgufPartsRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State every disagreement between the parts of a series."""
        headers = {
            fact.location.file: fact.tensors
            for fact in facts.of(TensorHeader)
            if fact.location.member is None and fact.format == "gguf"
        }
        series: defaultdict[tuple[str, int], list[_Part]] = defaultdict(list)
        for file in facts.of(GgufFile):
            path = file.location.file
            named = _NAME.fullmatch(path) if file.location.member is None else None
            if named is not None:
                number, count = int(named["number"]), int(named["count"])
                part = _Part(path, number, count, file, headers.get(path))
                series[named["stem"], count].append(part)
        for (stem, count), parts in series.items():
            parts.sort()
            for kind, path, detail in _disagreements(stem, count, parts, view):
                where = Location(parts[0].path)
                yield GgufSeries(location=where, kind=kind, part=path, detail=detail)


def _disagreements(
    stem: str, count: int, parts: list[_Part], view: RepositoryView
) -> Iterator[tuple[Any, str, str]]:
    """Kind, part and detail of each."""
    differing = [part for part in parts if _numbers_differ(part)]
    for part in differing[:_SAME]:
        inside = f"part {part.file.split} of {part.file.splits} inside, counted from 0"
        yield "number-differs", part.path, inside
    counts = sorted({part.file.splits for part in parts if part.file.splits is not None})
    if len(counts) > 1:
        yield "count-differs", parts[0].path, " and ".join(f"{one:,}" for one in counts[:_SAME])
    if not view.folder:
        return
    missing = [number for number in range(1, count + 1) if not _here(stem, number, count, view)]
    for number in missing[:_SAME]:
        detail = f"{len(missing):,} of {count:,} parts"
        yield "missing-part", f"{stem}-{number:05}-of-{count:05}.gguf", detail
    held = [part.tensors for part in parts]
    stated = {part.file.split_tensors for part in parts if part.file.split_tensors is not None}
    if not missing and len(parts) == count and None not in held:
        total = sum(one or 0 for one in held)
        if stated - {total}:
            other = min(stated - {total})
            detail = f"{other:,} tensors were split, {total:,} are here"
            yield "tensors-differ", parts[0].path, detail


def _numbers_differ(part: _Part) -> bool:
    """True when a part says another number inside than in its name."""
    number, count = part.file.split, part.file.splits
    return (number is not None and number + 1 != part.number) or (
        count is not None and count != part.parts
    )


def _here(stem: str, number: int, count: int, view: RepositoryView) -> bool:
    """True when the model has this part, read or not."""
    return f"{stem}-{number:05}-of-{count:05}.gguf" in view.names
