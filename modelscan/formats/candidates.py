"""Which readers are worth asking about an artifact: most answer by name or first bytes alone.

Asking fifty readers about each of 5,000 files would cost more than reading them, and importing them
more than a small model is worth. What `Signs` state of a reader decides whether it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from operator import or_

from modelscan.formats.deferred import IDENTIFIER_AT, Deferred
from modelscan.formats.hints import hints
from modelscan.formats.reader import Glimpse, Reader
from modelscan.formats.words import Words

_START = 2
"""First bytes that are compared: more would make more rows, and fewer would import more readers."""
_Key = tuple[str, str, bytes, bytes, int]
"""Extension, name, first bytes, identifier, and the hints."""
_Asked = tuple[Reader, Callable[[Glimpse], bool], frozenset[bytes]]
"""A reader, its `recognises`, and the words without which it is not asked."""

_NO_WORDS = frozenset[bytes]()


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
        self._hints = reduce(or_, (one.hint for one in signs), 0)
        self._rows: dict[_Key, tuple[tuple[_Asked, ...], Words | None]] = {}

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
            hints(glimpse, self._hints),
        )
        row = self._rows.get(key)
        if row is None:
            asked = tuple(self._row(*key))
            mentioned = frozenset[bytes]().union(*(mentions for _, _, mentions in asked))
            row = self._rows[key] = asked, Words(sorted(mentioned)) if mentioned else None
        asked, words = row
        said = words.found(head) if words is not None else ()
        found: list[Reader] = []
        for reader, recognises, mentions in asked:
            if mentions and mentions.isdisjoint(said):
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
                yield reader, reader.recognises, _NO_WORDS
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
                yield reader.reader, reader.reader.recognises, _NO_WORDS
            elif signs.mentions and (not signs.mentioned_in or extension in signs.mentioned_in):
                yield reader, reader.recognises, frozenset(signs.mentions)
