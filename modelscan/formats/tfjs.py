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
from modelscan.errors import ReadError
from modelscan.formats import json_text, outside
from modelscan.formats.reader import Glimpse
from modelscan.formats.tensorflow.judging import Judge
from modelscan.formats.tensorflow.nodes import Node, Scope
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, GraphFile, GraphModel
from modelscan.vocabulary.lists import GraphOperators

_MARK: Final = re.compile(rb'"(?:modelTopology|weightsManifest)"')
_NAME: Final = "model.json"
_MAX_DOCUMENT: Final = 64 << 20
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
        try:
            root = json_text.parse(artifact.read_at(0, artifact.size).decode("utf-8-sig")).root
        except (ValueError, RecursionError) as error:
            raise ReadError(f"not JSON: {error}") from None
        topology = _table(_table(root).get("modelTopology"))
        where = place(artifact)
        for path in _paths(_table(root)):
            trouble = outside.problem(path)
            if trouble is not None:
                budget.fact()
                yield GraphFile(
                    location=where, status="declared", framework="tfjs", kind=trouble, path=path,
                    name="weightsManifest",
                )  # fmt: skip
        if isinstance(topology.get("node"), list):
            yield from self._graph(artifact, budget, topology, _table(root))

    def _graph(
        self, artifact: Artifact, budget: Budget, topology: dict[str, Any], root: dict[str, Any]
    ) -> Iterator[Fact | Coverage]:
        judge = Judge(artifact, budget, self._operators.classes("tensorflow"), "tfjs")
        _nodes(judge, judge.scope(), topology.get("node"))
        for function in _list(_table(topology.get("library")).get("function")):
            signature = _table(_table(function).get("signature"))
            scope = judge.scope()
            arguments = [
                _text(_table(each).get("name")) for each in _list(signature.get("inputArg"))
            ]
            judge.name(scope, _text(signature.get("name")), arguments)
            _nodes(judge, scope, _table(function).get("nodeDef"))
        budget.fact()
        yield GraphModel(
            location=place(artifact),
            framework="tfjs",
            form="graph",
            producer=_text(root.get("generatedBy"))[:100],
            nodes=judge.counts.total(),
            functions=len(judge.functions),
            operators=tuple(sorted(judge.counts)[:_MAX_OPERATORS]),
        )
        yield from judge.facts()


def _paths(root: dict[str, Any]) -> list[str]:
    """Names of the files that hold the weights."""
    groups = _list(root.get("weightsManifest"))
    paths = [path for group in groups for path in _list(_table(group).get("paths"))]
    return [path for path in paths if isinstance(path, str)][:_MAX_PATHS]


def _nodes(judge: Judge, scope: Scope, items: Any) -> None:
    """Nodes as protobuf's JSON notation writes them."""
    for item in _list(items):
        plain = _table(item)
        node = Node(_text(plain.get("name")), _text(plain.get("op")), [], {}, [])
        node.inputs = [_text(each) for each in _list(plain.get("input"))]
        if judge.wants(node.operator):
            for key, value in _table(plain.get("attr")).items():
                texts = _texts(_table(value))
                if texts:
                    node.texts[key] = texts
                function = _table(_table(value).get("func")).get("name")
                if isinstance(function, str):
                    node.calls.append(function)
        if node.operator:
            judge.add(scope, node)


def _texts(value: dict[str, Any]) -> list[str]:
    """Texts of an attribute: its own, those of a list, those of a tensor."""
    listed, tensor = _table(value.get("list")), _table(value.get("tensor"))
    raw = [value.get("s"), *_list(listed.get("s")), *_list(tensor.get("stringVal"))]
    return [_decoded(each) for each in raw[:_MAX_TEXTS] if isinstance(each, str)]


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
