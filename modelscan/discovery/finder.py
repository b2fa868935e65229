"""What a finder is: it takes one file of a code base and says where models are named in it.

Invariants of every finder: nothing is loaded, imported, rendered or run; any bytes end within the
budget of the file, and nothing is raised but `ReadError`; what was found before an error stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final, NamedTuple, Protocol

from modelscan.budget import Budget
from modelscan.discovery.mention import Mention
from modelscan.vocabulary.coverage import Coverage

LONGEST: Final = 64 << 20
"""Bytes of the largest text that is read; a notebook with images in it comes close."""


class Imported(NamedTuple):
    """Where a module of the code base was found."""

    path: str
    text: str
    rest: tuple[str, ...]
    """Names behind the module's own in what was imported."""


class CodeBase(Protocol):
    """The files around the one that is read."""

    parsed: dict[str, Any]
    """Modules that were parsed for the sake of others, by path; whoever parses them keeps them."""

    def holds(self, path: str) -> bool:
        """True when the folder that was looked at holds a file or folder of that path."""
        ...

    def module(self, dotted: str, importer: str) -> Imported | None:
        """The Python module that a dotted name leads to, seen from an importing file."""
        ...


class CodeFile:
    """One file, in memory.

    Args:
        path: relative to the folder that is looked at.
        data: its bytes.
        code_base: what lies around it.
    """

    def __init__(self, path: str, data: bytes, code_base: CodeBase, budget: Budget) -> None:
        self.path = path
        self.data = data
        self.code_base = code_base
        self.budget = budget
        self.name = path.rpartition("/")[2]
        self.lower = self.name.lower()
        dot = self.lower.rfind(".")
        self.extension = self.lower[dot:] if dot > 0 else ""

    @cached_property
    def text(self) -> str:
        """The bytes as UTF-8 with Unix line ends; what is not UTF-8 is replaced."""
        text = self.data.decode("utf-8-sig", "replace")
        return re.sub(r"\r\n?", "\n", text) if "\r" in text else text


class Finder(Protocol):
    """A kind of file."""

    def kind(self, file: CodeFile) -> str | None:
        """The kind by name, `python`; `None` for a file that is not for this finder."""
        ...

    def find(self, file: CodeFile) -> Iterator[Mention | Coverage]:
        """Every place where a model is named.

        Raises:
            ReadError: the file cannot be read as its kind.
        """
        ...


class Hints:
    """A cheap first look: most files mention no model at all, and are not parsed.

    Args:
        words: longer words are found faster; one of them stands in every file worth parsing.
    """

    def __init__(self, *words: bytes) -> None:
        self._words = words

    def __call__(self, data: bytes) -> bool:
        """True when one of the words occurs in the bytes."""
        return any(word in data for word in self._words)
