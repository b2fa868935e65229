"""CoreML models: layers and whole models that code of the application provides, and other files.

Invariants: the message is walked field by field without a schema; only the names of custom layers
and models, and of the files that values and linked models lie in, are taken. Weights are not looked
at. Compiled models (`.mlmodelc`) hold the same program as text, which is searched.

Source: coremltools, `Model.proto` (`customModel` is field 555, `linkedModel` 556, `mlProgram` 502),
`NeuralNetwork.proto` (`custom` is field 500 of a layer, and names its class in field 10),
`MIL.proto`, `LinkedModel.proto`, `Parameters.proto`. What the compiler writes: `model.mil`, in the
notation of MIL, and `model.espresso.net`, in JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import outside
from modelscan.formats.protobuf import BYTES, Field, Wire
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import CHUNK, Artifact, base_name, place, stream
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Fact

_PROGRAM: Final = 502
_CUSTOM_MODEL, _LINKED_MODEL = 555, 556
_CLASS: Final = 10
_CUSTOM_LAYER: Final = 500
_LAYERS: Final = 1
_NETWORKS: Final = frozenset({303, 403, 500})
"""Regressor, classifier and general neural network."""
_PIPELINE: Final = 202
_PIPELINES: Final = frozenset({200, 201, _PIPELINE})
"""Classifier, regressor and general pipeline."""
_MODELS: Final = 1
_NESTED: Final = {605: (1, 2), 615: (3, 4)}
"""Branches and loops, with the fields in which networks of their own stand."""
_FUNCTIONS, _BLOCKS_OF, _OPERATIONS = 2, 3, 3  # Program, Function, Block
_TYPE, _INPUTS, _BLOCKS, _ATTRIBUTES = 1, 2, 4, 5  # Operation
_IMMEDIATE, _FILE = 3, 5  # Value
_TUPLE, _LIST, _DICTIONARY = 2, 3, 4  # ImmediateValue
_COLLECTIONS: Final = (_TUPLE, _LIST, _DICTIONARY)
_CUSTOM_OPERATION: Final = "custom_layer"
_ROOT: Final = "@model_path/"
"""What the names of files of a program begin with: the folder of the model."""
_SEARCH_SEPARATOR: Final = ":"
_MAX_FACTS: Final = 100
_EXTENSION: Final = ".mlmodel"
_TEXT: Final = (".mil", ".espresso.net")
_MANIFEST: Final = "Manifest.json"
_ITEMS: Final = b'"itemInfoEntries"'
_PATH: Final = re.compile(rb'"path"\s*:\s*"((?:[^"\\]|\\.){1,4000})"')
_MAX_MANIFEST: Final = 1 << 20
_IN_TEXT: Final = re.compile(
    rb"=\s*(?P<custom>custom_layer)\s*\("
    rb"|BLOBFILE\s*\(\s*path\s*=[^\"]{0,200}\"(?P<file>[^\"]{1,4000})\""
    rb"|\"type\"\s*:\s*\"(?P<layer>custom\w{0,40})\""
)
_CLASS_NAME: Final = re.compile(rb"class_name\s*=[^\"]{0,200}\"([^\"]{1,200})\"")
_NEAR: Final = 8000
"""Bytes behind a custom layer in which its class is named."""
_MANY: Final = 1000
"""Matches in a text after which it says nothing new."""
_OVERLAP: Final = 1 << 14


class _Found(NamedTuple):
    kind: Any
    name: str
    what: str


class CoremlReader:
    """A CoreML model, plain or compiled, by its extension."""

    format = "coreml"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By extension: neither the message nor the text has first bytes of its own.

        The list of what a package holds has a name of its own.
        """
        if glimpse.name == _MANIFEST:
            return _ITEMS in glimpse.head
        return glimpse.extension == _EXTENSION or glimpse.name.lower().endswith(_TEXT)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State custom layers and models, and files outside of the model.

        Raises:
            ReadError: it is not a message.
        """
        name = base_name(artifact)
        if name == _MANIFEST:
            everything = _in_manifest(artifact, budget)
        elif name.lower().endswith(_TEXT):
            everything = _in_text(artifact, budget)
        else:
            everything = _Walk(artifact, budget).model(0, artifact.size, 0)
        seen = set[tuple[str, str]]()
        for found in everything:
            if (found.kind, found.name) not in seen and len(seen) < _MAX_FACTS:
                seen.add((found.kind, found.name))
                budget.fact()
                yield ActiveContent(
                    location=place(artifact),
                    format=self.format,
                    kind=found.kind,
                    name=found.name,
                    detail=found.what,
                )


def _in_manifest(artifact: Artifact, budget: Budget) -> Iterator[_Found]:
    """Parts of a package that are said to lie outside of it."""
    if artifact.size > _MAX_MANIFEST:
        raise ReadError(f"a manifest of {artifact.size:,} bytes")
    budget.header(artifact.size)
    for match in _PATH.finditer(artifact.read_at(0, artifact.size)):
        path = match[1].decode("utf-8", "replace").replace("\\/", "/")
        if outside.problem(path) is not None:
            yield _Found("include", path[:200], "a part of the package")


def _in_text(artifact: Artifact, budget: Budget) -> Iterator[_Found]:
    """What the text of a compiled model names, found piece by piece."""
    kept = b""
    layers = 0
    for piece in stream(artifact, 0, CHUNK):
        budget.step(len(piece) // 1000)
        data = kept + piece
        for match in _IN_TEXT.finditer(data):
            if match["file"]:
                yield from _file(match["file"].decode("utf-8", "replace"))
            elif layers < _MANY:
                layers += 1
                found = _CLASS_NAME.search(data, match.end(), match.end() + _NEAR)
                name = match["layer"] or (found[1] if found else match["custom"])
                yield _Found("custom-layer", name.decode("utf-8", "replace"), "a layer")
        kept = piece[-_OVERLAP:]


def _file(path: str) -> Iterator[_Found]:
    """A file that values lie in, unless it is one of the model's own."""
    if outside.problem(path.removeprefix(_ROOT)) is not None:
        yield _Found("include", path[:200], "values in another file")


