from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.formats.reader import Glimpse
from modelscan.formats.torch7 import Torch7Reader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent
from tests.forge import reading

OBJECT = b"\4\0\0\0\1\0\0\0\3\0\0\0V 1\x0d\0\0\0nn.Sequential"
BYTECODE = b"\x1bLJ\1\0rest"


def _int(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


def _text(text: bytes) -> bytes:
    return _int(len(text)) + text


def _string(text: bytes) -> bytes:
    return _int(2) + _text(text)


def _number(value: float) -> bytes:
    return _int(1) + struct.pack("<d", value)


def _table(index: int, *pairs: bytes) -> bytes:
    return _int(3, index, len(pairs) // 2) + b"".join(pairs)


def _object(index: int, name: bytes, inside: bytes, *, version: bool = True) -> bytes:
    return _int(4, index) + (_text(b"V 1") if version else b"") + _text(name) + inside


def _tensor(index: int, kind: bytes = b"Float", width: int = 4, count: int = 3) -> bytes:
    storage = struct.pack("<q", count) + b"\x1b" * (count * width)
    inside = _int(1) + struct.pack("<qqq", count, 1, 1)
    return _object(
        index,
        b"torch.%sTensor" % kind,
        inside + _object(index + 1, b"torch.%sStorage" % kind, storage),
    )


def _function(code: bytes = BYTECODE, kind: int = 8, index: int = 90) -> bytes:
    head = _int(kind) if kind == 6 else _int(kind, index)
    return head + _text(code) + _int(0)


def _model(*pairs: bytes) -> bytes:
    fields = (_string(b"train"), _int(5, 0), _string(b"weight"), _tensor(4), *pairs)
    return _object(1, b"nn.Linear", _table(2, *fields))


def test_an_honest_model_is_read_whole() -> None:
    for data in (
        _model(),
        _model(_string(b"gpu"), _tensor(7, b"Cuda")),
        _model(_string(b"gpu"), _tensor(7, b"CudaDouble", 8)),
        _model(_string(b"half"), _tensor(7, b"Half", 2), _number(1), _number(2)),
        _model(_string(b"again"), _int(3, 2)),
        _model() + _number(3),
        _object(1, b"nn.Old", _table(2), version=False),
    ):
        assert reading.quiet(data, "model.t7")
        assert reading.gaps(data, "model.t7") == []


@pytest.mark.parametrize("kind", [6, 7, 8])
@pytest.mark.parametrize("code", [BYTECODE, b"\x1bLuaQ", b"os.execute('id')"])
def test_a_function_fails_compiled_or_not(kind: int, code: bytes) -> None:
    data = _model(_string(b"hook"), _function(code, kind), _string(b"x"), _number(1))
    assert reading.fails(data, "model.t7") == ["format-runs-code"]
    assert reading.fails(data, "model.bin") == ["format-runs-code"]
    assert reading.gaps(data, "model.t7") == []


@pytest.mark.parametrize("key", [_number(1), _number(2), _string(b"modules")])
def test_a_table_goes_under_any_name(key: bytes) -> None:
    data = _table(1, key, _function())
    assert reading.fails(data, "model.bin") == ["format-runs-code"]
    numbers = _int(3, 1, 2, 7, 9) + bytes(400)
    assert not Torch7Reader().recognises(Glimpse(BytesArtifact("numbers.bin", numbers)))


def test_bytes_of_a_tensor_are_no_functions() -> None:
    assert reading.quiet(_model(_string(b"w"), _tensor(7, b"Byte", 1, 900)), "model.t7")


@pytest.mark.parametrize("code", [b"\x1bLJ\1\0", b"\x1bLuaQ"])
def test_what_the_walk_does_not_reach_is_searched_and_a_gap(code: bytes) -> None:
    data = OBJECT + _int(99) + bytes(2000) + code + bytes(100)
    assert reading.fails(data, "model.t7") == ["format-runs-code"]
    assert reading.gaps(data, "model.t7")


@pytest.mark.parametrize(
    "data",
    [
        OBJECT,
        OBJECT + _int(-1),
        OBJECT + _int(3, 2, -5),
        OBJECT + _int(2, 1 << 30),
        OBJECT + _int(3, 2, 1 << 30),
        _object(1, b"n" * 2000, b""),
        _object(1, b"torch.FloatTensor", _int(5000)),
        _object(1, b"torch.FloatStorage", struct.pack("<q", 1 << 60)),
        _model() + b"\1",
        b"4\n1\n3\nV 1\n11\nnn.Identity\n",
    ],
)
def test_a_file_that_breaks_off_is_a_gap(data: bytes) -> None:
    assert reading.fails(data, "model.t7") == []
    assert len(reading.gaps(data, "model.t7")) == 1


def test_objects_are_bounded() -> None:
    ordered = b"".join(_table(index) for index in range(1, 30_000))
    assert reading.gaps(ordered, "a.t7") == []
    odd = b"".join(_table(index) for index in range(60_000, 2, -2))
    assert reading.gaps(odd, "a.t7")
    many = b"".join(_int(0) for _ in range(10_000))
    items = list(Torch7Reader().read(BytesArtifact("a.t7", many), Budget(Limits(steps=5000))))
    assert isinstance(items[-1], Coverage)


def test_many_functions_are_no_flood() -> None:
    data = b"".join(_function(index=index) for index in range(300))
    items = list(Torch7Reader().read(BytesArtifact("a.t7", data), Budget()))
    assert len([item for item in items if isinstance(item, ActiveContent)]) == 100


def test_recognition() -> None:
    def recognised(data: bytes, name: str) -> bool:
        return Torch7Reader().recognises(Glimpse(BytesArtifact(name, data)))

    assert recognised(b"", "a.t7")
    assert recognised(OBJECT, "a.bin")
    assert not recognised(b"a Petri net", "a.net")
    assert recognised(b"\3\0\0\0\1\0\0\0", "a.net")


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read(data: bytes) -> None:
    list(Torch7Reader().read(BytesArtifact("a.t7", data), Budget()))
    list(Torch7Reader().read(BytesArtifact("a.t7", OBJECT + data), Budget()))
