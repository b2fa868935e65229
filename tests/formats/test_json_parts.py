"""Large documents, part by part: the parts are those that a parser finds."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import json_parts
from modelscan.formats.json_parts import JsonParts, Part
from modelscan.vocabulary.artifact import BytesArtifact

TEXTS = st.text('ab"\\[]{},: \n\u00e9\u6f22', max_size=8)
TREES: Any = st.recursive(
    st.none() | st.integers(-99, 9999) | st.floats(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXTS, inner, max_size=6),
    max_leaves=40,
)


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_parts, "_WINDOW", 48)
    monkeypatch.setattr(json_parts, "_FIRST", 8)
    monkeypatch.setattr(json_parts, "_LONGEST", 96)
    monkeypatch.setattr(json_parts, "_TAILS", (2, 5, -1))


def _parts(data: bytes, **limits: Any) -> JsonParts:
    return JsonParts(BytesArtifact("a.json", data), Budget(Limits(**limits)))


def _whole(parts: JsonParts, part: Part) -> Any:
    return json.loads(parts.raw(part))


def _joined(parts: JsonParts, part: Part) -> Any:
    """What the stretches of a list hold together."""
    found: list[Any] = []
    for batch in parts.batches(part):
        if isinstance(batch, bytes):
            found.extend(json.loads(batch))
        else:
            found.append(_whole(parts, batch))
    return found


@given(root=st.dictionaries(TEXTS, TREES, max_size=6), indent=st.sampled_from([None, 0, 3]),
       plain=st.booleans())  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_the_members_of_a_table_are_those_of_a_parser(
    root: dict[str, Any], indent: int | None, *, plain: bool
) -> None:
    parts = _parts(json.dumps(root, indent=indent, ensure_ascii=plain).encode())
    found = [(key, _whole(parts, part)) for key, part in parts.members(parts.root())]
    assert found == list(root.items())


@given(root=st.lists(TREES, max_size=30), indent=st.sampled_from([None, 0, 3]), plain=st.booleans())
@settings(max_examples=200, deadline=None)
def test_the_items_of_a_list_are_those_of_a_parser(
    root: list[Any], indent: int | None, *, plain: bool
) -> None:
    parts = _parts(json.dumps(root, indent=indent, ensure_ascii=plain).encode())
    assert [_whole(parts, part) for part in parts.items(parts.root())] == root
    assert _joined(parts, parts.root()) == root


@given(root=st.dictionaries(TEXTS, st.integers(), max_size=60), indent=st.sampled_from([None, 1]))
@settings(max_examples=200, deadline=None)
def test_the_stretches_of_a_table_are_the_table(root: dict[str, Any], indent: int | None) -> None:
    parts = _parts(json.dumps(root, indent=indent).encode())
    found: dict[str, Any] = {}
    for stretch in parts.stretches(parts.root()):
        found |= json.loads(stretch)
    assert found == root


@given(st.binary(max_size=120) | st.text('{}[]",:1 \\', max_size=120).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_parts_or_an_error(data: bytes) -> None:
    parts = _parts(data)
    with suppress(ReadError):
        list(parts.members(parts.root(), inside="a"))
    with suppress(ReadError):
        list(parts.items(parts.root()))
    with suppress(ReadError):
        list(parts.batches(parts.root()))


def test_members_of_an_inner_table_come_with_it() -> None:
    parts = _parts(b'\xef\xbb\xbf {"a":{"x":1,"y":[2]},"b":{"z":3},"c":"a"}')
    members = [(key, _whole(parts, part)) for key, part in parts.members(parts.root(), inside="a")]
    assert members == [
        ("a.x", 1), ("a.y", [2]), ("a", {"x": 1, "y": [2]}), ("b", {"z": 3}), ("c", "a"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        b"", b"3", b'{"a":1,}', b'{"a" 1}', b'{,"a":1}', b'{"a":1 "b":2}', b'{"a":"' + b"x" * 99,
        b'{"a":[' + b"1," * 99, b'{"a":}', b'{"\\q":1}', b'{"a":1]', b'{"a":1} }', b'{"a":"\\',
        b'{"a":"' + b"\\" * 99,
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused(data: bytes) -> None:
    parts = _parts(data)
    with pytest.raises(ReadError):
        list(parts.members(parts.root()))


@pytest.mark.parametrize(
    "data",
    [b"[1,]", b"[1}", b"[" + b"1" * 300, b"[[" + b"1," * 99, b'["a"', b"[1," + b"2" * 200 + b"}",
     b"[" + b'"' + b"a" * 200 + b'" 1]'],
)  # fmt: skip
def test_what_is_no_list_is_refused(data: bytes) -> None:
    parts = _parts(data)
    with pytest.raises((ReadError, ValueError)):  # of the walk, or of the parser behind it
        _joined(parts, parts.root())
    with pytest.raises((ReadError, ValueError)):
        [_whole(parts, item) for item in parts.items(parts.root())]


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    long = _parts(b'["' + b"x" * 400 + b'"]')
    with pytest.raises(BudgetError, match="an item of 402 bytes"):
        list(long.stretches(long.root()))
    monkeypatch.setattr(json_parts, "_MOST_PARTS", 3)
    many = _parts(b'{"a":1,"b":2,"c":3}')
    with pytest.raises(BudgetError, match="more than 3 parts"):
        list(many.members(many.root()))
    monkeypatch.setattr(json_parts, "_DEEPEST", 50)
    deep = _parts(b'{"a":' + b"[" * 400)
    with pytest.raises(BudgetError, match="nested more than 50 deep"):
        list(deep.members(deep.root()))
    for walk in (JsonParts.members, JsonParts.items, JsonParts.batches):
        paid = _parts(b'{"a":' + b"[" * 48 + b"1" * 900 + b"]" * 48 + b"}", steps=2)
        if walk is not JsonParts.members:
            paid = _parts(b"[" + b"1," * 900 + b"1]", steps=2)
        with pytest.raises(BudgetError, match="steps"):
            list(walk(paid, paid.root()))
