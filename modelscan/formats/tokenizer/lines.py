"""Files that are nothing but lines, some hundred kilobytes of them at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.vocabulary.artifact import Artifact

_WINDOW: Final = 256 << 10
_LONGEST: Final = 1 << 20
"""Bytes of a line; tokens and merges have a few hundred at most."""


def lines(artifact: Artifact, budget: Budget) -> Iterator[list[str]]:
    """The lines of a file, without what ends them; what is no UTF-8 is replaced.

    Raises:
        BudgetError: a line is longer than any.
    """
    at = 0
    rest = b""
    while data := artifact.read_at(at, _WINDOW):
        at += len(data)
        budget.step(len(data) // 1000 + 1)
        whole, newline, tail = data.rpartition(b"\n")
        if newline:
            yield _decoded(rest + whole)
            rest = tail
        else:
            rest += tail
            if len(rest) > _LONGEST:
                raise BudgetError(f"a line of more than {_LONGEST:,} bytes", offset=at)
    if rest:
        yield _decoded(rest)


def _decoded(data: bytes) -> list[str]:
    found = data.decode("utf-8", "replace").split("\n")
    return [line.removesuffix("\r") for line in found] if b"\r" in data else found
