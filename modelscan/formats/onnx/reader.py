"""ONNX: graphs of operators with their weights, in one protocol buffer or with files beside it.

Loading one reads files where its tensors say, and runs whatever library a custom operator needs.
Both are stated, however deep they lie. Functions of the model stand for their bodies, and the
bodies are read. The elements of tensors are data: they are hashed, and never interpreted.

Source: `onnx.proto` and the ONNX documentation; the operators of ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelscan.budget import Budget
from modelscan.formats.graph_reading import stated
from modelscan.formats.onnx.shape import is_model, is_tensor
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, base_name
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.lists import GraphOperators


class OnnxReader:
    """Walks over every graph, function and tensor of a model.

    Args:
        operators: what operators do, and which domains come with the usual runtimes.
    """

    format = "onnx"

    def __init__(self, operators: GraphOperators) -> None:
        self._operators = operators

    def recognises(self, glimpse: Glimpse) -> bool:
        """By extension; any other file by its fields, down to the operators of its graph.

        A `.pb` that holds one tensor, as the tests of ONNX models do, is one of its files, too.
        """
        return (
            glimpse.extension == ".onnx"
            or is_model(glimpse)
            or (glimpse.extension == ".pb" and is_tensor(glimpse))
        )

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the model, its operators, the files that it refers to, and its defects.

        Raises:
            ReadError: it is no ONNX model, or breaks off.
            BudgetError: it is nested deeper than any parser goes.
        """
        from modelscan.formats.onnx.model import Model  # lazy: most models are in other formats

        model = Model(artifact, budget, self._operators)
        walk = model.walk.model
        if base_name(artifact).lower().endswith(".pb") and is_tensor(Glimpse(artifact)):
            model.form = "tensor"
            walk = model.walk.tensor
        yield from stated(walk, model.facts, budget)
