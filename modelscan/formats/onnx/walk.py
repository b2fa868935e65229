"""The walk over an ONNX model: every graph, function and tensor in it, wherever it is nested.

Invariants: tensors are found in initializers, sparse ones, attributes, nested graphs, functions and
training graphs alike; elements are stepped over; the walk only goes forwards. A message that stands
twice is walked twice, as parsers merge the two.

Source: `onnx.proto`, the messages of which are named beside the field numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.held import Held, cost
from modelscan.formats.onnx import tensors
from modelscan.formats.onnx.external import ExternalData
from modelscan.formats.onnx.functions import Key, Unfolding
from modelscan.formats.protobuf import BYTES, VARINT, Field, Span, Wire
from modelscan.vocabulary.artifact import Artifact

_STANDARD: Final = "ai.onnx"
"""The standard domain, which may also be written as the empty one."""
_MAX_STRINGS: Final = 64
_MAX_NAMED: Final = 256
"""Attributes with texts or numbers of one node; a real one has some dozen."""
_MAX_TYPES: Final = 64
"""Types of elements that are told apart; there are half as many."""

_PRODUCER, _PRODUCER_VERSION, _GRAPH, _METADATA = 2, 3, 7, 14  # ModelProto
_TRAINING, _FUNCTIONS, _LAST_OF_MODEL = 20, 25, 26
_NODE, _INITIALIZER, _SPARSE = 1, 5, 15  # GraphProto
_NODE_NAME, _OP, _ATTRIBUTE, _DOMAIN = 3, 4, 5, 7  # NodeProto
_ATTRIBUTE_NAME, _I, _S, _T, _G, _STRINGS = 1, 3, 4, 5, 6, 9  # AttributeProto
_TENSORS, _GRAPHS, _SPARSE_ONE, _SPARSES = 10, 11, 22, 23
_FUNCTION_NAME, _FUNCTION_NODE, _FUNCTION_DOMAIN, _FUNCTION_ATTRIBUTE = 1, 7, 10, 11
_HIDING: Final = 1024
"""Bytes in an unknown field of the model from which on they may hide something."""


class Node(msgspec.Struct):
    """One node, as far as its operator and the texts of its attributes matter."""

    offset: int
    name: str = ""
    operator: str = ""
    domain: str = ""
    texts: dict[str, str] = msgspec.field(default_factory=dict)
    """Attributes that are text, by name, cut."""
    numbers: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Domain and operator, the standard domain written as the empty one."""
        return ("" if self.domain == _STANDARD else self.domain), self.operator


class Function(NamedTuple):
    """The function that is being walked through; two empty names for the graph itself."""

    key: Key
    name: str


GRAPH: Final = Function(("", ""), "")


