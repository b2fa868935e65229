from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.held import Held
from modelscan.formats.onnx import external, walk
from modelscan.formats.onnx.reader import OnnxReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import (
    GraphDefect,
    GraphFile,
    GraphModel,
    GraphOperator,
    ModelClaim,
    TensorHeader,
)
from tests.forge import graphs
from tests.forge import onnx as forge
from tests.forge.protobuf import data, number

READER = OnnxReader(graphs.OPERATORS)
ESCAPE = forge.tensor(external=forge.place("../../etc/passwd"))


def _read(raw: bytes, name: str = "model.onnx", limits: Limits | None = None) -> list[Any]:
    return graphs.read(READER, raw, name, limits)


def _files(raw: bytes) -> list[tuple[str, str]]:
    return [(fact.kind, fact.path) for fact in _read(raw) if isinstance(fact, GraphFile)]


def _defects(raw: bytes) -> set[str]:
    return {fact.kind for fact in _read(raw) if isinstance(fact, GraphDefect)}


def _external(*entries: tuple[str, str], dims: tuple[int, ...] = (2,)) -> bytes:
    return forge.model(forge.graph(initializers=[forge.tensor("w", dims, external=entries)]))


def test_an_honest_model_is_stated_and_quiet() -> None:
    items = _read(forge.model(metadata=[("license", "mit"), ("author", "a")]))
    (model,) = [fact for fact in items if isinstance(fact, GraphModel)]
    assert (model.producer, model.nodes, model.operators) == ("forge 1.0", 1, ("Gemm",))
    (header,) = [fact for fact in items if isinstance(fact, TensorHeader)]
    assert (header.tensors, header.parameters, header.payload) == (2, 15, 60)
    assert header.metadata == ("author", "license")
    assert [fact.value for fact in items if isinstance(fact, ModelClaim)] == ["mit"]
    assert graphs.found(items) == set()


def test_the_digest_is_over_names_types_and_shapes() -> None:
    def digest(tensor: bytes) -> str:
        items = _read(forge.model(forge.graph(forge.node("Relu"), initializers=[tensor])))
        return next(fact.digest for fact in items if isinstance(fact, TensorHeader))

    ones = forge.tensor("w", (2,), b"\1" * 8)
    assert digest(ones) == digest(forge.tensor("w", (2,)))
    assert digest(ones) != digest(forge.tensor("w", (1, 2), b"\1" * 8))


def test_data_beside_the_model_is_one_quiet_fact() -> None:
    tensors = [
        forge.tensor(f"w{index}", (4,), external=forge.place("m.data", offset=str(index * 16),
                                                             length="16", checksum="00"))
        for index in range(3)
    ]  # fmt: skip
    items = _read(forge.model(forge.graph(initializers=tensors)))
    (file,) = [fact for fact in items if isinstance(fact, GraphFile)]
    assert (file.kind, file.path, file.tensors, file.extent) == ("inside", "m.data", 3, 48)
    assert graphs.found(items) == set()


@pytest.mark.parametrize(
    "program",
    [
        b"\x7fELF\2\1\1" + bytes(9) + b"\3\0\x3e\0" + bytes(40),
        b"\x7fELF\2\1\1" + bytes(9) + b"\3\0\xb7\0" + bytes(40),
        b"MZ" + bytes(60) + b"PE\0\0",
        b"#!/bin/sh\ntrue",
    ],
)
@pytest.mark.parametrize("embedded", [0, 1])
def test_a_context_that_is_a_program_for_this_machine_fails(program: bytes, embedded: int) -> None:
    node = forge.node(
        "EPContext",
        "com.microsoft",
        forge.attribute("ep_cache_context", 4, program),
        forge.attribute("embed_mode", 3, embedded),
    )
    items = _read(forge.model(forge.graph(node)))
    assert graphs.behaviours(items) == [("EPContext", "runs-code", "an embedded program")]
    assert graphs.fails(items)


def test_a_context_for_a_neural_processor_is_none_for_this_machine() -> None:
    blob = b"\x7fELF\2\1\1" + bytes(9) + b"\1\0\0\0" + bytes(40)
    node = forge.node("EPContext", "com.microsoft", forge.attribute("ep_cache_context", 4, blob))
    assert not graphs.fails(_read(forge.model(forge.graph(node))))


