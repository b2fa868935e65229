from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.engine.lists import extend, load_lists
from modelscan.errors import RuleError
from modelscan.vocabulary.lists import NameLists, PickleGlobals
from tests.forge import rulebook


def load(folder: Path, content: str) -> NameLists:
    rulebook.pickle_globals(folder, content)
    return load_lists(folder / "lists")


def test_no_folder_means_empty_lists(tmp_path: Path) -> None:
    assert load_lists(tmp_path / "lists") == NameLists()


DIGEST = "0f" * 32


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("modules:\n  os:\n    '*': inert\n", 3, "only be denied"),
        ("modules:\n  os: {}\n", 2, "lists no names"),
        ("modules:\n  os: {system: bad}\n", 0, "Invalid enum value 'bad'"),
        ("module: {}\n", 0, "unknown field `module`"),
        ("code-objects:\n  abc: os:system\n", 2, "listed as the digest"),
        (f"code-objects:\n  {DIGEST}: os.system\n", 2, "listed as the digest"),
        ("modules:\n  os: {a: inert}\n  os: {b: inert}\n", 3, "appears twice"),
    ],
)
def test_a_broken_list_is_an_error(tmp_path: Path, content: str, line: int, says: str) -> None:
    with pytest.raises(RuleError, match=says) as caught:
        load(tmp_path, content)
    assert caught.value.line == line


@pytest.mark.parametrize("name", ["pickle-global.yaml", "pickle-globals.json", "other.yaml"])
def test_an_unknown_list_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / name).write_text("modules: {}")
    with pytest.raises(RuleError, match="no list of this name"):
        load_lists(tmp_path / "lists")


BASE = NameLists(
    pickle_globals=PickleGlobals(
        modules={"os": {"*": "denied"}, "acme": {"A": "constructor", "run": "denied"}},
        known_packages=("acme",),
    )
)


def test_an_extension_adds_code_objects(tmp_path: Path) -> None:
    more = load(tmp_path, f'code-objects: {{"{DIGEST}": "acme.io:Model._load"}}')
    both = extend(BASE, more, "rules").pickle_globals
    assert both.code_objects == {DIGEST: "acme.io:Model._load"}


def test_an_extension_adds_and_tightens(tmp_path: Path) -> None:
    more = load(
        tmp_path,
        "modules: {acme: {A: denied, B: inert}, mine: {C: data-class}}\nknown-packages: [mine]",
    )
    both = extend(BASE, more, "rules").pickle_globals
    assert both.disposition("acme", "A") == "denied"
    assert both.disposition("acme", "B") == "inert"
    assert both.disposition("mine", "C") == "data-class"
    assert both.disposition("os", "system") == "denied"
    assert both.known_packages == ("acme", "mine")
    assert BASE.pickle_globals.disposition("acme", "A") == "constructor"


@pytest.mark.parametrize("content", ["{os: {getpid: inert}}", "{acme: {run: constructor}}"])
def test_what_is_denied_stays_denied(tmp_path: Path, content: str) -> None:
    with pytest.raises(RuleError, match="denied by the shipped list"):
        extend(BASE, load(tmp_path, f"modules: {content}"), "rules")
