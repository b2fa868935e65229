from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.reader import Glimpse
from modelscan.formats.safetensors import (
    Listed,
    SafetensorsReader,
    Unlisted,
    listed,
    metadata,
)
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import TensorDefect, TensorHeader
from tests.forge import safetensors as forge

READER = SafetensorsReader()


def _read(data: bytes, limits: Limits | None = None) -> list[Any]:
    return list(READER.read(BytesArtifact("model.safetensors", data), Budget(limits)))


def _defects(data: bytes) -> list[tuple[str, str]]:
    return [(fact.kind, fact.tensor) for fact in _read(data) if isinstance(fact, TensorDefect)]


def _entry(dtype: str, shape: list[Any], begin: Any, end: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_an_honest_file_is_one_fact() -> None:
    data = forge.small({"format": "pt"})
    (fact,) = _read(data)
    assert isinstance(fact, TensorHeader)
    assert (fact.tensors, fact.parameters, fact.payload) == (2, 10, 36)
    assert fact.dtypes == ("F16", "F32")
    assert fact.metadata == ("format",)
    length = int.from_bytes(data[:8], "little")
    assert fact.digest == "sha256:" + hashlib.sha256(data[: 8 + length]).hexdigest()


@pytest.mark.parametrize(
    ("table", "payload", "expected"),
    [
        ({"a": _entry("F32", [1], 0, 4), "b": _entry("F32", [1], 2, 6)}, 6, ("overlap", "b")),
        ({"a": _entry("F32", [1], 0, 4), "b": _entry("F32", [1], 8, 12)}, 12, ("hole", "b")),
        ({"a": _entry("F32", [1], 0, 4)}, 9, ("trailing-data", "")),
        ({"a": _entry("F32", [2], 0, 8)}, 4, ("out-of-bounds", "a")),
        ({"a": _entry("F32", [1], 4, 0)}, 4, ("out-of-bounds", "a")),
        ({"a": _entry("F32", [3], 0, 4)}, 4, ("size-mismatch", "a")),
        ({"a": _entry("F99", [1], 0, 4)}, 4, ("unknown-dtype", "a")),
        ({"a": _entry("", [1], 0, 0)}, 0, ("impossible-dtype", "a")),
        ({"a": {"shape": [1], "data_offsets": [0, 0]}}, 0, ("size-mismatch", "a")),
        ({"a": _entry("F32", [-1], 0, 4)}, 4, ("size-mismatch", "a")),
        ({"a": _entry("F32", [True], 0, 4)}, 4, ("size-mismatch", "a")),
        ({"a": _entry("F32", [1 << 62, 1 << 62], 0, 4)}, 4, ("size-mismatch", "a")),
        ({"a": _entry("F32", [0, 1 << 64], 0, 0)}, 0, ("size-mismatch", "a")),
        ({"a": _entry("F32", [1], 0.0, 4)}, 4, ("size-mismatch", "a")),
        ({"a": 7}, 0, ("size-mismatch", "a")),
        ({"a": {**_entry("F32", [1], 0, 4), "hook": "x"}}, 4, ("not-canonical", "a")),
        ({"__metadata__": {"x": {"y": 1}}}, 0, ("bad-metadata", "__metadata__")),
    ],
)
def test_each_broken_promise_is_named(
    table: dict[str, Any], payload: int, expected: tuple[str, str]
) -> None:
    assert expected in _defects(forge.assemble(table, bytes(payload)))


def test_a_name_that_stands_twice_is_named() -> None:
    entry = json.dumps(_entry("U8", [0], 0, 0))
    assert ("duplicate-key", "a") in _defects(
        forge.assemble(f'{{"a":{entry},"a":{entry}}}'.encode())
    )


def test_empty_tensors_may_share_a_place() -> None:
    table = {
        "a": _entry("F32", [0], 0, 0),
        "b": _entry("F32", [1], 0, 4),
        "c": _entry("F32", [0, 9], 4, 4),
    }
    assert _defects(forge.assemble(table, bytes(4))) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08\0\0\0\0\0\0",
        (1 << 63).to_bytes(8, "little") + b"{}",
        (100).to_bytes(8, "little") + b"{}",
        forge.assemble(b"[]"),
        forge.assemble(b'{"a":'),
        forge.assemble(b'{"a":NaN}'),
        forge.assemble(b'{"\xff":1}'),
        forge.assemble(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        forge.assemble(b'{"a":' + b"9" * 10_000 + b"}"),
    ],
)
def test_what_is_no_header_is_an_error(data: bytes) -> None:
    with pytest.raises(ReadError):
        _read(data)


