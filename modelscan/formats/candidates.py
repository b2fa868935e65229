"""Which readers are worth asking about an artifact: most answer by name or first bytes alone.

Asking fifty readers about each of 5,000 files would cost more than reading them, and importing them
more than a small model is worth. What `Signs` state of a reader decides whether it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from modelscan.formats.deferred import IDENTIFIER_AT, Deferred
from modelscan.formats.hints import hints
from modelscan.formats.reader import Glimpse, Reader

_START = 2
"""First bytes that are compared: more would make more rows, and fewer would import more readers."""
_Key = tuple[str, str, bytes, bytes, int]
"""Extension, name, first bytes, identifier, and the hints."""
_Asked = tuple[Reader, Callable[[Glimpse], bool], tuple[bytes, ...]]
"""A reader, its `recognises`, and the words without which it is not asked."""


class Candidates:
    """A table of readers, in their order. One that is not `Deferred` is asked about every file."""

    def __init__(self, readers: Iterable[Reader]) -> None:
        self._all = tuple(readers)
        signs = [reader.signs for reader in self._all if isinstance(reader, Deferred)]
        # Only what some reader mentions has rows: names of files are without number.
        self._extensions = frozenset[str]().union(
            *(one.extensions | one.mentioned_in for one in signs)
        )
        self._names = frozenset[str]().union(*(one.names for one in signs))
        self._identifiers = frozenset[bytes]().union(*(one.identifiers for one in signs))
        self._rows: dict[_Key, tuple[_Asked, ...]] = {}

    def __iter__(self) -> Iterator[Reader]:
        """All readers, in their order."""
        return iter(self._all)

    def matching(self, glimpse: Glimpse) -> list[Reader]:
        """The readers that recognise an artifact."""
        head = glimpse.head
        identifier = head[IDENTIFIER_AT : IDENTIFIER_AT + 4]
        key = (
            glimpse.extension if glimpse.extension in self._extensions else "",
            glimpse.name if glimpse.name in self._names else "",
            head[:_START],
            identifier if identifier in self._identifiers else b"",
            hints(glimpse),
        )
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = tuple(self._row(*key))
        found: list[Reader] = []
        for reader, recognises, mentions in row:
            if mentions:
                for word in mentions:
                    if head.rfind(word) >= 0:  # a third of what `in` costs
                        break
                else:
                    continue
            if recognises(glimpse):
                found.append(reader)
        return found

    def _row(
        self, extension: str, name: str, start: bytes, identifier: bytes, hinted: int
    ) -> Iterator[_Asked]:
        """Who is asked; only those are imported that need to see the bytes to know."""
        for reader in self._all:
            if not isinstance(reader, Deferred):
                yield reader, reader.recognises, ()
                continue
            signs = reader.signs
            if (
                signs.none()
                or extension in signs.extensions
                or name in signs.names
                or identifier in signs.identifiers
                or any(one[:_START] == start[: len(one)] for one in signs.starts)
                or signs.hint & hinted
            ):
                yield reader.reader, reader.reader.recognises, ()
            elif signs.mentions and (not signs.mentioned_in or extension in signs.mentioned_in):
                yield reader, reader.recognises, signs.mentions
