"""What a call amounts to, and its arguments as text for people."""

from __future__ import annotations

from typing import Final, NamedTuple

from modelscan.formats.python_code.results import Called
from modelscan.formats.python_code.values import UNKNOWN, Value, shown
from modelscan.vocabulary.fact import CodeAction

_COMMAND: Final = 4_096
"""Characters of one piece of a command that are kept."""
_PIECES: Final = 200


class Judged(NamedTuple):
    """What a call does."""

    behaviour: CodeAction
    call: str
    """The canonical name of what is called."""
    argument: str = ""
    """What it is given, as far as it is known."""
    source: str = ""
    """Text that it runs as Python, when all of it is known: to be looked at in its place."""
    fetches: int = 0
    """The node of a download that may turn out to be only data."""


def command_of(call: Called) -> str:
    """The command line of a process, unknown parts as `UNKNOWN`."""
    first = call.get(0, "args")
    values = first.items if first.items is not None else (first,)
    rest: list[Value] = []
    if first.items is None and len(call.arguments) > 1:  # os.execlp("sh", "sh", "-c", "…")
        for value in call.arguments[1:]:
            rest.extend(value.items if value.items is not None else (value,))
    pieces = [shown(value)[:_COMMAND] for value in (*values, *rest)][:_PIECES]
    if rest and pieces[-1:] == [UNKNOWN]:
        pieces.pop()
    return " ".join(piece or "''" for piece in pieces)


def text_of(call: Called) -> str:
    """The arguments, abbreviated."""
    return ", ".join(
        [
            *(_abbreviated(value) for value in call.arguments[:4]),
            *(f"{word}={_abbreviated(value)}" for word, value in list(call.named.items())[:4]),
        ]
    )


_SHOWN: Final = 120


def _abbreviated(value: Value) -> str:
    text = value.text
    if isinstance(text, bytes):
        text = text[:_SHOWN].decode("utf-8", "replace")
    if text is None:
        text = value.name or UNKNOWN
    text = str(text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + UNKNOWN
