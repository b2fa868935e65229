from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.protobuf import BYTES, FIXED32, FIXED64, VARINT, Field, Wire, signed
from modelscan.formats.protobuf_shape import NAME, TEXT, Shape, evidence
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import protobuf as forge


def _fields(data: bytes) -> list[Field]:
    return list(Wire(BytesArtifact("x", data), Budget()).fields())


def test_every_wire_type_is_stepped_over() -> None:
    data = forge.number(1, 300) + forge.fixed64(2) + forge.data(3, "abc") + forge.fixed32(4)
    assert [(f.number, f.wire, f.value) for f in _fields(data)] == [
        (1, VARINT, 300),
        (2, FIXED64, 0),
        (3, BYTES, 3),
        (4, FIXED32, 0),
    ]


def test_text_is_cut_and_shown() -> None:
    wire = Wire(BytesArtifact("x", forge.data(1, b"ab\xff" + b"c" * 5000)), Budget())
    (field,) = wire.fields()
    assert wire.text(field, 4) == "ab\ufffdc"
    assert field.end == wire.size


def test_what_lies_in_a_group_is_unknown() -> None:
    data = forge.group(7, forge.data(1, "hidden") + forge.group(8, b"")) + forge.number(2, 1)
    assert [field.number for field in _fields(data)] == [2]


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01",  # number 0
        b"\x0e",  # wire type 6
        b"\x0a\x05ab",  # past the end
        b"\x08",  # no value
        b"\x08" + b"\xff" * 11,  # a number that does not end
        b"\x0d\x00",  # half a number
        b"\x3b",  # a group that does not end
        b"\x3c",  # one that did not begin
    ],
)
def test_what_is_no_message_is_an_error(data: bytes) -> None:
    with pytest.raises(ReadError):
        _fields(data)


def test_groups_and_messages_end_at_the_parsers_depth() -> None:
    with pytest.raises(BudgetError):
        _fields(b"\x0b" * 200)
    with pytest.raises(BudgetError):
        list(Wire(BytesArtifact("x", b""), Budget()).fields(depth=101))


def test_many_fields_are_paid_for() -> None:
    assert len(_fields(forge.number(1, 1) * 10_000)) == 10_000


def test_a_negative_number_is_ten_bytes() -> None:
    (field,) = _fields(forge.number(1, -2))
    assert signed(field.value) == -2
    assert signed(7) == 7


SHAPE: Shape = {1: VARINT, 2: {1: NAME, 2: TEXT}, 3: BYTES}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (forge.data(2, forge.data(1, "a/b")), {(2,), (2, 1)}),
        (forge.number(1, 1) + forge.data(3, b"\0"), {(1,), (3,)}),
        (forge.data(2, forge.data(1, "\0")), set()),
        (forge.data(2, forge.data(2, "ä\n")), {(2,), (2, 2)}),
        (forge.data(9, "a"), set()),
        (forge.data(1, "a"), set()),
        (forge.data(2, forge.data(1, "a")) + b"\x08", set()),
    ],
)
def test_a_shape_is_told_by_every_field_in_sight(
    data: bytes, expected: set[tuple[int, ...]]
) -> None:
    assert evidence(data, len(data), SHAPE) == expected


def test_the_end_of_the_head_is_no_contradiction() -> None:
    data = forge.number(1, 1) + forge.data(2, forge.data(1, "name") + forge.data(2, "x" * 9000))
    assert (2, 1) in evidence(data[:4096], len(data), SHAPE)
    assert (2, 1) not in evidence(data[:4096], 4096, SHAPE)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_fields_or_a_read_error(data: bytes) -> None:
    evidence(data, len(data) + 5, SHAPE)
    try:
        _fields(data)
    except ReadError:
        return
