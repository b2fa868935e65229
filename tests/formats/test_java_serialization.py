from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.formats.java_serialization import JavaSerializationReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import ActiveContent
from tests.forge import reading

MAGIC = b"\xac\xed\x00\x05"


def _class(name: str) -> bytes:
    return b"sr" + len(name).to_bytes(2, "big") + name.encode() + bytes(8)


STREAM = MAGIC + _class("java.util.HashMap") + _class("weka.classifiers.trees.J48")


def test_the_classes_are_named() -> None:
    (fact,) = JavaSerializationReader().read(BytesArtifact("m.ser", STREAM), Budget())
    assert isinstance(fact, ActiveContent)
    assert fact.name == "java.util.HashMap"
    assert fact.detail == "java.util.HashMap, weka.classifiers.trees.J48"


def test_a_stream_fails_under_any_name() -> None:
    for name in ("model.ser", "model.model", "model.bin"):
        assert reading.fails(STREAM, name) == ["java-serialised-objects"]
    disguised = reading.fails(STREAM, "model.safetensors")
    assert {"java-serialised-objects", "disguised-executable-format"} <= set(disguised)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read(data: bytes) -> None:
    (fact,) = JavaSerializationReader().read(BytesArtifact("m", MAGIC + data), Budget())
    assert isinstance(fact, ActiveContent)