def test_hundreds_of_data_files_are_no_flood() -> None:
    tensors = [forge.tensor(external=forge.place(f"t{index}")) for index in range(2100)]
    assert len(_files(forge.model(forge.graph(initializers=tensors)))) == 2000


@pytest.mark.parametrize(
    "model",
    [
        forge.model(forge.graph(initializers=[ESCAPE])),
        forge.model(forge.graph(sparse_initializers=[forge.sparse(ESCAPE)])),
        forge.model(forge.graph(sparse_initializers=[forge.sparse(forge.tensor(), ESCAPE)])),
        forge.model(forge.graph(forge.node("Constant", "", forge.attribute("value", 5, ESCAPE)))),
        forge.model(forge.graph(forge.node("Constant", "", forge.attribute("values", 10, ESCAPE)))),
        forge.model(
            forge.graph(forge.node("Constant", "", forge.attribute("s", 22, forge.sparse(ESCAPE))))
        ),
        forge.model(
            forge.graph(
                forge.node("If", "", forge.attribute("then", 6, forge.graph(initializers=[ESCAPE])))
            )
        ),
        forge.model(
            functions=[
                forge.function(
                    "F", "own", forge.node("Constant", "", forge.attribute("value", 5, ESCAPE))
                )
            ]
        ),
        forge.model(training=data(1, forge.graph(initializers=[ESCAPE]))),
        forge.model(functions=[forge.function("F", "own") + data(11, data(5, ESCAPE))]),
        forge.model() + data(7, forge.graph(initializers=[ESCAPE])),
    ],
)
def test_external_data_is_found_wherever_a_tensor_can_be(model: bytes) -> None:
    assert ("traversal", "../../etc/passwd") in _files(model)
    assert "onnx-external-data-escapes" in graphs.found(_read(model))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/etc/passwd", "absolute"),
        ("file:///etc/passwd", "address"),
        ("*/_ORT_MEM_ADDR_/*", "memory"),
        ("C:\\secret", "absolute"),
        ("a\0b", "control-character"),
    ],
)
def test_names_that_lead_away_fail(path: str, kind: str) -> None:
    items = _read(_external(("location", path)))
    assert kind in {fact.kind for fact in items if isinstance(fact, GraphFile)}
    assert graphs.fails(items)


def test_a_first_location_counts_as_much_as_the_last() -> None:
    raw = _external(("location", "/etc/passwd"), ("location", "weights.bin"))
    assert _files(raw) == [("absolute", "/etc/passwd"), ("inside", "weights.bin")]
    assert "duplicate-key" in _defects(raw)


@pytest.mark.parametrize(
    ("entries", "kind"),
    [
        ([("offset", "-1")], "bad-range"),
        ([("length", "-8")], "bad-range"),
        ([("offset", "x")], "bad-range"),
        ([("offset", "9" * 30)], "bad-range"),
        ([("offset", str((1 << 63) - 1)), ("length", "8")], "bad-range"),
        ([("__class__", "x")], "unknown-key"),
        ([("length", "4")], "size-mismatch"),
    ],
)
def test_impossible_properties_are_defects(entries: list[tuple[str, str]], kind: str) -> None:
    raw = _external(("location", "w.bin"), *entries)
    assert kind in _defects(raw)
    assert graphs.fails(_read(raw)) is (kind != "size-mismatch")


def test_external_data_without_a_name_is_odd_and_passes() -> None:
    items = _read(_external(("offset", "0")))
    assert graphs.found(items) == {"onnx-external-data-odd-name"}
    assert _files(_external()) == [("empty", "")]


def test_packed_weights_of_the_runtime_are_known() -> None:
    assert _defects(_external(("location", "w"), ("prepacked_0", "x"), ("length", "8"))) == set()


@pytest.mark.parametrize(
    ("tensor", "kind"),
    [
        (forge.tensor("w", (3,), bytes(4)), "size-mismatch"),
        (forge.tensor("w", (-1, 4), b""), "bad-shape"),
        (forge.tensor("w", (1 << 40, 1 << 40), b""), "bad-shape"),
        (forge.tensor("w", (1,) * 100, bytes(4)), "bad-shape"),
    ],
)
def test_tensors_that_contradict_themselves(tensor: bytes, kind: str) -> None:
    assert kind in _defects(forge.model(forge.graph(initializers=[tensor])))