def test_a_header_of_defects_stays_bounded() -> None:
    table = {f"t{index}": 1 for index in range(50_000)}
    assert len(_defects(forge.assemble(table, b""))) <= 20
    with pytest.raises(BudgetError):
        _read(forge.assemble(table, b""), Limits(facts=5))


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes) -> None:
    try:
        _read(data)
    except ReadError:
        return


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_any_damage_ends_in_facts_or_a_read_error(data: st.DataObject) -> None:
    broken = bytearray(forge.small())
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        _read(bytes(broken))
    except ReadError:
        return


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("model.safetensors", b"anything", True),
        ("weights.bin", forge.small(), True),
        ("weights.bin", b"{}", False),
        ("notes.txt", b'12345678{"a": 1}', False),
        ("data.json", b'{"weight_map": {}}', False),
    ],
)
def test_content_decides_unless_the_name_does(
    name: str, data: bytes, expected: bool
) -> None:  # a table's column
    assert READER.recognises(Glimpse(BytesArtifact(name, data))) is expected


def test_every_name_of_the_header_is_listed_or_said_not_to_be() -> None:
    table = {
        "__metadata__": {"format": "pt"},
        "a": _entry("F32", [1], 0, 4),
        "gone": _entry("F32", [9], 4, 40),
        "odd": {"dtype": "F32"},
        "none": 7,
    }
    artifact = BytesArtifact("m.safetensors", forge.assemble(table, bytes(4)))
    found = list(listed(artifact, Budget()))
    assert [type(item) for item in found] == [Listed, Unlisted, Unlisted, Unlisted]
    assert [item.name for item in found] == ["a", "gone", "odd", "none"]
    (tensor, *_) = found
    assert isinstance(tensor, Listed)
    assert (tensor.dtype, tensor.shape) == ("F32", (1,))
    with pytest.raises(ReadError):
        list(listed(BytesArtifact("m.safetensors", b"\xff" * 20), Budget()))


def test_only_a_sound_table_of_texts_is_metadata() -> None:
    def of(data: bytes) -> dict[str, str]:
        return metadata(BytesArtifact("m.safetensors", data), Budget())

    assert of(forge.small({"format": "pt"})) == {"format": "pt"}
    assert of(forge.assemble({"a": _entry("F32", [1], 0, 4)}, bytes(4))) == {}
    with pytest.raises(ReadError):
        of(forge.assemble({"__metadata__": {"a": 1}}, b""))
    with pytest.raises(ReadError):
        of(forge.assemble(b'{"__metadata__":{"a":"x","a":"y"}}', b""))


_PARTS = {
    "dtype": st.sampled_from(["F32", "F16", "BF16", "U8", "F99", "", "x" * 9]) | st.none(),
    "shape": st.lists(st.integers(-1, 4) | st.just(1 << 40) | st.just(1.0), max_size=10),
    "data_offsets": st.lists(st.integers(-1, 16), min_size=1, max_size=3),
}
_ODD_ENTRY = st.fixed_dictionaries({}, optional=_PARTS | {"format": st.just("pt")})


@st.composite
def _headers(draw: st.DrawFn) -> bytes:
    """Headers that are sound, or nearly: names that stand twice, parts too many, in any order."""
    pairs, reached = [], 0
    for name in draw(st.lists(st.sampled_from(["a", "b", "layers.0.w", "n:1", "n-1", "é"]))):
        shape = draw(st.lists(st.integers(1, 3), max_size=2))
        length = 4
        for extent in shape:
            length *= extent
        entry = json.dumps(_entry("F32", shape, reached, reached + length))
        reached += length
        pairs.append(
            (name, json.dumps(draw(_ODD_ENTRY)) if draw(st.integers(0, 9)) == 0 else entry)
        )
    metadata = draw(
        st.none()
        | st.just({"format": "pt"})
        | st.dictionaries(st.sampled_from(["format", "shape", "step"]), st.text(max_size=3))
    )
    if metadata is not None:
        pairs.insert(draw(st.integers(0, len(pairs))), ("__metadata__", json.dumps(metadata)))
    text = "{" + ",".join(f"{json.dumps(name)}:{entry}" for name, entry in pairs) + "}"
    payload = b"\0" * (reached + draw(st.sampled_from([0, 0, 0, 4])))
    return len(text).to_bytes(8, "little") + text.encode() + payload


@given(_headers())
@settings(max_examples=200, deadline=None)
def test_what_is_read_at_once_is_what_a_closer_look_finds(data: bytes) -> None:
    quick = _read(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modelscan.formats.safetensors.sound", lambda *_: None)
        assert _read(data) == quick


def test_a_sound_header_is_read_at_once() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modelscan.formats.safetensors._parse", lambda *_: pytest.fail("parsed"))
        assert len(_read(forge.small({"format": "pt"}))) == 1
