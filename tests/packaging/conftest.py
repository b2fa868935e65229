"""The wheel and the source distribution of this checkout, and an environment with the wheel in it.

Everything works without network: building uses the hatchling that runs here, and the environment
sees the libraries that the wheel declares, and theirs, through links to the ones that are installed
here. It sees nothing else, so that an undeclared library would be missed as it would be elsewhere.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement

from tools import interop


class Built(NamedTuple):
    sources: Path
    wheel: Path
    sdist: Path


class Installed(NamedTuple):
    bin: Path
    site: Path
    home: Path
    libraries: Path

    def run(self, *command: str | Path, code: int = 0, path: str = "") -> str:
        """Run a program of the environment in an empty folder; returns what it printed."""
        environment = {"HOME": str(self.home), "PATH": os.defpath}
        if path:
            environment["PYTHONPATH"] = path
        words = [str(word) for word in command]
        words[0] = str(self.bin / words[0])
        done = subprocess.run(
            words, cwd=self.home, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    sources = interop.copy_checkout(folder / "checkout")
    return Built(
        sources,
        interop.build(sources, folder / "wheel", "wheel"),
        interop.build(sources, folder / "sdist", "sdist"),
    )


@pytest.fixture(scope="session")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    environment = interop.Environment(folder / "env", pip=False)
    pip_install(built.wheel, python=environment.bin / "python")
    (site,) = environment.folder.glob("[Ll]ib/**/site-packages")
    (ours,) = metadata.distributions(path=[str(site)])
    libraries = folder / "libraries"
    libraries.mkdir()
    link_libraries(ours, libraries)
    (site / "libraries.pth").write_text(f"{libraries}\n")
    home = folder / "home"
    home.mkdir()
    return Installed(environment.bin, site, home, libraries)


def pip_install(file: Path, *options: str | Path, python: Path = Path(sys.executable)) -> None:
    """Install one file, without network and without what it requires."""
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check"]
    how = ["install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    interop.run([*pip, "--python", python, *how, *options, file])


def link_libraries(distribution: metadata.Distribution, folder: Path) -> None:
    """Link what a distribution requires, and what that requires, into a folder."""
    waiting = [Requirement(line) for line in distribution.requires or ()]
    done: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        if requirement.name in done or not _wanted(requirement):
            continue
        done.add(requirement.name)
        library = metadata.distribution(requirement.name)
        waiting += [Requirement(line) for line in library.requires or ()]
        tops = {file.parts[0] for file in library.files or ()} - {"..", "__pycache__"}
        for top in tops:
            if not (folder / top).exists():
                (folder / top).symlink_to(str(library.locate_file(top)))


def _wanted(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})
