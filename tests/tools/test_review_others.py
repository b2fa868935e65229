"""The review of the other methods that a pickle can have run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from modelscan.vocabulary.lists import PickleGlobals
from tools import review_globals
from tools.review.others import Method, others
from tools.review.sources import Sources

TEXT = """
import os

class Base:
    def __hash__(self):
        return hash(self._key())
    def append(self, item):
        raise TypeError

class Held(Base):
    @property
    def path(self):
        return self._path
    @path.setter
    def path(self, value):
        os.remove(value)
    @staticmethod
    def extend():
        return 0
    def append(me, item):
        me.kept.append(item)
        other.close()
    def plain(self):
        self.never()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "lib"
    package.mkdir()
    (package / "__init__.py").write_text(TEXT)
    return tmp_path


def test_methods_are_found_with_what_they_call(folder: Path) -> None:
    sources = Sources(folder)
    found = {method.name: method for method in others(sources, sources.find("lib", "Held"))}
    assert found == {
        "path=": Method("lib", "Held", "path=", ("os.remove",), ()),
        "extend": Method("lib", "Held", "extend", (), ()),
        "append": Method("lib", "Held", "append", (), ("kept.append",)),
        "__hash__": Method("lib", "Base", "__hash__", (), ("_key",)),
    }


def test_they_are_printed_once(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = PickleGlobals(
        modules={"lib": {"Held": "data-class", "Base": "inert"}, "other": {"X": "inert"}}
    )
    review_globals.review_others({"now": Sources(folder)}, names)
    told = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()) for line in told] == [
        "lib:Base.__hash__ [2] calls _key",
        "lib:Base.append [1]",
        "lib:Held.append [1] calls kept.append",
        "lib:Held.extend [1]",
        "lib:Held.path= [1] reaches os.remove;",
    ]
    monkeypatch.setattr(sys, "argv", ["review_globals.py", f"now={folder}", "--others"])
    review_globals.main()
    assert capsys.readouterr().out == ""
