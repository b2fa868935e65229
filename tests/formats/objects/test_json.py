from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.objects.json_reader import JsonObjectsReader
from modelscan.formats.objects.targets import resolve
from modelscan.formats.objects.tree import SHADOWED, parse_json, strings, tables
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import CodeBehaviour, ConfigObject
from tests.forge import reading

READER = JsonObjectsReader(reading.rules().lists.pickle_globals)
CRITICAL = "config-calls-dangerous-name"


def _found(document: Any) -> dict[str, str]:
    return reading.found(json.dumps(document).encode(), "config.json")


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ({"model": {"_target_": "os.system", "command": "id"}}, CRITICAL),
        ({"model": [{"_target_": "builtins.eval", "_args_": ["1"]}]}, CRITICAL),
        ({"_target_": "eval"}, CRITICAL),
        ({"__target__": "os.system"}, CRITICAL),
        ({"x": {"_target_": "hydra.utils.get_method", "path": "os.system"}}, CRITICAL),
        ({"x": {"_target_": "hydra.utils.call", "_args_": ["subprocess.run"]}}, CRITICAL),
        ({"p": "os", "x": {"_target_": "${p}.system"}}, CRITICAL),
        ({"p": ["no", "system"], "x": {"_target_": "os.${p[1]}"}}, CRITICAL),
        ({"model": {"class_path": "subprocess.Popen", "init_args": {}}}, CRITICAL),
        ({"model": {"target": "os.system", "params": {}}}, CRITICAL),
        ({"_target_": "somewhere.Model"}, "config-calls-unknown-name"),
        ({"class_path": "somewhere.Model", "init_args": {}}, "config-calls-unknown-name"),
        ({"target": "somewhere.Model", "params": {}}, "config-calls-unknown-name"),
        ({"py/object": "somewhere.Thing"}, "json-constructs-object"),
        ({"py/object": "collections.OrderedDict"}, "json-constructs-object"),
        ({"a": {"py/reduce": [{"py/type": "os.system"}, {"py/tuple": ["id"]}]}}, CRITICAL),
        ({"a": {"py/reduce": [1, 2]}}, "json-constructs-object"),
        ({"py/repr": "os/os.system('id')"}, CRITICAL),
        ({"py/function": "os.system"}, CRITICAL),
        ({"lc": 1, "type": "secret", "id": ["KEY"]}, "langchain-serialised-object"),
        (
            {"lc": 1, "type": "constructor", "id": ["langchain", "llms", "X"], "kwargs": {}},
            "langchain-serialised-object",
        ),
        (
            {
                "lc": 1,
                "type": "constructor",
                "id": ["langchain", "prompts", "prompt", "PromptTemplate"],
                "kwargs": {"template": "{{ x }}", "template_format": "jinja2"},
            },
            "langchain-serialised-object",
        ),
        (
            {"nodes": [{"op": "Custom", "inputs": [], "attrs": {"op_type": "proposal"}}]},
            "graph-needs-own-operator",
        ),
        (
            {"nodes": [{"op": "Custom", "inputs": [], "attrs": 3}]},
            "graph-needs-own-operator",
        ),
        ({"_target_": "monai.X", "v": "$a.b("}, "config-expression-unreadable"),
    ],
)
def test_what_a_document_makes_its_loader_call_is_found(document: Any, rule: str) -> None:
    assert rule in _found(document)


@pytest.mark.parametrize(
    "document",
    [
        {
            "lc": 1,
            "type": "constructor",
            "id": ["langchain", "prompts", "chat", "ChatPromptTemplate"],
            "kwargs": {"input_variables": ["question"], "template_format": "f-string"},
        },
        {"_target_": "torch.nn.Linear", "in_features": 3},
        {"_target_": "DiceLoss"},
        {"_target_": ""},
        {"_target_": 7},
        {"target": "x86_64", "params": {}},
        {"target": "1.5", "params": {}},
        {"target": "a sentence. Another one.", "params": {}},
        {"_target_": "hydra.utils.get_class", "path": "torch.nn.Linear"},
        {"lc": 5, "type": "note", "id": 3},
        {"op": "Custom"},
        {"class_path": None, "init_args": {}},
        {"x": {"_target_": "torch.nn.${kind}"}, "kind": "Linear"},
        {"_target_": "omegaconf.DictConfig", "value": "${other}", "price": "$5"},
        {"py/tuple": [1, 2]},
    ],
)
def test_an_ordinary_document_is_quiet(document: Any) -> None:
    assert reading.quiet(json.dumps(document).encode(), "config.json")


def test_a_reference_that_leads_nowhere_stays_and_ends() -> None:
    assert resolve("${a}.x", {}) == "${a}.x"
    assert resolve("${a}", {"a": "${a}"}) == "${a}"
    assert len(resolve("${a}", {"a": "${a}${a}"})) < 100_000
    assert resolve("${a[7]}", {"a": [1]}) == "${a[7]}"


