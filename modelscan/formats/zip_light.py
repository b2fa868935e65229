"""Zip archives of which only some parts can be had cheaply: remote torch checkpoints.

Invariants: the directory is read whole, and every member is read except the storages of a torch
checkpoint, `<root>/data/<number>` beside a `<root>/data.pkl`: raw numbers to every loader. That
they, their local headers and the bytes around them were not looked at is said once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelscan.budget import Budget
from modelscan.formats import zip_records, zip_stack
from modelscan.formats.archive import Item
from modelscan.formats.zip import Walk, ZipReader
from modelscan.formats.zip_records import Entry
from modelscan.vocabulary.artifact import Artifact, SliceArtifact
from modelscan.vocabulary.coverage import Coverage

_STORAGE = re.compile(rb"([^/]+)/data/\d{1,9}")
_PICKLE = b"/data.pkl"
_STORED = 0


class LightZipReader(ZipReader):
    """The zip reader, for remote files."""

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Item]:
        """See `Reader.read`.

        Of archives one after the other, only the last one's directory can be had cheaply.
        """
        if zip_stack.is_stack(artifact) and any(
            directory.base > 0 for directory in zip_records.directories(artifact)
        ):
            yield Coverage(
                file=artifact.name,
                member=artifact.member,
                status="skipped",
                needed=True,
                reason="several archives one after the other: a full scan reads them (--full)",
            )
            return
        if zip_stack.is_stack(artifact):
            whole = SliceArtifact(artifact, 0, artifact.size, "@0")
            yield zip_stack.held(artifact, [whole], budget)
        yield from _LightWalk(artifact, budget).run()


class _LightWalk(Walk):
    """An archive whose storages are stepped over."""

    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        super().__init__(artifact, budget)
        self._roots = _roots(artifact)
        self._stepped_over = 0
        self._behind = False  # the last member was stepped over: nobody knows where it ends

    def run(self) -> Iterator[Item]:
        """See `Walk.run`."""
        yield from super().run()
        if self._stepped_over:
            yield Coverage(
                file=self._zip.name,
                member=self._zip.member,
                status="header-only",
                reason=f"{self._stepped_over:,} tensors and their local headers were not fetched",
            )

    def _entry(self, entry: Entry, index: int, base: int) -> Iterator[Item]:
        found = _STORAGE.fullmatch(entry.name)
        plain = entry.method == _STORED and entry.packed == entry.size
        if found is None or found[1] not in self._roots or not plain or index:
            yield from super()._entry(entry, index, base)
            return
        if not self._behind:
            yield from self._gap(entry.offset)
        self._budget.member()
        yield from self._names.add(entry.text, entry.offset, twice=True)
        yield from self._judge_names(entry)
        self._stepped_over += 1
        self._behind = True
        self._cursor, self._previous = max(self._cursor, entry.offset), None

    def _gap(self, end: int, *, listed: bool = True, after: bool = False) -> Iterator[Item]:
        if self._behind:
            self._behind = False
            self._cursor, self._previous = max(self._cursor, end), None
        else:
            yield from super()._gap(end, listed=listed, after=after)


def _roots(artifact: Artifact) -> frozenset[bytes]:
    """The root folders of torch checkpoints, as the directories tell."""
    return frozenset(
        entry.name.removesuffix(_PICKLE)
        for directory in zip_records.directories(artifact)
        for _, entry in zip_records.entries(zip_records.load(artifact, directory), directory.base)
        if entry.name.endswith(_PICKLE)
    )
