from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from modelscan._about import VERSION
from tests.forge import models
from tests.packaging.conftest import Built, Installed, pip_install
from tools.interop import EVERY_HELP

MODULE = (Path(sys.executable), "-m", "modelscan")
"""Run with another path: the interpreter of the tests, which finds what that path holds."""


def doctor(installed: Installed) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(installed.run("modelassay", "doctor", "-f", "json"))
    return found


def test_every_command_shows_its_help(installed: Installed) -> None:
    shown = installed.run("python", "-c", EVERY_HELP)
    for line in ("$\n", "$ scan\n", "$ rules lint\n", "$ doctor\n"):
        assert line in shown
    assert shown.count("Usage: modelassay") == shown.count("$")


def test_the_command_and_the_module_both_start(installed: Installed) -> None:
    assert installed.run("modelassay", "--version") == f"modelassay {VERSION}\n"
    assert installed.run("python", "-m", "modelscan", "--version") == f"modelassay {VERSION}\n"


def test_a_scan_finds_what_is_planted_and_passes_the_rest(installed: Installed) -> None:
    good = models.plain(installed.home / "good")
    bad = models.plain(installed.home / "bad")
    (bad / "pytorch_model.bin").write_bytes(models.ECHO)
    assert "none-found" in installed.run("modelassay", "scan", good)
    assert "posix.system" in installed.run("modelassay", "scan", bad, code=1)


def test_the_data_is_the_one_inside_the_package(installed: Installed) -> None:
    (installed.site / "rules").mkdir(exist_ok=True)  # any package could bring such a folder
    found = doctor(installed)
    assert found["installation"] == "wheel"
    assert found["problems"] == []
    assert found["package"] == [str(installed.site / "modelscan")]
    for item in found["data"]:
        assert item["folder"] == str(installed.site / "modelscan" / "_data" / item["kind"])
        assert all(item["counts"].values())
    assert "0 failed" in installed.run("modelassay", "rules", "test")
    assert "no errors" in installed.run("modelassay", "rules", "lint")


def test_a_wheel_writes_no_cache(installed: Installed) -> None:
    good = models.plain(installed.home / "good")
    installed.run("modelassay", "scan", good)
    assert not list(installed.home.rglob("modelassay"))


def test_damage_to_the_installation_is_found(installed: Installed) -> None:
    victim = installed.site / "modelscan" / "_data" / "rules" / "files" / "broken-link.yaml"
    kept = victim.read_bytes()
    victim.write_bytes(kept.replace(b"severity: ", b"severity:  "))
    try:
        said = installed.run("modelassay", "doctor", code=2)
    finally:
        victim.write_bytes(kept)
    assert "not as installed: modelscan/_data/rules/files/broken-link.yaml" in said
    assert "do not belong to the rule files" in said


def test_a_target_folder_works_too(built: Built, installed: Installed, tmp_path: Path) -> None:
    pip_install(built.wheel, "--target", tmp_path)
    (tmp_path / "planted.pkl").write_bytes(models.ECHO)
    path = f"{tmp_path}:{installed.libraries}"
    said = installed.run(*MODULE, "scan", tmp_path / "planted.pkl", code=1, path=path)
    assert "posix.system" in said


def test_it_works_beside_another_package_of_the_same_name(
    built: Built, installed: Installed, tmp_path: Path
) -> None:
    """With the other's `__init__.py`, and with none; `make interop` installs the real one."""
    pip_install(built.wheel, "--target", tmp_path)
    path = f"{tmp_path}:{installed.libraries}"
    shared = tmp_path / "modelscan" / "__init__.py"
    (tmp_path / "modelscan" / "_version.py").write_text('__version__ = "0.8.8"\n')
    shared.write_text("from modelscan._version import __version__\n")
    assert "0 failed" in installed.run(*MODULE, "rules", "test", path=path)
    shared.unlink()
    assert "0 failed" in installed.run(*MODULE, "rules", "test", path=path)
