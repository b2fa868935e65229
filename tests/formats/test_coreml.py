from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.coreml import CoremlReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import ActiveContent
from tests.forge import reading
from tests.forge.protobuf import data, number

CLASS = data(10, "Mine")
CUSTOM = data(1, data(1, "layer") + data(500, CLASS))
PLAIN = data(1, data(1, "layer") + data(140, number(1, 3)))


def _names(message: bytes) -> list[str]:
    items = CoremlReader().read(BytesArtifact("m.mlmodel", message), Budget())
    return [item.name for item in items if isinstance(item, ActiveContent)]


@pytest.mark.parametrize(
    "message",
    [
        data(500, CUSTOM),
        data(303, PLAIN + CUSTOM),
        data(403, CUSTOM),
        data(555, CLASS),
        data(202, data(1, data(500, CUSTOM))),
        data(200, data(1, data(1, data(555, CLASS)))),
        data(201, data(1, data(1, data(500, CUSTOM)))),
        data(500, data(1, data(600, data(1, CUSTOM)))),
    ],
)
def test_custom_code_fails_wherever_it_stands(message: bytes) -> None:
    assert _names(number(1, 4) + message) == ["Mine"]
    assert reading.fails(number(1, 4) + message, "m.mlmodel") == ["coreml-custom-code"]


def test_a_name_is_stated_once() -> None:
    assert _names(data(500, CUSTOM * 3)) == ["Mine"]
    assert _names(data(202, data(1, data(3, "x")) + data(1, data(200, data(7, "x"))))) == []


def test_a_custom_model_without_a_name_is_stated() -> None:
    assert _names(data(555, b"")) == [""]


@pytest.mark.parametrize(
    "message",
    [data(500, PLAIN), data(402, PLAIN), data(2, CUSTOM), data(202, data(2, CUSTOM))],
)
def test_an_honest_model_is_quiet(message: bytes) -> None:
    assert reading.quiet(number(1, 4) + message, "m.mlmodel")


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(message: bytes) -> None:
    try:
        _names(message)
    except ReadError:
        return
