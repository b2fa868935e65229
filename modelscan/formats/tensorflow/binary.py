"""The walk over TensorFlow's binary messages: SavedModel, MetaGraphDef, GraphDef, their functions.

Invariants: every graph is walked, in the second MetaGraph as in the first, and every function,
called or not; values of tensors are stepped over, except texts of a few kilobytes; the walk goes
forwards where the writer wrote the fields in their order.

Source: `saved_model.proto`, `meta_graph.proto`, `graph.proto`, `function.proto`, `node_def.proto`,
`attr_value.proto`, `tensor.proto`, `saved_object_graph.proto`; the messages are named beside the
field numbers.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import Final

from modelscan.errors import BudgetError
from modelscan.formats.protobuf import BYTES, VARINT, Field, Wire
from modelscan.formats.tensorflow.judging import Judge
from modelscan.formats.tensorflow.nodes import Node, Scope

_META_GRAPHS: Final = 2  # SavedModel
_INFO, _GRAPH, _SAVER, _COLLECTION, _ASSET, _OBJECTS = 1, 2, 3, 4, 6, 7  # MetaGraphDef
_VERSION: Final = 5  # MetaInfoDef
_NODE, _LIBRARY = 1, 2  # GraphDef
_SIGNATURE, _FUNCTION_NODE = 1, 3  # FunctionDef
_ARGUMENT: Final = 2  # OpDef
_NAME, _OP, _INPUT, _ATTRIBUTE = 1, 2, 3, 5  # NodeDef
_LIST, _S, _TENSOR, _FUNC = 1, 2, 8, 10  # AttrValue
_LIST_S, _LIST_FUNC = 2, 9  # AttrValue.ListValue
_DTYPE, _CONTENT, _STRING = 1, 4, 8  # TensorProto
_STRINGS: Final = 7
"""The type of tensors of texts, `DT_STRING`."""
_USER_OBJECT, _IDENTIFIER, _METADATA = 4, 1, 3  # SavedObject, SavedUserObject
_SAVED_METADATA: Final = 5  # SavedObject of SavedMetadata
_FILE: Final = 2  # AssetFileDef
_ENTRY_VALUE: Final = 2
"""The value in an entry of a table; its key is field 1."""
_PATHS: Final = "asset_filepaths"
_KERAS: Final = "_tf_keras_"
_MAX_TEXTS: Final = 64
_MAX_INPUTS: Final = 10_000
_MAX_LISTED: Final = 10_000
_MAX_NAMED: Final = 256
"""Attributes with texts of one node; a real one has some dozen."""


class Walk:
    """One file. What was found before an error stays.

    Args:
        wire: the file as protocol buffers.
        judge: is told of every node and function.
    """

    def __init__(self, wire: Wire, judge: Judge) -> None:
        self._wire = wire
        self._judge = judge
        self.version = ""
        """The version of TensorFlow that says it wrote the file."""
        self.asset_files: list[str] = []
        """Names of the files that the loader looks for in the folder of assets."""
        self.keras: list[Field] = []
        """Where descriptions of Keras objects stand, in JSON."""

    def saved_model(self) -> None:
        """Walk over the whole file as a SavedModel."""
        for field in self._wire.fields():
            if field.wire == BYTES and field.number == _META_GRAPHS:
                self.meta_graph(field.at, field.end, 1)

    def meta_graph(self, start: int, end: int, depth: int) -> None:
        """Walk over a MetaGraphDef."""
        for field in self._wire.fields(start, end, depth=depth):
            if field.wire != BYTES:
                continue
            if field.number == _INFO:
                self.version = self.version or self._text_of(field, _VERSION, depth + 1)
            elif field.number == _GRAPH:
                self.graph(field.at, field.end, depth + 1)
            elif field.number == _SAVER:
                self._judge.mark(self._judge.savers, self._text_of(field, 1, depth + 1))
            elif field.number == _COLLECTION:
                self._collection(field, depth + 1)
            elif field.number == _ASSET:
                self._asset(field, depth + 1)
            elif field.number == _OBJECTS:
                self._objects(field, depth + 1)

    def graph(self, start: int, end: int, depth: int) -> None:
        """Walk over a GraphDef."""
        scope = self._judge.scope()
        for field in self._wire.fields(start, end, depth=depth):
            if field.wire != BYTES:
                continue
            if field.number == _NODE:
                self._add(field, depth + 1, scope)
            elif field.number == _LIBRARY:
                for part in self._wire.fields(field.at, field.end, depth=depth + 1):
                    if part.wire == BYTES and part.number == 1:
                        self._function(part, depth + 2)

    def keras_metadata(self) -> None:
        """Walk over the whole file as the SavedMetadata of Keras: objects with a text of JSON."""
        for field in self._wire.fields():
            if field.wire == BYTES and field.number == 1:
                for part in self._wire.fields(field.at, field.end, depth=1):
                    if part.wire == BYTES and part.number == _SAVED_METADATA:
                        self._keras(part)

    def _function(self, field: Field, depth: int) -> None:
        """A FunctionDef. Its signature may stand behind its body, and is looked for first."""
        wire = self._wire
        name = ""
        arguments: list[str] = []
        for part in wire.fields(field.at, field.end, depth=depth):
            if part.wire != BYTES or part.number != _SIGNATURE:
                continue
            for item in wire.fields(part.at, part.end, depth=depth + 1):
                if item.wire == BYTES and item.number == _NAME:
                    name = wire.text(item)
                elif item.wire == BYTES and item.number == _ARGUMENT:
                    arguments.append(self._text_of(item, 1, depth + 2))
                    _bounded(arguments, "arguments of one function", item)
        scope = self._judge.scope()
        self._judge.name(scope, name, arguments)
        for part in wire.fields(field.at, field.end, depth=depth):
            if part.wire == BYTES and part.number == _FUNCTION_NODE:
                self._add(part, depth + 1, scope)
        self._judge.settle(scope)

    def _add(self, field: Field, depth: int, scope: Scope) -> None:
        """A NodeDef. Its attributes are read only when its operator makes them matter."""
        wire, judge = self._wire, self._judge
        node = Node("", "", [], {}, [], field.at)
        later: list[Field] = []
        for part in wire.fields(field.at, field.end, depth=depth):
            if part.wire != BYTES:
                continue
            if part.number == _ATTRIBUTE:
                if not node.operator:
                    later.append(part)
                    _bounded(later, "attributes of one node", part)
                else:
                    self._attribute(part, depth + 1, node)
            elif part.number == _OP:
                node.operator = wire.text(part)
            elif part.number == _NAME:
                node.name = wire.text(part)
            elif part.number == _INPUT and len(node.inputs) < _MAX_INPUTS:
                node.inputs.append(wire.text(part))
        for part in later:
            self._attribute(part, depth + 1, node)
        judge.add(scope, node)

    def _attribute(self, field: Field, depth: int, node: Node) -> None:
        """An entry of the table of attributes: a name and an AttrValue."""
        if not self._judge.wants(node.operator):
            return
        wire = self._wire
        name = ""
        texts: list[str] = []
        for part in wire.fields(field.at, field.end, depth=depth):
            if part.wire != BYTES:
                continue
            if part.number == 1:
                name = wire.text(part)
            elif part.number == _ENTRY_VALUE:
                self._value(part, depth + 1, texts, node.calls)
        if texts:
            node.texts[name] = texts
            _bounded(node.texts, "texts of one node", field, _MAX_NAMED)

    def _value(self, field: Field, depth: int, texts: list[str], calls: list[str]) -> None:
        wire = self._wire
        for part in wire.fields(field.at, field.end, depth=depth):
            if part.wire != BYTES:
                continue
            if part.number == _S:
                self._take(part, texts)
            elif part.number == _LIST:
                for item in wire.fields(part.at, part.end, depth=depth + 1):
                    if item.wire == BYTES and item.number == _LIST_S:
                        self._take(item, texts)
                    elif item.wire == BYTES and item.number == _LIST_FUNC:
                        calls.append(self._text_of(item, 1, depth + 2))
                        _bounded(calls, "calls of one node", item)
            elif part.number == _TENSOR:
                self._tensor(part, depth + 1, texts)
            elif part.number == _FUNC:
                calls.append(self._text_of(part, 1, depth + 1))
                _bounded(calls, "calls of one node", part)

    def _tensor(self, field: Field, depth: int, texts: list[str]) -> None:
        """Texts in a TensorProto, which may stand one by one or packed behind their lengths."""
        kind = 0
        found: list[str] = []
        for part in self._wire.fields(field.at, field.end, depth=depth):
            if part.wire == VARINT and part.number == _DTYPE:
                kind = part.value
            elif part.wire == BYTES and part.number == _STRING:
                self._take(part, found)
            elif part.wire == BYTES and part.number == _CONTENT and kind in (0, _STRINGS):
                self._take(part, found)
                found = [text.lstrip("".join(map(chr, range(32)))) for text in found]
        if kind == _STRINGS and len(texts) < _MAX_TEXTS:
            texts += found

    def _take(self, field: Field, texts: list[str]) -> None:
        """Keep a text; of many empty ones the first, so that none hides behind them."""
        if len(texts) < _MAX_TEXTS and (field.value or not texts):
            texts.append(self._wire.text(field))

    def _text_of(self, field: Field, number: int, depth: int) -> str:
        """The text of one field of a message; empty when it has none."""
        found = ""
        for part in self._wire.fields(field.at, field.end, depth=depth):
            if part.wire == BYTES and part.number == number:
                found = self._wire.text(part)
        return found

    def _collection(self, field: Field, depth: int) -> None:
        """An entry of the table of collections; one of them lists the paths of assets."""
        wire = self._wire
        key, value = "", None
        for part in wire.fields(field.at, field.end, depth=depth):
            if part.wire == BYTES and part.number == 1:
                key = wire.text(part)
            elif part.wire == BYTES and part.number == _ENTRY_VALUE:
                value = part
        if key != _PATHS or value is None:
            return
        for names in wire.fields(value.at, value.end, depth=depth + 1):
            if names.wire == BYTES and names.number == 1:
                for name in wire.fields(names.at, names.end, depth=depth + 2):
                    listed = name.wire == BYTES and name.number == 1
                    if listed and len(self._judge.asset_paths) < _MAX_LISTED:
                        self._judge.mark(self._judge.asset_paths, wire.text(name))

    def _asset(self, field: Field, depth: int) -> None:
        """An AssetFileDef: the node that gets the path, and the name of the file."""
        for part in self._wire.fields(field.at, field.end, depth=depth):
            if part.wire == BYTES and part.number == 1:
                self._judge.mark(self._judge.assets, self._text_of(part, 1, depth + 1))
            elif part.wire == BYTES and part.number == _FILE:
                self.asset_files.append(self._wire.text(part))
                _bounded(self.asset_files, "assets", part)

    def _objects(self, field: Field, depth: int) -> None:
        """A SavedObjectGraph: descriptions of Keras objects, as older versions store them."""
        wire = self._wire
        for item in wire.fields(field.at, field.end, depth=depth):
            if item.wire != BYTES or item.number != 1:
                continue
            for part in wire.fields(item.at, item.end, depth=depth + 1):
                if part.wire == BYTES and part.number == _USER_OBJECT:
                    self._user_object(part, depth + 2)

    def _user_object(self, field: Field, depth: int) -> None:
        identifier, metadata = "", None
        for part in self._wire.fields(field.at, field.end, depth=depth):
            if part.wire == BYTES and part.number == _IDENTIFIER:
                identifier = self._wire.text(part)
            elif part.wire == BYTES and part.number == _METADATA:
                metadata = part
        described = metadata is not None and metadata.value and identifier.startswith(_KERAS)
        if metadata is not None and described:
            self._keras(metadata)

    def _keras(self, field: Field) -> None:
        """The description of an object."""
        self.keras.append(field)
        _bounded(self.keras, "Keras objects", field)


def _bounded(listed: Sized, what: str, field: Field, most: int = 0) -> None:
    """Refuse a file that has more of something than is kept."""
    most = most or _MAX_LISTED
    if len(listed) > most:
        raise BudgetError(f"more than {most:,} {what}", offset=field.at)
