"""Build hook: puts the rules and manifests into the wheel, checked and compiled.

A broken rule or manifest stops the build. The compiled forms are made in a temporary folder and
named to hatchling one by one: nothing is written into the checkout, where a stale compiled file
would shadow edited sources. The same sources always give the same bytes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_DATA = "modelscan/_data"


class DataBuildHook(BuildHookInterface[Any]):
    """Adds `modelscan/_data` to wheels; an editable install uses the checkout's own folders."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the data and add it to the files of the wheel."""
        if self.target_name != "wheel" or version == "editable":
            return
        self._temporary = tempfile.TemporaryDirectory()
        build_data["force_include"].update(_data_files(Path(self.root), Path(self._temporary.name)))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary folder once the wheel is written."""
        del version, build_data, artifact_path
        if hasattr(self, "_temporary"):
            self._temporary.cleanup()


def _data_files(root: Path, target: Path) -> dict[str, str]:
    """Each file to add, and its place in the wheel.

    Args:
        root: the checkout, or an unpacked source distribution.
        target: an empty folder for the compiled forms.
    """
    sys.path.insert(0, str(root))  # the package that is being built is not installed yet
    try:
        from modelscan import _resources
        from modelscan.engine import catalogue
        from modelscan.lineage import shipped
        from modelscan.verifier import compiling, index
    finally:
        sys.path.remove(str(root))
    files: dict[str, str] = {}
    for kind, suffix, version, compile_sources in (
        (catalogue.KIND, catalogue.SUFFIX, catalogue.VERSION, catalogue.compile_rules),
        (compiling.KIND, compiling.SUFFIX, index.VERSION, compiling.compile_manifests),
    ):
        folder = root / kind
        for path in _resources.sources(folder, suffix):
            files[str(path)] = f"{_DATA}/{kind}/{path.relative_to(folder).as_posix()}"
        compiled = target / _resources.compiled_name(kind, version)
        compiled.write_bytes(compile_sources(folder))
        files[str(compiled)] = f"{_DATA}/{compiled.name}"
    for path in _resources.sources(root / compiling.KIND, shipped.SUFFIX):
        files[str(path)] = f"{_DATA}/{path.relative_to(root).as_posix()}"
    return files