def test_packed_shapes_small_types_and_typed_fields_are_read() -> None:
    packed = data(1, b"\x03\x02") + number(2, 22) + data(8, "int4") + data(9, bytes(3))
    typed = number(1, 2) + number(2, 8) + data(6, "a") + data(6, "b") + number(99, 1)
    unknown = number(1, 2) + number(2, 77) + data(9, bytes(5))
    raw = forge.model(forge.graph(initializers=[packed, typed, unknown]))
    assert _defects(raw) == set()
    header = next(fact for fact in _read(raw) if isinstance(fact, TensorHeader))
    assert (header.parameters, header.dtypes) == (10, ("INT4", "STRING", "type 77"))


@pytest.mark.parametrize(
    ("node", "behaviour", "fails"),
    [
        (forge.node("Blur", "com.acme"), "custom", True),
        (forge.node("EfficientNMS_TRT"), "custom", False),
        (forge.node("RunShell", "com.acme"), "custom-telling", True),
        (
            forge.node("Load", "com.acme", forge.attribute("lib", 4, "libx.so")),
            "custom-telling",
            True,
        ),
        (
            forge.node("AzureTextToText", "com.microsoft.extensions",
                       forge.attribute("uri", 4, "https://a.example")),
            "network",
            True,
        ),
        (forge.node("PyOp", "pyopmulti_1", forge.attribute("module", 4, "os")), "runs-code", True),
        (forge.node("ATen", "org.pytorch.aten"), "runs-code", True),
        (forge.node("PythonOp", "com.microsoft"), "runs-code", True),
    ],
)  # fmt: skip
def test_operators_that_need_more_than_a_runtime(node: bytes, behaviour: str, fails: bool) -> None:
    items = _read(forge.model(forge.graph(node)))
    assert [each[1] for each in graphs.behaviours(items)] == [behaviour]
    assert graphs.fails(items) is fails


@pytest.mark.parametrize(
    "node",
    [
        forge.node("FusedMatMul", "com.microsoft"),
        forge.node("LinearClassifier", "ai.onnx.ml"),
        forge.node("Relu", "ai.onnx"),
        forge.node("GPT2Tokenizer", "ai.onnx.contrib", forge.attribute("vocab", 4, "{}")),
        forge.node("ConvBla", "com.ms.internal.nhwc"),
    ],
)
def test_operators_of_the_usual_runtimes_are_quiet(node: bytes) -> None:
    assert graphs.found(_read(forge.model(forge.graph(node)))) == set()


def test_a_function_of_the_model_is_no_custom_operator() -> None:
    body = forge.function("Blur", "com.acme", forge.node("Relu"), forge.node("Exec", "x.y"))
    items = _read(forge.model(forge.graph(forge.node("Blur", "com.acme")), functions=[body]))
    assert graphs.behaviours(items) == [("Exec", "custom-telling", "")]
    (use,) = [fact for fact in items if isinstance(fact, GraphOperator)]
    assert use.function == "Blur"


def test_a_function_in_the_place_of_an_operator_is_named() -> None:
    items = _read(forge.model(functions=[forge.function("Relu", "")]))
    assert "onnx-function-shadows-operator" in graphs.found(items)


def test_functions_that_never_end_fail() -> None:
    calls = [forge.node("B", "own")], [forge.node("C", "own")], [forge.node("B", "own")]
    bodies = [forge.function(name, "own", *body) for name, body in zip("ABC", calls, strict=True)]
    assert _defects(forge.model(functions=bodies)) == {"recursive-function"}
    assert graphs.fails(_read(forge.model(functions=bodies)))


def test_functions_that_double_at_every_step_fail() -> None:
    bodies = [forge.function("F0", "own", forge.node("Relu"))]
    bodies += [
        forge.function(f"F{level}", "own", *[forge.node(f"F{level - 1}", "own")] * 2)
        for level in range(1, 40)
    ]
    assert _defects(forge.model(functions=bodies)) == {"function-bomb"}
    assert _defects(forge.model(functions=bodies[:10])) == set()


def test_a_long_chain_of_functions_is_walked() -> None:
    bodies = [
        forge.function(f"F{level}", "own", forge.node(f"F{level + 1}", "own"))
        for level in range(3_000)
    ]
    assert _defects(forge.model(functions=bodies)) == set()


