"""A reader that is imported when a file may be in its format, and what tells that without it.

Most models hold three formats; importing the readers of all others would take longer than reading
a small model. What is stated here decides only whether a reader is asked; whether the bytes are in
its format is for the reader itself. So a condition may be too wide, and must never be too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

from modelscan.budget import Budget
from modelscan.formats.reader import Glimpse, Reader
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

IDENTIFIER_AT = 4
"""Where the file identifier of a FlatBuffer stands, four bytes long."""


class Signs(NamedTuple):
    """By any of these a file may be in a format. None of them at all: any file may be."""

    extensions: frozenset[str] = frozenset()
    """In lower case, each with its dot; empty stands for all that no reader mentions, too."""
    names: frozenset[str] = frozenset()
    """The last part of the name, exactly."""
    starts: tuple[bytes, ...] = ()
    """First bytes, of which two are compared here."""
    identifiers: frozenset[bytes] = frozenset()
    """Four bytes at `IDENTIFIER_AT`."""
    mentions: tuple[bytes, ...] = ()
    """Words of which one stands in the first bytes, where nothing else admits a file."""
    mentioned_in: frozenset[str] = frozenset()
    """Extensions of the files in which `mentions` count; none of them means all files."""
    hint: int = 0
    """A bit of `formats.hints` that admits a file where nothing else does."""

    def none(self) -> bool:
        """True when nothing is known beforehand."""
        return not any(self)


class Deferred:
    """A reader by another name, until it is needed.

    Args:
        name: of the format, as the reader itself has it.
        make: imports the reader and makes it.
        signs: when to ask it.
        aside: as the reader itself has it: see `routing`.
    """

    def __init__(
        self, name: str, make: Callable[[], Reader], signs: Signs, *, aside: bool = False
    ) -> None:
        self.format = name
        self.signs = signs
        self.aside = aside
        self._make = make

    @cached_property
    def reader(self) -> Reader:
        """The reader itself."""
        return self._make()

    def recognises(self, glimpse: Glimpse) -> bool:
        """See `Reader.recognises`."""
        return self.reader.recognises(glimpse)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """See `Reader.read`."""
        return self.reader.read(artifact, budget)
