from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats.caffe import CaffeReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import ActiveContent
from tests.forge import reading


def test_a_python_layer_fails() -> None:
    text = 'layer { type: "Python" python_param { module: "os" layer: "system" } }'
    assert reading.fails(text.encode(), "train.prototxt") == ["format-runs-code"]
    (fact,) = CaffeReader().read(BytesArtifact("a.prototxt", text.encode()), Budget())
    assert isinstance(fact, ActiveContent)
    assert fact.name == "os"


def test_a_python_layer_without_a_module_is_stated() -> None:
    (fact,) = CaffeReader().read(BytesArtifact("a.prototxt", b"type: 'Python'"), Budget())
    assert isinstance(fact, ActiveContent)
    assert fact.name == ""


@pytest.mark.parametrize(
    "text", ['layer { type: "Convolution" }  # type: "Python"', 'name: "PythonNet"', ""]
)
def test_an_honest_definition_is_quiet(text: str) -> None:
    assert reading.quiet(text.encode(), "deploy.prototxt")


def test_what_is_too_long_is_said() -> None:
    with pytest.raises(BudgetError):
        list(CaffeReader().read(BytesArtifact("a.prototxt", bytes(17 << 20)), Budget()))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read(data: bytes) -> None:
    list(CaffeReader().read(BytesArtifact("a.prototxt", data), Budget()))
