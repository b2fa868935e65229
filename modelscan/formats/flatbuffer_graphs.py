"""What the graphs that are stored as FlatBuffers have in common: TFLite, ONNX Runtime, ExecuTorch.

Invariants: a file goes by the four bytes of its identifier, or by an extension that stands for
nothing else; a loader for devices may not check where indexes and places lead, so that each one
that leads out of the file is a defect, of which the first few are stated.

Source: FlatBuffers documentation, "File identification".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.errors import BudgetError, ReadError
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.fact import Framework, GraphDefect

_IDENTIFIER_AT: Final = 4
_IDENTIFIER: Final = 4
_SAME: Final = 20
"""Defects that are stated one by one."""
MOST_KINDS: Final = 20_000
"""Different operators or parts of one file; real ones have some hundred."""


def identified(glimpse: Glimpse, *identifiers: bytes) -> bool:
    """True for a file with one of these identifiers."""
    return glimpse.head.startswith(identifiers, _IDENTIFIER_AT)


def identifier(artifact: Artifact, what: str, *identifiers: bytes) -> bytes:
    """The identifier of a file, which is one of these.

    Args:
        artifact: the file.
        what: what it should be, for whoever reads the error.
        identifiers: those that are known.

    Raises:
        ReadError: it is another one.
    """
    found = artifact.read_at(_IDENTIFIER_AT, _IDENTIFIER)
    if found not in identifiers:
        raise ReadError(f"does not begin like {what}", offset=_IDENTIFIER_AT)
    return found


def bounded(count: int, what: str) -> None:
    """Refuse a file with more parts of one kind than are kept.

    Raises:
        BudgetError: there are more.
    """
    if count > MOST_KINDS:
        raise BudgetError(f"more than {MOST_KINDS:,} {what}")


class OutOfBounds:
    """Indexes and places that lead out of a file."""

    def __init__(self, artifact: Artifact, framework: Framework) -> None:
        self._artifact = artifact
        self._framework = framework
        self._found: list[tuple[str, str]] = []

    def add(self, name: str, detail: str) -> None:
        """Note one of them."""
        if len(self._found) < _SAME:
            self._found.append((name, detail))

    def span(self, name: str, start: int, size: int) -> None:
        """Note bytes that the file does not have."""
        if start + size > self._artifact.size:
            self.add(name, f"bytes {start:,} to {start + size:,} of {self._artifact.size:,}")

    def facts(self) -> Iterator[GraphDefect]:
        """One for each that was kept."""
        for name, detail in self._found:
            yield GraphDefect(
                location=place(self._artifact), framework=self._framework, kind="out-of-bounds",
                name=name, detail=detail,
            )  # fmt: skip
