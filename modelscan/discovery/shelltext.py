"""Shell text of any kind: a script, a recipe, a step of a workflow, an instruction of an image.

What it hands to Python (`python -c`, a here-document) is given back as `Embedded`, for whoever
reads Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.discovery import commandline, naming
from modelscan.discovery.mention import Mention
from modelscan.discovery.servers import PREFIXES, SHELLS
from modelscan.discovery.shellwords import Command, Variables, Word, commands

LONGEST: Final = 2 << 20
"""Characters of shell that are read; longer ones are installers with data in them."""
_DEEP: Final = 4
_PYTHON: Final = re.compile(r"(?:.*/)?python[\d.]*$")
_BATCH: Final = 64


class Embedded(NamedTuple):
    """Python inside shell."""

    text: str
    line: int


def mentions(
    text: str, budget: Budget, variables: Variables | None = None, line: int = 1, depth: int = 0
) -> Iterator[Mention | Embedded]:
    """Every model that the commands of a text name.

    Raises:
        BudgetError: there are too many commands.
    """
    known = Variables() if variables is None else variables
    text = text[:LONGEST]
    for index, command in enumerate(commands(text, known, line)):
        if not index % _BATCH:
            budget.step(_BATCH)
        yield from commandline.mentions(command.words, command.line)
        yield from _inner(command, budget, known, depth)


def address_mentions(text: str, line: int = 1) -> Iterator[Mention]:
    """Downloads by URL, in text whose grammar is not looked at."""
    for number, row in enumerate(text.split("\n"), start=line):
        if "://" in row:
            for found in _URL.finditer(row):
                if naming.is_download(found[0]):
                    yield Mention(found[0], number, "url", "inferred")


_URL: Final = re.compile(r"https?://[^\s\"'<>|)\]}`,;]+")


def _inner(
    command: Command, budget: Budget, variables: Variables, depth: int
) -> Iterator[Mention | Embedded]:
    """Text that a command hands to another interpreter."""
    if depth > _DEEP or not command.words:
        return
    at = _interpreter(command.words)
    if at is None:
        for word in command.words:  # $(command substitution)
            if not word.known and ("$(" in word.text or "`" in word.text):
                inner = word.text[word.text.find("(") + 1 : word.text.rfind(")")]
                yield from mentions(inner, budget, variables, word.line, depth + 1)
        return
    python = _PYTHON.match(command.words[at].text) is not None
    for flag, word in zip(command.words[at + 1 :], command.words[at + 2 :], strict=False):
        if flag.text.startswith("-") and flag.text.endswith("c"):
            line = word.line or command.line
            if python:
                yield Embedded(word.text, line)
            else:
                yield from mentions(word.text, budget, variables, line, depth + 1)
            return
    if command.document:
        if python:
            yield Embedded(command.document, command.document_line)
        else:
            yield from mentions(
                command.document, budget, variables, command.document_line, depth + 1
            )


def _interpreter(words: list[Word]) -> int | None:
    """Where a shell or Python is called."""
    for index, word in enumerate(words):
        text = word.text
        if text in SHELLS or _PYTHON.match(text):
            return index
        if text not in PREFIXES and "=" not in text and not text.startswith("-"):
            return None
    return None
