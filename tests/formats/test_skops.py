from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.skops import SkopsReader
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import reading

READER = SkopsReader(reading.rules().lists.pickle_globals)


def _node(loader: str, name: str, **rest: Any) -> dict[str, Any]:
    module, _, last = name.rpartition(".")
    return {"__class__": last, "__module__": module, "__loader__": loader, **rest}


HONEST = _node(
    "ObjectNode", "sklearn.pipeline.Pipeline",
    content=_node("DictNode", "builtins.dict", content={
        "steps": _node("ListNode", "builtins.list", content=[
            _node("TupleNode", "builtins.tuple", content=[
                _node("JsonNode", "builtins.str", content='"scale"'),
                _node("ObjectNode", "sklearn.preprocessing._data.StandardScaler"),
                _node("NdArrayNode", "numpy.ndarray", file="a.npy"),
                _node("FunctionNode", "numpy.log1p"),
                _node("TypeNode", "builtins.NoneType"),
                _node("OperatorFuncNode", "operator.itemgetter", attrs=[]),
                _node("PartialNode", "functools.partial"),
                _node("RandomStateNode", "numpy.random.mtrand.RandomState"),
            ]),
        ]),
    }),
    protocol=2, _skops_version="0.16",
)  # fmt: skip


def _archive(schema: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("schema.json", schema if isinstance(schema, bytes) else json.dumps(schema))
    return buffer.getvalue()


def _found(*nodes: dict[str, Any]) -> list[str]:
    content = _node("ListNode", "builtins.list", content=list(nodes))
    return reading.fails(_archive({**HONEST, "more": content}), "model.skops")


def test_an_honest_archive_is_quiet() -> None:
    assert reading.quiet(_archive(HONEST), "model.skops")


@pytest.mark.parametrize(
    ("node", "rule"),
    [
        (_node("FunctionNode", "os.system"), "skops-dangerous-class"),
        (_node("TypeNode", "builtins.eval"), "skops-dangerous-class"),
        (_node("ObjectNode", "subprocess.Popen"), "skops-dangerous-class"),
        (_node("ConstructorFromReduceNode", "builtins.exec"), "skops-dangerous-class"),
        (_node("PartialNode", "os.system"), "skops-loader-mismatch"),
        (_node("DictNode", "os.system"), "skops-loader-mismatch"),
        (_node("OperatorFuncNode", "operator.methodcaller"), "skops-loader-mismatch"),
        (_node("OperatorFuncNode", "operator.call"), "skops-loader-mismatch"),
        (_node("OperatorFuncNode", "builtins.str"), "skops-loader-mismatch"),
        (_node("MethodNode", "builtins.str", content={"func": "__globals__", "obj": {}}),
         "skops-loader-mismatch"),
        (_node("MethodNode", "sklearn.tree.Tree", content=3), "skops-loader-mismatch"),
    ],
)  # fmt: skip
def test_nodes_that_do_more_than_hold_data_fail(node: dict[str, Any], rule: str) -> None:
    assert _found(node) == [rule]


@pytest.mark.parametrize(
    "node", [_node("ObjectNode", "somewhere.Model"), _node("MysteryNode", "builtins.dict")]
)
def test_what_is_not_known_is_reported_and_passes(node: dict[str, Any]) -> None:
    data = _archive({**HONEST, "more": node})
    assert reading.found(data, "model.skops") == {"skops-unknown-class": "medium"}


def test_a_key_that_stands_twice_hides_nothing() -> None:
    schema = json.dumps(HONEST).encode()
    twice = schema.replace(b'"__class__": "log1p"', b'"__class__": "x", "__class__": "log1p"')
    assert reading.fails(_archive(twice), "model.skops") == ["skops-loader-mismatch"]


def test_another_schema_is_nobodys_business() -> None:
    assert list(READER.read(BytesArtifact("schema.json", b"not even JSON"), Budget())) == []


def test_what_is_not_json_or_too_large_is_said() -> None:
    with pytest.raises(ReadError):
        list(READER.read(BytesArtifact("schema.json", b"__loader__"), Budget()))
    huge = BytesArtifact("schema.json", b"")
    huge.size = 65 << 20
    with pytest.raises(BudgetError):
        list(READER.read(huge, Budget()))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes) -> None:
    try:
        list(READER.read(BytesArtifact("schema.json", b"__loader__" + data), Budget()))
    except ReadError:
        return
