from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.interop import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^ ]+)(?P<rest>( ;.*)? \\\n(    --hash.*\n)+)")


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports anywhere in it, by the first part of their name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            yield (node.module or "").partition(".")[0]


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def test_the_package_imports_nothing_but_what_it_declares() -> None:
    """Lazy imports included. A library's own libraries are not ours to import."""
    extras = [line for extra, lines in EXTRAS.items() if extra != "dev" for line in lines]
    declared = names([*PROJECT["project"]["dependencies"], *extras])
    providers = metadata.packages_distributions()
    unknown = {
        module: path.name
        for path in (ROOT / "modelscan").rglob("*.py")
        for module in imported(path)
        if module not in sys.stdlib_module_names and module != "modelscan"
        if declared.isdisjoint(map(canonicalize_name, providers.get(module, ())))
    }
    assert unknown == {}


def test_everything_that_is_declared_is_imported() -> None:
    providers = metadata.packages_distributions()
    used = {
        canonicalize_name(name)
        for path in (ROOT / "modelscan").rglob("*.py")
        for module in imported(path)
        for name in providers.get(module, ())
    }
    assert names(PROJECT["project"]["dependencies"]) - used == set()


def test_building_asks_for_what_the_build_hook_imports() -> None:
    assert names(PROJECT["build-system"]["requires"]) >= {
        "hatchling", "msgspec", "platformdirs", "pyyaml"
    }  # fmt: skip


def test_the_lock_holds_all_that_is_asked_for() -> None:
    """When this fails: `make requirements`."""
    asked = [*PROJECT["build-system"]["requires"], *PROJECT["project"]["dependencies"]]
    asked += [line for lines in EXTRAS.values() for line in lines]
    pins = PIN.finditer((ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8"))
    locked = {pin["name"]: pin["version"] for pin in pins}
    wrong = [
        line
        for line in asked
        for requirement in [Requirement(line)]
        if not requirement.specifier.contains(
            locked.get(canonicalize_name(requirement.name), "0"), prereleases=True
        )
        or canonicalize_name(requirement.name) not in locked
    ]
    assert wrong == []


def test_every_pin_has_its_digests_and_a_lock_holds_nothing_else() -> None:
    assert [path.name for path in LOCKS] == ["dev.txt", "model.txt", "run.txt"]
    for path in LOCKS:
        text = path.read_text(encoding="utf-8")
        rest = PIN.sub("", text)
        assert [line for line in rest.splitlines() if line and not line.startswith("#")] == []
        assert re.sub(r"--hash=sha256:[0-9a-f]{64}", "", text).count("--hash") == 0
        assert "://" not in text
        assert "--index" not in text
