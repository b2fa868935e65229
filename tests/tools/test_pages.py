from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.engine import loader
from modelscan.engine.catalogue import load
from modelscan.errors import ModelAssayError, RuleError
from modelscan.formats.lfs import LfsReader
from modelscan.formats.pickle.reader import PickleReader
from modelscan.formats.reader import Glimpse
from modelscan.formats.readers import readers_for
from modelscan.formats.repository.relators import RELATORS
from modelscan.formats.safetensors import SafetensorsReader
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.lists import NameLists, PickleGlobals
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.rule import Maps
from tools import demo
from tools.pages import (
    blocks,
    commands,
    decisions,
    docstrings,
    formats,
    markdown,
    mission,
    rules,
    runs,
    stated,
)

ROOMS = (*readers_for(NameLists()), *RELATORS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words.", "plain words."),
        ("its __init__ runs", r"its \_\_init\_\_ runs"),
        ("`__init__` runs", "`__init__` runs"),
        ("a <b> c", r"a \<b\> c"),
        ("[a](b)", r"\[a\](b)"),
        ("2*3*4", r"2\*3\*4"),
        ("* one\n* two_x", "* one\n* two\\_x"),
        ("``a `b` c`` _d_", r"``a `b` c`` \_d\_"),
        ("see:\n\n    a_b  <c>", "see:\n\n    a_b  <c>"),
    ],
)
def test_prose_keeps_code_and_lists_and_nothing_else(text: str, expected: str) -> None:
    assert markdown.prose(text) == expected


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_a_code_span_cannot_be_left(text: str) -> None:
    span = markdown.code(text)
    ticks = span[: len(span) - len(span.lstrip("`"))]
    inner = span[len(ticks) : -len(ticks)]
    assert "\n" not in span
    assert ticks not in inner.strip("`") or not text
    assert "|" not in inner.replace(r"\|", "")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="`a \n"))
def test_a_fence_cannot_be_left(text: str) -> None:
    first, *body, last = markdown.fence(text).split("\n")
    assert first == last + "text"
    assert all(not line.strip().startswith(last) for line in body)


def test_a_cell_is_one_line_and_a_table_without_rows_is_nothing() -> None:
    assert markdown.cell("a\n  b | c") == r"a b \| c"
    assert markdown.table(("a",), []) == ""
    assert markdown.table(("a", "b"), [("1", "2")]) == "| a | b |\n|---|---|\n| 1 | 2 |"


def test_a_docstring_is_its_prose() -> None:
    assert docstrings.of(PickleReader) == "Reads pickles."
    assert docstrings.of(object()) != ""
    assert docstrings.of(types.ModuleType("empty")) == ""
    assert docstrings.of_fields(Location)["line"] == "Line number from 1, for text."


def test_what_a_room_states_is_what_its_code_makes() -> None:
    pickles = stated.kinds(PickleReader(PickleGlobals()), ROOMS)
    assert {"pickle.call", "pickle.import", "pickle.oddity", "pickle.stream"} <= set(pickles)
    assert "tensor.header" not in pickles
    tensors = stated.kinds(SafetensorsReader(), ROOMS)
    assert {"tensor.defect", "tensor.header"} <= set(tensors)
    assert not {"pickle.call", "graph.model"} & set(tensors)


def test_a_fact_counts_however_it_was_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "probe.py"
    path.write_text(
        "import os.path\n"
        "from . import nothing\n"
        "from modelscan.vocabulary import fact\n"
        "from modelscan.vocabulary.fact import FileName, ModelClaim\n"
        "class Room:\n"
        "    def read(self):\n"
        "        yield fact.SpecialFile(kind='fifo')\n"
        "        yield (lambda: FileName)()(problem='not-utf8')\n"
        "        assert isinstance(self, ModelClaim)\n"
    )
    module = types.ModuleType("probe")
    module.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "probe", module)
    room = type("Room", (), {"__module__": "probe"})()
    assert stated.kinds(room, ()) == ["file.special"]


def test_two_readers_of_one_format_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    readers = (SafetensorsReader(), SafetensorsReader())
    monkeypatch.setattr(formats, "readers_for", lambda _lists: readers)
    assert [name for name, _ in formats.pages()] == [
        "docs/formats/index.md",
        "docs/formats/safetensors.md",
        "docs/formats/safetensors-safetensors.md",
        "docs/formats/relations.md",
    ]


def test_decisions_are_listed_in_order(tmp_path: Path) -> None:
    folder = tmp_path / decisions.FOLDER
    folder.mkdir(parents=True)
    (folder / "0010-later.md").write_text("# 10. Later | more\n\n**Status:** proposed\n")
    (folder / "0002-odd.md").write_text("no title")
    (folder / "notes.md").write_text("# 1. Not one\n")
    ((path, text),) = decisions.pages(tmp_path)
    assert path == "docs/adr/index.md"
    assert text.splitlines()[-2:] == [
        "| 0002 | [0002-odd](0002-odd.md) |  |",
        r"| 0010 | [Later \| more](0010-later.md) | proposed |",
    ]


def test_commands_are_found_by_their_words() -> None:
    assert isinstance(commands.find(["rules", "lint"]), click.Command)
    assert commands.exists(["scan"])
    assert not commands.exists(["scam"])
    assert not commands.exists(["scan", "deeper"])
    with pytest.raises(KeyError):
        commands.help_text(["scam"])


