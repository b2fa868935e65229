"""Write the files that are generated from code, or check that they are up to date.

    python tools/generate.py           write them
    python tools/generate.py --check   exit 1 when one is stale, naming it

Three kinds: files made whole (`GENERATED`: one function yields any number of them), blocks inside
pages written by hand (`tools/pages/blocks.py`), and folders that hold nothing else (`FOLDERS`),
where a page without a source is an orphan. The same checkout always gives the same bytes: no dates,
no paths of this machine, no colours.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # this checkout's package, wherever the command is run from

from modelscan.engine import schema as rule_schema  # noqa: E402  # after the line above
from modelscan.errors import ModelAssayError  # noqa: E402  # the same
from modelscan.policy import configuration as policy_schema  # noqa: E402  # the same
from modelscan.vocabulary import change, lock, reference, search  # noqa: E402  # the same
from modelscan.vocabulary.result import SCHEMA, Report  # noqa: E402  # the same
from tools.pages import blocks, commands, decisions, facts, formats, markdown, rules  # noqa: E402  # the same

Files = Iterator[tuple[str, str]]
"""Paths relative to the checkout, and their content."""


def schemas() -> Files:
    """The JSON Schemas (2020-12) of every document that others may read or write."""
    yield "docs/schema/report-1.json", _json(_schema(Report, SCHEMA, "Native report"))
    inventory = _schema(reference.Inventory, reference.SCHEMA, "Inventory")
    yield "docs/schema/inventory-1.json", _json(inventory)
    for kind, name, title in (
        (lock.Lock, lock.SCHEMA, "Lock"),
        (change.Diff, change.SCHEMA, "Difference"),
        (search.Found, search.SCHEMA, "Search"),
    ):
        file = name.removeprefix("modelassay-").replace("/", "-")
        yield f"docs/schema/{file}.json", _json(_schema(kind, name, title))
    yield "docs/schema/rule-1.json", _json(rule_schema.rule_schema())
    yield "docs/schema/policy-1.json", _json(policy_schema.policy_schema())


def _schema(kind: type, name: str, title: str) -> dict[str, Any]:
    """The schema of a document that says itself which one it is."""
    schema = msgspec.json.schema(kind)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["$id"] = "urn:modelassay:" + name.replace("/", ":")
    schema["title"] = f"{title}, {name}"
    # Readers tell documents apart by this one value, so that it is required and fixed.
    definition = schema["$defs"][kind.__name__]
    definition["properties"]["schema"] = {"const": name}
    definition["required"] = sorted({"schema", *definition.get("required", [])})
    return schema


GENERATED: tuple[Callable[[], Files], ...] = (
    schemas,
    rules.pages,
    facts.pages,
    formats.pages,
    commands.pages,
    lambda: decisions.pages(ROOT),
)
"""What makes whole files."""

FOLDERS = (rules.FOLDER, formats.FOLDER, commands.FOLDER)
"""Folders that hold generated pages and nothing else."""


class Made(NamedTuple):
    """What one run makes."""

    files: dict[str, str]
    """Content by path: every generated file, and every page with generated blocks."""
    failures: list[str]
    """Why some files could not be made, one line each. They are neither written nor removed."""


def make(root: Path = ROOT) -> Made:
    """Everything that can be made of a checkout; one failure does not keep the others back."""
    made = Made({}, [])
    for maker in GENERATED:
        try:
            made.files.update(maker())
        except ModelAssayError as error:
            made.failures.append(error.message)
    for name in _by_hand(root, made.files):
        text = (root / name).read_text(encoding="utf-8")
        try:
            filled = blocks.fill(text)
        except (ModelAssayError, KeyError, ValueError) as error:
            made.failures.append(f"{name}: {error}")
            continue
        if blocks.MARK in text:
            made.files[name] = filled
    return made


def problems(root: Path = ROOT) -> list[str]:
    """What cannot be made, is missing, stale or an orphan: one line for each file."""
    made = make(root)
    found = list(made.failures)
    for name, text in made.files.items():
        if not (root / name).is_file():
            found.append(f"{name} is missing")
        elif (root / name).read_text(encoding="utf-8") != text:
            found.append(f"{name} is stale")
    return found + [f"{name} is an orphan: nothing generates it" for name in orphans(root, made)]


def orphans(root: Path, made: Made) -> list[str]:
    """Files in the generated folders that nothing generates; none while something fails."""
    return [
        path.relative_to(root).as_posix()
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
        and path.relative_to(root).as_posix() not in made.files
        and not made.failures
    ]


def write(root: Path = ROOT) -> list[str]:
    """Write every generated file below `root`, and remove orphans that bear our mark.

    Returns:
        Why some could not be made, one line each.
    """
    made = make(root)
    for name, text in made.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    for name in orphans(root, made):
        if (root / name).read_text(encoding="utf-8").startswith(markdown.MARK):
            (root / name).unlink()
    return made.failures


def main(arguments: list[str]) -> int:
    """Run as a command; returns the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: python tools/generate.py [--check]", file=sys.stderr)
        return 2
    found = problems() if arguments else write()
    for line in found:
        print(line, file=sys.stderr)
    if found and arguments:
        print("run python tools/generate.py", file=sys.stderr)
    return 1 if found else 0


def _by_hand(root: Path, generated: Collection[str]) -> list[str]:
    """The pages that people write, in which blocks may stand."""
    pages = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    names = (page.relative_to(root).as_posix() for page in pages if page.is_file())
    return [name for name in names if name not in generated and not name.startswith(FOLDERS)]


def _json(schema: object) -> str:
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
