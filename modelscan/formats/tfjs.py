"""TensorFlow.js: `model.json` with a graph or a Keras configuration, and a manifest of weights.

The graph is TensorFlow's in JSON, with texts in base64, and its operators are judged as such. The
loader joins the paths of the manifest to the address of the document and fetches what is there. A
Keras configuration is read where the rest of the document is, by the readers of JSON.

Source: "model.json" and `io/types.ts` of TensorFlow.js; `graph_model` and `layers-model` formats.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import outside
from modelscan.formats.objects.pieces import Piece, pieces
from modelscan.formats.reader import Glimpse
from modelscan.formats.tensorflow.judging import Judge
from modelscan.formats.tensorflow.nodes import Node, Scope
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, GraphFile, GraphModel
from modelscan.vocabulary.lists import GraphOperators

_MARK: Final = re.compile(rb'"(?:modelTopology|weightsManifest)"')
_NAME: Final = "model.json"
_TOPOLOGY: Final = "modelTopology"
_NODES: Final = f"{_TOPOLOGY}.node"
_LIBRARY: Final = f"{_TOPOLOGY}.library"
_FUNCTIONS: Final = f"{_LIBRARY}.function"
_MANIFEST: Final = "weightsManifest"
_MAX_DOCUMENT: Final = 24 << 20
_MAX_PATHS: Final = 10_000
_MAX_OPERATORS: Final = 2_000
_MAX_TEXTS: Final = 64
_MAX_TEXT: Final = 4096


class TfjsReader:
    """Reads the topology and the manifest of a converted model.

    Args:
        operators: what TensorFlow's operators do.
    """

    format = "tfjs"

    def __init__(self, operators: GraphOperators) -> None:
        self._operators = operators

    def recognises(self, glimpse: Glimpse) -> bool:
        """A `.json` that has the keys of a converted model within its first bytes, or its name."""
        if glimpse.extension != ".json":
            return False
        if _MARK.search(glimpse.head):
            return True
        return glimpse.name == _NAME and _MARK.search(glimpse.tail) is not None

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the operators, and paths of weights that lead elsewhere.

        Raises:
            ReadError: the document is not JSON.
        """
        if artifact.size > _MAX_DOCUMENT:
            raise ReadError(f"a JSON document of {artifact.size:,} bytes")
        budget.header(artifact.size)
        graph = _Graph(artifact, budget, self._operators)
        where = place(artifact)
        stated = 0
        for piece in pieces(artifact.read_at(0, artifact.size), budget):
            graph.take(piece)
            for path in _paths(piece):
                trouble = outside.problem(path)
                stated += trouble is not None
                if trouble is not None and stated <= _MAX_PATHS:
                    budget.fact()
                    yield GraphFile(
                        location=where, status="declared", framework="tfjs", kind=trouble,
                        path=path, name="weightsManifest",
                    )  # fmt: skip
        if graph.there:
            budget.fact()
            yield graph.model()
            yield from graph.judge.facts()


class _Graph:
    """The graph of a document, as its pieces come.

    Args:
        artifact: the document.
        budget: pays for it.
        operators: what TensorFlow's operators do.
    """

    def __init__(self, artifact: Artifact, budget: Budget, operators: GraphOperators) -> None:
        self.judge = Judge(artifact, budget, operators.classes("tensorflow"), "tfjs")
        self.there = False
        """True when there is one: else the document holds a configuration of Keras."""
        self._where = place(artifact)
        self._scope = self.judge.scope()
        self._producer = ""
        self._came = set[str]()
        """Places that have come by themselves: tables around them may still hold something."""

    def take(self, piece: Piece) -> None:
        """Take the nodes and functions of a piece.

        Raises:
            BudgetError: one of them is too large to be looked at as a whole.
        """
        path, root = piece.path, piece.root
        if not path and isinstance(root, dict):
            self._producer = _text(root.get("generatedBy"))[:100]
            if _TOPOLOGY not in self._came:
                self._topology(root.get(_TOPOLOGY))
        elif path == _TOPOLOGY:
            self._topology(root)
        elif path == _LIBRARY:
            self._library(root)
        elif path == _FUNCTIONS and not piece.hollow:
            self._functions(root)
        elif path.startswith(_FUNCTIONS):
            raise BudgetError("a function that is too large to be looked at")
        elif path == _NODES:
            self.there = True
            self._nodes(self._scope, root)
        elif path == f"{_NODES}[]" and piece.hollow:
            self._nodes(self._scope, [root])
            if self.judge.wants(_text(root.get("op"))):
                raise BudgetError("an operator that is too large to be looked at")
        self._came.add(path)

    def _topology(self, topology: Any) -> None:
        nodes = _table(topology).get("node")
        self.there |= isinstance(nodes, list)
        if _NODES not in self._came:
            self._nodes(self._scope, nodes)
        if _LIBRARY not in self._came:
            self._library(_table(topology).get("library"))

    def _library(self, library: Any) -> None:
        if _FUNCTIONS not in self._came:
            self._functions(_table(library).get("function"))

    def model(self) -> GraphModel:
        """What the graph is."""
        return GraphModel(
            location=self._where,
            framework="tfjs",
            form="graph",
            producer=self._producer,
            nodes=self.judge.counts.total(),
            functions=len(self.judge.functions),
            operators=tuple(sorted(self.judge.counts)[:_MAX_OPERATORS]),
        )

    def _functions(self, functions: Any) -> None:
        for function in _list(functions):
            signature = _table(_table(function).get("signature"))
            scope = self.judge.scope()
            arguments = [
                _text(_table(each).get("name")) for each in _list(signature.get("inputArg"))
            ]
            self.judge.name(scope, _text(signature.get("name")), arguments)
            self._nodes(scope, _table(function).get("nodeDef"))

    def _nodes(self, scope: Scope, items: Any) -> None:
        """Nodes as protobuf's JSON notation writes them."""
        for item in _list(items):
            plain = _table(item)
            node = Node(_text(plain.get("name")), _text(plain.get("op")), [], {}, [])
            node.inputs = [_text(each) for each in _list(plain.get("input"))]
            if self.judge.wants(node.operator):
                for key, value in _table(plain.get("attr")).items():
                    texts = _texts(_table(value))
                    if texts:
                        node.texts[key] = texts
                    function = _table(_table(value).get("func")).get("name")
                    if isinstance(function, str):
                        node.calls.append(function)
            if node.operator:
                self.judge.add(scope, node)


def _paths(piece: Piece) -> list[str]:
    """Names of the files that hold the weights."""
    path, root = piece.path, piece.root
    groups: list[Any] = []
    if path == _MANIFEST:
        groups = _list(root)
    elif path == f"{_MANIFEST}[]":
        groups = [root]
    elif path == f"{_MANIFEST}[].paths":
        groups = [{"paths": root}]
    elif not path:
        groups = _list(_table(root).get(_MANIFEST))
    paths = [path for group in groups for path in _list(_table(group).get("paths"))]
    return [path for path in paths if isinstance(path, str)]


def _texts(value: dict[str, Any]) -> list[str]:
    """Texts of an attribute: its own, those of a list, those of a tensor."""
    listed, tensor = _table(value.get("list")), _table(value.get("tensor"))
    raw = [value.get("s"), *_list(listed.get("s")), *_list(tensor.get("stringVal"))]
    return [_decoded(each) for each in raw if isinstance(each, str) and each][:_MAX_TEXTS]


def _decoded(text: str) -> str:
    """Bytes are written in base64; what is not is taken as it stands."""
    try:
        return base64.b64decode(text[:_MAX_TEXT], validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return text[:_MAX_TEXT]


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
