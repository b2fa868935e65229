from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import weight_index
from modelscan.formats.reader import Glimpse
from modelscan.formats.weight_index import WeightIndexReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import WeightIndex
from tests.forge import cards

NAME = "model.safetensors.index.json"
READER = WeightIndexReader()


def _read(data: bytes) -> WeightIndex:
    (fact,) = READER.read(BytesArtifact(NAME, data), Budget())
    assert isinstance(fact, WeightIndex)
    return fact


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (NAME, True),
        ("pytorch_model.bin.index.json", True),
        ("diffusion_pytorch_model.safetensors.index.fp16.json", True),
        ("model_index.json", False),
        ("index.json", False),
        ("config.json", False),
        ("model.safetensors.index.json.bak", False),
    ],
)
def test_recognition(name: str, expected: bool) -> None:
    assert READER.recognises(Glimpse(BytesArtifact(name, b"{}"))) is expected


def test_shards_and_how_much_is_in_each() -> None:
    fact = _read(cards.index({"a": "2.safetensors", "b": "1.safetensors", "c": "2.safetensors"}, 9))
    assert (fact.tensors, fact.shards, fact.counts, fact.total_size) == (
        3, ("1.safetensors", "2.safetensors"), (1, 2), 9,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stated", "expected"),
    [(8.0, 8), (8.5, None), ("8", None), (True, None), (float("1e300"), int(1e300))],
)
def test_the_stated_size(stated: Any, expected: int | None) -> None:
    assert _read(cards.index({}, stated)).total_size == expected


def test_metadata_need_not_be_there() -> None:
    assert _read(b'{"weight_map": {}}').total_size is None
    assert _read(b'\xef\xbb\xbf{"weight_map": {}, "metadata": []}').total_size is None


@pytest.mark.parametrize(
    "document", [{}, [], {"weight_map": []}, {"weight_map": {"a": 1}}, {"weight_map": None}, "x"]
)
def test_what_has_no_table_is_an_error(document: Any) -> None:
    with pytest.raises(ReadError):
        _read(json.dumps(document).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b'{"weight_map": {"\xff": ""}}'])
def test_what_is_not_json_is_an_error(data: bytes) -> None:
    with pytest.raises(ReadError):
        _read(data)


def test_more_than_any_model_has_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BudgetError):
        _read(cards.index({str(number): str(number) for number in range(10_001)}))
    document = BytesArtifact(NAME, cards.index({"a": "b", "c": "d"}))
    with pytest.raises(BudgetError):
        list(READER.read(document, Budget(Limits(steps=1))))
    monkeypatch.setattr(weight_index, "_MAX_BYTES", 10)
    with pytest.raises(BudgetError):
        list(READER.read(document, Budget()))


@given(st.binary(max_size=100))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes) -> None:
    for document in (data, b'{"weight_map": {"a": "' + data + b'"}}'):
        try:
            _read(document)
        except ReadError:
            continue
