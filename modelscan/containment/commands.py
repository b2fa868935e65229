"""Command lines of containers: lists of words, text for a shell, and shells inside of lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from modelscan.containment.model import Setting
from modelscan.containment.nodes import Row, Text, string
from modelscan.containment.servers import launched
from modelscan.discovery.servers import SHELLS
from modelscan.discovery.shellwords import Variables, Word, commands, expand

_VARIABLE: Final = re.compile(r"\$\((\w+)\)")
_SCRIPT: Final = re.compile(r"-[a-z]*c[a-z]*")
"""The option of a shell behind which a script stands, alone or among others."""
_LONGEST: Final = 200_000
"""Characters of a script that are read."""
_DEEPEST: Final = 3


def of_lists(parts: list[Any], settings: Mapping[str, Setting]) -> list[list[Word]]:
    """The commands that a container runs.

    Args:
        parts: `command` and `args`, or `entrypoint` and `command`: lists, or text for a shell.
        settings: the container's environment, for `$(NAME)` and `${NAME}`.
    """
    known = Variables(
        {name: Word(each.value) for name, each in settings.items() if each.value is not None}
    )
    words: list[Word] = []
    for part in parts:
        if isinstance(part, Row):
            words += [_word(each, known) for each in part if isinstance(each, Text)]
        elif string(part):
            found = of_text(part, part.line, known)
            words += [word for command in found for word in command]
    return _unfolded(words, known, 0)


def of_text(script: str, line: int, known: Variables | None = None) -> list[list[Word]]:
    """The simple commands of text for a shell."""
    variables = Variables() if known is None else known
    text = _VARIABLE.sub(r"${\1}", script[:_LONGEST])
    return [
        [word if word.line else word._replace(line=command.line) for word in command.words]
        for command in commands(text, variables, line)
    ]


def of_words(words: list[Word]) -> list[list[Word]]:
    """A command that is split already; a shell in it is looked into."""
    return _unfolded(words, Variables(), 0)


def _word(value: Text, known: Variables) -> Word:
    return (
        expand(_VARIABLE.sub(r"${\1}", value), known, value.line)
        if "$" in value
        else Word(value, line=value.line)
    )


def _unfolded(words: list[Word], known: Variables, depth: int) -> list[list[Word]]:
    """`sh -c "a && b"` as the commands `a` and `b`; anything else as the one command that it is."""
    if not words:
        return []
    for index, word in enumerate(words[:-1]):
        shell = any(before.text in SHELLS for before in words[:index])
        if shell and _SCRIPT.fullmatch(word.text):
            script = words[index + 1]
            found: list[list[Word]] = []
            for command in of_text(script.text, script.line, known):
                found += _unfolded(command, known, depth + 1) if depth < _DEEPEST else [command]
            return found
    return launched(words)
