from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import safetensors, safetensors_wide
from modelscan.formats.safetensors import SafetensorsReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import Fact, TensorDefect, TensorHeader, TensorLayout
from tests.forge import safetensors as forge


def _entry(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def _file(header: bytes, payload: int) -> BytesArtifact:
    data = struct.pack("<Q", len(header)) + header + bytes(payload)
    return BytesArtifact("m.safetensors", data)


def _row(count: int, **more: Any) -> tuple[bytes, int]:
    table: dict[str, Any] = dict(more)
    table |= {f"layer.{at}": _entry("F32", [1], 4 * at, 4 * at + 4) for at in range(count)}
    return json.dumps(table).encode(), 4 * count


def _wide(artifact: BytesArtifact) -> list[Any]:
    length = int.from_bytes(artifact.read_at(0, 8), "little")
    payload = artifact.size - 8 - length
    return list(safetensors_wide.facts(artifact, length, payload, Budget()))


def _plain(artifact: BytesArtifact) -> list[Fact]:
    """What the usual reader says, without what the other one leaves out."""
    items = [
        item for item in SafetensorsReader().read(artifact, Budget()) if isinstance(item, Fact)
    ]
    kept: list[Fact] = []
    for item in items:
        if isinstance(item, TensorHeader):
            kept.append(
                TensorHeader(
                    **{
                        name: getattr(item, name)
                        for name in item.__struct_fields__
                        if name != "names"
                    }
                )
            )
        elif not isinstance(item, TensorLayout):
            kept.append(item)
    return kept


@pytest.mark.parametrize(
    "header",
    [
        forge.small({"format": "pt"}),
        forge.assemble({"a": _entry("U8", [4], 0, 4)}, b"\x7fELF"),
        forge.assemble({"a": _entry("F32", [3], 0, 4)}, bytes(4)),
        forge.assemble({"a": _entry("F99", [1], 0, 4)}, bytes(4)),
        forge.assemble({"a": _entry("F32", [1], 4, 8)}, bytes(12)),
        forge.assemble({"a": _entry("F32", [1], 0, 4), "b": _entry("F32", [1], 4, 99)}, bytes(8)),
        forge.assemble({"__metadata__": {"x": "exec(open('x').read())"}}, b""),
        forge.assemble({'q"\\u0041': _entry("F32", [0], 0, 0)}, b""),
    ],
)
def test_both_readers_say_the_same(header: bytes) -> None:
    artifact = BytesArtifact("m.safetensors", header)
    assert [item for item in _wide(artifact) if isinstance(item, Fact)] == _plain(artifact)


@given(st.lists(st.tuples(st.sampled_from(["F32", "U8", "BF16"]), st.integers(0, 9)), max_size=40))
@settings(max_examples=100, deadline=None)
def test_both_readers_say_the_same_of_any_row(tensors: list[tuple[str, int]]) -> None:
    table, at = {}, 0
    for index, (dtype, count) in enumerate(tensors):
        end = at + count * {"F32": 4, "U8": 1, "BF16": 2}[dtype]
        table[f"t{index}"] = _entry(dtype, [count, 1], at, end)
        at = end
    if table:
        artifact = _file(json.dumps(table, indent=1).encode(), at)
        assert _wide(artifact) == _plain(artifact)


def test_a_large_header_is_read_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safetensors, "_WIDE", 100)
    monkeypatch.setattr(safetensors_wide, "LARGEST", 1000)
    monkeypatch.setattr(safetensors_wide, "CHUNK", 333)
    monkeypatch.setattr(safetensors_wide, "_AT_ONCE", 50)
    header, payload = _row(200, __metadata__={"format": "pt", "note": "x" * 500})
    (fact,) = SafetensorsReader().read(_file(header, payload), Budget())
    assert isinstance(fact, TensorHeader)
    assert (fact.tensors, fact.parameters, fact.metadata) == (200, 200, ("format", "note"))
    assert fact.names == ""


def test_a_small_header_is_parsed_whole() -> None:
    header, payload = _row(20_000)
    artifact = _file(header, payload)
    assert not safetensors_wide.costs_too_much(artifact, len(header))
    lists = b'{"a":[' + b"[]," * 600_000 + b"[]]}"
    assert safetensors_wide.costs_too_much(_file(lists, 0), len(lists))


def test_names_that_stand_twice_are_counted() -> None:
    row = b'"a":{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]}'
    header = b"{" + row % (0, 4) + b"," + row % (4, 8) + b"}"
    defects = [item for item in _wide(_file(header, 8)) if isinstance(item, TensorDefect)]
    assert [(item.kind, item.detail) for item in defects] == [
        ("duplicate-key", "1 names stand twice in the header")
    ]


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        (json.dumps({"b": _entry("F32", [1], 4, 8), "a": _entry("F32", [1], 0, 4)}).encode(), 8),
        (b'{"a":{"shape":[1],"dtype":"F32","data_offsets":[0,4]}}', 4),
        (b'{"a":[' + b"[]," * 40_000 + b"[]]}", 0),
        (b'{"a":' * 60_000, 0),
        (b"{}", 0),
    ],
)
def test_an_unusual_header_costs_too_much(header: bytes, payload: int) -> None:
    with pytest.raises(BudgetError):
        _wide(_file(header, payload))


def test_thousands_of_byte_tensors_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safetensors_wide, "_MAX_BYTES", 3)
    table = {f"t{at}": _entry("U8", [1], at, at + 1) for at in range(9)}
    with pytest.raises(BudgetError):
        _wide(_file(json.dumps(table).encode(), 9))


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},',
        b'{"\xff":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[,],"data_offsets":[0,4]}}',
    ],
)
def test_what_is_no_json_is_an_error(header: bytes) -> None:
    with pytest.raises(ReadError):
        _wide(_file(header, 4))


def test_a_shape_that_no_file_holds_is_a_defect() -> None:
    header = b'{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,0]}}'
    (fact, defect) = _wide(_file(header, 0))
    assert (fact.parameters, defect.kind) == (0, "size-mismatch")


def test_a_file_that_becomes_shorter_is_an_error() -> None:
    header, _ = _row(3)
    with pytest.raises(ReadError):
        list(safetensors_wide.facts(_file(header, 0), len(header) + 9000, 0, Budget()))
