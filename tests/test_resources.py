from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelscan import _resources
from modelscan.errors import ModelAssayError


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one rule, and a cache of its own."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("one")
    (tmp_path / "pyproject.toml").write_text('name = "modelassay"')
    monkeypatch.setattr(_resources, "_CHECKOUT", tmp_path)
    monkeypatch.setattr(_resources, "_SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr(_resources, "_cache_folder", lambda: tmp_path / "cache")
    return tmp_path


class Compiler:
    """Joins the sources, and counts how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, root: Path) -> bytes:
        self.calls += 1
        return b"".join(path.read_bytes() for path in _resources.sources(root, ".yaml"))


def _compiled(compiler: Compiler, version: int = 1) -> bytes:
    return bytes(_resources.compiled("rules", ".yaml", version, compiler)[:])


def test_sources_are_compiled_once_and_again_when_they_change(checkout: Path) -> None:
    compiler = Compiler()
    assert [_compiled(compiler), _compiled(compiler)] == [b"one", b"one"]
    assert compiler.calls == 1
    (checkout / "rules" / "a.yaml").write_text("two!")
    assert _compiled(compiler) == b"two!"
    (checkout / "rules" / "b.yaml").write_text("three")
    assert _compiled(compiler) == b"two!three"
    os.utime(checkout / "rules" / "b.yaml", (1, 1))
    _compiled(compiler)
    assert compiler.calls == 4


@pytest.mark.usefixtures("checkout")
def test_another_version_never_reads_an_older_file() -> None:
    compiler = Compiler()
    _compiled(compiler, 1)
    _compiled(compiler, 2)
    assert compiler.calls == 2


def test_without_a_cache_it_is_compiled_each_time(checkout: Path) -> None:
    (checkout / "cache").write_text("a file where the folder should be")
    compiler = Compiler()
    assert [_compiled(compiler), _compiled(compiler)] == [b"one", b"one"]
    assert compiler.calls == 2


def test_a_wheel_uses_what_was_built_into_it(checkout: Path) -> None:
    (checkout / "shipped").mkdir()
    (checkout / "shipped" / _resources.compiled_name("rules", 1)).write_bytes(b"shipped")
    compiler = Compiler()
    assert _compiled(compiler) == b"shipped"
    assert compiler.calls == 0


@pytest.mark.parametrize("project", [None, 'name = "something-else"'])
def test_a_folder_beside_the_package_is_ours_only_in_our_checkout(
    checkout: Path, project: str | None
) -> None:
    (checkout / "pyproject.toml").unlink()
    if project:
        (checkout / "pyproject.toml").write_text(project)
    with pytest.raises(ModelAssayError, match="lacks its rules"):
        _resources.folder("rules")


def test_the_source_digest_binds_names_and_bytes(checkout: Path) -> None:
    root = checkout / "rules"
    first = _resources.source_digest(root, ".yaml")
    (root / "a.yaml").rename(root / "b.yaml")
    second = _resources.source_digest(root, ".yaml")
    (root / "b.yaml").write_text("two")
    assert len({first, second, _resources.source_digest(root, ".yaml")}) == 3
