from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.flatbuffer import Flatbuffer
from modelscan.formats.onnx.ort import OrtReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import GraphFile, GraphModel
from tests.forge import flatbuffers as forge
from tests.forge import graphs
from tests.forge.tflite import buffer

READER = OrtReader(graphs.OPERATORS)


def _read(raw: bytes) -> list[Any]:
    return graphs.read(READER, raw, "model.ort")


def _text(key: str, text: str) -> dict[int, Any]:
    return {0: key.encode(), 5: text.encode()}


def test_an_honest_model_is_stated_and_quiet() -> None:
    raw = forge.ort(
        forge.ort_node("Gemm"),
        forge.ort_node("FusedMatMul", "com.microsoft"),
        forge.ort_node("Relu", "ai.onnx"),
        initializers=[{0: b"w", 4: bytes(16)}],
    )
    assert graphs.recognised(READER, raw)
    items = _read(raw)
    (model,) = items
    assert isinstance(model, GraphModel)
    assert (model.producer, model.nodes) == ("forge 1", 3)
    assert model.operators == ("Gemm", "Relu", "com.microsoft.FusedMatMul")
    assert graphs.found(items) == set()


@pytest.mark.parametrize(
    ("node", "found"),
    [
        (forge.ort_node("Blur", "com.acme"), ("Blur", "custom", "")),
        (
            forge.ort_node("PyOp", "pyop", [_text("module", "os"), _text("fn", "system")]),
            ("PyOp", "runs-code", "module=os, fn=system"),
        ),
        (
            forge.ort_node("Load", "com.acme", [{0: b"a", 10: [b"x", b"libx.so"]}]),
            ("Load", "custom-telling", "x libx.so"),
        ),
    ],
)
def test_operators_that_do_more(node: Any, found: tuple[str, str, str]) -> None:
    items = _read(forge.ort(node))
    assert graphs.behaviours(items) == [found]
    assert graphs.fails(items)


@pytest.mark.parametrize("slot", [7, 12])
def test_graphs_in_attributes_are_read(slot: int) -> None:
    inner = forge.ort_graph(forge.ort_node("PyOp", "pyop"))
    attribute: Any = {0: b"body", slot: inner if slot == 7 else [inner]}
    items = _read(forge.ort(forge.ort_node("If", "", [attribute])))
    assert [name for name, _, _ in graphs.behaviours(items)] == ["PyOp"]


def test_a_compiled_context_names_its_file() -> None:
    attributes = [_text("ep_cache_context", "../ctx.bin"), {0: b"embed_mode", 4: (0, 8)}]
    items = _read(forge.ort(forge.ort_node("EPContext", "com.microsoft", attributes)))
    (file,) = [item for item in items if isinstance(item, GraphFile)]
    assert (file.kind, file.path) == ("traversal", "../ctx.bin")
    assert graphs.fails(items)


def test_what_is_nested_too_deeply_is_refused() -> None:
    node = forge.ort_node("Relu")
    for _ in range(102):
        node = forge.ort_node("If", "", [{0: b"g", 7: forge.ort_graph(node)}])
    with pytest.raises(BudgetError, match="nested"):
        _read(forge.ort(node))


def test_a_graph_that_two_attributes_share_is_read_once() -> None:
    attribute: Any = {0: b"g", 7: forge.ort_graph(), 12: [forge.ort_graph(forge.ort_node("A"))]}
    raw = bytearray(forge.ort(forge.ort_node("If", "", [attribute])))
    model = Flatbuffer(BytesArtifact("m.ort", bytes(raw)), Budget()).root().child(1)
    outer = model.child(7) if model else None
    assert outer is not None
    (found,) = [one for node in outer.tables(2) for one in node.tables(10)]
    (listed,) = found.tables(12)
    place = found._place(7)  # to let it lead to the other one
    assert place is not None
    raw[place : place + 4] = (listed.at - place).to_bytes(4, "little")
    assert [fact.nodes for fact in _read(bytes(raw)) if isinstance(fact, GraphModel)] == [2]


def test_without_a_graph_or_a_magic_it_is_none() -> None:
    with pytest.raises(ReadError, match="no graph"):
        _read(buffer({0: b"6"}, b"ORTM"))
    with pytest.raises(ReadError, match="does not begin"):
        _read(bytes(64))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_bytes_end_in_facts_or_a_read_error(data: st.DataObject) -> None:
    raw = bytearray(forge.ort(forge.ort_node("If", "a", [_text("k", "v")])))
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        items = _read(bytes(raw[: data.draw(st.integers(8, len(raw)))]))
    except ReadError:
        return
    assert items
