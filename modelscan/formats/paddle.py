"""PaddlePaddle programs, `.pdmodel` and JSON: operators that call Python or load libraries.

Invariants: the program is walked field by field; operators are named, and weights (`.pdiparams`)
are data.

Source: PaddlePaddle, `framework.proto`: a program holds blocks (1), a block holds operators (4), an
operator has its type in field 3. Version 3 writes JSON instead (`pir/serialize_deserialize`), in
which the key `#` of a table is a dialect's number and an operator, `1.py_func`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats.objects.pieces import tables_of
from modelscan.formats.protobuf import BYTES, Field, Wire
from modelscan.formats.reader import HEAD, Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Fact

_EXTENSION: Final = ".pdmodel"
_NAME: Final = "__model__"
"""What older versions call a program in a folder of its own."""
_JSON: Final = ".json"
_PIR: Final = re.compile(rb'"magic"\s*:\s*"pir"')
_TYPE_KEY: Final = "#"
_MAX_DOCUMENT: Final = 24 << 20
_BLOCKS, _OPERATORS, _TYPE = 1, 4, 3
_RUNNING: Final = frozenset({"py_func", "pyfunc", "py_layer"})
"""Operators that call Python."""
_REACHING: Final = frozenset({"load", "load_combine", "save", "save_combine"})
"""Operators that read or write files."""


class PaddleReader:
    """A program of PaddlePaddle."""

    format = "paddle"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name, as the message has no first bytes of its own; the document by its mark."""
        if glimpse.extension == _JSON:
            return _PIR.search(glimpse.head) is not None
        return glimpse.extension == _EXTENSION or glimpse.name == _NAME

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State operators that do more than compute.

        Raises:
            ReadError: it is no program.
            BudgetError: the document is too large.
        """
        document = artifact.read_at(0, HEAD).lstrip()[:1] == b"{"
        seen = set[str]()
        for kind, offset in (_listed if document else _walked)(artifact, budget):
            if kind in _RUNNING | _REACHING and kind not in seen:
                seen.add(kind)
                budget.fact()
                yield ActiveContent(
                    location=place(artifact, offset),
                    format=self.format,
                    kind="code" if kind in _RUNNING else "include",
                    name=kind,
                )


def _walked(artifact: Artifact, budget: Budget) -> Iterator[tuple[str, int | None]]:
    """Operators of a message, each with its place."""
    wire = Wire(artifact, budget)
    for block in _messages(wire, 0, artifact.size, _BLOCKS, 0):
        for operator in _messages(wire, block.at, block.end, _OPERATORS, 1):
            for name in _messages(wire, operator.at, operator.end, _TYPE, 2):
                yield wire.text(name, 200), name.at


def _listed(artifact: Artifact, budget: Budget) -> Iterator[tuple[str, int | None]]:
    """Operators of a document."""
    if artifact.size > _MAX_DOCUMENT:
        raise BudgetError(f"a program of {artifact.size:,} bytes in JSON")
    budget.header(artifact.size)
    for _, table in tables_of(artifact.read_at(0, artifact.size), budget):
        kind = table.get(_TYPE_KEY)
        if isinstance(kind, str):
            yield kind.rpartition(".")[2], None


def _messages(wire: Wire, start: int, end: int, number: int, depth: int) -> Iterator[Field]:
    for field in wire.fields(start, end, depth=depth):
        if field.number == number and field.wire == BYTES:
            yield field
