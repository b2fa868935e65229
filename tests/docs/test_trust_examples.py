"""The configurations on the pages about origin are configurations."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from modelscan.policy.document import parse

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"```toml\n(.*?)```", re.DOTALL)
EXAMPLES = [
    (page, text)
    for page in ("verify.md", "manifests.md")
    for text in BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("page", "text"), EXAMPLES)
def test_an_example_is_read(page: str, text: str) -> None:
    found = parse(Path(page), text.encode()).configuration
    assert found.trust or found.manifests


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3
