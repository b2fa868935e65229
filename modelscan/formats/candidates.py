"""Which readers are worth asking about an artifact: most answer by extension or first bytes alone.

Asking forty readers about each of 5,000 files would cost more than reading them. A reader that
recognises nothing but certain extensions, or certain first bytes, says so in two attributes, and is
not asked about anything else:

- `extensions`: a set of extensions, in lower case, each with its dot.
- `starts`: a tuple of first bytes.

A reader with neither is asked every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelscan.formats.reader import Glimpse, Reader


class Candidates:
    """A table of readers, in their order."""

    def __init__(self, readers: Iterable[Reader]) -> None:
        self._all = tuple(readers)
        extensions = {one for reader in self._all for one in _extensions(reader)}
        self._starts = tuple({one for reader in self._all for one in _starts(reader)})
        # Only extensions that some reader names have a row: names of files are without number.
        self._usual = {one: self._row(one, starts=False) for one in extensions}
        self._special = {one: self._row(one, starts=True) for one in extensions}
        self._other = self._row("", starts=False), self._row("", starts=True)

    def __iter__(self) -> Iterator[Reader]:
        """All readers, in their order."""
        return iter(self._all)

    def matching(self, glimpse: Glimpse) -> list[Reader]:
        """The readers that recognise an artifact."""
        special = glimpse.head.startswith(self._starts)
        rows = self._special if special else self._usual
        row = rows.get(glimpse.extension)
        if row is None:
            row = self._other[special]
        return [reader for reader in row if reader.recognises(glimpse)]

    def _row(self, extension: str, *, starts: bool) -> tuple[Reader, ...]:
        return tuple(
            reader
            for reader in self._all
            if not (_extensions(reader) or _starts(reader))
            or extension in _extensions(reader)
            or (starts and _starts(reader))
        )


def _extensions(reader: Reader) -> frozenset[str]:
    found: frozenset[str] = getattr(reader, "extensions", frozenset())
    return found


def _starts(reader: Reader) -> tuple[bytes, ...]:
    found: tuple[bytes, ...] = getattr(reader, "starts", ())
    return found
