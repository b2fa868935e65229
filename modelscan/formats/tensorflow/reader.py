"""TensorFlow graphs: SavedModel, MetaGraph, frozen graph, in binary and in text.

A graph is a program: operators read and write files, open connections and call Python when it runs,
and some when it is loaded. Every graph in a file is read, and every function, called or not. What
an operator does is looked up in a list; one on no list needs a library that the file does not hold.
Descriptions of Keras layers inside a SavedModel go on their own way.

Source: the messages named in the walks; the operators that TensorFlow registers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import outside
from modelscan.formats.graph_reading import stated
from modelscan.formats.onnx.shape import is_model, is_tensor
from modelscan.formats.protobuf import BYTES, VARINT, Wire
from modelscan.formats.protobuf_shape import NAME, TEXT, Shape, evidence
from modelscan.formats.reader import HEAD, Glimpse
from modelscan.formats.tensorflow import text
from modelscan.formats.tensorflow.binary import Walk
from modelscan.formats.tensorflow.judging import Judge
from modelscan.formats.tensorflow.text_graph import TextGraph
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, base_name, child_name, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, GraphFile, GraphModel
from modelscan.vocabulary.lists import GraphOperators

_NODE: Final[Shape] = {
    1: NAME, 2: NAME, 3: NAME, 4: TEXT, 5: {1: TEXT, 2: BYTES}, 6: BYTES, 7: BYTES,
}  # fmt: skip
_GRAPH: Final[Shape] = {1: _NODE, 2: {1: BYTES, 2: BYTES, 3: BYTES}, 3: VARINT, 4: BYTES, 5: BYTES}
_INFO: Final[Shape] = {
    1: TEXT, 2: {1: {1: NAME, 2: BYTES, 3: BYTES, 4: BYTES, 5: TEXT, 6: TEXT, 8: BYTES, 16: VARINT,
                     17: VARINT, 18: VARINT, 19: VARINT, 20: BYTES, 21: VARINT}},
    3: BYTES, 4: TEXT, 5: TEXT, 6: TEXT, 7: VARINT, 8: BYTES,
}  # fmt: skip
_META: Final[Shape] = {
    1: _INFO, 2: _GRAPH, 3: BYTES, 4: BYTES, 5: BYTES, 6: BYTES, 7: BYTES,
}  # fmt: skip
_SAVED: Final[Shape] = {1: VARINT, 2: _META}
_FINGERPRINT: Final[Shape] = {
    1: VARINT, 2: VARINT, 3: VARINT, 4: VARINT, 5: VARINT, 6: BYTES, 7: TEXT,
}  # fmt: skip
_FORMS: Final[tuple[tuple[Any, Shape, frozenset[tuple[int, ...]]], ...]] = (
    ("saved-model", _SAVED, frozenset({(2, 1, 2, 1, 1), (2, 2, 1, 2), (2, 1, 5)})),
    ("meta-graph", _META, frozenset({(1, 2, 1, 1), (2, 1, 2), (1, 5)})),
    ("graph", _GRAPH, frozenset({(1, 5, 1), (2, 1)})),
)
"""What makes a file each of them: an operator or a node in sight, or the version of TensorFlow."""
_FIRST_TAGS: Final = frozenset({0x08, 0x0A, 0x12, 0x1A, 0x22})
_NAMED: Final = frozenset({".pb", ".pbtxt"})
_META_NAME: Final = ".meta"
_TEXT_BEGINS: Final = (b"meta_info_def", b"graph_def", b"node", b"saver_def", b"collection_def")
_CAFFE2: Final = re.compile(rb"^op\s*\{[^{}]*?\btype\s*:", re.MULTILINE)
"""How the same notation writes an operator of Caffe2."""
_SAVED_NAME: Final = "saved_model.pb"
_SIDE_FILES: Final[dict[str, Shape]] = {
    "fingerprint.pb": _FINGERPRINT,
    "tfhub_module.pb": {1: VARINT, 2: NAME},
}
"""Small messages beside a SavedModel that hold numbers and names."""
_KERAS_NAME: Final = "keras_metadata.pb"
_LIKE_KERAS: Final = "meta-graph"
"""What descriptions of Keras objects look like that leave their number out: by number and type, the
fields are those of the first part of a MetaGraph."""
_MAX_TEXT: Final = 32 << 20
"""Bytes of a document in text; weights are not kept in that notation."""
_MAX_KERAS: Final = 32 << 20
_MAX_OPERATORS: Final = 2_000
_KERAS_MEMBER: Final = "keras-config.json"


class TensorflowReader:
    """Walks over every graph of a file, and judges its operators once all are known.

    Args:
        operators: what operators do.
    """

    format = "tensorflow graph"

    def __init__(self, operators: GraphOperators) -> None:
        self._operators = operators

    def recognises(self, glimpse: Glimpse) -> bool:
        """By the fields of a graph; by extension, `.pb` and `.pbtxt`, what is not ONNX."""
        head = glimpse.head
        if head and head[0] in _FIRST_TAGS and _form(glimpse) is not None:
            return True
        if glimpse.extension in _NAMED:
            return not (is_tensor(glimpse) or is_model(glimpse))
        return glimpse.extension == _META_NAME and _is_text(head)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the graph and the operators that do more than compute.

        Raises:
            ReadError: the file breaks off, or is a message of another kind.
            BudgetError: it is nested deeper than any parser goes, or too long.
        """
        name = base_name(artifact).lower()
        glimpse = Glimpse(artifact)
        beside = _SIDE_FILES.get(name) if glimpse.size <= HEAD else None
        if beside is not None and evidence(glimpse.head, glimpse.size, beside):
            return
        judge = Judge(artifact, budget, self._operators.classes("tensorflow"))
        document = _Document(artifact, budget, judge)
        yield from stated(lambda: document.take(name, glimpse), document.items, budget)


