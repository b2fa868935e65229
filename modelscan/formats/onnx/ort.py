"""ONNX Runtime's own format, `.ort`: the graph of an ONNX model as a FlatBuffer.

The runtime takes it without the checks that it makes of an ONNX file: operators are judged as those
of ONNX are, in every nested graph. Weights are data; such as lie in another file are named by the
program that loads the model, and never by the model.

Source: `ort.fbs` of ONNX Runtime, the tables of which are named beside the slots.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import outside
from modelscan.formats.flatbuffer import Flatbuffer, Table
from modelscan.formats.flatbuffer_graphs import bounded, identified, identifier
from modelscan.formats.graph_operators import OperatorLedger, Use
from modelscan.formats.graph_reading import stated
from modelscan.formats.onnx.operators import Operators
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, GraphFile, GraphModel
from modelscan.vocabulary.lists import GraphOperators

MAGIC: Final = b"ORTM"
_MODEL: Final = 1  # InferenceSession
_PRODUCER, _PRODUCER_VERSION, _GRAPH = 2, 3, 7  # Model
_INITIALIZERS, _NODES = 0, 2  # Graph
_NAME, _DOMAIN, _OPERATOR, _ATTRIBUTES = 0, 2, 5, 10  # Node
_KEY, _NUMBER, _TEXT, _NESTED, _TEXTS, _GRAPHS = 0, 4, 5, 7, 10, 12  # Attribute
_RAW: Final = 4  # Tensor
_STANDARD: Final = "ai.onnx"
_MAX_DEPTH: Final = 100
_MAX_TEXTS: Final = 64
_MAX_NAMED: Final = 256
"""Attributes of one node; a real one has some dozen."""
_MAX_OPERATORS: Final = 2_000


class _Node(msgspec.Struct):
    """See `operators.Used`."""

    name: str
    domain: str
    operator: str
    texts: dict[str, str] = msgspec.field(default_factory=dict)
    numbers: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """Domain and operator, the standard domain written as the empty one."""
        return ("" if self.domain == _STANDARD else self.domain), self.operator


class OrtReader:
    """Walks over every graph of a model.

    Args:
        operators: what operators do, and which domains come with the usual runtimes.
    """

    format = "onnx runtime model"

    def __init__(self, operators: GraphOperators) -> None:
        self._operators = operators

    def recognises(self, glimpse: Glimpse) -> bool:
        """By magic; by extension, `.ort`, what lacks it."""
        return identified(glimpse, MAGIC) or glimpse.extension == ".ort"

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the model, the operators that do more than compute, and the files it names.

        Raises:
            ReadError: it is no such FlatBuffer, or an offset leads out of it.
        """
        identifier(artifact, "a model of ONNX Runtime", MAGIC)
        model = _Model(artifact, budget, self._operators)
        yield from stated(model.read, model.facts, budget)


class _Model:
    """One model; what was found before an error stays."""

    def __init__(self, artifact: Artifact, budget: Budget, lists: GraphOperators) -> None:
        self._artifact = artifact
        self._buffer = Flatbuffer(artifact, budget)
        self._operators = Operators(lists)
        self._ledger = OperatorLedger(artifact, budget, "onnx")
        self._used: Counter[str] = Counter()
        self._producer = ""
        self._walked: set[int] = set()

    def read(self) -> None:
        """Walk over the model."""
        model = self._buffer.root().child(_MODEL)
        graph = None if model is None else model.child(_GRAPH)
        if model is None or graph is None:
            raise ReadError("no graph in it")
        self._producer = f"{model.text(_PRODUCER)} {model.text(_PRODUCER_VERSION)}".strip()
        self._graph(graph, 0)

    def _graph(self, graph: Table, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise BudgetError(f"graphs nested more than {_MAX_DEPTH} deep", offset=graph.at)
        if graph.at in self._walked:
            return  # tables may be shared, and lead back to themselves
        bounded(len(self._walked), "graphs")
        self._walked.add(graph.at)
        for tensor in graph.tables(_INITIALIZERS):
            tensor.span(_RAW)
        for table in graph.tables(_NODES):
            self._node(table, depth)

    def _node(self, table: Table, depth: int) -> None:
        node = _Node(table.text(_NAME), table.text(_DOMAIN), table.text(_OPERATOR))
        for attribute in table.tables(_ATTRIBUTES):
            nested = attribute.child(_NESTED)
            if nested is not None:
                self._graph(nested, depth + 1)
            for graph in attribute.tables(_GRAPHS):
                self._graph(graph, depth + 1)
            if len(node.numbers) >= _MAX_NAMED:
                raise BudgetError(f"a node of more than {_MAX_NAMED} attributes", offset=table.at)
            key = attribute.text(_KEY)
            texts = [attribute.text(_TEXT), *attribute.texts(_TEXTS, _MAX_TEXTS)]
            node.texts[key] = " ".join(filter(None, texts))
            node.numbers[key] = attribute.number(_NUMBER, 8, signed=True)
        node.texts = {key: text for key, text in node.texts.items() if text}
        domain, operator = node.key
        name = f"{domain}.{operator}" if domain else operator
        if name in self._used or len(self._used) < _MAX_OPERATORS:
            self._used[name] += 1
        behaviour, argument = self._operators.judge(node)
        if behaviour is not None:
            use = Use(operator, behaviour, domain, node.name, "", argument, table.at)
            self._ledger.add(use)

    def facts(self) -> Iterator[Fact | Coverage]:
        """Everything that was found."""
        where = place(self._artifact)
        if self._walked:
            yield GraphModel(
                location=where,
                framework="onnx",
                form="model",
                producer=self._producer[:100],
                nodes=self._used.total(),
                functions=0,
                operators=tuple(sorted(self._used)),
            )
        yield from self._ledger.facts()
        yield from self._ledger.coverage()
        for path, name in self._operators.contexts.items():
            yield GraphFile(
                location=where,
                status="declared",
                framework="onnx",
                kind=outside.problem(path) or "inside",
                path=path,
                name=name,
                tensors=0,
            )
