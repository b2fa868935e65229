from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.ggml import GgmlReader
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import TensorHeader
from tests.forge.gguf import ggml_tensor, ggml_words

READER = GgmlReader()


def _numbers(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def _aligned(head: bytes, size: int, kind: int) -> bytes:
    """Two tensors, each at a multiple of 32."""
    data = head + ggml_tensor("a", [64, 1], kind, size, at=len(head))
    return data + ggml_tensor("bb", [3], 0, 12, at=len(data))


_LLAMA = _numbers(3, 32, 256, 4, 2, 8, 2)
_PLAIN_TENSORS = ggml_tensor("a", [64], 1, 128) + ggml_tensor("b", [2, 3], 0, 24)

FILES = {
    "llama": b"lmgg" + _LLAMA + ggml_words(3) + _PLAIN_TENSORS,
    "neox": b"lmgg" + _numbers(3, 8, 8, 8, 8, 8, 1, 2) + ggml_words(3) + _PLAIN_TENSORS,
    "gpt-2": b"lmgg" + _numbers(3, 8, 8, 8, 8, 2, 3) + ggml_words(3) + _PLAIN_TENSORS,
    "gpt-j": b"lmgg" + _numbers(3, 8, 8, 8, 8, 8, 2, 3) + ggml_words(3) + _PLAIN_TENSORS,
    "whisper": b"lmgg"
    + _numbers(3, 8, 8, 8, 8, 8, 8, 8, 8, 8, 1)
    + _numbers(2, 3)
    + bytes(24)
    + _numbers(3)
    + ggml_words(3)
    + _PLAIN_TENSORS,
    "ggmf": b"fmgg" + _numbers(1) + _LLAMA + ggml_words(3, scored=True) + _PLAIN_TENSORS,
    "ggjt 1": _aligned(b"tjgg" + _numbers(1) + _LLAMA + ggml_words(3, scored=True), 40, 2),
    "ggjt 3": _aligned(b"tjgg" + _numbers(3) + _LLAMA + ggml_words(3, scored=True), 36, 2),
    "adapter": _aligned(b"algg" + _numbers(1, 8, 16), 256, 0),
}


def _read(data: bytes, limits: Limits | None = None) -> TensorHeader:
    (fact,) = READER.read(BytesArtifact("model.bin", data), Budget(limits))
    assert isinstance(fact, TensorHeader)
    return fact


@pytest.mark.parametrize("name", FILES)
def test_the_layouts_of_the_usual_programs(name: str) -> None:
    data = FILES[name]
    assert READER.recognises(Glimpse(BytesArtifact("model.bin", data)))
    header = _read(data)
    assert header.format == "ggml"
    assert header.tensors == 2
    assert header.payload in {152, 52, 48, 268}
    assert header.digest.startswith("sha256:")


@pytest.mark.parametrize("name", FILES)
def test_what_does_not_end_where_the_file_ends_is_a_gap(name: str) -> None:
    for data in (FILES[name] + b"x" * 40, FILES[name][:-1], FILES[name][:30]):
        with pytest.raises(ReadError, match="layout that is not known"):
            _read(data)


@pytest.mark.parametrize(
    "data",
    [
        b"lmgg",
        b"lmgg" + _LLAMA + ggml_words(3),
        b"lmgg" + _numbers(1 << 22) + bytes(400),
        b"lmgg" + _LLAMA + ggml_words(3) + ggml_tensor("a", [33], 2, 18),
        b"tjgg" + _numbers(3) + _LLAMA + _numbers(1 << 31) + bytes(99),
    ],
)
def test_what_has_no_tensors_is_a_gap(data: bytes) -> None:
    with pytest.raises(ReadError):
        _read(data)


def test_more_than_is_allowed_is_refused() -> None:
    with pytest.raises(BudgetError):
        _read(FILES["llama"], Limits(steps=2))


def test_more_tensors_than_any_file_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelscan.formats.ggml._MAX_TENSORS", 1)
    with pytest.raises(BudgetError):
        _read(FILES["llama"])


@pytest.mark.parametrize("data", [b"lmgg is how it starts", b"", b"GGUF" + bytes(40)])
def test_text_and_other_formats_are_not_recognised(data: bytes) -> None:
    assert not READER.recognises(Glimpse(BytesArtifact("model.bin", data)))


@given(st.sampled_from([b"lmgg", b"fmgg", b"tjgg", b"algg"]), st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(magic: bytes, data: bytes) -> None:
    with suppress(ReadError):
        _read(magic + data)


@given(st.data(), st.sampled_from(sorted(FILES)))
@settings(max_examples=200, deadline=None)
def test_any_damage_ends_in_facts_or_a_read_error(data: st.DataObject, name: str) -> None:
    broken = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(4, len(broken) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ReadError):
        _read(bytes(broken))
