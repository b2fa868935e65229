from __future__ import annotations

from typing import Any

import pytest

from modelscan.formats import adapter_config
from modelscan.vocabulary.fact import ModelClaim, RemoteCode
from modelscan.vocabulary.location import Location

WHERE = Location("adapter_config.json")


def _code(document: dict[str, Any]) -> list[tuple[str, str]]:
    facts = adapter_config.facts(document, WHERE)
    return [(fact.key, fact.reference) for fact in facts if isinstance(fact, RemoteCode)]


def _mapping(library: Any, name: Any = "X") -> dict[str, Any]:
    return {"auto_mapping": {"base_model_class": name, "parent_library": library}}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"auto_mapping": None, "megatron_core": "megatron.core"},
        _mapping("transformers.models.bert.modeling_bert"),
        _mapping("__main__"),
        _mapping("peft.peft_model"),
        _mapping(None),
        _mapping(""),
        {"auto_mapping": ["os"]},
    ],
)
def test_ordinary_adapters_import_nothing_of_their_own(document: dict[str, Any]) -> None:
    assert _code(document) == []


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (_mapping("evil"), ("auto_mapping.parent_library", "evil.X")),
        (_mapping("transformersx"), ("auto_mapping.parent_library", "transformersx.X")),
        (
            _mapping("transformers_modules.acme.modeling_x", None),
            ("auto_mapping.parent_library", "transformers_modules.acme.modeling_x"),
        ),
        ({"megatron_core": "evil.core"}, ("megatron_core", "evil.core")),
    ],
)  # fmt: skip
def test_modules_that_loading_imports(document: dict[str, Any], expected: tuple[str, str]) -> None:
    assert _code(document) == [expected]


def test_the_base_is_claimed() -> None:
    (claim,) = adapter_config.facts({"base_model_name_or_path": "org/base"}, WHERE)
    assert isinstance(claim, ModelClaim)
    assert (claim.value, claim.relation) == ("org/base", "adapter")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"revision": "main", "peft_type": "LORA"},
            [("base-revision", "main"), ("method", "LORA")],
        ),
        ({"revision": None, "peft_type": ["LORA"]}, []),
        ({"revision": " ", "peft_type": ""}, []),
    ],
)
def test_how_an_adapter_was_made(document: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    facts = adapter_config.facts(document, WHERE)
    claims = [(fact.claim, fact.value) for fact in facts if isinstance(fact, ModelClaim)]
    assert claims == expected
