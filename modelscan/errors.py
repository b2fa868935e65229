"""Every error a person can meet, and what each one means for the exit code.

    ModelAssayError
    ├── UsageError            the command line, a configuration or a rule is wrong     exit 2
    │   └── RuleError         ... with the file and the line
    ├── SourceError           a target could not be read or fetched                    exit 3
    └── ReadError             bytes are not what their format promises                 coverage
        └── BudgetError       reading them on would cost more than is allowed          coverage

A `ReadError` never reaches a person: it becomes a `Coverage` entry, so that silence is recorded.
"""

from __future__ import annotations

from collections.abc import Iterable


class ModelAssayError(Exception):
    """What happened, in one sentence, and what to do about it.

    Args:
        message: what happened, with the name of the thing it happened to.
        hint: what the reader can do next; empty when the message says it already.
    """

    exit_code = 3
    """What the command exits with when this error ends it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ModelAssayError):
    """An option, a configuration file or a combination of them cannot be obeyed."""

    exit_code = 2


class RuleError(UsageError):
    """A rule or a list is broken. A scan never goes on without it: that would be a silent pass."""

    def __init__(self, message: str, *, file: str = "", line: int = 0, hint: str = "") -> None:
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(where + message, hint)
        self.file = file
        self.line = line


class SourceError(ModelAssayError):
    """A target is missing, unreadable, or cannot be fetched."""


class ReadError(ModelAssayError):
    """Bytes break the rules of the format that they were read as.

    Args:
        message: what is wrong.
        offset: where, in bytes from the start of the artifact; `None` when no place can be named.
    """

    def __init__(self, message: str, *, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset


class BudgetError(ReadError):
    """Reading on would cost more bytes, members, depth, steps or time than the budget allows."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that names the closest known word, or the empty string when none is close."""
    import difflib  # lazy: only for words that nobody knows

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else ""
