"""One file or a few, read for models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelscan.discovery.inventory import take
from modelscan.vocabulary.reference import Inventory, Reference
from tests.forge import codebases

Find = Callable[..., list[Reference]]
Look = Callable[..., Inventory]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Write files given by name, and take the inventory of their folder."""

    def call(files: dict[str, str | bytes], **options: object) -> Inventory:
        for name, content in files.items():
            if isinstance(content, bytes):
                path = tmp_path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            else:
                codebases.write(tmp_path, name, content.replace("%", "%%"))
        return take([tmp_path], **options)  # type: ignore[arg-type]  # keywords of `take`

    return call


@pytest.fixture
def find(look: Look) -> Find:
    """The references in one file."""

    def call(name: str, text: str | bytes, **others: str) -> list[Reference]:
        found = look({name: text, **others}).references
        return [each for each in found if each.where.file == name]

    return call


def refs(found: list[Reference]) -> list[str]:
    """The references alone, in the order of their lines."""
    return [each.ref for each in sorted(found, key=lambda each: (each.where.line, each.ref))]
