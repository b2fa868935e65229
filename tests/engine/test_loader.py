from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelscan.engine import loader
from modelscan.errors import RuleError
from tests.forge import rulebook


def errors(folder: Path) -> list[RuleError]:
    return loader.inspect(folder, rulebook.MAPPINGS)[1]


def only(folder: Path, **changes: Any) -> RuleError:
    path = rulebook.write(folder / "area", **changes)
    found = errors(folder)
    assert len(found) == 1, [error.message for error in found]
    assert found[0].file == f"{folder.name}/area/{path.name}"
    return found[0]


def test_a_sound_folder_loads(tmp_path: Path) -> None:
    rulebook.write(tmp_path / "b", id="rule-two")
    rulebook.write(tmp_path / "a" / "deep", id="rule-one")
    rulebook.pickle_globals(tmp_path, "modules: {os: {'*': denied}}")
    loaded = loader.load(tmp_path, rulebook.MAPPINGS)
    assert list(loaded.rules) == ["rule-one", "rule-two"]
    assert loaded.rules["rule-one"].false_positives == "None."
    assert loaded.lists.pickle_globals.disposition("os", "anything") == "denied"


@pytest.mark.parametrize(
    ("changes", "line", "says", "hint"),
    [
        ({"severty": "high"}, 16, "unknown key 'severty'", "'severity'"),
        ({"severity": "hihg"}, 5, "Invalid enum value 'hihg'", ""),
        ({"title": ""}, 2, "must not be empty", ""),
        ({"message": "two\nlines"}, 9, "one line", ""),
        ({"since": "next"}, 3, "not a version", ""),
        ({"id": "Test_Rule"}, 1, "words-like-this", ""),
        ({"message": "{tenser}"}, 9, "unknown field 'tenser'", "'tensor'"),
        ({"message": "{location.__class__}"}, 9, "unknown field", ""),
        ({"message": "{tensor"}, 9, "brace", ""),
        ({"identity": []}, 10, "at least one", ""),
        ({"identity": ["subjekt"]}, 10, "unknown field 'subjekt'", "'subject'"),
        ({"maps": {"atlas": ["T0010"]}}, 14, "not written like", ""),
        ({"maps": {"atlas": ["AML.T9999"]}}, 14, "unknown id", ""),
        ({"maps": {"owasp_llm": ["LLM04"]}}, 14, "with the edition", ""),
        ({"maps": {"cwe": ["CWE-503"]}}, 14, "unknown id", "'CWE-502'"),
        ({"maps": {"nist": []}}, 14, "unknown key 'nist'", ""),
        ({"match": {"fact": "tensor.defct"}}, 8, "unknown kind", "'tensor.defect'"),
        ({"match": []}, 8, "Expected `object`", ""),
        ({"examples": {"match": []}}, 15, "'no-match' is missing", ""),
    ],
)
def test_what_is_wrong_with_a_rule_is_named_with_its_line(
    tmp_path: Path, changes: dict[str, Any], line: int, says: str, hint: str
) -> None:
    error = only(tmp_path, **changes)
    assert says in error.message
    assert hint in error.hint
    assert error.line == line


@pytest.mark.parametrize(
    ("where", "says", "hint"),
    [
        ({"knid": "overlap"}, "unknown field 'knid'", "'kind'"),
        ({"kind": "overlp"}, "never 'overlp'", "'overlap'"),
        ({"kind": {"in": ["overlap", "gap"]}}, "never 'gap'", "one of"),
        ({"kind": {"in": []}}, "not empty", ""),
        ({"kind": ["overlap"]}, "list is not a test", "in:"),
        ({"tensor": None}, "null", "exists"),
        ({"tensor": {}}, "cannot be empty", ""),
        ({"tensor": 3}, "of type string", ""),
        ({"tensor": {"gt": 3}}, "needs a number", ""),
        ({"tensor": {"eq": 3}}, "of type string", ""),
        ({"location.offset": {"gt": "a"}}, "of type integer", ""),
        ({"tensor": {"matches": "a"}}, "unknown operator 'matches'", ""),
        ({"tensor": {"start-with": "a"}}, "unknown operator", "'starts-with'"),
        ({"tensor": {"regex": "(a+)+"}}, "refused", ""),
        ({"tensor": {"contains": ""}}, "not empty", ""),
        ({"tensor": {"exists": "yes"}}, "true or false", ""),
        ({"tensor": {"any": {"eq": "a"}}}, "needs many items", ""),
        ({"tensor": {"not": "a"}}, "map of operators", ""),
        ({"tensor": {"not": {"lt": 1}}}, "needs a number", ""),
        ({"location.offset": True}, "of type integer", ""),
        ({"location.offset": {"contains": "1"}}, "needs text", ""),
        ({"location": "a"}, "unknown field 'location'", ""),
        ({"location.ofset": 1}, "unknown field", "'location.offset'"),
        ({"any": {"kind": "hole"}}, "list of maps", ""),
        ({"any": []}, "not empty", ""),
        ({"any": [{"kind": "overlap"}, {"kin": 1}]}, "unknown field 'kin'", "'kind'"),
        ({"all": [{}]}, "not empty", ""),
        ({"not": {"tensor": 1}}, "of type string", ""),
    ],
)
def test_a_test_that_can_never_hold_is_an_error(
    tmp_path: Path, where: dict[str, Any], says: str, hint: str
) -> None:
    error = only(tmp_path, match={"fact": "tensor.defect", "where": where})
    assert says in error.message
    assert hint in error.hint
    assert error.line == 8


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"dtypes": "F32"}, "has many items"),
        ({"dtypes": {"eq": "F32"}}, "needs one value"),
        ({"dtypes": {"any": {"gt": 1}}}, "needs a number"),
        ({"tensors": {"exists": True}}, "always there"),
    ],
)
def test_a_test_that_does_not_go_with_its_field_is_an_error(
    tmp_path: Path, where: dict[str, Any], says: str
) -> None:
    match = {"fact": "tensor.header", "where": where}
    error = only(tmp_path, match=match, message="{format}", identity=["subject"])
    assert says in error.message


