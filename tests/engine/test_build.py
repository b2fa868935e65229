"""The build hook: what goes into a wheel, and what stays out of the checkout."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from modelscan._resources import compiled_name
from modelscan.engine import catalogue
from modelscan.errors import RuleError
from modelscan.verifier import index

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    specification = importlib.util.spec_from_file_location("hook", ROOT / "tools/hatch_build.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def build(hook: ModuleType, root: Path, target: Path) -> dict[str, Path]:
    target.mkdir()
    return {place: Path(path) for path, place in hook._data_files(root, target).items()}


def test_sources_and_compiled_forms_are_added_and_equal_each_time(
    hook: ModuleType, tmp_path: Path
) -> None:
    one = build(hook, ROOT, tmp_path / "one")
    two = build(hook, ROOT, tmp_path / "two")
    assert f"modelscan/_data/{compiled_name('rules', catalogue.VERSION)}" in one
    assert f"modelscan/_data/{compiled_name('manifests', index.VERSION)}" in one
    assert "modelscan/_data/rules/mappings/cwe.yaml" in one
    assert one.keys() == two.keys()
    assert all(one[place].read_bytes() == two[place].read_bytes() for place in one)
    assert not (ROOT / "modelscan" / "_data").exists()


def test_a_broken_rule_stops_the_build(hook: ModuleType, tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "rules", root / "rules")
    (root / "manifests").mkdir()
    (root / "rules" / "files" / "broken-link.yaml").write_text("id: broken-link\n")
    with pytest.raises(RuleError, match="broken-link"):
        build(hook, root, tmp_path / "target")
