from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.hub_config import HubConfigReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ConfigDefect, ConfigSwitch, ModelClaim, RemoteCode


def _read(document: Any, name: str = "config.json") -> list[Any]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return list(HubConfigReader().read(BytesArtifact(name, data), Budget()))


def _remote(document: Any, name: str = "config.json") -> list[tuple[str, str, str]]:
    return [
        (fact.key, fact.reference, fact.repository)
        for fact in _read(document, name)
        if isinstance(fact, RemoteCode)
    ]


def test_auto_map_names_the_code_that_would_run() -> None:
    found = _remote(
        {
            "auto_map": {
                "AutoModel": "modeling_x.XModel",
                "AutoTokenizer": ["tokenization_x.X", None],
                "AutoConfig": "other/repo--configuration_x.XConfig",
            }
        }
    )
    assert ("auto_map.AutoModel", "modeling_x.XModel", "") in found
    assert ("auto_map.AutoTokenizer", "tokenization_x.X", "") in found
    assert (
        "auto_map.AutoConfig",
        "other/repo--configuration_x.XConfig",
        "other/repo",
    ) in found
    assert len(found) == 3


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"a": {"b": [{"auto_map": {"AutoModel": "m.X"}}]}},
            ("a.b[0].auto_map.AutoModel", "m.X", ""),
        ),
        (
            {"custom_pipelines": {"x": {"impl": "pipe.Pipe", "pt": ["AutoModel"]}}},
            ("custom_pipelines.x.impl", "pipe.Pipe", ""),
        ),
        (
            {"_attn_implementation": "evil/kernel@main"},
            ("_attn_implementation", "evil/kernel@main", "evil/kernel"),
        ),
    ],
)
def test_remote_code_is_found_at_any_depth(document: Any, expected: tuple[str, str, str]) -> None:
    assert _remote(document) == [expected]


def test_an_ordinary_configuration_asks_for_no_code() -> None:
    document = {
        "_attn_implementation": "flash_attention_2",
        "model_type": "bert",
        "trust_remote_code": False,
    }
    assert [fact for fact in _read(document) if not isinstance(fact, ModelClaim)] == []


def test_modules_of_the_library_itself_are_no_remote_code() -> None:
    modules = [
        {"idx": 0, "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "type": "custom_st.Transformer"},
    ]
    assert _remote(modules, "modules.json") == [("[1].type", "custom_st.Transformer", "")]


def test_switches_and_claims() -> None:
    facts = _read({"trust_remote_code": True, "_name_or_path": "org/base", "architectures": ["X"]})
    assert [fact.key for fact in facts if isinstance(fact, ConfigSwitch)] == ["trust_remote_code"]
    assert {(fact.claim, fact.value) for fact in facts if isinstance(fact, ModelClaim)} == {
        ("base", "org/base"),
        ("architecture", "X"),
    }


@pytest.mark.parametrize("path", ["/home/someone/model", "./out", "..", "C:\\model", "", "a b/c"])
def test_a_path_on_the_authors_machine_claims_no_base(path: str) -> None:
    assert _read({"_name_or_path": path}) == []


def test_an_adapter_claims_its_base() -> None:
    (claim,) = _read({"base_model_name_or_path": "org/base"}, "adapter_config.json")
    assert (claim.claim, claim.value, claim.relation) == ("base", "org/base", "adapter")


@pytest.mark.parametrize(
    ("data", "kind", "key"),
    [
        (b'{"a": 1, "a": 2}', "duplicate-key", "a"),
        (b'{"a": {"b": 1, "b": 2}}', "duplicate-key", "b"),
        (b'{"a": NaN}', "not-a-number", "NaN"),
        (b'{"a": "\xff"}', "not-utf8", ""),
    ],
)
def test_what_two_parsers_read_differently_is_a_defect(data: bytes, kind: str, key: str) -> None:
    (fact,) = _read(data)
    assert isinstance(fact, ConfigDefect)
    assert (fact.kind, fact.key) == (kind, key)


@pytest.mark.parametrize(
    "templates",
    [
        [{"name": "default", "template": "{{ a }}"}, {"name": "rag", "template": "{{ b }}"}],
        {"default": "{{ a }}", "rag": "{{ b }}"},
    ],
)
def test_templates_go_on_their_own_way(templates: Any) -> None:
    found = _read({"chat_template": templates}, "tokenizer_config.json")
    assert [(item.member, item.read_at(0, 99)) for item in found] == [
        ("chat_template.default.jinja", b"{{ a }}"),
        ("chat_template.rag.jinja", b"{{ b }}"),
    ]


def test_a_large_document_is_still_watched() -> None:
    document: dict[str, Any] = {
        "model": {"vocab": {f"token{index}": index for index in range(80_000)}}
    }
    document["auto_map"] = {"AutoTokenizer": "tok.T"}
    data = json.dumps(document).encode()
    assert len(data) > 1 << 20
    assert _remote(data, "tokenizer.json") == [("auto_map.AutoTokenizer", "tok.T", "")]
    with pytest.raises(ReadError):
        _read(data[:-5], "tokenizer.json")


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 200_000, b"{'a': 1}", b"\0\0\0\0"])
def test_what_is_not_json_is_an_error(data: bytes) -> None:
    with pytest.raises(ReadError):
        _read(data)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes) -> None:
    try:
        _read(data)
    except ReadError:
        return


_KEYS = (
    "auto_map", "impl", "type", "chat_template", "template", "name", "_name_or_path",
    "architectures", "trust_remote_code", "_attn_implementation", "x",
)  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_JSON, st.sampled_from(["config.json", "modules.json", "adapter_config.json", "x.json"]))
@settings(max_examples=300, deadline=None)
def test_any_document_is_read(document: Any, name: str) -> None:
    _read(document, name)


def test_a_part_that_brings_consent_to_code_of_another_repository() -> None:
    part = {"trust_remote_code": True, "_name_or_path": "evil/repo", "model_type": "a/b", "n": 1}
    assert _remote({"detector": part}) == [("detector._name_or_path", "evil/repo", "evil/repo")]
    assert _remote({"detector": part | {"trust_remote_code": False}}) == []
    assert _remote({"detector": part | {"_name_or_path": "./here"}}) == []
    assert _remote(part) == []


def test_a_router_names_the_modules_that_it_is_made_of() -> None:
    types = {"a": "os.system", "b": "evil/repo--m.C", "c": "sentence_transformers.models.Pooling"}
    document = {"types": types, "structure": {}}
    assert _remote(document, "router_config.json") == [
        ("types.a", "os.system", ""),
        ("types.b", "evil/repo--m.C", "evil/repo"),
    ]
    assert _remote({"types": ["os.system"]}, "router_config.json") == []


def test_settings_of_editors_may_hold_comments() -> None:
    (gap,) = _read(b"{\n  // a comment\n}", "launch.json")
    assert isinstance(gap, Coverage)
    assert (gap.status, gap.needed) == ("skipped", False)
    assert _read(b"{}", "launch.json") == []
    with pytest.raises(ReadError):
        _read(b"{\n  // a comment\n}", "config.json")
