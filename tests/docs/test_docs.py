"""The pages that people write: every link, command, table and code block in them holds."""

from __future__ import annotations

import doctest
import re
import shlex
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pytest
import yaml

from modelscan import api
from modelscan._cli.main import INTERRUPTED
from modelscan.engine import document, examples, loader, mappings, match
from modelscan.errors import ReadError, SourceError, UsageError
from modelscan.policy import gate
from modelscan.policy.profile import DEFAULT
from modelscan.vocabulary.ancestry import Relation, Tier
from modelscan.vocabulary.evidence import OfficialStatus, SignedStatus
from modelscan.vocabulary.fact import Status
from modelscan.vocabulary.result import Report
from tools.pages import commands, markdown, runs

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PACK = DOCS / "examples" / "rules"
PAGES = sorted(DOCS.rglob("*.md"))
BY_HAND = [path for path in PAGES if not path.read_text(encoding="utf-8").startswith(markdown.MARK)]
FENCE = re.compile(r"^(`{3,})(\w*)[^\n]*\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)\)")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def fences(path: Path, *languages: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [body for _, language, body in FENCE.findall(text) if language in languages]


def anchors(path: Path) -> set[str]:
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {markdown.anchor(heading) for heading in headings}


def command_lines() -> Iterator[tuple[str, str]]:
    for path in [ROOT / "README.md", *BY_HAND]:
        for block in fences(path, "sh", "console", ""):
            for line in block.splitlines():
                command = re.sub(r"\s+#.*$", "", line.removeprefix("$ ").strip())
                command = command.removeprefix("if ").partition(";")[0]
                if command.startswith("modelassay "):
                    yield name(path), command


COMMAND_LINES = sorted(set(command_lines()))


@pytest.mark.parametrize("path", [ROOT / "README.md", *PAGES], ids=name)
def test_every_link_leads_somewhere(path: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", path.read_text(encoding="utf-8")))
    for link in LINK.findall(text):
        if re.match(r"https?:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        if path.name != "README.md":  # the site holds nothing from outside its folder
            assert target.is_relative_to(DOCS), link
        if anchor:
            assert anchor in anchors(target), link


def test_there_are_commands_to_check() -> None:
    assert len(COMMAND_LINES) > 15


@pytest.mark.parametrize(("page", "line"), COMMAND_LINES)
def test_every_command_shown_exists_with_its_options(page: str, line: str) -> None:
    words = shlex.split(line)[1:]
    command: click.Command = commands.find([])
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        group, word = command, words.pop(0)
        found = group.get_command(click.Context(group), word)
        assert found is not None, f"{page}: {line}"
        command = found
    parser = command.make_parser(click.Context(command, resilient_parsing=True))
    parser.parse_args(words)  # raises for an option that is not there, or lacks its value


def test_the_tutorial_of_the_api_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = doctest.testfile(
        str(DOCS / "api.md"), module_relative=False, optionflags=doctest.ELLIPSIS
    )
    assert result.attempted > 25
    assert result.failed == 0


def test_no_page_knows_a_machine_or_a_registry() -> None:
    for path in [*BY_HAND, ROOT / "mkdocs.yml", *PACK.rglob("*.yaml")]:
        text = path.read_text(encoding="utf-8")
        ours = (f"{ROOT}/", f"{Path.home()}/")
        for word in (*ours, "/tmp/", "/home/", "pypi.org", "files.pythonhosted"):  # noqa: S108  # searched for, not used
            assert word not in text, name(path)


def test_the_site_names_every_page_that_is_written_by_hand() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    named = {target for entry in site["nav"] for target in entry.values()}
    written = {path.relative_to(DOCS).as_posix() for path in BY_HAND if path.parent == DOCS}
    assert written <= named
    assert all((DOCS / target).is_file() for target in named)


def test_every_exit_code_is_explained() -> None:
    text = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    rows = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    codes = {*gate._EXIT.values(), UsageError.exit_code, INTERRUPTED}
    assert rows == codes | {SourceError.exit_code, ReadError.exit_code}


def test_every_status_is_explained() -> None:
    text = (DOCS / "concepts.md").read_text(encoding="utf-8")
    for statuses in (OfficialStatus, SignedStatus, Relation, Tier, Status):
        for status in get_args(statuses):
            assert f"`{status}`" in text or f" {status}" in text, status


def test_the_default_policy_is_told_as_it_is() -> None:
    policy = (DOCS / "concepts.md").read_text(encoding="utf-8").partition("\n## Policy\n")[2]
    for word in (
        DEFAULT.name,
        DEFAULT.fail_severity,
        DEFAULT.fail_confidence,
        *DEFAULT.fail_official,
        *DEFAULT.fail_signed,
    ):
        assert f"`{word}`" in policy


def test_every_operator_is_explained() -> None:
    text = (DOCS / "writing-a-rule.md").read_text(encoding="utf-8")
    table = text.partition("## Tests on a field")[2].partition("\n## ")[0]
    first = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    found = {operator for cell in first for operator in re.findall(r"`([^`]+)`", cell)}
    assert found == match.OPERATORS


def test_the_example_pack_is_sound() -> None:
    files, errors = loader.read(PACK, mappings.shipped())
    assert errors == []
    assert len(files) >= 2
    assert [problem for file in files for problem in examples.failures(file.rule)] == []


def test_the_page_shows_the_pack_as_it_is() -> None:
    shown = fences(DOCS / "writing-a-rule.md", "yaml")
    assert (PACK / "base-model-not-reviewed.yaml").read_text(encoding="utf-8") in shown
    listed = (PACK / "lists" / "pickle-globals.yaml").read_text(encoding="utf-8")
    assert "".join(listed.splitlines(keepends=True)[1:]) in shown


def test_the_other_tests_of_the_page_are_valid(tmp_path: Path) -> None:
    (conditions,) = [
        block for block in fences(DOCS / "writing-a-rule.md", "yaml") if block.startswith("where:")
    ]
    rule = (PACK / "base-model-not-reviewed.yaml").read_text(encoding="utf-8")
    start, end = rule.index("  where:"), rule.index("message:")
    indented = "".join(f"  {line}\n" for line in conditions.splitlines())
    changed = rule[:start] + indented + rule[end:]
    changed = changed.replace("value: acme/base-2}", "value: someone/else}")
    (tmp_path / "base-model-not-reviewed.yaml").write_text(changed, encoding="utf-8")
    files, errors = loader.read(tmp_path, mappings.shipped())
    assert [error.message for error in errors] == []
    assert [problem for file in files for problem in examples.failures(file.rule)] == []
    assert document.SUFFIX == ".yaml"


def scan(folder: Path, model: str, *, pack: bool) -> Report:
    return api.scan(folder / model, rules=[folder / "our-rules"] if pack else [])


def test_the_pack_fires_and_its_list_accepts(tmp_path: Path) -> None:
    runs.make(tmp_path)
    assert scan(tmp_path, "finetune", pack=False).decision.status == "pass"
    report = scan(tmp_path, "finetune", pack=True)
    assert report.decision.status == "fail"
    assert "base-model-not-reviewed" in {each.rule for each in report.models[0].findings}
    assert scan(tmp_path, "model", pack=True).decision.status == "pass"
    assert scan(tmp_path, "inhouse", pack=False).decision.status == "fail"
    assert scan(tmp_path, "inhouse", pack=True).decision.status == "pass"
    assert scan(tmp_path, "damaged", pack=False).decision.status == "incomplete"


def test_the_reader_of_the_walk_through_works(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, test = fences(DOCS / "writing-a-reader.md", "python")
    for module, source in (
        ("modelscan.formats.acme", reader),
        ("test_acme_of_the_docs", test),
    ):
        made = types.ModuleType(module)
        monkeypatch.setitem(sys.modules, module, made)
        exec(compile(source, f"{module}.py", "exec"), made.__dict__)  # noqa: S102  # our own page
    tests = [value for key, value in vars(made).items() if key.startswith("test_")]
    assert len(tests) == 4
    for each in tests:
        each()
