"""ExecuTorch programs, `.pte`: a FlatBuffer of instructions, with data in segments behind it.

A `.ptd` beside one gives names to tensors, and can name nothing else.

Operators are PyTorch's, or those of a library that has to be linked; parts of the program are
handed to backends, some of which take a binary that was compiled for one processor. Indexes and
segments that lead out of the program are checked, since a device's runtime may not.

Source: `program.fbs` of ExecuTorch, the tables of which are named beside the slots; the extended
header in `extended_header.h`; `flat_tensor.fbs` and its header in `flat_tensor_header.h`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.flatbuffer import Flatbuffer, Table
from modelscan.formats.flatbuffer_graphs import OutOfBounds, bounded, identified, identifier
from modelscan.formats.graph_operators import OperatorLedger, Use, telling
from modelscan.formats.graph_reading import stated
from modelscan.formats.reader import Glimpse
from modelscan.formats.torch_operators import TorchOperators
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Behaviour, Fact, GraphModel
from modelscan.vocabulary.lists import GraphOperators

_MAGICS: Final = (b"ET12", b"ET13")
_HEADER_AT, _HEADER, _SHORTEST = 8, b"eh00", 24  # extended header: magic, length, two places
_PLANS, _DATA, _SEGMENTS = 1, 3, 4  # Program
_CHAINS, _OPERATORS, _DELEGATES = 5, 6, 7  # ExecutionPlan
_INSTRUCTIONS: Final = 2  # Chain
_KIND, _ARGUMENTS = 0, 1  # Instruction: a union takes two slots
_KERNEL, _DELEGATE = 1, 2  # InstructionArguments
_ID, _PROCESSED = 0, 1  # BackendDelegate
_LOCATION, _INDEX = 0, 1  # BackendDelegateDataReference
_OFFSET, _SIZE = 0, 1  # DataSegment
_TENSORS: Final = b"FT01"
_TENSORS_HEADER, _TENSORS_HEADER_SIZE = b"FH01", 40  # magic, length, two places with their sizes
_EXTENSIONS: Final = frozenset({".pte", ".ptd"})
_MAX_OPERATORS: Final = 2_000


class ExecutorchReader:
    """Walks over the plans of a program.

    Args:
        operators: what operators and backends do.
    """

    format = "executorch"

    def __init__(self, operators: GraphOperators) -> None:
        self._operators = operators

    def recognises(self, glimpse: Glimpse) -> bool:
        """By magic; by extension, `.pte` and `.ptd`, what lacks it."""
        return identified(glimpse, *_MAGICS, _TENSORS) or glimpse.extension in _EXTENSIONS

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the program, its operators and backends, and its defects.

        Raises:
            ReadError: it is no such FlatBuffer, or an offset leads out of it.
        """
        if identifier(artifact, "an ExecuTorch program", *_MAGICS, _TENSORS) == _TENSORS:
            yield from _tensors(artifact)
            return
        program = _Program(artifact, budget, self._operators)
        yield from stated(program.read, program.facts, budget)


