from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.formats.json_text import parse


class _Pairs(list[tuple[str, Any]]):
    """An object whose names may stand twice."""


NAMES = st.sampled_from(["a", "b", "a:b", 'a"', ":", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='a:"\\é', max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.tuples(NAMES, inner), max_size=4).map(_Pairs)
    ),
    max_leaves=12,
)


def _text(value: Any) -> str:
    if isinstance(value, _Pairs):
        return "{" + ",".join(f"{json.dumps(k)}:{_text(v)}" for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return json.dumps(value)


def _repeats(value: Any) -> bool:
    if isinstance(value, _Pairs):
        names = [name for name, _ in value]
        return len(set(names)) < len(names) or any(_repeats(item) for _, item in value)
    return isinstance(value, list) and any(map(_repeats, value))


@given(VALUES)
@settings(max_examples=500, deadline=None)
def test_a_name_that_stands_twice_is_noticed_and_no_other(value: Any) -> None:
    text = _text(value)
    document = parse(text)
    assert document.root == json.loads(text)
    assert bool(document.repeated) is _repeats(value)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_are_not_json_are_reported(constant: str) -> None:
    document = parse('{"a": [' + constant + '], "b": 1, "b": 2}')
    assert document.constants == (constant,)
    assert document.repeated == ("b",)


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", '{"a": 1}}', "[" + "9" * 5000 + "]"])
def test_what_is_not_json_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_nesting_ends() -> None:
    with pytest.raises(RecursionError):
        parse("[" * 200_000)