def _form(glimpse: Glimpse, *, lenient: bool = False) -> Any:
    """Which of the binary messages a file is; absent for another."""
    for form, shape, wanted in _FORMS:
        found = evidence(glimpse.head, glimpse.size, shape, lenient=lenient)
        if not wanted.isdisjoint(found):
            return form
    return None


def _is_text(head: bytes) -> bool:
    """True for what begins like a MetaGraph in text."""
    plain = head.lstrip()
    return (
        plain.startswith((b"meta_info_def", b"graph_def", b"node", b"saver_def")) and b"{" in head
    )


class _Document:
    """One file; what was found before an error stays."""

    def __init__(self, artifact: Artifact, budget: Budget, judge: Judge) -> None:
        self._artifact = artifact
        self._budget = budget
        self._judge = judge
        self._wire = Wire(artifact, budget)
        self._walk = Walk(self._wire, judge)
        self._text: TextGraph | None = None
        self._form: Any = None

    def take(self, name: str, glimpse: Glimpse) -> None:
        """Read the file as what it is."""
        walk = self._walk
        if name == _KERAS_NAME and _form(glimpse) in (None, _LIKE_KERAS):
            walk.keras_metadata()
            return
        if name.endswith(".pbtxt"):
            if _CAFFE2.search(glimpse.head):
                raise ReadError("a network of Caffe2, which nothing here reads")
            self._take_text()
            return
        self._form = "saved-model" if name == _SAVED_NAME else _form(glimpse)
        self._form = self._form or _form(glimpse, lenient=True)
        if self._form == "saved-model":
            walk.saved_model()
        elif self._form == "meta-graph":
            walk.meta_graph(0, self._wire.size, 0)
        elif self._form == "graph":
            walk.graph(0, self._wire.size, 0)
        elif name.endswith(_META_NAME) or _is_text(glimpse.head):
            self._take_text()
        else:
            raise ReadError("a protocol buffer, or other data, that is no TensorFlow graph")

    def _take_text(self) -> None:
        artifact = self._artifact
        if artifact.size > _MAX_TEXT:
            raise ReadError(f"a document of {artifact.size:,} bytes in text")
        self._budget.header(artifact.size)
        self._judge.hold(artifact.size)
        self._text = TextGraph(self._judge)
        self._form = "text"
        self._text.read(text.events(artifact.read_at(0, artifact.size), self._budget))

    def items(self) -> Iterator[Fact | Coverage | Artifact]:
        """Everything that was found."""
        judge, where = self._judge, place(self._artifact)
        source = self._text or self._walk
        if self._form is not None and judge.counts:
            yield GraphModel(
                location=where,
                framework="tensorflow",
                form=self._form,
                producer=f"TensorFlow {source.version}"[:100] if source.version else "",
                nodes=judge.counts.total(),
                functions=len(judge.functions),
                operators=tuple(sorted(judge.counts)[:_MAX_OPERATORS]),
            )
        yield from judge.facts()
        for file in source.asset_files:
            trouble = outside.problem(file)
            if trouble is not None:
                yield GraphFile(
                    location=where,
                    status="declared",
                    framework="tensorflow",
                    kind=trouble,
                    path=file,
                    name="asset",
                    tensors=0,
                )
        yield from self._keras()

    def _keras(self) -> Iterator[Artifact]:
        """The descriptions of Keras objects, as one list in JSON."""
        fields = self._walk.keras
        if not fields:
            return
        if sum(field.value for field in fields) > _MAX_KERAS:
            raise ReadError(f"more than {_MAX_KERAS:,} bytes describe Keras layers")
        documents = [_as_json(self._wire.take(field.at, field.value)) for field in fields]
        yield BytesArtifact(
            self._artifact.name,
            b"[" + b",".join(documents) + b"]",
            member=child_name(self._artifact, _KERAS_MEMBER),
            depth=self._artifact.depth + 1,
        )


def _as_json(raw: bytes) -> bytes:
    """The bytes as they stand, or as a JSON text when they are no JSON."""
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return json.dumps(raw.decode("utf-8", "replace")).encode()
    return raw
