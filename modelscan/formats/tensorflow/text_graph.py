"""Graphs in the text notation: the same nodes as in the binary one, found by the names of fields.

Invariants: a field is told by the end of its path, so that a GraphDef, a MetaGraphDef and a
SavedModel need no telling apart; one node is held at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sized
from typing import Final

from modelscan.errors import BudgetError
from modelscan.formats.tensorflow.judging import Judge
from modelscan.formats.tensorflow.nodes import Node, Scope
from modelscan.formats.tensorflow.text import Event

_NODES: Final = ("node", "node_def")
_FUNCTION: Final = "function"
_TEXTS: Final = frozenset({"s", "string_val", "tensor_content"})
_MAX_LISTED: Final = 10_000
_MAX_TEXTS: Final = 64
_MAX_NAMED: Final = 256
"""Attributes with texts of one node; a real one has some dozen."""
_PATHS: Final = "asset_filepaths"


class TextGraph:
    """Reads the events of one document."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._path: list[str] = []
        self._graph = judge.scope()
        self._function: Scope | None = None
        self._name = ""
        self._arguments: list[str] = []
        self._node: Node | None = None
        self._key = ""
        self._collection = ""
        self.version = ""
        """The version of TensorFlow that says it wrote the file."""
        self.asset_files: list[str] = []
        """Names of the files that the loader looks for in the folder of assets."""

    def read(self, events: Iterable[Event]) -> None:
        """Take in a document."""
        for event in events:
            if event.kind == "open":
                self._path.append(event.name)
                self._open(event)
            elif event.kind == "close":
                self._close(event.name)
                self._path.pop()
            elif self._node is not None:
                self._in_node(self._node, event)
            else:
                self._outside(event)

    def _open(self, event: Event) -> None:
        if event.name in _NODES and self._node is None:
            self._node = Node("", "", [], {}, [], event.at)
        elif event.name == _FUNCTION and self._node is None and "library" in self._path:
            self._function = self._judge.scope()
            self._name, self._arguments = "", []
        elif event.name == "attr":
            self._key = ""

    def _close(self, name: str) -> None:
        if name in _NODES and self._node is not None and not self._inside_node():
            node, self._node = self._node, None
            if node.operator:
                self._judge.add(self._function or self._graph, node)
        elif name == _FUNCTION and self._function is not None and self._node is None:
            self._judge.name(self._function, self._name, self._arguments)
            self._judge.settle(self._function)
            self._function = None

    def _inside_node(self) -> bool:
        """True when the message that ends stands inside another node's attributes."""
        return any(each in _NODES for each in self._path[:-1])

    def _in_node(self, node: Node, event: Event) -> None:
        parent = self._path[-1]
        if parent in _NODES:
            if event.name == "name":
                node.name = event.value
            elif event.name == "op":
                node.operator = event.value
            elif event.name == "input" and len(node.inputs) < _MAX_LISTED:
                node.inputs.append(event.value)
        elif parent == "attr" and event.name == "key":
            self._key = event.value
        elif parent == "func" and event.name == "name":
            node.calls.append(event.value)
            _bounded(node.calls, "calls of one node", event)
        elif event.name in _TEXTS:
            texts = node.texts.setdefault(self._key, [])
            _bounded(node.texts, "texts of one node", event, _MAX_NAMED)
            if len(texts) < _MAX_TEXTS and (event.value or not texts):
                texts.append(event.value)

    def _outside(self, event: Event) -> None:
        """Fields beside the nodes that change what a node means."""
        parent = self._path[-1] if self._path else ""
        if parent == "signature" and event.name == "name":
            self._name = event.value
        elif parent == "input_arg" and event.name == "name":
            self._arguments.append(event.value)
            _bounded(self._arguments, "arguments of one function", event)
        elif event.name == "tensorflow_version":
            self.version = event.value
        else:
            self._paths(parent, event)

    def _paths(self, parent: str, event: Event) -> None:
        """Which nodes get a path from the loader, and the names of assets."""
        judge = self._judge
        if event.name == "filename_tensor_name":
            judge.mark(judge.savers, event.value)
        elif parent == "asset_file_def" and event.name == "filename":
            self.asset_files.append(event.value)
            _bounded(self.asset_files, "assets", event)
        elif parent == "tensor_info" and event.name == "name" and "asset_file_def" in self._path:
            judge.mark(judge.assets, event.value)
        elif parent == "collection_def" and event.name == "key":
            self._collection = event.value
        elif parent == "node_list" and self._collection == _PATHS:
            judge.mark(judge.asset_paths, event.value)


def _bounded(listed: Sized, what: str, event: Event, most: int = 0) -> None:
    """Refuse a document that has more of something than is kept."""
    most = most or _MAX_LISTED
    if len(listed) > most:
        raise BudgetError(f"more than {most:,} {what}", offset=event.at)
