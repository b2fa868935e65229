"""The digests of functions by their source: compiled, never run."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from modelscan.formats.pickle.code_digest import code_digest
from tools import harvest_code

SOURCE = """
import os
assert not os.environ, "this is never run"

class Saveable:
    @classmethod
    def restore(cls, file):
        import library.io as io
        return io.read(file, safe=False, kinds=("a", b"b", None))

    def uses_globals(self):
        return os.getcwd()

    def keeps(self, value):
        return lambda: value

    def uses_a_builtin(self):
        return float(1)
"""
FOUND = "library.saving:Saveable.restore"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "saving.py").write_text(SOURCE)
    return tmp_path


def test_a_function_is_known_wherever_it_stands(folder: Path, tmp_path: Path) -> None:
    first = harvest_code.find(folder, FOUND)
    (tmp_path / "library" / "saving.py").write_text("#\n\n" + SOURCE)
    second = harvest_code.find(folder, FOUND)
    assert first is not None
    assert second is not None
    assert harvest_code.digests(first) == harvest_code.digests(second)
    assert len(set(harvest_code.digests(first))) == 2
    assert first.co_firstlineno != second.co_firstlineno


@pytest.mark.parametrize("change", [("safe=False", "safe=True"), ("io.read", "io.load")])
def test_a_function_that_changed_has_another_digest(folder: Path, change: tuple[str, str]) -> None:
    before = harvest_code.find(folder, FOUND)
    (folder / "library" / "saving.py").write_text(SOURCE.replace(*change))
    after = harvest_code.find(folder, FOUND)
    assert before is not None
    assert after is not None
    assert not {*harvest_code.digests(before)} & {*harvest_code.digests(after)}


def test_the_arguments_are_those_that_make_the_code_again(folder: Path) -> None:
    code = harvest_code.find(folder, FOUND)
    assert code is not None
    again = types.CodeType(*harvest_code.arguments_of(code))  # type: ignore[arg-type]  # by place
    assert again == code
    assert code_digest(harvest_code.arguments_of(again)) == harvest_code.digests(code)[0]


@pytest.mark.parametrize(
    ("name", "why"),
    [("restore", ""), ("uses_globals", "globals"), ("keeps", "of its own"),
     ("keeps.<locals>.<lambda>", ""), ("uses_a_builtin", "")],
)  # fmt: skip
def test_only_functions_that_need_nothing_can_be_listed(folder: Path, name: str, why: str) -> None:
    code = harvest_code.find(folder, f"library.saving:Saveable.{name}")
    assert code is not None
    refused = harvest_code.refusal(code)
    assert why in refused
    assert bool(why) == bool(refused)


def test_what_is_not_there_is_not_found(folder: Path) -> None:
    assert harvest_code.find(folder, "library.saving:Saveable.other") is None
    assert harvest_code.find(folder, "library.other:f") is None


def test_lines_for_the_list_are_printed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    functions = (FOUND, "library.saving:Saveable.uses_globals", "library.none:f")
    monkeypatch.setattr(harvest_code, "FUNCTIONS", functions)
    monkeypatch.setattr(sys, "argv", ["harvest_code", str(folder), str(folder)])
    harvest_code.main()
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.endswith(f": {FOUND}") for line in lines) == 2
    assert sum("as above" in line for line in lines) == 1
    assert sum("looks a name up" in line for line in lines) == 2
    assert sum("there is no" in line for line in lines) == 2
