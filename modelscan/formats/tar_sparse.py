"""Sparse members of a tar: stored pieces, and holes between them that read as zeros.

Invariant: holes are paid for like inflated bytes, so that a terabyte of them is a bomb like any
other.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from modelscan.budget import Budget
from modelscan.vocabulary.artifact import Artifact, child_name


class Piece(NamedTuple):
    """Some stored bytes."""

    offset: int
    """Where they belong in the member."""
    length: int
    at: int
    """Where they are stored in the archive."""


class SparseArtifact:
    """A sparse member with its holes filled.

    Args:
        parent: the archive.
        member: name of the member.
        size: with its holes.
        pieces: in any order; bytes past `size` are not part of the member.
        budget: pays for holes.
    """

    __slots__ = ("_budget", "_filled", "_parent", "_pieces", "_starts", "_stored",
                 "depth", "member", "name", "size")  # fmt: skip

    def __init__(
        self, parent: Artifact, member: str, size: int, pieces: list[Piece], budget: Budget
    ) -> None:
        self.name = parent.name
        self.member: str | None = child_name(parent, member)
        self.depth = parent.depth + 1
        self.size = size
        self._parent = parent
        self._pieces = sorted(pieces)
        self._starts = [piece.offset for piece in self._pieces]
        self._stored = sum(piece.length for piece in pieces)
        self._budget = budget
        self._filled = 0

    def read_at(self, offset: int, length: int) -> bytes:
        """See `Artifact.read_at`."""
        end = min(offset + length, self.size)
        if offset >= end:
            return b""
        result = bytearray()
        index = max(bisect_right(self._starts, offset) - 1, 0)
        while (at := offset + len(result)) < end:
            piece = self._pieces[index] if index < len(self._pieces) else Piece(end, 0, 0)
            if at < piece.offset:
                self._fill(result, min(piece.offset, end) - at)
            elif at < piece.offset + piece.length:
                inside = at - piece.offset
                wanted = min(piece.length - inside, end - at)
                found = self._parent.read_at(piece.at + inside, wanted)
                result += found
                if len(found) < wanted:  # cut off: what is missing reads as a hole
                    self._fill(result, wanted - len(found))
            elif index >= len(self._pieces):
                self._fill(result, end - at)
            else:
                index += 1
        return bytes(result)

    def _fill(self, result: bytearray, length: int) -> None:
        self._filled += length
        self._budget.inflate(length, total=self._filled, compressed=self._stored)
        result += bytes(length)
