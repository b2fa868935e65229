from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.tensorflow import reader as room
from modelscan.formats.tensorflow.reader import TensorflowReader
from modelscan.formats.tensorflow.text import Event, events
from modelscan.vocabulary.fact import GraphFile, GraphModel
from tests.forge import graphs

READER = TensorflowReader(graphs.OPERATORS)

GRAPH = b"""
# a graph
node { name: "p" op: "Const" attr { key: "value" value { tensor { dtype: DT_STRING
  string_val: "/etc/" 'passwd' } } } }
node { name: "r" op: "ReadFile" input: "p" }
node <name: "f", op: "PyFunc"; attr: { key: "token" value: { s: "a\\x62\\143\\n" } }>
node { name: "c" op: "PartitionedCall" input: "p" attr { key: "f" value { func { name: "g" } } } }
library { function { node_def { name: "s" op: "SaveV2" input: "path" }
  signature { name: "g" input_arg { name: "path" } output_arg { name: "y" } } } }
versions { producer: 1 }
"""


def _read(raw: bytes, name: str = "graph.pbtxt") -> list[Any]:
    return graphs.read(READER, raw, name)


def _events(raw: bytes) -> list[Event]:
    return list(events(raw, Budget()))


def test_a_graph_in_text_is_the_same_graph() -> None:
    items = _read(GRAPH)
    (model,) = [fact for fact in items if isinstance(fact, GraphModel)]
    assert (model.form, model.nodes, model.functions) == ("text", 5, 1)
    assert graphs.behaviours(items) == [
        ("ReadFile", "reads-file", "/etc/passwd"),
        ("PyFunc", "runs-code", "abc\n"),
        ("SaveV2", "writes-file", "/etc/passwd"),
    ]


def test_assets_savers_and_collections_in_text() -> None:
    raw = b"""meta_graphs { meta_info_def { tensorflow_version: "2.0" } graph_def {
      node { name: "p" op: "Const" attr { key: "value"
        value { tensor { string_val: "/me/v.txt" } } } }
      node { name: "t" op: "InitializeTableFromTextFileV2" input: "t" input: "p" }
      node { name: "q" op: "Const" attr { key: "value" value { tensor { string_val: "mine" } } } }
      node { name: "s" op: "SaveV2" input: "q" } }
      saver_def { filename_tensor_name: "q:0" }
      %s }"""
    asset = b'asset_file_def { tensor_info { name: "p:0" } filename: "../v.txt" }'
    items = _read(raw % asset)
    assert graphs.behaviours(items) == []
    assert [fact.path for fact in items if isinstance(fact, GraphFile)] == ["../v.txt"]
    assert next(f for f in items if isinstance(f, GraphModel)).producer == "TensorFlow 2.0"
    listed = b'collection_def { key: "asset_filepaths" value { node_list { value: "p:0" } } }'
    assert graphs.behaviours(_read(raw % listed)) == []
    other = b'collection_def { key: "other" value { node_list { value: "p:0" } } }'
    assert len(graphs.behaviours(_read(raw % other))) == 1


def test_a_metagraph_may_be_text_under_its_usual_name() -> None:
    raw = b"graph_def { " + GRAPH + b" }"
    assert len(graphs.behaviours(_read(raw, "model.meta"))) == 3


@pytest.mark.parametrize(
    "raw",
    [
        b'item { id: 1 name: "cat" display_name: "a" }',
        b'name: "m" platform: "onnx"\ninput [ { name: "x" dims: [ -1, 3 ] } ]',
        b"a: inf b: -nan c: 1.5e3f d: 0x1F [type.example/x] { e: TRUE }",
        b"",
    ],
)
def test_other_documents_in_the_notation_are_read_and_quiet(raw: bytes) -> None:
    assert _read(raw) == []


def test_lists_of_values_and_messages() -> None:
    assert [
        (event.kind, event.name, event.value) for event in _events(b"a: [1, 2] b [{c: 3}, {}]")
    ] == [
        ("value", "a", "1"),
        ("value", "a", "2"),
        ("open", "b", ""),
        ("value", "c", "3"),
        ("close", "b", ""),
        ("open", "b", ""),
        ("close", "b", ""),
    ]


def test_escapes_are_resolved() -> None:
    (event,) = _events(b'a: "\\\\\\"\\t\\u00e4\\U0001F600\\777\\q"')
    assert event.value == '\\"\tä😀\ufffdq'


@pytest.mark.parametrize(
    "raw",
    [
        b"}", b"a {", b"a: ", b"a", b": 1", b"a: 1 }", b"{ a: 1 }", b"a: : 1", b"[1]", b"a: 1 ]",
        b'"x"', b"a: { b: }", b'a: "x', b"a: \xff", b"\x08\x01", b"a: [ [1] ]", b"a b",
    ],
)  # fmt: skip
def test_what_is_not_in_the_notation_is_an_error(raw: bytes) -> None:
    with pytest.raises(ReadError):
        _events(raw)


def test_depth_and_length_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BudgetError):
        _events(b"a{" * 200)
    assert len(_events(b"a: 1 " * 10_000)) == 10_000
    (event,) = _events(b'a: "' + b"x" * 9000 + b'" "' + b"y" * 10 + b'"')
    assert len(event.value) == 4096
    monkeypatch.setattr(room, "_MAX_TEXT", 10)
    with pytest.raises(ReadError, match="in text"):
        _read(b"a: 1 " * 10)


def test_a_node_within_a_node_is_part_of_it() -> None:
    raw = b'node { op: "PyFunc" attr { key: "x" value { node { name: "a" } } } } node { }'
    assert graphs.behaviours(_read(raw)) == [("PyFunc", "runs-code", "")]


@given(st.text(alphabet="node{}<>[]:\"'ax1 \n\\#;-", max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_text_ends_in_events_or_a_read_error(raw: str) -> None:
    try:
        _read(raw.encode())
    except ReadError:
        return


def test_a_network_of_caffe2_is_a_gap() -> None:
    network = b'name: "n"\nop {\n  input: "x"\n  type: "Python"\n}\n'
    with pytest.raises(ReadError, match="Caffe2"):
        _read(network, "predict_net.pbtxt")
    assert _read(b'item {\n  id: 1\n  name: "op { type: x"\n}\n', "label_map.pbtxt") == []
