from __future__ import annotations

import os
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from modelscan._about import NAME, VERSION
from modelscan._resources import compiled_name
from modelscan.engine import catalogue
from modelscan.verifier import compiling, index
from tests.packaging.conftest import Built
from tools import interop


def test_the_wheel_holds_the_package_and_its_data_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = set(archive.namelist())
    rules = built.sources / "rules"
    shipped = {f"modelscan/_data/rules/{path.relative_to(rules)}" for path in rules.rglob("*.yaml")}
    assert shipped <= names
    for name in (
        compiled_name(catalogue.KIND, catalogue.VERSION),
        compiled_name(compiling.KIND, index.VERSION),
    ):
        assert f"modelscan/_data/{name}" in names
    assert "modelscan/py.typed" in names
    assert {name.partition("/")[0] for name in names} == {
        "modelscan",
        f"{NAME}-{VERSION}.dist-info",
    }
    assert not [name for name in names if name.endswith((".pyc", ".so"))]


def test_the_wheel_fits_every_platform_and_brings_one_command(built: Built) -> None:
    assert built.wheel.name == f"{NAME}-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(built.wheel) as archive:
        folder = f"{NAME}-{VERSION}.dist-info"
        commands = archive.read(f"{folder}/entry_points.txt").decode()
        metadata = message_from_bytes(archive.read(f"{folder}/METADATA"))
        assert f"{folder}/licenses/LICENSE" in archive.namelist()
    assert commands.split() == ["[console_scripts]", NAME, "=", "modelscan.__main__:main"]
    assert metadata["Name"] == NAME
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_source_distribution_holds_all_that_a_packager_needs(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for needed in (
        "pyproject.toml", "Makefile", "mkdocs.yml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md",
        "SECURITY.md", "requirements/dev.txt", "tools/hatch_build.py", "tools/interop.py",
        "tests/packaging/test_build.py", "modelscan/pipeline.py", "rules/mappings/cwe.yaml",
    ):  # fmt: skip
        assert needed in names
    assert not [name for name in names if "/_data/" in name or name.endswith(".pyc")]


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_two_builds_are_equal_byte_for_byte(built: Built, tmp_path: Path, kind: str) -> None:
    """Built in another folder, from files of another age, with other permissions for new files."""
    sources = interop.copy_checkout(tmp_path / "another" / "place", sources=built.sources)
    for path in sources.rglob("*"):
        os.utime(path, (1, 1_000_000_000))
    old = os.umask(0o077)
    try:
        again = interop.build(sources, tmp_path / "dist", kind)
    finally:
        os.umask(old)
    first = built.wheel if kind == "wheel" else built.sdist
    assert again.name == first.name
    assert again.read_bytes() == first.read_bytes()


def test_the_wheel_of_the_source_distribution_is_the_same(built: Built, tmp_path: Path) -> None:
    # As a program: the argument `filter` is missing in Python 3.11.3, and must be given in 3.14.
    interop.run([sys.executable, "-m", "tarfile", "--extract", built.sdist, tmp_path / "sdist"])
    (sources,) = (tmp_path / "sdist").iterdir()
    again = interop.build(sources, tmp_path / "dist", "wheel")
    assert again.read_bytes() == built.wheel.read_bytes()


def test_no_path_of_this_machine_is_in_what_is_published(built: Built) -> None:
    home, here = str(Path.home()).encode(), str(interop.ROOT).encode()
    with zipfile.ZipFile(built.wheel) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            assert here not in data, name
            assert home + b"/" not in data, name