def test_functions_of_one_name_and_fields_that_hide_data_are_defects() -> None:
    twice = [forge.function("F", "own")] * 2
    assert _defects(forge.model(functions=twice)) == {"duplicate-function"}
    assert _defects(forge.model(behind=data(999, bytes(4096)))) == {"unknown-field"}
    assert _defects(forge.model(behind=data(999, "x") + number(998, 1))) == set()


def test_compiled_contexts() -> None:
    path = forge.attribute("ep_cache_context", 4, "../ctx.bin")
    outside = forge.node("EPContext", "com.microsoft", path, forge.attribute("embed_mode", 3, 0))
    items = _read(forge.model(forge.graph(outside)))
    assert graphs.behaviours(items) == [("EPContext", "native-code", "../ctx.bin")]
    assert "onnx-external-data-escapes" in graphs.found(items)
    embedded = forge.node("EPContext", "com.microsoft", forge.attribute("ep_cache_context", 4, "x"))
    items = _read(forge.model(forge.graph(embedded)))
    assert graphs.behaviours(items) == [("EPContext", "native-code", "")]
    assert not graphs.fails(items)
    gap = "EPContext: a program compiled for a device is not read"
    assert [item.reason for item in items if isinstance(item, Coverage) and item.needed] == [gap]
    assert not graphs.fails(items)


def test_a_graph_nested_deeper_than_parsers_go_ends() -> None:
    inner = forge.graph(forge.node("Relu"))
    for _ in range(60):
        inner = forge.graph(forge.node("If", "", forge.attribute("then", 6, inner)))
    with pytest.raises(BudgetError):
        _read(forge.model(inner))


def test_what_was_found_before_the_error_stays() -> None:
    raw = forge.model(forge.graph(forge.node("PyOp", "x"))) + b"\x0a\xff\xff\xff\x7f"
    items: list[Any] = []
    with pytest.raises(ReadError):
        items.extend(READER.read(BytesArtifact("m.onnx", raw), Budget()))
    assert graphs.behaviours(items) == [("PyOp", "runs-code", "")]


@pytest.mark.parametrize("raw", [b"", b"\x08\x08", b"<html>", number(1, 8) + data(2, "x")])
def test_what_has_no_graph_is_an_error(raw: bytes) -> None:
    with pytest.raises(ReadError):
        _read(raw)


def test_one_tensor_is_a_file_of_the_model() -> None:
    raw = forge.tensor("x", (4, 3))
    assert graphs.recognised(READER, raw, "input_0.pb")
    (model, header) = _read(raw, "input_0.pb")
    assert model.form == "tensor"
    assert header.tensors == 1
    assert "onnx-external-data-escapes" in graphs.found(_read(ESCAPE, "input_0.pb"))


@pytest.mark.parametrize(
    ("raw", "name", "expected"),
    [
        (b"", "x.onnx", True),
        (forge.model(), "weights.bin", True),
        (forge.model(forge.graph(forge.node("Relu"), initializers=[forge.tensor("w", (9000,))])),
         "x", True),
        (b"", "x.bin", False),
        (b"\x08\x01 text", "x.bin", False),
        (number(1, 8) + data(2, "only a name"), "x.bin", False),
        (forge.tensor(), "x.bin", False),
        (b"\n\nplain text\n", "x.txt", False),
    ],
)  # fmt: skip
def test_content_decides_unless_the_name_does(raw: bytes, name: str, expected: bool) -> None:
    assert graphs.recognised(READER, raw, name) is expected


NOISE = number(90, 1) + data(91, "x")


def test_unknown_fields_change_nothing_in_any_message() -> None:
    inner = forge.attribute("value", 5, ESCAPE + NOISE) + NOISE
    sparse = forge.sparse(forge.tensor()) + NOISE
    graph = forge.graph(forge.node("Constant", "", inner) + NOISE, sparse_initializers=[sparse])
    function = forge.function("F", "own", forge.node("Relu")) + NOISE
    training = data(1, forge.graph()) + data(2, forge.graph()) + NOISE
    raw = forge.model(graph + NOISE, functions=[function], training=training, behind=NOISE)
    assert _files(raw) == [("traversal", "../../etc/passwd")]
    assert graphs.behaviours(_read(raw)) == []


