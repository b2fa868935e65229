from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.engine.mappings import load_mappings
from modelscan.errors import RuleError


def write(folder: Path, **tables: str) -> Path:
    sound = {
        "atlas": "source: s\nids: {AML.T0010: A}\nnewer: {source: t, ids: {AML.T0200: B}}",
        "owasp-llm": "source: s\nids: {'LLM01:2026': A}",
        "cwe": "source: s\nids: {CWE-1: A}",
    }
    for name, text in (sound | tables).items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_newer_ids_count_too(tmp_path: Path) -> None:
    names = load_mappings(write(tmp_path))
    assert names["atlas"] == {"AML.T0010": "A", "AML.T0200": "B"}
    assert names["cwe"] == {"CWE-1": "A"}


@pytest.mark.parametrize(
    "text",
    ["ids: {CWE-1: A}", "source: s\nids: {CWE1: A}", "source: s\nids: {CWE-1: 1}", "[]"],
)
def test_a_broken_table_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(RuleError, match=r"mappings/cwe\.yaml"):
        load_mappings(write(tmp_path, cwe=text))


def test_a_missing_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="cannot be read"):
        load_mappings(tmp_path)
