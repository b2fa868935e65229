"""ONNX models in JSON, as protobuf's own notation writes them: recognised, and not read.

`onnx.load` takes such a document by its extension, with everything that a model can do: files that
it names, operators of anybody. No converter publishes models so, hence it is only said that there
is one. The other notations as text have extensions of their own: see `engines`.

Source: `onnx/serialization.py` (the extensions, and protobuf's JSON with either spelling of keys).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

_VERSION: Final = re.compile(rb'"ir_?[vV]ersion"\s*:\s*"?\d')
_BESIDE: Final = re.compile(rb'"(?:graph|opset_?[iI]mport|producer_?[nN]ame|functions)"\s*:')


class OnnxTextReader:
    """A model in JSON."""

    format = "onnx as text"

    def recognises(self, glimpse: Glimpse) -> bool:
        """A document with the version of the format, and another key of a model, at its begin."""
        return (
            glimpse.extension == ".json"
            and _VERSION.search(glimpse.head) is not None
            and _BESIDE.search(glimpse.head) is not None
        )

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """Account for the document."""
        budget.step()
        yield Coverage(
            file=artifact.name,
            member=artifact.member,
            status="unsupported",
            needed=True,
            reason="a model of ONNX written as text is not read",
        )
