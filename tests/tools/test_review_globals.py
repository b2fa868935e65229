"""The review of the list: what the source of a library says, without importing it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from modelscan.vocabulary.lists import PickleGlobals
from tools import review_globals
from tools.review.effects import effects, textless
from tools.review.sources import Sources

PLAIN = """
class Base:
    def __setstate__(self, state):
        self.__dict__.update(state)

class Model(Base):
    def __init__(self, path):
        self.text = open(path).read()
    class Inner(Base): ...

Alias = Model
"""
GRASPING = """
import os
from .plain import Base, Alias
from . import plain as other

class Deleter(Base):
    def __del__(self):
        os.remove(self.path)

class Caller(other.Base):
    def __setstate__(self, state):
        self._restore(state)
    def _restore(self, state):
        _fetch(state)

class Odd(unknown.Thing): ...

def _fetch(state):
    return __import__(state)

def make(path):
    return _fetch(path)

if True:
    class Late(Base): ...
try:
    from .nowhere import Gone
except ImportError:
    Gone = None
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "lib"
    (package / "tests").mkdir(parents=True)
    (package / "__init__.py").write_text("from .grasping import *\nfrom lib.plain import Model\n")
    (package / "plain.py").write_text(PLAIN)
    (package / "grasping.py").write_text(GRASPING)
    (package / "broken.py").write_text("def (:\n")
    (package / "fast.cpython-311-x86_64-linux-gnu.so").write_bytes(b"")
    (package / "tests" / "test_it.py").write_text("class Test: ...\n")
    return tmp_path


@pytest.mark.parametrize(
    ("module", "name", "kind", "where"),
    [
        ("lib.plain", "Model", "class", "lib.plain"),
        ("lib.plain", "Alias", "class", "lib.plain"),
        ("lib.plain", "Model.Inner", "class", "lib.plain"),
        ("lib.plain", "Model.__init__", "function", "lib.plain"),
        ("lib.plain", "Model.nothing", "value", "lib.plain"),
        ("lib.grasping", "Alias", "class", "lib.plain"),
        ("lib", "Model", "class", "lib.plain"),
        ("lib", "Deleter", "class", "lib.grasping"),
        ("lib.grasping", "Late", "class", "lib.grasping"),
        ("lib.grasping", "Gone", "missing", "lib.nowhere"),
        ("lib.grasping", "make", "function", "lib.grasping"),
        ("lib.fast", "Tree", "compiled", "lib.fast"),
        ("lib.broken", "Model", "missing", "lib.broken"),
        ("lib.absent", "Model", "missing", "lib.absent"),
    ],
)
def test_a_name_leads_to_its_definition(
    folder: Path, module: str, name: str, kind: str, where: str
) -> None:
    found = Sources(folder).find(module, name)
    assert (found.kind, found.module) == (kind, where)


@pytest.mark.parametrize(
    ("module", "name", "called", "methods"),
    [
        ("lib.plain", "Model", False, set()),
        ("lib.plain", "Model", True, {"__init__"}),
        ("lib.grasping", "Deleter", False, {"__del__"}),
        ("lib.grasping", "Caller", False, {"__setstate__"}),
        ("lib.grasping", "Late", False, set()),
        ("lib.grasping", "make", True, {"()"}),
        ("lib.grasping", "make", False, set()),
    ],
)
def test_what_unpickling_would_reach_is_found(
    folder: Path, module: str, name: str, called: bool, methods: set[str]
) -> None:
    sources = Sources(folder)
    assert set(effects(sources, sources.find(module, name), called=called)) == methods


def test_bases_without_a_text_are_named(folder: Path) -> None:
    sources = Sources(folder)
    assert textless(sources, sources.find("lib.grasping", "Odd")) == ["lib.grasping"]
    assert textless(sources, sources.find("lib.plain", "Model")) == []


def test_tests_are_no_part_of_a_library(folder: Path) -> None:
    sources = Sources(folder)
    assert list(sources.modules("lib")) == ["lib", "lib.broken", "lib.grasping", "lib.plain"]
    assert sources.has("lib.plain")
    assert not sources.has("other")


def test_the_list_is_reviewed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = PickleGlobals(
        modules={
            "lib.plain": {"Model": "constructor", "Absent": "inert", "os": "denied"},
            "lib.grasping": {"Deleter": "data-class"},
            "other": {"Thing": "inert"},
        }
    )
    review_globals.review({"now": Sources(folder)}, names)
    told = capsys.readouterr().out
    assert "constructor lib.plain:Model __init__: open  (now)" in told
    assert "data-class lib.grasping:Deleter __del__: os.remove  (now)" in told
    assert "in no folder: 1\n  lib.plain:Absent\n" in told
    assert "(no folder) other: 1" in told


def test_classes_are_proposed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["review_globals.py", f"now={folder}", "--propose", "lib", "other"]
    monkeypatch.setattr(sys, "argv", command)
    review_globals.main()
    told = capsys.readouterr().out.splitlines()
    assert "plain lib.plain Model - now " in told
    assert any(line.startswith("reaches lib.grasping Caller - now") for line in told)


def test_the_shipped_list_is_read(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["review_globals.py", f"now={folder}"])
    review_globals.main()
    assert "(no folder) torch" in capsys.readouterr().out