def test_expressions_go_on_as_a_module() -> None:
    document = {
        "imports": ["$import os", "$from glob import glob"],
        "network": {"_target_": "monai.networks.nets.UNet"},
        "run": "$os.system('id')",
        "items": "$sorted(glob(@folder + '/*'))",
    }
    facts, _ = reading.read(json.dumps(document).encode(), "inference.json")
    calls = {fact.call for fact in facts if isinstance(fact, CodeBehaviour)}
    assert "os.system" in calls
    assert reading.fails(json.dumps(document).encode(), "inference.json")
    del document["run"]
    assert reading.quiet(json.dumps(document).encode(), "inference.json")


def test_a_value_that_is_shadowed_is_found() -> None:
    data = b'{"_target_": "os.system", "_target_": "torch.nn.Linear"}'
    assert CRITICAL in reading.fails(data, "config.json")


def test_each_name_is_stated_once() -> None:
    document = [{"_target_": "os.system"}] * 50
    facts, _ = reading.read(json.dumps(document).encode(), "a.json")
    assert sum(isinstance(fact, ConfigObject) for fact in facts) == 1


def test_a_document_that_can_name_nothing_is_not_asked_for() -> None:
    small = Glimpse(BytesArtifact("a.json", b'{"a": 1}'))
    assert not READER.recognises(small)
    assert READER.recognises(Glimpse(BytesArtifact("a.json", b'{"class_name": 1}')))
    assert READER.recognises(Glimpse(BytesArtifact("a.json", b'{"a": "' + b"x" * 5000 + b'"}')))
    assert not READER.recognises(Glimpse(BytesArtifact("a.txt", b'{"class_name": 1}')))


def test_a_large_document_without_marks_costs_no_parsing() -> None:
    words = b"".join(
        b'"class_name%d": %d, "\\u0000": 2, "lc": 7,' % (at, at) for at in range(40_000)
    )
    data = b'{"_target_": 1,' + words  # not even JSON
    assert list(READER.read(BytesArtifact("a.json", data), Budget())) == []


def test_what_is_too_large_is_said() -> None:
    large = BytesArtifact("a.json", b'{"class_name": "x"}' + b" " * (17 << 20))
    with pytest.raises(BudgetError):
        list(READER.read(large, Budget()))


def test_an_escaped_slash_or_letter_hides_nothing() -> None:
    assert CRITICAL in reading.fails(b'{"py\\/function": "os.system"}', "a.json")
    large = b'{"\\u005ftarget_": "os.system", "a": "' + b"x" * (2 << 20) + b'"}'
    assert CRITICAL in reading.fails(large, "a.json")


def test_a_path_does_not_grow_without_bound() -> None:
    root: Any = {"x": 1}
    for _ in range(500):
        root = {"inner": root}
    assert max(len(path) for path, _ in tables(root, Budget())) <= 300


def test_a_walk_is_paid_for() -> None:
    root = {"a": [{"b": "c"}] * 5000}
    with pytest.raises(BudgetError):
        list(tables(root, Budget(Limits(steps=2000))))
    with pytest.raises(BudgetError):
        list(strings(root, Budget(Limits(steps=2000))))


def test_names_that_stand_twice_keep_all_values() -> None:
    root = parse_json(b'{"a": 1, "a": 2, "a": 3}')
    assert root == {"a": 3, SHADOWED: {"a": [1, 2]}}
    assert [table["a"] for _, table in tables(root, Budget()) if SHADOWED in table] == [3, 1]


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000])
def test_what_is_not_json_is_an_error(data: bytes) -> None:
    with pytest.raises(ReadError):
        parse_json(data)


_KEYS = ("_target_", "path", "class_path", "init_args", "py/object", "py/reduce", "lc", "type",
         "id", "op", "inputs", "attrs", "target", "params", "class_name")  # fmt: skip
_TEXTS = ("os.system", "${a.b}", "$x", "constructor", "Custom", "hydra.utils.x", "")
_JSON = st.recursive(
    st.none() | st.integers() | st.sampled_from(_TEXTS) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5)
    ),
    max_leaves=15,
)


@given(_JSON)
@settings(max_examples=200, deadline=None)
def test_any_document_is_read(document: Any) -> None:
    list(READER.read(BytesArtifact("a.json", json.dumps(document).encode()), Budget()))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes) -> None:
    try:
        list(READER.read(BytesArtifact("a.json", b"class_name" + data), Budget()))
    except ReadError:
        return


def test_a_reduced_object_is_one_finding() -> None:
    reduced = b'{"py/reduce": [{"py/type": "os.system"}, {"py/tuple": ["id"]}]}'
    assert reading.fails(reduced, "a.json") == ["config-calls-dangerous-name"]
    assert reading.fails(b'{"py/reduce": ["a", "b"]}', "a.json") == ["json-constructs-object"]
