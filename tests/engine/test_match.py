from __future__ import annotations

from typing import Any

import pytest

from modelscan.engine.match import compile_match, required_values
from modelscan.vocabulary.fact import Fact, TensorDefect, TensorHeader
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.rule import Match

DEFECT = TensorDefect(
    location=Location("a/b.safetensors", None, 8), kind="overlap", tensor="lm_head.weight"
)
HEADER = TensorHeader(
    format="safetensors",
    tensors=3,
    parameters=7,
    payload=0,
    dtypes=("BF16", "F32"),
    digest="sha256:00",
    metadata=(),
)


def holds(fact: Fact, where: dict[str, Any], unless: dict[str, Any] | None = None) -> bool:
    return compile_match(Match("", where, unless or {}))(fact)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, True),
        ({"kind": "overlap"}, True),
        ({"kind": "hole"}, False),
        ({"kind": "overlap", "tensor": "x"}, False),
        ({"kind": {"eq": "overlap", "in": ["hole"]}}, False),
        ({"kind": {"in": ["hole", "overlap"]}}, True),
        ({"kind": {"not-in": ["hole"]}}, True),
        ({"subject": "a/b.safetensors"}, True),
        ({"location.offset": 8}, True),
        ({"location.offset": {"gt": 7, "lt": 9}}, True),
        ({"location.offset": {"gt": 8}}, False),
        ({"location.line": {"gt": 0}}, False),
        ({"location.line": {"lt": 9}}, False),
        ({"location.line": {"not-in": [9]}}, True),
        ({"location.member": {"exists": False}}, True),
        ({"location.member": {"exists": True}}, False),
        ({"location.member": {"glob": "*"}}, False),
        ({"location.member": {"regex": ".*"}}, False),
        ({"location.member": {"starts-with": "a"}}, False),
        ({"location.member": {"contains": "a"}}, False),
        ({"location.member": {"not": {"glob": "*"}}}, True),
        ({"location.file": {"glob": "*.safetensors"}}, True),
        ({"location.file": {"glob": "*.SAFETENSORS"}}, False),
        ({"location.file": {"glob": "b.*"}}, False),
        ({"tensor": {"regex": r"head\.w"}}, True),
        ({"tensor": {"regex": r"^head"}}, False),
        ({"tensor": {"starts-with": "lm_"}}, True),
        ({"tensor": {"contains": "head"}}, True),
        ({"tensor": {"not": {"contains": "head"}}}, False),
        ({"detail": {"exists": False}}, True),
        ({"any": [{"kind": "hole"}, {"tensor": {"contains": "head"}}]}, True),
        ({"any": [{"kind": "hole"}, {"kind": "trailing-data"}]}, False),
        ({"all": [{"kind": "overlap"}, {"not": {"kind": "hole"}}]}, True),
        ({"not": {"kind": "overlap", "tensor": "x"}}, True),
        ({"not": {"kind": "overlap"}}, False),
    ],
)
def test_tests_on_single_values(where: dict[str, Any], expected: bool) -> None:
    assert holds(DEFECT, where) is expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"dtypes": {"contains": "F32"}}, True),
        ({"dtypes": {"contains": "F3"}}, False),
        ({"dtypes": {"any": {"starts-with": "BF"}}}, True),
        ({"dtypes": {"all": {"starts-with": "BF"}}}, False),
        ({"dtypes": {"not": {"any": {"eq": "I8"}}}}, True),
        ({"dtypes": {"exists": True}}, True),
        ({"metadata": {"exists": True}}, False),
        ({"metadata": {"all": {"eq": "x"}}}, True),
        ({"metadata": {"any": {"eq": "x"}}}, False),
    ],
)
def test_tests_on_many_items(where: dict[str, Any], expected: bool) -> None:
    assert holds(HEADER, where) is expected


def test_unless_excepts_only_when_all_of_it_holds() -> None:
    where = {"kind": "overlap"}
    assert not holds(DEFECT, where, {"location.offset": 8})
    assert holds(DEFECT, where, {"location.offset": 8, "tensor": "x"})


def test_a_regex_sees_the_start_of_a_long_text() -> None:
    long = TensorDefect(kind="overlap", tensor="a" * 2_000 + "b")
    assert not holds(long, {"tensor": {"regex": "b"}})
    assert holds(long, {"tensor": {"contains": "b"}})


def test_required_values_are_necessary_ones_only() -> None:
    match = Match(
        "tensor.defect",
        {
            "kind": {"in": ["hole", "overlap"]},
            "tensor": {"eq": "x", "contains": "x"},
            "detail": {"contains": "y"},
            "status": "verified",
            "not": {"subject": "z"},
            "any": [{"location.offset": 1}],
        },
    )
    assert required_values(match) == {
        "kind": ("hole", "overlap"),
        "tensor": ("x",),
        "status": ("verified",),
    }
