"""Documents that are walked piece by piece say what they say as one tree."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.objects import pieces
from modelscan.formats.objects.pieces import tables_of
from modelscan.formats.objects.tree import parse_json, tables

SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text('a"\\[]{},:é😀', max_size=9)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.text('ab"\\{', max_size=3), inner)
    ),
    max_leaves=60,
)


def _scalars(table: dict[str, Any]) -> str:
    """What stands right inside a table, without the lists and tables."""
    return json.dumps([[k, v] for k, v in table.items() if not isinstance(v, dict | list)])


def _walked(data: bytes) -> list[str]:
    return sorted(_scalars(table) for _, table in tables_of(data, Budget()) if table)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every document is a large one."""
    _make_small(monkeypatch)


def _make_small(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pieces, "LARGEST", 6000)
    patch.setattr(pieces, "_HALF", 600)
    patch.setattr(pieces, "_KEPT", 8)


@pytest.mark.parametrize("indent", [None, 1])
@given(root=TREES)
@settings(max_examples=150, deadline=None)
def test_every_table_with_anything_in_it_comes_once_and_whole(
    indent: int | None, root: Any
) -> None:
    data = json.dumps({"a": [root, root], "b": root}, indent=indent).encode()
    walk = tables(parse_json(data), Budget())
    expected = sorted(_scalars(table) for _, table in walk if table)
    with pytest.MonkeyPatch.context() as patch:
        _make_small(patch)
        first = iter([1 << 30])
        patch.setattr(pieces, "cost", lambda _: next(first, 0))
        assert _walked(data) == expected


@given(st.binary(max_size=200) | st.text('{}[]",:1 \\', max_size=60).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_tables_or_a_read_error(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _make_small(patch)
        patch.setattr(pieces, "cost", lambda _: 1 << 30)
        with contextlib.suppress(ReadError):
            list(tables_of(data, Budget()))


@pytest.mark.usefixtures("small")
def test_what_is_small_stays_in_the_table_around_it() -> None:
    large = [{"n": number} for number in range(90)]
    document = {"class_name": "X", "config": {"k": 1}, "a": large, "list": ["x", *large]}
    data = json.dumps(document).encode()
    (root,) = [table for path, table in tables_of(data, Budget()) if not path]
    assert root == {"class_name": "X", "config": {"k": 1}, "a": [], "list": ["x"]}


@pytest.mark.usefixtures("small")
def test_places_are_named_by_the_keys_above() -> None:
    document = {"topology": {"node": [{"op": "x", "n": [{"a": 1}] * 30}] * 30}}
    data = json.dumps(document).encode()
    found = {piece.path for piece in pieces.pieces(data, Budget())}
    assert found == {"", "topology", "topology.node[]", "topology.node[].n"}


@pytest.mark.usefixtures("small")
def test_both_values_of_a_name_that_stands_twice_are_walked() -> None:
    data = b'{"a":"one","b":[' + b'{"c":1},' * 90 + b'{"c":1,"c":2}],"a":"two"}'
    walked = [table for _, table in tables_of(data, Budget())]
    assert {table["a"] for table in walked if "a" in table} == {"one", "two"}
    assert {1, 2} <= {table["c"] for table in walked if isinstance(table.get("c"), int)}


@pytest.mark.usefixtures("small")
def test_a_table_that_cannot_be_cut_is_too_large() -> None:
    for data in (
        json.dumps({f"{number}": number for number in range(400)}).encode(),
        b'{"a":"' + b"x" * (3 << 20) + b'","b":[]}',
    ):
        with pytest.raises(BudgetError, match="more right inside it"):
            _walked(data)


@pytest.mark.usefixtures("small")
def test_depth_is_bounded() -> None:
    with pytest.raises(BudgetError, match="nested more than 500 deep"):
        _walked(b"[" * 600)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "data", [b'{"a":[1}', b"[]]" * 90, b'{"a":' * 90, b'{"a":1} x' + b" " * 900]
)
def test_what_does_not_close_is_an_error(data: bytes) -> None:
    with pytest.raises(ReadError, match="not JSON"):
        _walked(data + b" " * 6000)


@pytest.mark.usefixtures("small")
def test_lists_without_end_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_BATCH", 100)
    monkeypatch.setattr(pieces, "_MOST_BRACKETS", 1_000)
    with pytest.raises(BudgetError, match="more than 500 lists and tables"):
        list(tables_of(b'{"a":[' + b",".join([b"[[[[1]]]]"] * 400) + b"]}", Budget()))
    empty = b'{"b":"c","a":[' + b",".join([b"[],{}, [1,2]"] * 2_000) + b"]}"
    assert [table["b"] for _, table in tables_of(empty, Budget()) if table] == ["c"]
