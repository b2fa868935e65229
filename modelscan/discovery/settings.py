"""Settings of one line each: `.env`, `.ini`, `.properties`, Terraform, and text that is no YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.discovery import keys, shelltext
from modelscan.discovery.finder import CodeFile
from modelscan.discovery.mention import Mention
from modelscan.discovery.shellwords import Variables, Word, expand
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.reference import Certainty

_EXTENSIONS: Final = frozenset(
    {".env", ".ini", ".cfg", ".conf", ".properties", ".tf", ".tfvars", ".hcl", ".envrc"}
)
_ENV: Final = re.compile(r"(?:.*\.)?env(?:\..+)?$|\.env.*|env\.(?:example|sample|template|local)")
_LINE: Final = re.compile(
    r"""^[ \t]*(?:-[ \t]+)?(?:export[ \t]+|set[ \t]+)?["']?(?P<key>[A-Za-z_][\w.-]*)["']?[ \t]*
        (?:=|:(?=[ \t]))[ \t]*(?P<value>"[^"\n]*"|'[^'\n]*'|[^\s#,;][^\n#,;]*?)[ \t]*
        (?:[,;][ \t]*)?(?:[ \t]\#[^\n]*)?$""",
    re.VERBOSE,
)
_TEMPLATE: Final = re.compile(r"\{\{|\$\{|\$\(|\$\w")


class SettingsFinder:
    """Files of one setting a line."""

    def kind(self, file: CodeFile) -> str | None:
        """See `Finder.kind`."""
        if _ENV.fullmatch(file.lower) and file.extension not in {".py", ".js", ".ts", ".json"}:
            return "env"
        if file.lower == ".gitmodules":
            return "gitmodules"
        if file.extension in {".tf", ".tfvars", ".hcl"}:
            return "terraform"
        return "settings" if file.extension in _EXTENSIONS else None

    def find(self, file: CodeFile) -> Iterator[Mention | Coverage]:
        """See `Finder.find`."""
        if self.kind(file) == "gitmodules":
            yield from _submodules(file.text)
            return
        yield from lines(file.text, file, "declared")


def lines(text: str, file: CodeFile, certainty: Certainty = "inferred") -> Iterator[Mention]:
    """Models in `key = value` and `key: value`, line by line.

    Raises:
        BudgetError: too many lines.
    """
    text = text[: shelltext.LONGEST]
    variables = Variables()
    rows: list[tuple[str, str, Word, int]] = []
    table: dict[Any, Any] = {}
    for number, row in enumerate(text.split("\n"), start=1):
        if not number % 1000:
            file.budget.step(1000)
        if len(row) > 2_000 or row.lstrip().startswith(("#", ";", "//")):  # noqa: PLR2004  # no setting is as long
            continue
        found = _LINE.match(row)
        if found is None:
            continue
        raw = found["value"]
        word = expand(raw, variables, number) if "$" in raw else Word(raw.strip("\"'"), line=number)
        variables[found["key"]] = word
        table[found["key"]] = word.text
        rows.append((found["key"], raw, word, number))
    for key, _, word, number in rows:
        role = keys.role(key)
        if role is None:
            continue
        known = word.known and not _TEMPLATE.search(word.text)
        if not known and role.strict:
            continue
        how: Certainty = certainty if word.sure else "inferred"
        revision = keys.revision_of(table, key)
        yield Mention(
            word.text,
            number,
            role.usual,
            how if known else "unresolved",
            revision if known else None,
            strict=role.strict,
        )
    yield from shelltext.address_mentions(text)


def _submodules(text: str) -> Iterator[Mention]:
    """Repositories of the hub that are submodules."""
    for number, row in enumerate(text.split("\n"), start=1):
        key, _, value = row.partition("=")
        if key.strip() == "url":
            address = value.strip()
            if "huggingface.co" in address or "hf.co" in address:
                yield Mention(address, number, "hub")
