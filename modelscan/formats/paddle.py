"""PaddlePaddle programs, `.pdmodel`: operators that call Python or load libraries.

Invariants: the program is walked field by field; operators are named, and weights (`.pdiparams`)
are data.

Source: PaddlePaddle, `framework.proto`: a program holds blocks (1), a block holds operators (4), an
operator has its type in field 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.protobuf import BYTES, Field, Wire
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Fact

_EXTENSION: Final = ".pdmodel"
_BLOCKS, _OPERATORS, _TYPE = 1, 4, 3
_RUNNING: Final = frozenset({"py_func", "pyfunc", "py_layer"})
"""Operators that call Python."""
_REACHING: Final = frozenset({"load", "load_combine", "save", "save_combine"})
"""Operators that read or write files."""


class PaddleReader:
    """A program of PaddlePaddle, by its extension."""

    format = "paddle"

    extensions = frozenset({_EXTENSION})

    def recognises(self, glimpse: Glimpse) -> bool:
        """By extension: the message has no first bytes of its own."""
        return glimpse.extension == _EXTENSION

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State operators that do more than compute.

        Raises:
            ReadError: it is not a message.
        """
        wire = Wire(artifact, budget)
        seen = set[str]()
        for block in _messages(wire, 0, artifact.size, _BLOCKS, 0):
            for operator in _messages(wire, block.at, block.end, _OPERATORS, 1):
                for name in _messages(wire, operator.at, operator.end, _TYPE, 2):
                    kind = wire.text(name, 200)
                    if kind in _RUNNING | _REACHING and kind not in seen:
                        seen.add(kind)
                        budget.fact()
                        yield ActiveContent(
                            location=place(artifact, name.at),
                            format=self.format,
                            kind="code" if kind in _RUNNING else "include",
                            name=kind,
                        )


def _messages(wire: Wire, start: int, end: int, number: int, depth: int) -> Iterator[Field]:
    for field in wire.fields(start, end, depth=depth):
        if field.number == number and field.wire == BYTES:
            yield field