class _Walk:
    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._wire = Wire(artifact, budget)

    def model(self, start: int, end: int, depth: int) -> Iterator[_Found]:
        """Custom layers and models in a model, and the files that it names."""
        for field in self._messages(start, end, depth):
            if field.number == _CUSTOM_MODEL:
                yield _Found("custom-layer", self._text(field, _CLASS, depth), "a whole model")
            elif field.number == _LINKED_MODEL:
                yield from self._linked(field, depth + 1)
            elif field.number == _PROGRAM:
                yield from self._program(field, depth + 1)
            elif field.number in _NETWORKS:
                yield from self._network(field, depth + 1)
            elif field.number in _PIPELINES:
                yield from self._pipeline(field, depth + 1)

    def _pipeline(self, field: Field, depth: int) -> Iterator[_Found]:
        """A pipeline holds models, those for classes and numbers hold a pipeline."""
        for inner in self._within(field, depth, _MODELS):
            if field.number == _PIPELINE:
                yield from self.model(inner.at, inner.end, depth + 1)
            else:
                yield from self._pipeline(inner._replace(number=_PIPELINE), depth + 1)

    def _network(self, field: Field, depth: int) -> Iterator[_Found]:
        for layer in self._within(field, depth, _LAYERS):
            for part in self._messages(layer.at, layer.end, depth + 1):
                if part.number == _CUSTOM_LAYER:
                    yield _Found("custom-layer", self._text(part, _CLASS, depth + 1), "a layer")
                elif part.number in _NESTED:
                    for network in self._within(part, depth + 2, *_NESTED[part.number]):
                        yield from self._network(network, depth + 3)

    def _linked(self, field: Field, depth: int) -> Iterator[_Found]:
        """The name of another compiled model, and the folders that it is looked for in."""
        for link in self._within(field, depth, 1):
            for part in self._within(link, depth + 1, 1, 2):
                text = self._text(part, 1, depth + 2)
                for path in text.split(_SEARCH_SEPARATOR) if part.number == 2 else [text]:  # noqa: PLR2004  # LinkedModelFile.linkedModelSearchPath
                    if outside.problem(path) is not None:
                        yield _Found("include", path[:200], "a model in another place")

    def _program(self, field: Field, depth: int) -> Iterator[_Found]:
        """A program of operations: functions, which hold blocks, which hold operations."""
        for function in self._entries(field, depth, _FUNCTIONS):
            for block in self._entries(function, depth + 2, _BLOCKS_OF):
                yield from self._block(block, depth + 4)

    def _block(self, field: Field, depth: int) -> Iterator[_Found]:
        for operation in self._within(field, depth, _OPERATIONS):
            kind = name = ""
            for part in self._messages(operation.at, operation.end, depth + 1):
                if part.number == _TYPE:
                    kind = self._wire.text(part, 200)
                elif part.number == _BLOCKS:
                    yield from self._block(part, depth + 2)
                elif part.number == _ATTRIBUTES:
                    key, value = self._attribute(part, depth + 2)
                    name = value if key == "class_name" else name
                    for found in self._path(part, depth + 2, 2):
                        yield from self._value(found, depth + 3)
                elif part.number == _INPUTS:
                    for found in self._path(part, depth + 2, 2, 1, 2):
                        yield from self._value(found, depth + 5)
            if kind == _CUSTOM_OPERATION:
                yield _Found("custom-layer", name or kind, "a layer")

    def _attribute(self, entry: Field, depth: int) -> tuple[str, str]:
        """Name and text of an attribute: value, immediate value, tensor, texts, text."""
        name = self._text(entry, 1, depth - 1)
        value = ""
        if name == "class_name":
            for text in self._path(entry, depth, 2, _IMMEDIATE, 1, 4, 1):
                value = self._wire.text(text, 200)
        return name, value

    def _value(self, field: Field, depth: int) -> Iterator[_Found]:
        """The files in which a value lies, or the values that it is made of."""
        for part in self._within(field, depth, _IMMEDIATE, _FILE):
            if part.number == _FILE:
                yield from _file(self._text(part, 1, depth))
                continue
            for many in self._within(part, depth + 1, *_COLLECTIONS):
                inside = (1,) if many.number != _DICTIONARY else (1, 1)
                for inner in self._path(many, depth + 2, *inside):
                    yield from self._value(inner, depth + 4)
                if many.number == _DICTIONARY:
                    for inner in self._path(many, depth + 2, 1, 2):
                        yield from self._value(inner, depth + 4)

    def _path(self, field: Field, depth: int, *numbers: int) -> Iterator[Field]:
        """Fields within fields, by their numbers."""
        for inner in self._within(field, depth, numbers[0]):
            if len(numbers) == 1:
                yield inner
            else:
                yield from self._path(inner, depth + 1, *numbers[1:])

    def _entries(self, field: Field, depth: int, number: int) -> Iterator[Field]:
        """The values of a table; a key stands before each of them."""
        yield from self._path(field, depth, number, 2)

    def _text(self, field: Field, number: int, depth: int) -> str:
        for part in self._within(field, depth + 1, number):
            return self._wire.text(part)
        return ""

    def _within(self, field: Field, depth: int, *numbers: int) -> Iterator[Field]:
        for inner in self._messages(field.at, field.end, depth):
            if inner.number in numbers:
                yield inner

    def _messages(self, start: int, end: int, depth: int) -> Iterator[Field]:
        for field in self._wire.fields(start, end, depth=depth):
            if field.wire == BYTES:
                yield field
