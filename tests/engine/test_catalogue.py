from __future__ import annotations

from pathlib import Path

import pytest

from modelscan import _resources
from modelscan.engine import catalogue, document
from modelscan.errors import RuleError
from tests.forge import rulebook


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setattr(_resources, "_cache_folder", lambda: folder)
    return folder


def test_the_shipped_rules_load_and_are_compiled_once(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = catalogue.load()
    assert first.rules
    assert len(list(own_cache.iterdir())) == 1
    monkeypatch.setattr(document, "read", None)  # from here on no YAML is parsed
    assert catalogue.load() == first


def test_the_compiled_form_is_the_same_every_time_and_names_its_sources() -> None:
    root = _resources.folder("rules")
    assert catalogue.compile_rules(root) == catalogue.compile_rules(root)
    assert catalogue.load().digest == _resources.source_digest(root, ".yaml")


def test_a_damaged_compiled_form_is_an_error(own_cache: Path) -> None:
    catalogue.load()
    for path in own_cache.iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(RuleError, match="damaged"):
        catalogue.load()


def test_a_users_folder_adds_rules_and_names(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    rulebook.write(mine)
    rulebook.pickle_globals(mine, "modules: {mine.module: {Thing: data-class}}")
    shipped, both = catalogue.load(), catalogue.load([mine])
    assert both.rules.keys() == shipped.rules.keys() | {"test-rule"}
    assert both.lists.pickle_globals.disposition("mine.module", "Thing") == "data-class"
    assert both.digest != shipped.digest


def test_an_id_that_is_shipped_cannot_be_taken(tmp_path: Path) -> None:
    taken = next(iter(catalogue.load().rules))
    rulebook.write(tmp_path / "mine", id=taken)
    with pytest.raises(RuleError, match="exists already"):
        catalogue.load([tmp_path / "mine"])


def test_a_broken_or_missing_folder_stops_everything(tmp_path: Path) -> None:
    rulebook.write(tmp_path / "mine", title="")
    with pytest.raises(RuleError, match="must not be empty"):
        catalogue.load([tmp_path / "mine"])
    with pytest.raises(RuleError, match="no such folder"):
        catalogue.load([tmp_path / "gone"])
