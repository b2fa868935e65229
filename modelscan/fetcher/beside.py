"""What else lies in a folder that is a store: none can be made to look like one to hide files.

A folder with a few more files in it is an image layout or an Ollama store for us, and for another
program a model with a pickle. So whatever no manifest leads to is read as in any folder.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from modelscan.fetcher.local import LocalFile, list_folder
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.snapshot import Source, SourceFile

_FOLDER = "folder/"
"""Where a file goes whose name a part of a package has taken."""


class Beside(NamedTuple):
    """The rest of a folder."""

    files: list[SourceFile]
    facts: tuple[Fact, ...]
    coverage: tuple[Coverage, ...]


def beside(folder: Path, used: Collection[str], taken: Collection[str]) -> Beside:
    """List what lies in a folder beside the blobs of its packages.

    Args:
        folder: an absolute path without links.
        used: paths in it that are parts of packages, with forward slashes.
        taken: names that those parts go by.

    Raises:
        SourceError: the folder cannot be listed.
    """
    listed = list_folder(folder, root=folder, ref="", source=Source(kind="directory"))
    names = {file.name for file in listed.files}
    files: list[SourceFile] = []
    for file in listed.files:
        if file.name in used:
            continue
        name = file.name
        while name in taken or (name != file.name and name in names):
            name = _FOLDER + name
        files.append(file if name == file.name else LocalFile(name, folder / file.name, file.size))
    return Beside(files, listed.facts, listed.coverage)
