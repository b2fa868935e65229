from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
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


def test_the_name_of_older_versions() -> None:
    assert reading.fails(_program("py_func"), "__model__") == ["format-runs-code"]
    assert reading.quiet(_program("feed", "fetch"), "__model__")


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(message: bytes) -> None:
    try:
        list(PaddleReader().read(BytesArtifact("m.pdmodel", message), Budget()))
    except ReadError:
        return


def _document(*operators: str) -> bytes:
    ops = [{"#": name, "I": [], "O": []} for name in operators]
    blocks = [{"#": "block_0", "ops": ops}]
    program = {"regions": [{"#": "region_0", "blocks": blocks}]}
    return json.dumps({"base_code": {"magic": "pir", "version": 1}, "program": program}).encode()


@pytest.mark.parametrize(
    ("operators", "rules"),
    [
        (["p", "1.matmul", "1.relu"], []),
        (["1.matmul", "1.py_func", "1.py_func"], ["format-runs-code"]),
        (["1.load_combine"], ["format-reads-other-file"]),
    ],
)
def test_programs_of_version_3_are_json(operators: list[str], rules: list[str]) -> None:
    assert reading.fails(_document(*operators), "inference.json") == rules
    assert reading.gaps(_document(*operators), "inference.json") == []


def test_json_of_another_kind_is_left_alone() -> None:
    assert reading.quiet(b'{"#": "1.py_func"}', "config.json")


def test_too_large_a_document_is_refused() -> None:
    artifact = BytesArtifact("inference.json", _document("1.relu"))
    with pytest.raises(BudgetError):
        list(PaddleReader().read(artifact, Budget(Limits(header_bytes=8))))
