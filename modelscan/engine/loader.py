"""Loads a folder of rule files: one rule a file, named after its id, in any subfolder.

A broken rule is an error with its file and line, never a rule that is left out: a scan without it
would pass what the rule forbids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from modelscan._resources import sources
from modelscan.engine import check, document, examples, lists, mappings
from modelscan.engine.conditions import Problem
from modelscan.errors import RuleError
from modelscan.vocabulary.lists import NameLists
from modelscan.vocabulary.rule import Rule

_NOT_RULES = frozenset({lists.FOLDER, mappings.FOLDER})


class RuleFile(NamedTuple):
    """A rule and the file that it was read from."""

    rule: Rule
    document: document.Document


class Loaded(NamedTuple):
    """A folder of rules and lists."""

    rules: dict[str, Rule]
    """Sorted by id."""
    lists: NameLists


def load(root: Path, names: mappings.Names) -> Loaded:
    """Everything in a folder, examples run.

    Args:
        root: the folder.
        names: the taxonomies, see `mappings.load_mappings`.

    Raises:
        RuleError: the first thing that is wrong; its hint says how many more there are.
    """
    loaded, errors = inspect(root, names)
    if errors:
        first = errors[0]
        if len(errors) > 1:
            first.hint = f"{first.hint} ({len(errors) - 1} more errors)".strip()
        raise first
    return loaded


def inspect(root: Path, names: mappings.Names) -> tuple[Loaded, list[RuleError]]:
    """Everything in a folder, or one rule file of it, and every error in it."""
    root = _whole(root)
    files, errors = read(root, names)
    rules = {file.rule.id: file.rule for file in files}
    for file in files:
        errors.extend(_errors(examples.failures(file.rule), file.document))
    found = NameLists()
    try:
        found = lists.load_lists(root / lists.FOLDER)
    except RuleError as error:
        errors.append(error)
    return Loaded(dict(sorted(rules.items())), found), errors


def read(root: Path, names: mappings.Names) -> tuple[list[RuleFile], list[RuleError]]:
    """The sound rule files below a folder, and what is wrong with the others; no example is run."""
    if not root.exists():
        return [], [RuleError("there is no such file or folder", file=str(root))]
    found: dict[str, RuleFile] = {}
    errors: list[RuleError] = []
    for path, file in _rule_files(root):
        try:
            one = _read_one(path, file, names, errors)
        except RuleError as error:
            errors.append(error)
            continue
        if one is None:
            continue
        if one.rule.id in found:
            other = found[one.rule.id].document.file
            errors.append(one.document.error(("id",), f"{one.rule.id!r} is also in {other}"))
        found.setdefault(one.rule.id, one)
    return list(found.values()), errors


def _read_one(
    path: Path, file: str, names: mappings.Names, errors: list[RuleError]
) -> RuleFile | None:
    """One rule file; `None` when there are errors, which are appended."""
    if path.suffix != document.SUFFIX:
        raise RuleError(f"rule files end in {document.SUFFIX}", file=file)
    parsed = document.read(path, file)
    wrong = _errors(check.structure(parsed.data), parsed)
    if not wrong:
        rule = msgspec.convert(parsed.data, Rule)
        wrong = _errors(check.meaning(rule, path.stem, names), parsed)
        if not wrong:
            return RuleFile(rule, parsed)
    errors.extend(wrong)
    return None


def _whole(root: Path) -> Path:
    """A list or a table of ids is checked with the rules that it belongs to."""
    folder = root.parent if root.is_file() else root
    return folder.parent if folder.name in _NOT_RULES else root


def _rule_files(root: Path) -> Iterator[tuple[Path, str]]:
    """The rule files below a folder with the names that messages give them, in order."""
    if root.is_file():
        yield root, root.name
        return
    for path in sorted({*sources(root, document.SUFFIX), *sources(root, ".yml")}):
        relative = path.relative_to(root)
        if relative.parts[0] not in _NOT_RULES:
            yield path, f"{root.name}/{relative.as_posix()}"


def _errors(problems: Iterable[Problem], parsed: document.Document) -> list[RuleError]:
    return [parsed.error(each.where, each.message, each.hint) for each in problems]
