from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.paddle import PaddleReader
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import reading
from tests.forge.protobuf import data, number


def _program(*operators: str) -> bytes:
    block = number(1, 0) + b"".join(data(4, data(3, name)) for name in operators)
    return data(1, block) + number(4, 1)


@pytest.mark.parametrize(
    ("operator", "rule"),
    [
        ("py_func", "format-runs-code"),
        ("py_layer", "format-runs-code"),
        ("load_combine", "format-reads-other-file"),
        ("save", "format-reads-other-file"),
    ],
)
def test_operators_that_call_python_or_reach_files_fail(operator: str, rule: str) -> None:
    assert reading.fails(_program("feed", operator, operator, "fetch"), "m.pdmodel") == [rule]


def test_an_honest_program_is_quiet() -> None:
    assert reading.quiet(_program("feed", "conv2d", "relu", "fetch"), "inference.pdmodel")


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(message: bytes) -> None:
    try:
        list(PaddleReader().read(BytesArtifact("m.pdmodel", message), Budget()))
    except ReadError:
        return
