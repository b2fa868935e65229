"""Which readers are worth asking about an artifact: most answer by extension or first bytes alone.

Asking forty readers about each of 5,000 files would cost more than reading them. A reader that
recognises nothing but certain extensions, or certain first bytes, says so in two attributes, and is
not asked about anything else:

- `extensions`: a set of extensions, in lower case, each with its dot.
- `starts`: a tuple of first bytes, of which the first one decides here: whether the others fit is
  for the reader to say.

A reader with neither is asked every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from modelscan.formats.reader import Glimpse, Reader

_Asked = tuple[Reader, Callable[[Glimpse], bool]]
"""A reader, and its `recognises`."""


class Candidates:
    """A table of readers, in their order."""

    def __init__(self, readers: Iterable[Reader]) -> None:
        self._all = tuple(readers)
        # Only extensions that some reader names have rows: names of files are without number.
        self._extensions = {one for reader in self._all for one in _extensions(reader)}
        self._rows: dict[tuple[str, bytes], tuple[_Asked, ...]] = {}

    def __iter__(self) -> Iterator[Reader]:
        """All readers, in their order."""
        return iter(self._all)

    def matching(self, glimpse: Glimpse) -> list[Reader]:
        """The readers that recognise an artifact."""
        extension = glimpse.extension if glimpse.extension in self._extensions else ""
        key = extension, glimpse.head[:1]
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = self._row(*key)
        return [reader for reader, recognises in row if recognises(glimpse)]

    def _row(self, extension: str, first: bytes) -> tuple[_Asked, ...]:
        return tuple(
            (reader, reader.recognises)
            for reader in self._all
            if not (_extensions(reader) or _starts(reader))
            or extension in _extensions(reader)
            or any(start[:1] == first for start in _starts(reader))
        )


def _extensions(reader: Reader) -> frozenset[str]:
    found: frozenset[str] = getattr(reader, "extensions", frozenset())
    return found


def _starts(reader: Reader) -> tuple[bytes, ...]:
    found: tuple[bytes, ...] = getattr(reader, "starts", ())
    return found
