from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

from modelscan import _neighbour
from modelscan._about import NAME
from tests.forge.installations import install

RESERVED = {
    "_version", "cli", "error", "issues", "model", "modelscan", "reports", "settings", "skip",
    "middlewares", "scanners", "tools",
}  # fmt: skip
"""What the other project calls its modules."""

OURS = {
    "modelscan/__init__.py": b"ours",
    "modelscan/_about.py": b"about",
    "modelscan/_data/a,b.yaml": b"quoted",
}
THEIRS = {"modelscan/__init__.py": b"theirs", "modelscan/cli.py": b"cli"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which Python looks for distributions, besides its own."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), sysconfig.get_path("stdlib")])
    return folder


def install_ours(site: Path) -> Path:
    install(site, NAME, OURS, record="modelscan/__pycache__/_about.cpython.pyc,,\n")
    return site / "modelscan"


def test_none_of_our_modules_has_a_name_of_the_neighbour() -> None:
    package = Path(_neighbour.__file__).parent
    assert RESERVED.isdisjoint(path.stem for path in package.iterdir())


def test_nothing_installed(site: Path) -> None:
    around = _neighbour.look(site / "modelscan")
    assert around.version is None
    assert not around.editable
    assert list(map(len, (around.neighbours, around.missing, around.changed))) == [0, 0, 0]
    assert around.elsewhere is None


def test_a_sound_installation(site: Path) -> None:
    around = _neighbour.look(install_ours(site))
    assert around.version == "1.0"
    assert not around.editable
    assert list(map(len, (around.neighbours, around.missing, around.changed))) == [0, 0, 0]
    assert around.elsewhere is None


@pytest.mark.parametrize("ours_first", [True, False])
def test_a_neighbour_shares_one_file_in_either_order(site: Path, ours_first: bool) -> None:
    if ours_first:
        package = install_ours(site)
        install(site, "modelscan", THEIRS, "0.8.8")
    else:
        install(site, "modelscan", THEIRS, "0.8.8")
        package = install_ours(site)
    around = _neighbour.look(package)
    assert around.neighbours == (_neighbour.Neighbour("modelscan", "0.8.8", 2),)
    assert [*around.missing, *around.changed] == []


def test_the_shared_file_may_be_gone(site: Path) -> None:
    package = install_ours(site)
    (package / "__init__.py").unlink()
    assert _neighbour.look(package).missing == ()


def test_damage_is_named(site: Path) -> None:
    package = install_ours(site)
    (package / "_about.py").write_bytes(b"someone else's")
    (package / "_data" / "a,b.yaml").unlink()
    around = _neighbour.look(package)
    assert around.changed == ("modelscan/_about.py",)
    assert around.missing == ("modelscan/_data/a,b.yaml",)


def test_any_distribution_that_brings_the_package_is_a_neighbour(site: Path) -> None:
    package = install_ours(site)
    install(site, "stranger", {"modelscan/plugin.py": b""})
    install(site, "bystander", {"modelscanner/__init__.py": b""})
    assert [item.name for item in _neighbour.look(package).neighbours] == ["stranger"]


def test_editable_installs_have_no_files(site: Path) -> None:
    install(site, NAME, {})
    install(site, "modelscan", {})
    around = _neighbour.look(site / "modelscan")
    assert around.editable
    assert around.neighbours == (_neighbour.Neighbour("modelscan", "1.0", 0),)


def test_running_from_another_folder_than_the_installed(site: Path, tmp_path: Path) -> None:
    package = install_ours(site)
    assert _neighbour.look(tmp_path / "checkout" / "modelscan").elsewhere == package


def test_broken_metadata_is_no_error(site: Path) -> None:
    package = install_ours(site)
    (site / "empty-1.0.dist-info").mkdir()
    (install(site, "bytes", {}) / "RECORD").write_bytes(b"\xff\xfe\n")
    nameless = install(site, "nameless", {"modelscan/x.py": b""})
    (nameless / "METADATA").write_text("")
    (nameless / "RECORD").write_text("modelscan/x.py\n")
    around = _neighbour.look(package)
    assert [(item.name, item.files) for item in around.neighbours] == [
        ("a distribution without a name", 1)
    ]


def test_the_folders_of_a_package_that_is_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    spread = ModuleType("modelscan")
    spread.__path__ = ["one", "two"]
    monkeypatch.setitem(sys.modules, "modelscan", spread)
    assert _neighbour.look().folders == (Path("one"), Path("two"))
    monkeypatch.delitem(sys.modules, "modelscan")
    assert _neighbour.look(Path("three")).folders == (Path("three"),)
