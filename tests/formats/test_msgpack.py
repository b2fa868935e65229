from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.msgpack import MsgpackReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import ActiveContent
from tests.forge import reading

PAYLOAD = b"cos\nsystem\n(S'id'\ntR."


def _text(value: bytes) -> bytes:
    return bytes([0xA0 | len(value)]) + value


def _bin(value: bytes) -> bytes:
    return b"\xc4" + bytes([len(value)]) + value


def _read(data: bytes) -> list[object]:
    return list(MsgpackReader().read(BytesArtifact("m.msgpack", data), Budget()))


def test_honest_weights_are_quiet() -> None:
    array = b"\xc7\x05\x01" + b"12345"
    scalars = b"\xc0\xc2\xc3\xca1234\xcb12345678\xcc1\xcd12\xce1234\xcf12345678"
    scalars += b"\xd01\xd112\xd21234\xd312345678\x05\xe0"
    params = b"\x82" + _text(b"kernel") + array + _text(b"step") + b"\xd4\x03x"
    rest = b"\xdc\x00\x02" + array + b"\xc9\x00\x00\x00\x01\x01x" + b"\xc8\x00\x01\x02x"
    data = b"\xde\x00\x03" + _text(b"p") + params + _text(b"l") + rest + _text(b"s")
    data += bytes([0x90 | 15]) + scalars
    assert _read(data) == []
    assert reading.quiet(data, "flax_model.msgpack")


@pytest.mark.parametrize(
    "value", [b"\xd4\x2ax", b"\xc7\x02\x2axy", b"\xd8\x80" + bytes(16), b"\x91\xd7\x07" + bytes(8)]
)
def test_other_extension_types_fail(value: bytes) -> None:
    assert reading.fails(value, "flax_model.msgpack") == ["msgpack-extension-type"]


def test_each_type_is_stated_once() -> None:
    (fact,) = _read(b"\x93" + b"\xd4\xffx" + b"\xd4\x2ax" * 2)
    assert isinstance(fact, ActiveContent)
    assert (fact.name, fact.detail) == ("42", "1 bytes")


@pytest.mark.parametrize(
    "value",
    [
        _bin(PAYLOAD),
        b"\x81" + _bin(b"data") + _bin(PAYLOAD),
        b"\xc7" + bytes([len(PAYLOAD)]) + b"\x01" + PAYLOAD,
        _bin(b"\x80\x04cos\nsystem\n\x8c\x02id\x85R."),
    ],
)
def test_a_pickle_in_a_value_is_found(value: bytes) -> None:
    assert reading.fails(value, "m.msgpack") == ["pickle-dangerous-call"]


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\x92\xc0", b"\xcb1"],
)
def test_what_breaks_off_is_an_error(data: bytes) -> None:
    with pytest.raises(ReadError):
        _read(data)


def test_the_walk_is_paid_for() -> None:
    data = b"\xdd" + (50_000).to_bytes(4, "big") + b"\xc0" * 50_000
    with pytest.raises(BudgetError):
        list(MsgpackReader().read(BytesArtifact("m", data), Budget(Limits(steps=20_000))))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes) -> None:
    try:
        _read(data)
    except ReadError:
        return


@pytest.mark.parametrize(
    ("name", "known"),
    [("checkpoint", True), ("checkpoint_100", True), ("checkpoint.txt", False), ("weights", False)],
)
def test_flax_once_wrote_no_extension(name: str, known: bool) -> None:
    data = b"\x81" + _text(b"w") + b"\xd4\x2ax"
    assert ("msgpack-extension-type" in reading.fails(data, name)) is known
    assert reading.quiet(b'model_checkpoint_path: "model.ckpt"', "checkpoint")
