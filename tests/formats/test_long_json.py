from __future__ import annotations

import re

import pytest

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError
from modelscan.formats import hub_config, long_json
from modelscan.formats.objects import json_reader
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import reading

TREES = b'{"learner": {"trees": [' + b"0.125, " * 3000 + b'1]}, "x": "%s"}'


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_config, "_MAX_DOCUMENT", 10_000)
    monkeypatch.setattr(json_reader, "_MAX_DOCUMENT", 10_000)
    monkeypatch.setattr(long_json, "CHUNK", 1000)


def test_a_long_document_that_names_nothing_is_no_gap() -> None:
    assert reading.gaps(TREES % b"y", "model.json") == []
    assert reading.quiet(TREES % b"y", "model.json")
    _, coverage = reading.read(TREES % b"y", "model.json")
    assert {entry.status for entry in coverage} >= {"header-only"}


@pytest.mark.parametrize(
    "word",
    [
        b'", "class_name": "Lambda',
        b'", "_target_": "os.system',
        b'", "auto_map": "x',
        b'", "chat_template": "x',
        b'", "py/object": "x',
        b'", "\\u005ftarget_": "x',
    ],
)
def test_one_that_may_name_something_is_a_gap(word: bytes) -> None:
    assert reading.gaps(TREES % word, "model.json")


def test_a_word_between_two_pieces_is_found() -> None:
    for shift in range(20):
        artifact = BytesArtifact("a.json", b" " * (990 + shift) + b'"word"' + b" " * 3000)
        assert long_json.mentions(artifact, re.compile(b'"word"'), Budget())
    assert not long_json.mentions(artifact, re.compile(b'"other"'), Budget())


def test_the_search_is_paid_for() -> None:
    with pytest.raises(BudgetError):
        long_json.mentions(
            BytesArtifact("a.json", b" " * 20_000), re.compile(b"x"), Budget(Limits(steps=5))
        )
