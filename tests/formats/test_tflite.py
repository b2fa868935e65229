from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.flatbuffer import Flatbuffer
from modelscan.formats.tflite import TfliteReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import GraphDefect, GraphModel
from tests.forge import graphs, reading
from tests.forge import tflite as forge
from tests.forge.tflite import Code

READER = TfliteReader(graphs.OPERATORS)


def _read(raw: bytes) -> list[Any]:
    return graphs.read(READER, raw, "model.tflite")


def _defects(raw: bytes) -> list[str]:
    return [fact.detail for fact in _read(raw) if isinstance(fact, GraphDefect)]


def test_an_honest_model_is_stated_and_quiet() -> None:
    items = _read(forge.model())
    (model,) = items
    assert isinstance(model, GraphModel)
    assert (model.producer, model.nodes, model.operators) == ("forge", 1, ())
    assert graphs.found(items) == set()


@pytest.mark.parametrize(
    ("custom", "behaviour", "fails"),
    [
        ("TFLite_Detection_PostProcess", None, False),
        ("FlexStringLower", None, False),
        ("FlexReadFile", "reads-file", True),
        ("FlexWriteFile", "writes-file", True),
        ("FlexPyFunc", "runs-code", True),
        ("FlexNoSuch", "custom", True),
        ("FlexSentencepieceOp", "library", False),
        ("TFText>WhitespaceTokenizeWithOffsetsV2", "library", False),
        ("TFSentencepieceTokenizeOp", "library", False),
        ("MyBlur", "custom", True),
        ("ExecuteShell", "custom-telling", True),
        ("edgetpu-custom-op", "native-code", False),
    ],
)
def test_custom_operators(custom: str, behaviour: str | None, fails: bool) -> None:
    items = _read(forge.model([Code(custom), Code(builtin=3)], used=[0, 1, 0]))
    expected = [(custom, behaviour, "")] if behaviour else []
    assert graphs.behaviours(items) == expected
    assert graphs.fails(items) is fails


def test_a_compiled_part_is_a_needed_gap() -> None:
    compiled = forge.model([Code("edgetpu-custom-op")], used=[0])
    assert reading.gaps(compiled, "m.tflite") == [
        "edgetpu-custom-op: a program compiled for a device is not read"
    ]
    assert reading.gaps(forge.model([Code("FlexStringLower")], used=[0]), "m.tflite") == []


def test_an_operator_that_nothing_uses_counts_too() -> None:
    items = _read(forge.model([Code("FlexReadFile")], used=[]))
    assert graphs.behaviours(items) == [("FlexReadFile", "reads-file", "")]


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (forge.model(used=[7]), "operator code 7 of 1"),
        (forge.model(tensors=[("w", (2,), 9)]), "buffer 9 of 2"),
        (forge.model(tensors=[("w", (-5, 2), 1)]), "shape [-5, 2]"),
    ],
)
def test_what_leads_nowhere_is_a_defect(raw: bytes, detail: str) -> None:
    assert _defects(raw) == [detail]
    assert graphs.fails(_read(raw))


def test_large_buffers_lie_behind_the_tables() -> None:
    inside = forge.model(buffers=[{}, {1: (4, 8), 2: (8, 8)}])
    assert _defects(inside) == []
    outside = forge.model(buffers=[{}, {1: (1 << 40, 8), 2: (8, 8)}])
    assert len(_defects(outside)) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x08\0\0\0NOPE",
        b"\xff\xff\xff\x7fTFL3",
        b"\x08\0\0\0TFL3\0\0\0\0",
        b"\x08\0\0\0TFL3" + b"\x04\0\0\0" + bytes(8),
        forge.model()[:-40],
    ],
)
def test_what_leads_out_of_the_file_is_an_error(raw: bytes) -> None:
    with pytest.raises(ReadError):
        _read(raw)


def test_strings_and_vectors_fit_their_file() -> None:
    buffer = Flatbuffer(BytesArtifact("x", b"\xff\xff\xff\xff" + bytes(5000)), Budget())
    for broken in (buffer.text, lambda at: buffer.vector(at, 4)):
        with pytest.raises(ReadError):
            broken(0)
    assert buffer.take(4094, 4) == bytes(4)
    with pytest.raises(ReadError):
        buffer.take(-1, 4)


def test_a_file_that_became_shorter_is_an_error() -> None:
    artifact = BytesArtifact("x", bytes(100))
    artifact.size = 9000
    buffer = Flatbuffer(artifact, Budget())
    with pytest.raises(ReadError, match="shorter"):
        buffer.take(200, 8)


def test_pages_are_given_back() -> None:
    raw = bytes(4096 * 300)
    buffer = Flatbuffer(BytesArtifact("x", raw), Budget())
    for page in range(300):
        buffer.take(page * 4096, 4)
    assert len(buffer._pages) < 300


@pytest.mark.parametrize(
    ("raw", "name", "expected"),
    [
        (forge.model(), "data.bin", True),
        (b"", "x.tflite", True),
        (b"words", "x.bin", False),
    ],
)
def test_magic_decides_unless_the_name_does(raw: bytes, name: str, expected: bool) -> None:
    assert graphs.recognised(READER, raw, name) is expected


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(raw: bytes) -> None:
    try:
        _read(raw[:4] + b"TFL3" + raw[4:])
    except ReadError:
        return


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_any_damage_ends_in_facts_or_a_read_error(draw: st.DataObject) -> None:
    broken = bytearray(forge.model([Code("FlexReadFile")]))
    for _ in range(draw.draw(st.integers(1, 6))):
        broken[draw.draw(st.integers(8, len(broken) - 1))] = draw.draw(st.integers(0, 255))
    try:
        _read(bytes(broken))
    except ReadError:
        return