def test_unless_is_checked_like_where(tmp_path: Path) -> None:
    error = only(tmp_path, match={"fact": "tensor.defect", "unless": {"kind": "gap"}})
    assert "never 'gap'" in error.message


@pytest.mark.parametrize(
    ("key", "examples", "says"),
    [
        ("match", [], "at least one"),
        ("no-match", [], "at least one"),
        ("match", [{"fact": "tensor.defect", "kind": "hole"}], "does not match"),
        ("no-match", [{"fact": "tensor.defect", "kind": "overlap"}], "matches"),
        ("match", [{"kind": "overlap"}], "unknown kind"),
        ("match", [{"fact": "tensor.defect", "kin": "hole"}], "'kin'"),
        ("match", [{"fact": "tensor.defect", "kind": "gap"}], "Invalid enum value"),
    ],
)
def test_examples_are_run(
    tmp_path: Path, key: str, examples: list[dict[str, Any]], says: str
) -> None:
    changed = rulebook.rule()["examples"] | {key: examples}
    error = only(tmp_path, examples=changed)
    assert says in error.message
    assert error.line == 15


def test_an_example_of_another_kind_of_fact_does_not_match(tmp_path: Path) -> None:
    changed = rulebook.rule()["examples"] | {"no-match": [{"fact": "config.defect"}]}
    rulebook.write(tmp_path, examples=changed)
    assert errors(tmp_path) == []


def test_every_error_is_reported_and_the_first_is_raised(tmp_path: Path) -> None:
    rulebook.write(tmp_path, id="rule-one", title="", message="{x}")
    rulebook.write(tmp_path, id="rule-two", since="soon")
    assert len(errors(tmp_path)) == 3
    with pytest.raises(RuleError, match="must not be empty") as caught:
        loader.load(tmp_path, rulebook.MAPPINGS)
    assert "2 more errors" in caught.value.hint


def test_a_broken_file_is_never_left_out(tmp_path: Path) -> None:
    (tmp_path / "broken-rule.yaml").write_text("id: [")
    (tmp_path / "other-rule.yml").write_text(rulebook.text(id="other-rule"))
    (tmp_path / "no-map.yaml").write_text("just text")
    found = [error.message for error in errors(tmp_path)]
    assert len(found) == 3
    assert any("not valid YAML" in message for message in found)
    assert any("end in .yaml" in message for message in found)
    assert any("a rule is a map" in message for message in found)


def test_an_id_is_given_once_and_is_the_name_of_the_file(tmp_path: Path) -> None:
    rulebook.write(tmp_path / "a")
    rulebook.write(tmp_path / "b")
    (tmp_path / "wrong-name.yaml").write_text(rulebook.text(id="right-name"))
    found = " ".join(error.message for error in errors(tmp_path))
    assert f"'test-rule' is also in {tmp_path.name}/a/test-rule.yaml" in found
    assert "must be named right-name.yaml" in found


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    assert "no such file" in errors(tmp_path / "gone")[0].message


def test_a_single_file_and_a_list_alone_can_be_inspected(tmp_path: Path) -> None:
    path = rulebook.write(tmp_path / "area", title="")
    rulebook.pickle_globals(tmp_path, "modules: {os: {'*': inert}}")
    assert [error.line for error in errors(path)] == [2]
    for where in (tmp_path / "lists", tmp_path / "lists" / "pickle-globals.yaml"):
        assert any("can only be denied" in error.message for error in errors(where))
