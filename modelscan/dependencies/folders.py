"""Which folders are models: weights alone make none, since applications keep files of weights, too.

A folder is a model when a file that loaders look for says so, or when code names it. Anything else
is locked file by file, so that a change to the application's own code is no change of a model.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Final

from modelscan.discovery.walking import Tree
from modelscan.errors import ReadError
from modelscan.vocabulary.reference import ModelFile

_CERTAIN: Final = frozenset(
    {"model_index.json", "adapter_config.json", "modules.json", "tokenizer_config.json",
     "generation_config.json", "saved_model.pb", "MLmodel", "tokenizer.model",
     "model.safetensors.index.json", "pytorch_model.bin.index.json", "preprocessor_config.json"}
)  # fmt: skip
_CONFIG: Final = "config.json"
_KEYS: Final = (b'"architectures"', b'"model_type"', b'"_class_name"', b'"auto_map"')
"""One of them stands in the configuration of a model, and in that of hardly anything else."""
_LONGEST: Final = 1 << 20
_CACHE: Final = "models--"


def marked(tree: Tree) -> frozenset[str]:
    """Folders below a path that are models by a file in them; the path itself is never one."""
    found: set[str] = set()
    for file in tree.files:
        folder, _, name = file.path.rpartition("/")
        if not folder or folder in found:
            continue
        if name in _CERTAIN:
            found.add(folder)
        elif name == _CONFIG:
            try:
                data = tree.read(file, _LONGEST)
            except ReadError:
                continue  # whoever reads the code base says so
            if any(key in data for key in _KEYS):
                found.add(folder)
    return frozenset(found)


def models(artifacts: Iterable[ModelFile], folders: Iterable[str]) -> tuple[str, ...]:
    """The local models that these files of weights belong to: folders, or single files.

    Args:
        artifacts: files of weights, wherever they lie.
        folders: those that are models.
    """
    known = set(folders)
    found: set[str] = set()
    for each in artifacts:
        for path in (each.path, *each.also):
            file = path.partition("!")[0]
            if _CACHE not in file:  # what a hub's cache holds is locked under its own name
                found.add(_outermost(file, known))
    return tuple(sorted(found))


def _outermost(file: str, known: set[str]) -> str:
    """The outermost known folder around a file, else the file."""
    best, folder = file, posixpath.dirname(file)
    while folder:
        if folder in known:
            best = folder
        folder = posixpath.dirname(folder)
    return best
