"""What archive readers share: what they yield, defects, a read window, and bytes that hide.

Invariants: a broken archive states a bounded number of defects of each kind; reads that lie close
together cost one read of the artifact.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from modelscan.vocabulary.artifact import CHUNK, Artifact, SliceArtifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ArchiveDefect, Fact

Item = Fact | Coverage | Artifact
"""What a reader yields."""

DefectKind = Literal[
    "duplicate-member", "name-mismatch", "size-mismatch", "method-mismatch", "flag-mismatch",
    "missing-from-directory", "missing-local-header", "data-before", "data-after", "traversal",
    "link", "special-member", "overlap", "checksum", "deceptive-name", "name-collision",
    "reserved-name",
]  # fmt: skip

_SAME_DEFECT = 100
"""Defects of one kind that are stated one by one; more of them say nothing new."""
_NEAR = 64 << 10
_NEAREST = 1024
LONGEST = 32
"""Bytes that a pattern for `find` may match."""


def defect(
    archive: Artifact,
    kind: DefectKind,
    *,
    member: str = "",
    detail: str = "",
    offset: int | None = None,
) -> ArchiveDefect:
    """A defect, located at `offset` bytes from the start of the archive itself."""
    return ArchiveDefect(location=place(archive, offset), kind=kind, member=member, detail=detail)


class Defects:
    """The defects of one archive: a bounded number of each kind, whatever it holds."""

    def __init__(self, archive: Artifact) -> None:
        self._archive = archive
        self._count: Counter[str] = Counter()

    def __call__(
        self, kind: DefectKind, member: str = "", detail: str = "", *, offset: int | None = None
    ) -> Iterator[ArchiveDefect]:
        """State one, unless there have been too many of its kind."""
        self._count[kind] += 1
        if self._count[kind] <= _SAME_DEFECT:
            yield defect(self._archive, kind, member=member, detail=detail, offset=offset)


def hidden(archive: Artifact, start: int, end: int) -> SliceArtifact:
    """Bytes that belong to no member, as an artifact: they may be a file of another format."""
    return SliceArtifact(archive, start, end - start, f"@{start}")


class Window:
    """Small reads from an artifact, served from one buffer while they lie close together.

    Records that lie apart (headers between large members) cost one short read each; records that
    follow one another cost one long read for many.
    """

    __slots__ = ("_artifact", "_buffer", "_missed", "_start")

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._start = 0
        self._buffer = b""
        self._missed = 0

    def at(self, offset: int, length: int) -> bytes:
        """The bytes from `offset` on; fewer than `length` only at the end of the artifact."""
        if offset >= self._artifact.size:  # hostile offsets reach past what a file can seek to
            return b""
        lead = offset - self._start
        if lead < 0 or lead + length > len(self._buffer):
            near = 0 <= offset - self._missed < _NEAR
            self._buffer = self._artifact.read_at(offset, max(length, _NEAR if near else 1024))
            self._start = self._missed = offset
            lead = 0
        return self._buffer[lead : lead + length]


def find(
    artifact: Artifact,
    window: Window,
    wanted: bytes | re.Pattern[bytes],
    start: int,
    end: int,
) -> int:
    """Where `wanted` next begins between `start` and `end`; `end` when it does not.

    Args:
        artifact: the archive.
        window: on it.
        wanted: bytes, or a pattern of them, at most `LONGEST`.
        start: where to start.
        end: where it begins at the latest.
    """
    pattern = re.compile(re.escape(wanted)) if isinstance(wanted, bytes) else wanted
    if start >= end:
        return end
    # matches that lie close together must not cost a long read each
    found = pattern.search(window.at(start, _NEAREST))
    if found:
        return min(start + found.start(), end)
    while start < end:
        piece = artifact.read_at(start, min(CHUNK, end - start + LONGEST))
        found = pattern.search(piece)
        if found:
            return min(start + found.start(), end)
        if len(piece) < CHUNK:
            break
        start += len(piece) - LONGEST
    return end


def after_zeros(artifact: Artifact, start: int, end: int) -> int:
    """Where something other than zeros begins between `start` and `end`; `end` when nothing does.

    Writers pad with zeros.
    """
    length = _NEAREST  # mostly there are no zeros, or few
    while start < end:
        piece = artifact.read_at(start, min(length, end - start))
        length = CHUNK
        rest = len(piece.lstrip(b"\0"))
        start += len(piece) - rest
        if rest:
            return start
        if not piece:
            break
    return end
