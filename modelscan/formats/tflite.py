"""TensorFlow Lite: a FlatBuffer of operators and buffers.

Operators behind the prefix `Flex` are TensorFlow's own, run by its runtime, and judged as such;
other custom operators need code that the file does not hold. Indexes and places that the verifier
of a loader would check are checked, since not every loader does. Buffers are data.

Source: the schema of TensorFlow Lite, `schema.fbs`, version 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.formats.flatbuffer import Flatbuffer, Table
from modelscan.formats.flatbuffer_graphs import OutOfBounds, bounded, identified, identifier
from modelscan.formats.graph_operators import OperatorLedger, Use, telling
from modelscan.formats.graph_reading import stated
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Behaviour, Fact, GraphModel
from modelscan.vocabulary.lists import GraphOperators

MAGIC: Final = b"TFL3"
_CODES, _SUBGRAPHS, _DESCRIPTION, _BUFFERS = 1, 2, 3, 4  # Model
_OLD_CODE, _CUSTOM_CODE, _CODE = 0, 1, 3  # OperatorCode
_TENSORS, _OPERATORS = 0, 3  # SubGraph
_OPCODE: Final = 0  # Operator
_SHAPE, _BUFFER, _NAME = 0, 2, 3  # Tensor
_DATA, _OFFSET, _SIZE = 0, 1, 2  # Buffer
_CUSTOM: Final = 32
"""BuiltinOperator.CUSTOM."""
_FLEX: Final = "Flex"
_EXTENSIONS: Final = frozenset({".tflite", ".lite", ".tfl"})
_MAX_RANK: Final = 64
_MAX_OPERATORS: Final = 2_000


class TfliteReader:
    """Walks over operators, tensors and buffers.

    Args:
        operators: what custom operators do, TensorFlow's and others.
    """

    format = "tflite"

    def __init__(self, operators: GraphOperators) -> None:
        self._operators = operators

    def recognises(self, glimpse: Glimpse) -> bool:
        """By magic; by extension, `.tflite`, what lacks it."""
        return identified(glimpse, MAGIC) or glimpse.extension in _EXTENSIONS

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the model, its custom operators and its defects.

        Raises:
            ReadError: it is no such FlatBuffer, or an offset leads out of it.
        """
        identifier(artifact, "a TensorFlow Lite model", MAGIC)
        model = _Model(artifact, budget, self._operators)
        yield from stated(model.read, model.facts, budget)


class _Model:
    """One model; what was found before an error stays."""

    def __init__(self, artifact: Artifact, budget: Budget, lists: GraphOperators) -> None:
        self._artifact = artifact
        self._buffer = Flatbuffer(artifact, budget)
        self._tensorflow = lists.classes("tensorflow")
        self._custom = lists.classes("tflite")
        self._ledger = OperatorLedger(artifact, budget, "tflite")
        self._codes = 0
        self._custom_codes: dict[int, str] = {}
        self._uses: Counter[int] = Counter()
        self._nodes = 0
        self._unknown: int | None = None
        self._defects = OutOfBounds(artifact, "tflite")
        self._description = ""

    def read(self) -> None:
        """Walk over the model."""
        root = self._buffer.root()
        for code in root.tables(_CODES):
            name = _operator(code)
            if name:
                bounded(len(self._custom_codes), "custom operators")
                self._custom_codes[self._codes] = name
            self._codes += 1
        self._description = root.text(_DESCRIPTION)
        buffers = 0
        for buffer in root.tables(_BUFFERS):
            self._check_buffer(buffer, buffers)
            buffers += 1
        for graph in root.tables(_SUBGRAPHS):
            for tensor in graph.tables(_TENSORS):
                self._check_tensor(tensor, buffers)
            for operator in graph.tables(_OPERATORS):
                self._use(operator.number(_OPCODE, 4))

    def _use(self, index: int) -> None:
        """A node with the operator of this index."""
        self._nodes += 1
        if index in self._custom_codes:
            self._uses[index] += 1
        elif index >= self._codes:
            self._unknown = min(index, index if self._unknown is None else self._unknown)

    def facts(self) -> Iterator[Fact | Coverage]:
        """Everything that was found."""
        where = place(self._artifact)
        yield GraphModel(
            location=where,
            framework="tflite",
            form="model",
            producer=self._description[:100],
            nodes=self._nodes,
            functions=0,
            operators=tuple(sorted(set(self._custom_codes.values()))[:_MAX_OPERATORS]),
        )
        for index, name in self._custom_codes.items():
            behaviour, argument = self._judge(name)
            if behaviour is not None:
                use = Use(name, behaviour, argument=argument)
                self._ledger.add(use, max(self._uses[index], 1))
        if self._unknown is not None:
            self._defects.add("", f"operator code {self._unknown:,} of {self._codes:,}")
        yield from self._ledger.facts()
        yield from self._ledger.coverage()
        yield from self._defects.facts()

    def _judge(self, name: str) -> tuple[Behaviour | None, str]:
        """What a custom operator does beyond computing."""
        listed: Any = self._custom.get(name)
        if listed is None and name.startswith(_FLEX):
            listed = self._tensorflow.get(name.removeprefix(_FLEX))
        elif listed is None and self._tensorflow.get(name) == "library":
            listed = "library"  # the library has the same operator for both runtimes
        if listed is not None:
            return (None if listed == "compute" else listed), ""
        return ("custom-telling" if telling(name) else "custom"), ""

    def _check_buffer(self, buffer: Table, index: int) -> None:
        """Large buffers lie behind the FlatBuffer, at a place and with a size of their own."""
        buffer.span(_DATA)
        self._defects.span(f"buffer {index}", buffer.number(_OFFSET, 8), buffer.number(_SIZE, 8))

    def _check_tensor(self, tensor: Table, buffers: int) -> None:
        index = tensor.number(_BUFFER, 4)
        if index and index >= buffers:
            detail = f"buffer {index:,} of {buffers:,}"
            self._defects.add(tensor.text(_NAME), detail)
        shape = tensor.numbers(_SHAPE, 4, _MAX_RANK)
        if any(extent < -1 for extent in shape):
            self._defects.add(tensor.text(_NAME), f"shape {shape}")


def _operator(code: Table) -> str:
    """The name of a custom operator; empty for one of the format's own."""
    number = max(code.number(_OLD_CODE, 1, signed=True), code.number(_CODE, 4, signed=True))
    return code.text(_CUSTOM_CODE) if number == _CUSTOM else ""
