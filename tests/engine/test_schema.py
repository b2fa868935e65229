from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from modelscan import _resources
from modelscan.engine import document, loader, mappings
from modelscan.engine.fields import Field, fields, shown
from modelscan.engine.fields import _field as field_of
from modelscan.engine.schema import rule_schema
from tests.forge import rulebook


def accepted(**changes: Any) -> bool:
    return bool(jsonschema_rs.validator_for(rule_schema()).is_valid(rulebook.rule(**changes)))


def test_every_shipped_rule_fits_the_schema() -> None:
    root = _resources.folder("rules")
    files, errors = loader.read(root, mappings.shipped())
    assert errors == []
    validator = jsonschema_rs.validator_for(rule_schema())
    for file in files:
        path = root.parent / file.document.file
        assert list(validator.iter_errors(document.read(Path(path), "").data)) == []


def test_the_schema_accepts_what_the_loader_accepts() -> None:
    assert accepted()
    where = {
        "any": [{"kind": {"in": ["hole", "overlap"]}}, {"not": {"tensor": {"regex": "a"}}}],
        "location.offset": {"gt": 3},
        "location.member": {"exists": False},
        "tensor": {"not": {"glob": "*"}},
    }
    assert accepted(match={"fact": "tensor.defect", "where": where})
    assert accepted(match={"fact": "tensor.header", "where": {"dtypes": {"contains": "F32"}}})


@pytest.mark.parametrize(
    "match",
    [
        {"fact": "tensor.defct"},
        {"fact": "tensor.defect", "where": {"kind": "gap"}},
        {"fact": "tensor.defect", "where": {"knid": "hole"}},
        {"fact": "tensor.defect", "where": {"tensor": {"gt": 1}}},
        {"fact": "tensor.defect", "where": {"tensor": {"like": "a"}}},
        {"fact": "tensor.header", "where": {"dtypes": "F32"}},
        {"fact": "tensor.defect", "where": {}, "when": {}},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(match: dict[str, Any]) -> None:
    assert not accepted(match=match)


def test_other_keys_are_checked_too() -> None:
    assert not accepted(severity="worst")
    assert not accepted(extra=1)
    assert not accepted(maps={"owasp_llm": ["LLM04"]})
    assert not accepted(examples={"match": [], "no-match": []})


def test_the_fields_of_a_fact() -> None:
    found = fields("tensor.header")
    assert found["tensors"] == Field("integer")
    assert found["dtypes"] == Field("string", many=True)
    assert found["status"] == Field("string", ("verified", "declared", "inferred", "absent"))
    assert found["location.line"] == Field("integer", optional=True)
    assert found["subject"] == Field("string")
    assert "location" not in found
    assert "location" in shown("tensor.header")


def test_a_fact_that_no_operator_could_test_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot test a field of type"):
        field_of(dict)
