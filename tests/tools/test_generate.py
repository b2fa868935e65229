from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelscan.engine import fields, loader, mappings
from modelscan.engine.fields import KINDS
from modelscan.errors import RuleError
from modelscan.formats.readers import readers_for
from modelscan.vocabulary.lists import NameLists
from modelscan.vocabulary.rule import Rule
from tools import generate
from tools.pages import markdown, runs

RULES = loader.load(generate.ROOT / "rules", mappings.shipped()).rules


@pytest.fixture(scope="module")
def made() -> generate.Made:
    return generate.make()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """One generated page instead of hundreds."""

    def pages() -> Iterator[tuple[str, str]]:
        yield "docs/rules/one.md", markdown.page("one", ["text"])

    monkeypatch.setattr(generate, "GENERATED", (pages,))


def broken() -> Iterator[tuple[str, str]]:
    yield "docs/formats/first.md", "made before it broke\n"
    raise RuleError("a rule is broken")


def test_everything_can_be_made(made: generate.Made) -> None:
    assert made.failures == []


def test_nothing_of_this_machine_gets_in(made: generate.Made) -> None:
    for name, text in made.files.items():
        temporary = str(Path(tempfile.gettempdir(), tempfile.gettempprefix()))
        for private in (str(generate.ROOT), f"{Path.home()}/", temporary, "\x1b", "\r"):
            assert private not in text, name


def test_two_runs_agree(made: generate.Made) -> None:
    runs._output.cache_clear()
    assert generate.make() == made


@pytest.mark.usefixtures("few")
def test_what_was_written_has_no_problems(tmp_path: Path) -> None:
    assert generate.problems(tmp_path) == ["docs/rules/one.md is missing"]
    assert generate.write(tmp_path) == []
    assert generate.problems(tmp_path) == []


@pytest.mark.usefixtures("few")
def test_a_stale_page_is_named_and_written_again(tmp_path: Path) -> None:
    generate.write(tmp_path)
    page = tmp_path / "docs/rules/one.md"
    page.write_text("edited by hand")
    assert generate.problems(tmp_path) == ["docs/rules/one.md is stale"]
    generate.write(tmp_path)
    assert page.read_text().startswith(markdown.MARK)


@pytest.mark.usefixtures("few")
def test_an_orphan_is_named_and_removed_when_it_is_ours(tmp_path: Path) -> None:
    generate.write(tmp_path)
    ours, foreign = tmp_path / "docs/rules/gone.md", tmp_path / "docs/formats/notes.md"
    foreign.parent.mkdir()
    ours.write_text(markdown.MARK + "\n")
    foreign.write_text("written by somebody")
    lines = generate.problems(tmp_path)
    assert [line.partition(":")[0] for line in lines] == [
        "docs/rules/gone.md is an orphan",
        "docs/formats/notes.md is an orphan",
    ]
    generate.write(tmp_path)
    assert not ours.exists()
    assert foreign.exists()


@pytest.mark.usefixtures("few")
def test_a_failure_keeps_nothing_else_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(generate, "GENERATED", (broken, *generate.GENERATED))
    page = tmp_path / "docs/rules/of-the-broken-rule.md"
    page.parent.mkdir(parents=True)
    page.write_text(markdown.MARK + "\n")
    assert generate.write(tmp_path) == ["a rule is broken"]
    assert (tmp_path / "docs/rules/one.md").is_file()
    assert page.exists()
    assert generate.problems(tmp_path) == ["a rule is broken"]


@pytest.mark.usefixtures("few")
def test_a_block_that_cannot_be_made_is_named_with_its_page(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("<!-- begin: nonsense -->\n<!-- end -->\n")
    generate.write(tmp_path)
    (line,) = generate.problems(tmp_path)
    assert line == "README.md: no generated block is called 'nonsense'"
    assert "nonsense" in readme.read_text()


@pytest.mark.usefixtures("few")
def test_blocks_are_made_and_pages_without_them_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "plain.md").write_text("a page\n")
    (tmp_path / "README.md").write_text("<!-- begin: help rules test -->\nold\n<!-- end -->\n")
    assert generate.problems(tmp_path) == [
        "docs/rules/one.md is missing",
        "README.md is stale",
    ]
    generate.write(tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert "Usage: modelassay rules test" in text
    assert "old" not in text


@pytest.mark.usefixtures("few")
def test_the_command_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    defaults = (tmp_path,)
    for function in (generate.problems, generate.write):
        monkeypatch.setattr(function, "__defaults__", defaults)
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "docs/rules/one.md is missing",
        "run python tools/generate.py",
    ]
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    assert generate.main(["--chekc"]) == 2


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_every_rule_has_a_page_with_all_of_it(made: generate.Made, rule: Rule) -> None:
    text = made.files[f"docs/rules/{rule.id}.md"]
    assert f"# {rule.id}\n" in text
    assert markdown.prose(rule.title) in text
    for prose in (rule.why, rule.fix, rule.false_positives):
        assert markdown.prose(prose).strip() in text
    for entry in (*rule.maps.atlas, *rule.maps.owasp_llm, *rule.maps.cwe):
        assert f"`{entry}` | " in text
    before, _, after = text.partition("This is not:")
    assert f"=> {rule.severity}: " in before
    assert "=> nothing" not in before
    assert "=> nothing" in after
    assert f"=> {rule.severity}: " not in after


def test_pages_hold_no_raw_control_characters(made: generate.Made) -> None:
    text = made.files["docs/rules/deceptive-file-name.md"]
    assert "\\u202e" in text
    assert "\u202e" not in text


def test_every_kind_of_fact_and_every_field_is_explained(made: generate.Made) -> None:
    text = made.files["docs/facts.md"]
    for kind in KINDS:
        section = text.partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
        assert section.strip(), kind
        shared = text.partition("## Fields of every fact")[2].partition("\n## ")[0]
        for name in fields.fields(kind):
            row = f"| `{name}` | "
            (line,) = [line for line in (section + shared).splitlines() if line.startswith(row)]
            assert not line.endswith("|  |"), line


def test_every_reader_has_a_page_and_is_not_missing(made: generate.Made) -> None:
    index = made.files["docs/formats/index.md"]
    read, _, missing = index.partition("## Recognised, not read yet")
    for reader in readers_for(NameLists()):
        assert f"[{reader.format}" in read
        assert f"| {reader.format} |" not in missing
    pages = [name for name in made.files if name.startswith("docs/formats/")]
    assert len(pages) == len(readers_for(NameLists())) + len(["index", "relations"])


def test_every_decision_is_listed(made: generate.Made) -> None:
    index = made.files["docs/adr/index.md"]
    for path in (generate.ROOT / "docs" / "adr").glob("[0-9]*.md"):
        assert f"({path.name})" in index
    assert "| 0001 | [Floors and rooms](0001-floors-and-rooms.md) | accepted, 0.1.0 |" in index


def test_every_command_has_a_page(made: generate.Made) -> None:
    assert "Usage: modelassay scan [OPTIONS] TARGET..." in made.files["docs/commands/scan.md"]
    rules = made.files["docs/commands/rules.md"]
    for name in ("list", "show", "lint", "test"):
        assert f"## modelassay rules {name}\n" in rules
    assert max(len(line) for line in rules.splitlines()) <= 80
