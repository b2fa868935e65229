"""CoreML models: layers and whole models that code of the application provides.

Invariants: the message is walked field by field without a schema; only the names of custom layers
and models are taken. Weights are not looked at.

Source: coremltools, `Model.proto` (`customModel` is field 555) and `NeuralNetwork.proto` (`custom`
is field 500 of a layer, and names its class in field 10).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.protobuf import BYTES, Field, Wire
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Fact

_CUSTOM_MODEL: Final = 555
_CLASS: Final = 10
_CUSTOM_LAYER: Final = 500
_LAYERS: Final = 1
_NETWORKS: Final = frozenset({303, 403, 500})
"""Classifier, regressor and general neural network."""
_PIPELINE: Final = 202
_PIPELINES: Final = frozenset({200, 201, _PIPELINE})
"""Classifier, regressor and general pipeline."""
_MODELS: Final = 1
_NESTED_LAYERS: Final = frozenset({600, 605})
"""Branches and loops, which hold networks of their own."""
_MAX_FACTS: Final = 100
_EXTENSION: Final = ".mlmodel"


class CoremlReader:
    """A CoreML model, by its extension."""

    format = "coreml"

    extensions = frozenset({_EXTENSION})

    def recognises(self, glimpse: Glimpse) -> bool:
        """By extension: the message has no first bytes of its own."""
        return glimpse.extension == _EXTENSION

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State custom layers and models.

        Raises:
            ReadError: it is not a message.
        """
        walk = _Walk(artifact, budget)
        seen = set[str]()
        for name, what in walk.model(0, artifact.size, 0):
            if name not in seen and len(seen) < _MAX_FACTS:
                seen.add(name)
                budget.fact()
                yield ActiveContent(
                    location=place(artifact),
                    format=self.format,
                    kind="custom-layer",
                    name=name,
                    detail=what,
                )


class _Walk:
    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._wire = Wire(artifact, budget)

    def model(self, start: int, end: int, depth: int) -> Iterator[tuple[str, str]]:
        """Names of custom layers and models in a model, and which of both."""
        for field in self._messages(start, end, depth):
            if field.number == _CUSTOM_MODEL:
                yield self._class(field, depth), "a whole model"
            elif field.number in _NETWORKS:
                yield from self._network(field, depth + 1)
            elif field.number in _PIPELINES:
                yield from self._pipeline(field, depth + 1)

    def _pipeline(self, field: Field, depth: int) -> Iterator[tuple[str, str]]:
        """A pipeline holds models, those for classes and numbers hold a pipeline."""
        for inner in self._messages(field.at, field.end, depth):
            if inner.number == _MODELS:
                if field.number == _PIPELINE:
                    yield from self.model(inner.at, inner.end, depth + 1)
                else:
                    yield from self._pipeline(inner._replace(number=_PIPELINE), depth + 1)

    def _network(self, field: Field, depth: int) -> Iterator[tuple[str, str]]:
        for layer in self._messages(field.at, field.end, depth):
            if layer.number != _LAYERS:
                continue
            for part in self._messages(layer.at, layer.end, depth + 1):
                if part.number == _CUSTOM_LAYER:
                    yield self._class(part, depth + 1), "a layer"
                elif part.number in _NESTED_LAYERS:
                    for network in self._messages(part.at, part.end, depth + 2):
                        yield from self._network(network, depth + 3)

    def _class(self, field: Field, depth: int) -> str:
        for part in self._messages(field.at, field.end, depth + 1):
            if part.number == _CLASS:
                return self._wire.text(part, 200)
        return ""

    def _messages(self, start: int, end: int, depth: int) -> Iterator[Field]:
        for field in self._wire.fields(start, end, depth=depth):
            if field.wire == BYTES:
                yield field