class _Program:
    """One program; what was found before an error stays."""

    def __init__(self, artifact: Artifact, budget: Budget, lists: GraphOperators) -> None:
        self._artifact = artifact
        self._buffer = Flatbuffer(artifact, budget)
        self._judge = TorchOperators(lists)
        self._backends = lists.classes("executorch-backends")
        self._ledger = OperatorLedger(artifact, budget, "executorch")
        self._used: set[str] = set()
        self._calls = 0
        self._defects = OutOfBounds(artifact, "executorch")

    def read(self) -> None:
        """Walk over the program."""
        root = self._buffer.root()
        segments = self._segments(root)
        _, inline = root.span(_DATA, 4)
        for plan in root.tables(_PLANS):
            operators = _kept(plan.tables(_OPERATORS), "operators")
            delegates = _kept(plan.tables(_DELEGATES), "delegates")
            calls: Counter[tuple[int, int]] = Counter()
            for chain in plan.tables(_CHAINS):
                for instruction in chain.tables(_INSTRUCTIONS):
                    self._instruction(instruction, calls, len(operators), len(delegates))
            for index, operator in enumerate(operators):
                self._operator(operator.text(0), calls[_KERNEL, index])
            for index, delegate in enumerate(delegates):
                self._delegate(delegate, calls[_DELEGATE, index], segments, inline)

    def _segments(self, root: Table) -> int:
        """How many segments there are; each must lie in the file."""
        base = _segment_base(self._artifact)
        count = 0
        for segment in root.tables(_SEGMENTS):
            start, size = segment.number(_OFFSET, 8), segment.number(_SIZE, 8)
            self._defects.span(f"segment {count}", base + start, size)
            count += 1
        return count

    def _instruction(
        self, instruction: Table, calls: Counter[tuple[int, int]], operators: int, delegates: int
    ) -> None:
        kind = instruction.number(_KIND, 1)
        arguments = instruction.child(_ARGUMENTS)
        if kind not in (_KERNEL, _DELEGATE) or arguments is None:
            return
        index = arguments.number(0, 4, signed=True)
        there, what = (operators, "operator") if kind == _KERNEL else (delegates, "delegate")
        self._calls += 1
        if 0 <= index < there:
            calls[kind, index] += 1
        else:
            self._defects.add(f"instruction at {instruction.at}", f"{what} {index:,} of {there:,}")

    def _operator(self, name: str, calls: int) -> None:
        bounded(len(self._used), "operators")
        self._used.add(name[:200])
        behaviour = self._judge.behaviour(name.replace("::", "."))
        if behaviour is not None:
            self._ledger.add(Use(name, behaviour), max(calls, 1))

    def _delegate(self, delegate: Table, calls: int, segments: int, inline: int) -> None:
        """A part of the program that a backend runs, and the blob that it is given for it."""
        name = delegate.text(_ID)
        listed: Any = self._backends.get(name)
        behaviour: Behaviour | None = listed
        if listed is None:
            behaviour = "custom-telling" if telling(name) else "custom"
        if behaviour not in (None, "compute"):
            self._ledger.add(Use(name, behaviour, domain="backend"), max(calls, 1))
        blob = delegate.child(_PROCESSED)
        if blob is not None:
            index = blob.number(_INDEX, 4)
            there = segments if blob.number(_LOCATION, 1) else inline
            if index >= there:
                self._defects.add(name, f"data {index:,} of {there:,}")

    def facts(self) -> Iterator[Fact | Coverage]:
        """Everything that was found."""
        yield GraphModel(
            location=place(self._artifact),
            framework="executorch",
            form="model",
            producer="",
            nodes=self._calls,
            functions=0,
            operators=tuple(sorted(self._used)[:_MAX_OPERATORS]),
        )
        yield from self._ledger.facts()
        yield from self._ledger.coverage()
        yield from self._defects.facts()


def _kept(tables: Iterator[Table], what: str) -> list[Table]:
    """The tables that instructions refer to by their index."""
    kept: list[Table] = []
    for table in tables:
        bounded(len(kept), what)
        kept.append(table)
    return kept


def _tensors(artifact: Artifact) -> Iterator[Fact | Coverage]:
    """A file of tensors: both of its parts must lie in it."""
    head = artifact.read_at(_HEADER_AT, _TENSORS_HEADER_SIZE)
    if not head.startswith(_TENSORS_HEADER) or len(head) < _TENSORS_HEADER_SIZE:
        raise ReadError("a file of tensors without its header", offset=_HEADER_AT)
    defects = OutOfBounds(artifact, "executorch")
    for what, at in (("names", 8), ("tensors", 24)):
        start, size = (int.from_bytes(head[one : one + 8], "little") for one in (at, at + 8))
        defects.span(what, start, size)
    yield from defects.facts()
    yield Coverage(
        file=artifact.name,
        member=artifact.member,
        status="header-only",
        reason="names and places of tensors",
    )


def _segment_base(artifact: Artifact) -> int:
    """Where segments are counted from: said in the extended header, 0 without one."""
    raw = artifact.read_at(_HEADER_AT, _SHORTEST)
    if not raw.startswith(_HEADER) or len(raw) < _SHORTEST:
        return 0
    return int.from_bytes(raw[16:24], "little")
