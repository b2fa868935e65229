"""Tensors that stand in more than one file of a series of shards, under the same name.

A program that goes by the index takes one of them, a program that loads every shard, or a single
file first, takes another. Where both hold the same bytes nothing comes of it; where they do not,
what was reviewed in one program is not what runs in the next.

Invariants: nothing is opened unless an index and its files disagree, a series has no index, or a
smaller file lies beside one; then the headers are read once more, and of the tensors that stand
twice the bytes, up to the first that differs. What could not be compared is a needed gap. Names are
held as numbers until they repeat.

Source: transformers, "Sharded checkpoints": a single file is preferred to the index; programs which
load every `*.safetensors` of a folder, the last one winning, read no index at all (ExLlamaV2;
mlx-lm takes all whose names begin with `model`).
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Final, NamedTuple

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import safetensors
from modelscan.formats.repository.relator import Facts
from modelscan.formats.weight_index import NAME
from modelscan.vocabulary.artifact import CHUNK
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, IndexCheck, TensorHeader, WeightIndex
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.snapshot import OpenArtifact, SourceFile

_SAFE: Final = ".safetensors"
_SERIES: Final = re.compile(r"(?P<stem>.*?)(?:-\d+-of-\d+)?\.safetensors", re.DOTALL)
_NUMBERED: Final = "-of-"
_ADAPTER: Final = "adapter"
"""What the names of files begin with that are loaded beside the weights, and never instead."""
_DISAGREE: Final = frozenset({"tensors-differ", "tensors-swapped", "unlisted-shard"})
_FLOATS: Final = frozenset({"F16", "BF16", "F32", "F64"})
_MOST: Final = 100_000
"""Tensors of one series that are held against each other; the largest real ones have as many."""
_SHOWN: Final = 3
_SAME: Final = 20
"""Pairs of files that are stated for one series."""


class _Series(NamedTuple):
    """Files that one loader takes for the weights of one model."""

    subject: str
    """Of which findings speak: the index, or the first file where there is none."""
    files: tuple[str, ...]
    """Those that the index names first: what the others are held against."""
    listed: frozenset[str]


def shadowed(
    files: Sequence[SourceFile], facts: Iterable[Fact], limits: Limits
) -> tuple[list[Fact], list[Coverage]]:
    """The pairs of shards which hold different tensors under the same name, and what is not known.

    Args:
        files: the files of the model.
        facts: what readers and relators stated.
        limits: what reading the headers may cost.
    """
    stated = Facts(facts)
    shards = {
        header.location.file: header
        for header in stated.of(TensorHeader)
        if header.location.member is None and header.format == "safetensors"
    }
    openers = {file.name: file for file in files if file.name in shards}
    found: list[Fact] = []
    gaps: list[Coverage] = []
    for series in _series(shards, stated):
        try:
            for item in _Comparison(series, openers, limits).facts():
                if isinstance(item, Coverage):
                    gaps.append(item)
                else:
                    found.append(item)
        except ReadError as error:
            gaps.append(_gap(series.subject, f"shards were not compared: {error.message}"))
    return found, gaps


def _series(shards: Mapping[str, TensorHeader], facts: Facts) -> Iterator[_Series]:
    """The series in which a tensor can stand twice."""
    alike: defaultdict[str, set[str]] = defaultdict(set)
    for name in shards:
        found = _SERIES.fullmatch(name) if _NUMBERED in name else None
        alike[found["stem"] if found else name.removesuffix(_SAFE)].add(name)
    doubtful = {one.location.file for one in facts.of(IndexCheck) if one.kind in _DISAGREE}
    indexes = {index.location.file: set(_listed(index)) & shards.keys() for index in _safe(facts)}
    covered = set[str]().union(*indexes.values())
    for file, listed in indexes.items():
        folder, name = posixpath.split(file)
        named = NAME.fullmatch(name)
        others = set[str]()
        if named is not None and named["variant"] is None:
            others = alike.pop(posixpath.join(folder, named["stem"]), set()) - covered
        loose = _loose(folder, listed, shards, covered | others)
        if file in doubtful or loose:
            files = (*sorted(listed), *sorted(others), *loose)
            yield _Series(file, files, frozenset(listed))
    for series in alike.values():
        if len(series) == 1:  # as nearly every one is, in a folder of many models
            continue
        alone = sorted(series - covered)
        if len(alone) > 1:
            yield _Series(alone[0], tuple(alone), frozenset(alone))


def _loose(
    folder: str, listed: set[str], shards: Mapping[str, TensorHeader], known: set[str]
) -> list[str]:
    """Files beside a series that hold some of as many tensors as it has, whatever their name.

    One with all of them is the same model in another form, of which repositories have many.
    """
    most = sum(shards[name].tensors for name in listed) // 2
    return sorted(
        name
        for name, header in shards.items()
        if name not in known
        and posixpath.dirname(name) == folder
        and not posixpath.basename(name).startswith(_ADAPTER)
        and 0 < header.tensors <= most
    )


def _safe(facts: Facts) -> Iterator[WeightIndex]:
    """The indexes of safetensors."""
    for index in facts.of(WeightIndex):
        named = NAME.fullmatch(posixpath.basename(index.location.file))
        if index.location.member is None and named and named["extension"].lower() == _SAFE:
            yield index


def _listed(index: WeightIndex) -> Iterator[str]:
    """Where a loader finds the shards."""
    folder = posixpath.dirname(index.location.file)
    return (posixpath.normpath(posixpath.join(folder, shard)) for shard in index.shards)


class _Comparison:
    """The shards of one series against each other.

    Raises:
        ReadError: a file cannot be read any more.
        BudgetError: there are more tensors than are compared.
    """

    def __init__(self, series: _Series, openers: Mapping[str, SourceFile], limits: Limits) -> None:
        self._series = series
        self._openers = openers
        self._limits = limits
        self._left = 2 * sum(openers[name].size for name in series.files if name in openers)

    def facts(self) -> Iterator[Fact | Coverage]:
        """State each pair of files that disagrees."""
        stated = 0
        for (first, second), names in self._repeated().items():
            with ExitStack() as open_files:
                one = open_files.enter_context(self._openers[first].open())
                other = open_files.enter_context(self._openers[second].open())
                remote = "ranges" in (self._openers[first].access, self._openers[second].access)
                differing = self._differing(one, other, names, remote=remote)
                changed = one.changed() or other.changed()
            if changed:
                yield _gap(second, "changed while it was compared with other shards")
            if differing is None:
                reason = f"{_names(names)} in {first} as well, and their bytes were not compared"
                yield _gap(second, reason)
            elif differing and stated < _SAME:
                stated += 1
                yield IndexCheck(
                    location=Location(self._series.subject),
                    kind="shadowed-tensor",
                    shard=second,
                    detail=f"{_names(differing)} in {first} as well, and not with the same values",
                )

    def _entries(self, name: str) -> Iterator[safetensors.Listed]:
        """The tensors of a file whose bytes are in it."""
        budget = Budget(self._limits)
        with self._openers[name].open() as artifact:
            for entry in safetensors.listed(artifact, budget):
                if isinstance(entry, safetensors.Listed):
                    yield entry

    def _repeated(self) -> dict[tuple[str, str], list[str]]:
        """Names that stand in two files, by the files; the first is that which all others meet."""
        first: dict[int, int] = {}
        pairs: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        names = [name for name in self._series.files if name in self._openers]
        for number, name in enumerate(names):
            for entry in self._entries(name):
                key = hash(entry.name)
                before = first.setdefault(key, number)
                if before != number:
                    pairs[names[before], name].append(entry.name)
                if len(first) > _MOST:
                    raise BudgetError(f"more than {_MOST:,} tensors in one series of shards")
        return pairs

    def _differing(
        self, one: OpenArtifact, other: OpenArtifact, names: list[str], *, remote: bool
    ) -> list[str] | None:
        """The names under which the two files hold different tensors; `None` when not known."""
        wanted = set(names)
        mine = self._chosen(one, wanted)
        theirs = self._chosen(other, wanted)
        if self._cast(other.name, mine, theirs):
            return []
        found = [
            name
            for name in names
            if name not in mine  # another name with the same number: one in 2**64
            or (mine[name].dtype, mine[name].shape) != (theirs[name].dtype, theirs[name].shape)
        ]
        rest = [name for name in names if name not in set(found)]
        if remote and rest and not found:
            return None
        if not remote:
            found += [name for name in rest if not self._same(one, mine[name], other, theirs[name])]
        return found

    def _chosen(self, artifact: OpenArtifact, wanted: set[str]) -> dict[str, safetensors.Listed]:
        entries = safetensors.listed(artifact, Budget(self._limits))
        return {
            entry.name: entry
            for entry in entries
            if isinstance(entry, safetensors.Listed) and entry.name in wanted
        }

    def _cast(
        self,
        name: str,
        mine: Mapping[str, safetensors.Listed],
        theirs: Mapping[str, safetensors.Listed],
    ) -> bool:
        """True for a file beside the series that holds the same weights as another type.

        Every tensor of numbers with a point is then of another type, and none of another shape.
        """
        if name in self._series.listed:
            return False
        pairs = [(mine[key], entry) for key, entry in theirs.items() if key in mine]
        floats = [(a, b) for a, b in pairs if a.dtype in _FLOATS and b.dtype in _FLOATS]
        return (
            bool(floats)
            and all(a.dtype != b.dtype for a, b in floats)
            and all(a.shape == b.shape for a, b in pairs)
        )

    def _same(
        self,
        one: OpenArtifact,
        mine: safetensors.Listed,
        other: OpenArtifact,
        theirs: safetensors.Listed,
    ) -> bool:
        """True when both are equal to the last byte.

        Raises:
            BudgetError: tensors lie over each other, so that there is more to read than bytes.
        """
        if mine.length != theirs.length:
            return False
        for at in range(0, mine.length, CHUNK):
            length = min(CHUNK, mine.length - at)
            self._left -= length
            if self._left < 0:
                raise BudgetError("tensors lie over each other")
            if one.read_at(mine.offset + at, length) != other.read_at(theirs.offset + at, length):
                return False
        return True


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(name[:100] for name in names[:_SHOWN])
    rest = len(names) - _SHOWN
    if rest > 0:
        return f"{shown} and {rest:,} more stand"
    return f"{shown} stands" if len(names) == 1 else f"{shown} stand"


def _gap(file: str, reason: str) -> Coverage:
    return Coverage(file=file, status="skipped", needed=True, reason=reason)
