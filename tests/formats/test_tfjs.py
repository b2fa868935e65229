from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import BudgetError, ReadError
from modelscan.formats import tfjs
from modelscan.formats.objects import pieces
from modelscan.formats.tfjs import TfjsReader
from modelscan.vocabulary.fact import GraphFile, GraphModel
from tests.forge import graphs

READER = TfjsReader(graphs.OPERATORS)


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _node(name: str, operator: str, *inputs: str, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "op": operator, "input": list(inputs), "attr": attributes}


def _document(topology: Any, *paths: Any) -> bytes:
    document = {
        "format": "graph-model",
        "generatedBy": "2.21.0",
        "modelTopology": topology,
        "weightsManifest": [{"paths": list(paths or ["group1-shard1of1.bin"]), "weights": []}],
    }
    return json.dumps(document).encode()


def _read(raw: bytes) -> list[Any]:
    return graphs.read(READER, raw, "model.json")


def test_an_honest_graph_is_stated_and_quiet() -> None:
    nodes = [_node("x", "Placeholder"), _node("y", "Relu", "x", T={"type": "DT_FLOAT"})]
    items = _read(_document({"node": nodes, "library": {}, "versions": {}}))
    (model,) = items
    assert isinstance(model, GraphModel)
    assert (model.framework, model.producer, model.nodes) == ("tfjs", "2.21.0", 2)
    assert graphs.found(items) == set()


def test_operators_of_graph_and_functions_are_judged() -> None:
    value = {"tensor": {"stringVal": [_coded("/etc/passwd")]}}
    nodes = [
        _node("p", "Const", value=value),
        _node("r", "ReadFile", "p"),
        _node("c", "PartitionedCall", "p", f={"func": {"name": "g"}}),
        _node("m", "Blur", lib={"s": "not base64!.so"}, more={"list": {"s": [_coded("x")]}}),
    ]
    function = {
        "signature": {"name": "g", "inputArg": [{"name": "path"}]},
        "nodeDef": [_node("s", "SaveV2", "path"), _node("f", "PyFunc", token={"s": _coded("t")})],
    }
    items = _read(_document({"node": nodes, "library": {"function": [function]}}))
    assert graphs.behaviours(items) == [
        ("ReadFile", "reads-file", "/etc/passwd"),
        ("Blur", "custom-telling", "not base64!.so"),
        ("PyFunc", "runs-code", "t"),
        ("SaveV2", "writes-file", "/etc/passwd"),
    ]
    assert graphs.fails(items)


def test_a_large_graph_is_read_in_pieces_and_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"tensor": {"stringVal": [_coded("/etc/passwd")]}}
    nodes = [
        *(_node(f"r{number}", "Relu", "x") for number in range(300)),
        _node("p", "Const", value=value),
        _node("r", "ReadFile", "p"),
        _node("c", "PartitionedCall", "p", f={"func": {"name": "g"}}),
    ]
    function = {
        "signature": {"name": "g", "inputArg": [{"name": "path"}]},
        "nodeDef": [_node("s", "SaveV2", "path")],
    }
    paths = [f"shard{number}.bin" for number in range(99)]
    documents = [
        _document({"node": nodes[:many], "library": {"function": [function]}}, *paths, "../x.bin")
        for many in (0, 303)
    ]
    documents.append(
        documents[1].replace(b'"weights": []', b'"weights": [' + b"{}," * 999 + b"{}]")
    )
    whole = [_read(data) for data in documents]
    assert [one.nodes for items in whole for one in items if isinstance(one, GraphModel)] == [
        1, 304, 304,
    ]  # fmt: skip
    monkeypatch.setattr(pieces, "cost", lambda data: (len(data) > 5000) << 30)
    for half in (12_000, 50_000, 100_000, 400_000):
        monkeypatch.setattr(pieces, "_HALF", half)
        for kept in (8, 100, 1000):
            monkeypatch.setattr(pieces, "_KEPT", kept)
            for data, expected in zip(documents, whole, strict=True):
                assert sorted(map(str, _read(data))) == sorted(map(str, expected))


@pytest.mark.parametrize(
    "topology",
    [
        {"node": [_node("x", "ReadFile", *("y" for _ in range(9999)))]},
        {"library": {"function": [{"nodeDef": [_node("x", "Relu")] * 999}]}},
    ],
)
def test_what_is_too_large_to_be_judged_is_a_gap(
    topology: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "LARGEST", 90_000)
    monkeypatch.setattr(pieces, "_HALF", 20_000)
    with pytest.raises(BudgetError, match="too large to be looked at"):
        _read(_document(topology))


@pytest.mark.parametrize("path", ["../../secret.bin", "/etc/passwd", "https://a.example/w.bin"])
def test_weights_elsewhere_fail(path: str) -> None:
    items = _read(_document({}, path, "group1-shard1of1.bin", 7))
    assert [fact.path for fact in items if isinstance(fact, GraphFile)] == [path]
    assert graphs.fails(items)


def test_a_keras_configuration_is_left_to_the_readers_of_json() -> None:
    assert _read(_document({"model_config": {"class_name": "Sequential"}})) == []


@pytest.mark.parametrize(
    "topology", [None, 7, [], {"node": 7}, {"node": [7, {"op": 1, "attr": 3}], "library": 3}]
)
def test_what_is_shaped_otherwise_is_passed_over(topology: Any) -> None:
    assert graphs.behaviours(_read(_document(topology))) == []
    assert _read(b"[1]") == []


@pytest.mark.parametrize("raw", [b"", b"{", b"[" * 100_000, b"\xff"])
def test_what_is_not_json_is_an_error(raw: bytes) -> None:
    with pytest.raises(ReadError):
        _read(raw)


def test_the_document_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfjs, "_MAX_DOCUMENT", 10)
    with pytest.raises(ReadError, match="bytes"):
        _read(_document({}))


@pytest.mark.parametrize(
    ("raw", "name", "expected"),
    [
        (_document({}), "model.json", True),
        (_document({}), "renamed.json", True),
        (b"{" + b" " * 9000 + b'"modelTopology": {}}', "model.json", True),
        (b"{" + b" " * 9000 + b'"modelTopology": {}}', "config.json", False),
        (b'{"model_type": "bert"}', "config.json", False),
        (_document({}), "model.txt", False),
    ],
)
def test_keys_tell_a_converted_model(raw: bytes, name: str, expected: bool) -> None:
    assert graphs.recognised(READER, raw, name) is expected


_KEYS = ("modelTopology", "node", "op", "attr", "s", "list", "library", "function", "name", "paths",
         "weightsManifest", "input", "value", "tensor", "stringVal")  # fmt: skip
_JSON = st.recursive(
    st.none() | st.integers() | st.sampled_from(["ReadFile", "Const", "..", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(_JSON)
@settings(max_examples=300, deadline=None)
def test_any_document_is_read(document: Any) -> None:
    _read(json.dumps(document).encode())
    _read(_document(document))


@given(st.binary(max_size=100))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(raw: bytes) -> None:
    try:
        _read(raw)
    except ReadError:
        return
