"""The public taxonomies that rules refer to: ids and names only, from `rules/mappings/`.

Read at lint and build time, so that no rule names an id that its taxonomy does not have. Every
table says where it was read; ids of a newer edition stand apart, under `newer`, with a source of
their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from modelscan._resources import folder
from modelscan.engine import document
from modelscan.engine.conditions import Problem
from modelscan.errors import RuleError, did_you_mean
from modelscan.vocabulary.rule import Maps

FOLDER = "mappings"
"""Name of the folder below the rules."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    ids: dict[str, str]


class _Mapping(_Table, frozen=True, forbid_unknown_fields=True):
    newer: _Table | None = None


class _Taxonomy(NamedTuple):
    file: str
    pattern: re.Pattern[str]
    shape: str


TAXONOMIES: Mapping[str, _Taxonomy] = {
    "atlas": _Taxonomy(
        "atlas.yaml", re.compile(r"AML\.T\d{4}(?:\.\d{3})?"), "AML.T0010 or AML.T0010.003"
    ),
    "owasp_llm": _Taxonomy(
        "owasp-llm.yaml", re.compile(r"LLM\d\d:20\d\d"), "LLM04:2026, with the edition"
    ),
    "cwe": _Taxonomy("cwe.yaml", re.compile(r"CWE-[1-9]\d*"), "CWE-502"),
}
"""Each taxonomy under the field of `Maps` that holds its ids."""

Names = Mapping[str, Mapping[str, str]]
"""The name of each id, by taxonomy."""


def load_mappings(root: Path) -> Names:
    """The tables in a folder.

    Raises:
        RuleError: a table is missing or broken.
    """
    names: dict[str, dict[str, str]] = {}
    for key, taxonomy in TAXONOMIES.items():
        parsed = document.read(root / taxonomy.file, f"{FOLDER}/{taxonomy.file}")
        try:
            table = msgspec.convert(parsed.data, _Mapping)
        except msgspec.ValidationError as error:
            raise RuleError(str(error), file=parsed.file) from error
        names[key] = {**table.ids, **(table.newer.ids if table.newer else {})}
        for entry in names[key]:
            if not taxonomy.pattern.fullmatch(entry):
                raise RuleError(f"{entry!r} is no id of this taxonomy", file=parsed.file)
    return names


def shipped() -> Names:
    """The tables that come with the shipped rules."""
    return load_mappings(folder(document.KIND) / FOLDER)


def check(maps: Maps, names: Names) -> Iterator[Problem]:
    """Ids of a rule that are malformed or that their taxonomy does not have."""
    for key, taxonomy in TAXONOMIES.items():
        for index, entry in enumerate(getattr(maps, key)):
            where = ("maps", key, index)
            if not taxonomy.pattern.fullmatch(entry):
                yield Problem(where, f"{entry!r} is not written like {taxonomy.shape}")
            elif entry not in names[key]:
                hint = did_you_mean(entry, names[key]) or f"add it to {FOLDER}/{taxonomy.file}"
                yield Problem(where, f"unknown id {entry!r}", hint)
