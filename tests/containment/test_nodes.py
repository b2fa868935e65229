from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.containment import nodes, templates
from modelscan.containment.nodes import Place, Row, Table, Text, documents, string, truth, where
from modelscan.errors import BudgetError, ReadError


def read(text: str) -> list[Any]:
    return list(documents(text, "f.yaml"))


def test_every_value_knows_its_file_and_line() -> None:
    (root,) = read("a:\n  - x\n  - {b: y}\n")
    assert isinstance(root, Table)
    assert where(root["a"][0]) == Place("f.yaml", 2)
    assert where(root["a"][1]["b"]) == Place("f.yaml", 3)
    assert where(next(iter(root))) == Place("f.yaml", 1)
    assert where(None, root) == Place("f.yaml", 1)


def test_anchors_are_followed_and_merged() -> None:
    (root,) = read("x: &x {k: v, l: w}\ny:\n  <<: *x\n  k: own\nz:\n  <<: [{k: first}, *x]\n")
    assert root["y"] == {"k": "own", "l": "w"}
    assert root["z"] == {"k": "first", "l": "w"}
    assert root["y"]["l"].line == 1


def test_a_quoted_merge_key_is_a_key() -> None:
    (root,) = read("'<<': {a: b}\n")
    assert root == {"<<": {"a": "b"}}


def test_several_documents() -> None:
    found = read("a: 1\n---\n- b\n---\n---\nc\n")
    assert [type(each) for each in found] == [Table, Row, Text, Text]


def test_the_last_of_equal_keys_counts_with_its_line() -> None:
    (root,) = read("a: 1\na: 2\n")
    assert (root["a"], root["a"].line) == ("2", 2)


def test_tags_construct_nothing_and_are_kept() -> None:
    (root,) = read("a: !!python/object/apply:os.system [echo]\nb: !reset null\n? [k]\n: v\n")
    assert root["a"] == ["echo"]
    assert root["b"].tag == "!reset"
    assert root["?"] == "v"


def test_block_text_is_where_its_first_line_is() -> None:
    (root,) = read("a: |\n  one\n  two\n")
    assert (root["a"], root["a"].line) == ("one\ntwo\n", 2)


def bomb(levels: int) -> str:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(rows)


def test_a_bomb_of_aliases_ends() -> None:
    assert len(read(bomb(3))) == 1
    with pytest.raises(BudgetError, match="aliases written out"):
        read(bomb(9))


def test_an_alias_of_what_it_stands_in_is_refused() -> None:
    with pytest.raises(ReadError, match="what it stands in"):
        read("a: &a [*a]\n")


@pytest.mark.parametrize(
    "text", ["[" * 100 + "]" * 100, "- " * 100 + "x", '{"a":' * 100 + "1" + "}" * 100]
)
def test_depth_is_bounded(text: str) -> None:
    with pytest.raises(BudgetError, match="nested"):
        read(text)


def test_length_is_bounded() -> None:
    with pytest.raises(BudgetError, match="characters"):
        read("x" * (nodes.LONGEST + 1))


def test_what_stood_before_an_error_is_kept() -> None:
    found = documents("a: 1\n---\n: : {\n", "f")
    assert next(found) == {"a": "1"}
    with pytest.raises(ReadError, match="line 3"):
        next(found)


@pytest.mark.parametrize("text", ["a: \x01", "a: 'b", "\tx: y\n a: b"])
def test_text_that_is_not_yaml(text: str) -> None:
    with pytest.raises(ReadError):
        read(text)


def test_json_may_hold_tabs_and_literals() -> None:
    (root,) = read('{\n\t"a": [true, null, 1.5, "x"]\n}')
    assert root == {"a": ["true", "null", "1.5", "x"]}
    assert truth(root["a"][0]) is True
    assert string(root["a"][1]) == ""


def test_a_flow_mapping_of_yaml_is_no_json() -> None:
    assert read("{a: b}") == [{"a": "b"}]


@pytest.mark.parametrize(
    ("text", "value"),
    [("yes", True), ("'true'", True), ("0", False), ("off", False), ("maybe", None), ("[]", None)],
)
def test_truth(text: str, value: bool | None) -> None:
    (root,) = read(f"a: {text}")
    assert truth(root["a"]) is value


def test_only_plain_nothing_is_nothing() -> None:
    (root,) = read("a: ~\nb: '~'\nc: null\nd: {}\n")
    assert [string(root[key]) for key in "abcd"] == ["", "~", "", ""]
    assert type(string(root["b"])) is str


def test_reading_down_a_path() -> None:
    (root,) = read("a: {b: {c: d}}\n")
    assert nodes.at(root, "a", "b", "c") == "d"
    assert nodes.at(root, "a", "x", "c") is None
    assert nodes.table(root["a"]["b"]["c"]) == {}
    assert nodes.rows(root) == []
    assert nodes.tables(Row([Text("x"), root])) == [root]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab:-&*<>{}[]!|'\" \n,#?%\t0", max_size=60))
def test_any_text_ends_in_a_tree_or_a_read_error(text: str) -> None:
    try:
        read(text)
    except ReadError:
        return


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab:-{}#\n kind", max_size=60))
def test_any_template_ends(text: str) -> None:
    assert isinstance(templates.documents(text, "f"), list)


def test_a_template_is_read_without_its_actions() -> None:
    text = 'kind: Pod\n{{- if .x }}\na: {{ .v }}\n{{ end }}\nb: "{{ .w }}-x"\n---\nbroken: {\n---\nc: 1\n'
    made: list[Any] = templates.documents(text, "f")
    first, second = made
    assert first == {"kind": "Pod", "a": "PUT-IN-LATER", "b": "PUT-IN-LATER-x"}
    assert first["b"].line == 5
    assert (second, second.line) == ({"c": "1"}, 9)
    assert templates.kinds(text) == {"Pod"}


def test_an_action_over_several_lines_keeps_the_lines() -> None:
    made: list[Any] = templates.documents("a: {{ include\n  x }}\nb: c\n", "f")
    assert made[0]["b"].line == 3