def test_a_demand_without_its_command_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    demands = (("Eat", ("scan", "eat"), "food"),)
    monkeypatch.setattr(mission, "_DEMANDS", demands)
    row = mission.table().splitlines()[-1]
    assert "[`modelassay scan`](commands/scan.md)" in row
    assert "`modelassay eat` *(not in this version)*" in row


def test_hidden_commands_exist_and_have_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    group = click.Group("top", commands={"shown": click.Command("shown")})
    group.add_command(click.Command("secret", hidden=True))
    monkeypatch.setattr(group, "list_commands", lambda _context: ["gone", "secret", "shown"])
    monkeypatch.setattr(commands, "cli", group)
    assert commands.exists(["secret"])
    assert not commands.exists(["gone"])
    names = [name for name, _ in commands.pages()]
    assert names == ["docs/commands/index.md", "docs/commands/shown.md"]


def test_a_broken_rule_gives_no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    error = RuleError("wrong", file="a.yaml", line=3)
    monkeypatch.setattr(loader, "read", lambda _root, _names: ([], [error]))
    with pytest.raises(RuleError, match=r"a\.yaml:3: wrong"):
        list(rules.pages())


def test_a_rule_for_a_persona_says_so_and_examples_are_counted() -> None:
    rule = load().rules["deceptive-file-name"]
    many = msgspec.structs.replace(rule.examples, match=rule.examples.match[:1] * 5)
    changed = msgspec.structs.replace(
        rule, persona="auditor", examples=many, maps=Maps(), references=()
    )
    text = rules._page(changed, "rules/x.yaml", {})
    assert "| shown to | the persona `auditor` |" in text
    assert "and 2 more in the rule's file" in text
    assert "## Mappings" not in text
    assert "## References" not in text


def test_a_reader_without_facts_or_reasons_has_a_short_page() -> None:
    class Silent:
        format = "silent"

        def recognises(self, _glimpse: Glimpse) -> bool:
            return False

        def read(self, _artifact: Artifact, _budget: Budget) -> Iterator[Fact]:
            yield from ()

    Silent.__module__ = LfsReader.__module__.rpartition(".")[0]  # a package that states nothing
    text = formats._page("silent", Silent(), {})
    assert "## What it does" in text
    assert "## How a file is recognised" not in text
    assert "## Facts it can state" not in text


def test_what_a_finding_means_for_the_default_policy() -> None:
    shipped = load().rules
    words = {
        rules._consequence(shipped[name])
        for name in ("pickle-dangerous-call", "pickle-present", "broken-link")
    }
    assert words == {
        "a finding fails the scan",
        "a note, listed with `-v`",
        "a finding is shown, and passes",
    }


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("location", {"file": "a", "offset": 3}, "a @3"),
        ("dtypes", ["F16", "F32"], "F16, F32"),
        ("called", True, "true"),
        ("detail", "", '""'),
        ("at", 7, "7"),
        ("detail", "a\x1b", "a\\x1b"),
    ],
)
def test_values_of_examples_are_readable(name: str, value: object, shown: str) -> None:
    assert rules._value(name, value) == shown


@pytest.mark.parametrize(
    "text",
    [
        "<!-- begin: limits -->\nno end\n",
        "<!-- end -->\n",
        "<!-- begin: limits --> on one line <!-- end -->\n",
        "<!-- begin:limits -->\n<!-- end -->\n",
        "<!-- begin: limits -->\n<!-- begin: limits -->\n<!-- end -->\n",
    ],
)
def test_a_broken_mark_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="not closed"):
        blocks.fill(text)


def test_blocks_can_be_filled_again_and_again() -> None:
    text = "a\n<!-- begin: limits -->\n<!-- end -->\nb\n<!-- begin: demands -->\n<!-- end -->\n"
    once = blocks.fill(text)
    assert "| `depth` | 8 |" in once
    assert "| demand | command |" in once
    assert blocks.fill(once) == once


def test_a_run_shows_what_the_command_prints() -> None:
    block = blocks.fill("<!-- begin: run modelassay scan -q ./tampered -->\n<!-- end -->\n")
    assert "$ modelassay scan -q ./tampered\n" in block
    assert "posix.system" in block
    assert "(exit 1)" in block


def test_a_run_that_needs_the_missing_model_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(demo, "real_model", lambda: None)
    text = "<!-- begin: run modelassay scan ./all-MiniLM-L6-v2 -->\nas it was\n<!-- end -->\n"
    assert blocks.fill(text) == text


def test_a_run_with_the_model_scans_it_and_its_forgery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "model"
    runs._model(model, base="acme/base")
    monkeypatch.setattr(demo, "real_model", lambda: model)
    runs._output.cache_clear()
    genuine = runs.shown("modelassay scan -q ./all-MiniLM-L6-v2")
    forged = runs.shown("modelassay scan -q ./all-MiniLM-L6-v2-forged")
    runs._output.cache_clear()
    assert genuine is not None
    assert forged is not None
    assert "(exit 0)" in genuine
    assert "(exit 1)" in forged


def test_a_wrong_command_is_an_error_and_never_a_page() -> None:
    with pytest.raises(ModelAssayError, match="--no-such-option"):
        runs.shown("modelassay scan --no-such-option ./model")
