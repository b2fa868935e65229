"""Digests of a file's shards, taken while the file goes by: no byte is read a second time."""

from __future__ import annotations

from collections.abc import Sequence

from modelscan.verifier.hashing import new_hash


class ShardDigests:
    """The digests of consecutive ranges of one file.

    Args:
        algorithm: what `hashing.new_hash` knows.
        ends: offset behind each range, in bytes, ascending. What comes after the last is counted
            and not hashed: such a file differs anyhow.
    """

    __slots__ = ("_algorithm", "_ends", "_found", "_hash", "_seen")

    def __init__(self, algorithm: str, ends: Sequence[int]) -> None:
        self._algorithm = algorithm
        self._ends = ends
        self._found: list[str] = []
        self._hash = new_hash(algorithm)
        self._seen = 0

    def update(self, chunk: bytes) -> None:
        """Take the next piece of the file."""
        view = memoryview(chunk)
        while view and len(self._found) < len(self._ends):
            wanted = self._ends[len(self._found)] - self._seen
            piece, view = view[:wanted], view[wanted:]
            self._hash.update(piece)
            self._seen += len(piece)
            if len(piece) == wanted:
                self._found.append(self._hash.hexdigest())
                self._hash = new_hash(self._algorithm)
        self._seen += len(view)

    def result(self) -> tuple[str, ...] | None:
        """Hexadecimal digests in order; `None` when the file does not end with its last range."""
        complete = len(self._found) == len(self._ends) and self._seen == self._ends[-1]
        return tuple(self._found) if complete else None
