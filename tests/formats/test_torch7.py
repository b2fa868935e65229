from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.formats.reader import Glimpse
from modelscan.formats.torch7 import Torch7Reader
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import reading

OBJECT = b"\4\0\0\0\1\0\0\0\3\0\0\0V 1\x0d\0\0\0nn.Sequential"


@pytest.mark.parametrize("code", [b"\x1bLJ\1\0", b"\x1bLuaQ"])
def test_bytecode_fails_and_the_file_stays_a_gap(code: bytes) -> None:
    data = OBJECT + bytes(2000) + code + bytes(100)
    assert reading.fails(data, "model.t7") == ["format-runs-code"]
    assert reading.fails(data, "model.bin") == ["format-runs-code"]
    assert reading.gaps(data, "model.t7")


def test_without_bytecode_the_file_is_still_a_gap() -> None:
    assert reading.fails(OBJECT, "model.t7") == []
    assert reading.gaps(OBJECT, "model.t7")


def test_recognition() -> None:
    def recognised(data: bytes, name: str) -> bool:
        return Torch7Reader().recognises(Glimpse(BytesArtifact(name, data)))

    assert recognised(b"", "a.t7")
    assert not recognised(b"a Petri net", "a.net")
    assert recognised(b"\3\0\0\0\1\0\0\0", "a.net")


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read(data: bytes) -> None:
    assert list(Torch7Reader().read(BytesArtifact("a.t7", data), Budget()))
