from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Command
from tests.forge import rulebook


def test_list_shows_the_worst_first(modelassay: Command) -> None:
    ran = modelassay("rules", "list")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].startswith("critical ")
    assert lines[-1].startswith("info ")
    assert any("special-file-in-model" in line for line in lines)


def test_list_as_json_holds_whole_rules(modelassay: Command, tmp_path: Path) -> None:
    rulebook.write(tmp_path)
    found = json.loads(modelassay("rules", "list", "--format", "json", "--rules", tmp_path).out)
    (mine,) = (rule for rule in found if rule["id"] == "test-rule")
    assert mine["why"] == "Because."
    assert mine["examples"]["no-match"]


def test_show_prints_the_documentation(modelassay: Command) -> None:
    ran = modelassay("rules", "show", "release-denied")
    assert ran.code == 0
    assert ran.out.startswith("release-denied\n")
    for heading in ("Why", "Fix", "False positives", "MITRE ATLAS", "OWASP LLM", "CWE"):
        assert f"\n{heading}\n  " in ran.out


def test_show_of_an_unknown_rule_suggests_one(modelassay: Command) -> None:
    ran = modelassay("rules", "show", "release-denid")
    assert ran.code == 2
    assert "'release-denied'" in ran.err


def test_lint_of_the_shipped_rules_is_clean(modelassay: Command) -> None:
    ran = modelassay("rules", "lint")
    assert ran.code == 0
    assert "no errors" in ran.out


def test_lint_reports_every_error_with_its_line(modelassay: Command, tmp_path: Path) -> None:
    rulebook.write(tmp_path / "mine", id="rule-one", title="", severty="high")
    rulebook.write(tmp_path / "mine", id="rule-two", title="")
    ran = modelassay("rules", "lint", tmp_path / "mine")
    assert ran.code == 2
    assert "mine/rule-one.yaml:16: unknown key 'severty'" in ran.err
    assert "mine/rule-two.yaml:2: must not be empty" in ran.err
    assert "2 errors" in ran.err
    assert ran.out == ""


def test_test_runs_the_examples(modelassay: Command, tmp_path: Path) -> None:
    assert modelassay("rules", "test").code == 0
    path = rulebook.write(tmp_path)
    ran = modelassay("rules", "test", path)
    assert (ran.code, ran.out) == (0, "1 rule, 2 examples, 0 failed\n")


def test_test_fails_when_an_example_does(modelassay: Command, tmp_path: Path) -> None:
    examples = rulebook.rule()["examples"]
    rulebook.write(tmp_path, examples=examples | {"match": examples["no-match"]})
    ran = modelassay("rules", "test", tmp_path)
    assert ran.code == 1
    assert "does not match" in ran.err
    assert "1 failed" in ran.out


def test_test_refuses_a_broken_rule(modelassay: Command, tmp_path: Path) -> None:
    rulebook.write(tmp_path, since="soon")
    assert modelassay("rules", "test", tmp_path).code == 2
    assert modelassay("rules", "test", tmp_path / "gone").code == 2