def test_operators_functions_and_attributes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [forge.attribute(f"a{index}", 4, "x") for index in range(100)]
    texts = forge.attribute("list", 9, "x") + data(9, "y") * 100
    assert (
        graphs.behaviours(_read(forge.model(forge.graph(forge.node("Relu", "", texts, *many)))))
        == []
    )
    monkeypatch.setattr(walk, "Held", partial(Held, most=1000))
    with pytest.raises(BudgetError, match="operators"):
        _read(forge.model(forge.graph(*[forge.node(f"O{index}") for index in range(5)])))
    with pytest.raises(BudgetError, match="functions"):
        _read(forge.model(functions=[forge.function(f"F{index}", "own") for index in range(5)]))


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(raw: bytes) -> None:
    graphs.recognised(READER, raw)
    try:
        _read(raw)
    except ReadError:
        return


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_any_damage_ends_in_facts_or_a_read_error(draw: st.DataObject) -> None:
    inner = forge.graph(initializers=[forge.tensor(external=forge.place("w.bin", offset="0"))])
    nested = forge.node("If", "", forge.attribute("then", 6, inner))
    broken = bytearray(forge.model(forge.graph(nested), functions=[forge.function("F", "d")]))
    for _ in range(draw.draw(st.integers(1, 6))):
        broken[draw.draw(st.integers(0, len(broken) - 1))] = draw.draw(st.integers(0, 255))
    try:
        _read(bytes(broken))
    except ReadError:
        return


def test_nothing_hides_behind_attributes_and_properties() -> None:
    dummies = [forge.attribute(f"a{index}", 4, "x") for index in range(200)]
    path = forge.attribute("ep_cache_context", 4, "../../etc/passwd")
    context = forge.node(
        "EPContext", "com.microsoft", *dummies, forge.attribute("embed_mode", 3, 0), path
    )
    assert _files(forge.model(forge.graph(context))) == [("traversal", "../../etc/passwd")]
    more = forge.node("Relu", "", *(forge.attribute(f"a{index}", 4, "x") for index in range(300)))
    with pytest.raises(BudgetError, match="attributes"):
        _read(forge.model(forge.graph(more)))
    properties = [(f"prepacked_{index}", "0") for index in range(100)]
    away = forge.tensor(external=[*properties, ("location", "../../etc/passwd")])
    with pytest.raises(BudgetError, match="properties"):
        _read(forge.model(forge.graph(forge.node("Relu"), initializers=[away])))


def test_the_origin_of_a_context_and_names_in_closed_domains() -> None:
    texts = {"onnx_model_filename": "../../etc/x.onnx", "ep_cache_context": "a.engine"}
    named = [forge.attribute(key, 4, value) for key, value in texts.items()]
    context = forge.node("EPContext", "com.microsoft", forge.attribute("embed_mode", 3, 0), *named)
    files = _files(forge.model(forge.graph(context)))
    assert sorted(files) == [("inside", "a.engine"), ("traversal", "../../etc/x.onnx")]
    nodes = [forge.node("ReorderInput", "com.microsoft.nchwc"), forge.node("ExecPy", "trt.plugins")]
    found = graphs.behaviours(_read(forge.model(forge.graph(*nodes))))
    assert found == [("ExecPy", "custom-telling", "")]


def test_files_that_are_not_listed_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "_MAX_FILES", 2)
    files = [forge.tensor(f"w{at}", external=forge.place(f"f{at}")) for at in range(3)]
    away = [forge.tensor(f"v{at}", external=forge.place(f"../f{at}")) for at in range(3)]
    items = _read(forge.model(forge.graph(initializers=[*files, *away])))
    (gap,) = (item for item in items if isinstance(item, Coverage))
    assert (gap.needed, gap.reason) == (True, "tensors lie in more files than are listed")


def test_types_and_extents_without_number() -> None:
    odd = [forge.tensor(kind=100 + number) for number in range(100)]
    wide = data(5, data(1, bytes([1] * 60)) * 5)
    items = _read(forge.model(forge.graph(initializers=odd) + wide))
    (header,) = (item for item in items if isinstance(item, TensorHeader))
    assert len(header.dtypes) == 64


def test_operators_that_nobody_knows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelscan.formats.onnx.model._MAX_WAITING", 3)
    nodes = [forge.node(f"Op{at}", "com.acme") for at in range(9)]
    items: list[Any] = []
    with pytest.raises(BudgetError):
        items.extend(
            READER.read(BytesArtifact("m.onnx", forge.model(forge.graph(*nodes))), Budget())
        )
    three = _read(forge.model(forge.graph(*nodes[:3], *nodes[:3])))
    assert len(graphs.behaviours(three)) == 3