class Walk:
    """One model. What was found before an error stays.

    Args:
        artifact: the model.
        budget: pays for every field.
        node: is told of every node, and of the function that it stands in.
    """

    def __init__(
        self, artifact: Artifact, budget: Budget, node: Callable[[Node, str], None]
    ) -> None:
        self._wire = Wire(artifact, budget)
        self._on_node = node
        self.external = ExternalData()
        self.unfolding = Unfolding()
        self.functions: set[Key] = set()
        self.producer = ["", ""]
        self.metadata: list[tuple[str, str]] = []
        self.graphs = 0
        self.nodes = 0
        self.tensors = 0
        self.parameters = 0
        self.payload = 0
        self.dtypes: set[str] = set()
        self.held = Held("names of operators and functions")
        """Pays for what is kept of them."""
        self.digest = hashlib.sha256()
        """Over name, type and shape of the initializers, in their order."""

    def model(self) -> None:
        """Walk over the whole file as a ModelProto.

        Raises:
            ReadError: it is none, or has no graph.
        """
        for field in self._wire.fields():
            if field.wire != BYTES:
                continue
            if field.number == _GRAPH:
                self.graphs += 1
                self._graph(field, 1, GRAPH)
            elif field.number in (_PRODUCER, _PRODUCER_VERSION):
                self.producer[field.number - _PRODUCER] = self._wire.text(field)
            elif field.number == _METADATA and len(self.metadata) < _MAX_STRINGS:
                self.metadata.append(tensors.entry(self._wire, field, 1))
            elif field.number == _TRAINING:
                self._training(field)
            elif field.number == _FUNCTIONS:
                self._function(field)
            elif field.number > _LAST_OF_MODEL and field.value > _HIDING:
                detail = f"{field.value:,} bytes in field {field.number}"
                self.external.defect("unknown-field", "", detail)

        if not self.graphs:
            raise ReadError("no graph in it", offset=self._wire.size)

    def tensor(self) -> None:
        """Walk over the whole file as a single TensorProto."""
        self._tensor(Span(0, self._wire.size), 0, listed=True)

    def _training(self, field: Field) -> None:
        """TrainingInfoProto: the first two fields are graphs."""
        for part in self._wire.fields(field.at, field.end, depth=1):
            if part.wire == BYTES and part.number in (1, 2):
                self._graph(part, 2, GRAPH)

    def _graph(self, field: Field, depth: int, function: Function) -> None:
        for part in self._wire.fields(field.at, field.end, depth=depth):
            if part.wire != BYTES:
                continue
            if part.number == _NODE:
                self._node(part, depth + 1, function)
            elif part.number == _INITIALIZER:
                self._tensor(Span(part.at, part.end), depth + 1, listed=True)
            elif part.number == _SPARSE:
                self._sparse(part, depth + 1)

    def _node(self, field: Field, depth: int, function: Function) -> None:
        node = Node(field.at)
        wire = self._wire
        for part in wire.fields(field.at, field.end, depth=depth):
            if part.wire != BYTES:
                continue
            if part.number == _ATTRIBUTE:
                self._attribute(part, depth + 1, function, node)
            elif part.number == _OP:
                node.operator = wire.text(part)
            elif part.number == _DOMAIN:
                node.domain = wire.text(part)
            elif part.number == _NODE_NAME:
                node.name = wire.text(part)
        self.nodes += 1
        if self.unfolding.call(function.key, node.key):
            self.held.add(cost(*node.key))
        self._on_node(node, function.name)

    def _attribute(self, field: Field, depth: int, function: Function, node: Node | None) -> None:
        name = ""
        texts: list[str] = []
        numbers: list[int] = []
        wire = self._wire
        for part in wire.fields(field.at, field.end, depth=depth):
            if part.wire == VARINT and part.number == _I:
                numbers.append(part.value)
            elif part.wire != BYTES:
                continue
            elif part.number == _ATTRIBUTE_NAME:
                name = wire.text(part)
            elif part.number in (_S, _STRINGS):
                if len(texts) < _MAX_STRINGS:
                    texts.append(wire.text(part))
            else:
                self._nested(part, depth + 1, function)
        if node is not None:
            _keep(node, name, texts, numbers)

    def _nested(self, field: Field, depth: int, function: Function) -> None:
        """Tensors and graphs in an attribute."""
        if field.number in (_T, _TENSORS):
            self._tensor(Span(field.at, field.end), depth, listed=False)
        elif field.number in (_G, _GRAPHS):
            self._graph(field, depth, function)
        elif field.number in (_SPARSE_ONE, _SPARSES):
            self._sparse(field, depth)

    def _function(self, field: Field) -> None:
        """FunctionProto. Its name may stand behind its body, so that it is looked for first."""
        wire = self._wire
        name = domain = ""
        for part in wire.fields(field.at, field.end, depth=1):
            if part.wire == BYTES and part.number == _FUNCTION_NAME:
                name = wire.text(part)
            elif part.wire == BYTES and part.number == _FUNCTION_DOMAIN:
                domain = wire.text(part)
        key = ("" if domain == _STANDARD else domain), name
        if key in self.functions:
            self.external.defect("duplicate-function", name, f"domain {domain!r}")
        self.held.add(cost(*key))
        self.functions.add(key)
        function = Function(key, name)
        for part in wire.fields(field.at, field.end, depth=1):
            if part.wire == BYTES and part.number == _FUNCTION_NODE:
                self._node(part, 2, function)
            elif part.wire == BYTES and part.number == _FUNCTION_ATTRIBUTE:
                self._attribute(part, 2, function, None)

    def _sparse(self, field: Field, depth: int) -> None:
        """SparseTensorProto: the first two fields are tensors, values and indices."""
        for part in self._wire.fields(field.at, field.end, depth=depth):
            if part.wire == BYTES and part.number in (1, 2):
                self._tensor(Span(part.at, part.end), depth + 1, listed=part.number == 1)

    def _tensor(self, span: Span, depth: int, *, listed: bool) -> None:
        tensor = tensors.read(self._wire, span, depth)
        self.external.add(tensor)
        elements, needed = tensor.elements, tensor.needed
        if elements is None:
            self.external.defect("bad-shape", tensor.name, str(tensor.dims))
        if tensor.raw is not None and needed is not None and tensor.raw not in {needed, 0}:
            detail = f"{tensor.raw:,} bytes for {tensor.type_name} {tensor.dims}, needs {needed:,}"
            self.external.defect("size-mismatch", tensor.name, detail)
        if listed:
            self.tensors += 1
            self.parameters += elements or 0
            self.payload += needed or 0
            if len(self.dtypes) < _MAX_TYPES:
                self.dtypes.add(tensor.type_name)
            self.digest.update(f"{tensor.name}\0{tensor.kind}\0{tensor.dims}\n".encode())


def _keep(node: Node, name: str, texts: list[str], numbers: list[int]) -> None:
    """Keep an attribute.

    Raises:
        BudgetError: the node has more of them than any real one.
    """
    if len(node.texts) + len(node.numbers) >= _MAX_NAMED:
        raise BudgetError(f"a node of more than {_MAX_NAMED} attributes", offset=node.offset)
    if texts:
        node.texts[name] = " ".join(texts)
    if numbers:
        node.numbers[name] = numbers[-1]
