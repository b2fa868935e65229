"""What a relator is: it sees all files and facts of a model, and states what holds between them.

Invariants: a relator opens nothing; what it cannot see (files left out on the command line, the
siblings of a single file) it says nothing about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, TypeVar, cast

import msgspec

from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.result import FileEntry
from modelscan.vocabulary.snapshot import Snapshot

_LONE = frozenset({"file", "url", "ollama"})
"""Sources that are no repository: what is missing beside the files means nothing."""

Kind = TypeVar("Kind", bound=Fact)


class RepositoryView(msgspec.Struct, frozen=True):
    """The files of a model."""

    files: Mapping[str, FileEntry]
    """The files that were read, by path."""
    names: frozenset[str]
    """Every path that the model has, read or not."""
    folder: bool
    """True when the files around a file are known: not for a single file."""

    @classmethod
    def of(cls, snapshot: Snapshot, entries: Iterable[FileEntry]) -> RepositoryView:
        """The view of a snapshot and of what was read of it."""
        names = {file.name for file in snapshot.files}
        names.update(gap.file for gap in snapshot.coverage)
        return cls(
            files={entry.path: entry for entry in entries},
            names=frozenset(names),
            folder=snapshot.source.kind not in _LONE,
        )


class Facts:
    """The facts of all readers, by kind."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._by_kind: defaultdict[type[Fact], list[Fact]] = defaultdict(list)
        for fact in facts:
            self._by_kind[type(fact)].append(fact)

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The facts of one kind, in the order in which they were found."""
        return cast("list[Kind]", self._by_kind.get(kind, []))


class Relator(Protocol):
    """One relation between files."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State what holds. Never raises, whatever the files say."""
        ...
