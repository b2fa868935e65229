"""What a code base wants of its lock: which references can be locked, and under which name.

Invariants: nothing is looked up; a path that the code base holds is a local model, named from the
lock's folder with `./` before it; what cannot be locked is told apart from what is missing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from modelscan.dependencies import folders
from modelscan.vocabulary.lock import Lock
from modelscan.vocabulary.reference import Inventory, ModelFile, Reference

_REMOTE: Final = ("hf:", "ollama:", "oci:", "http://", "https://", "s3://", "gs://", "az://")
_CATALOGUES: Final = (
    "torchhub:", "timm:", "spacy:", "whisper:", "ultralytics:", "keras:", "gensim:",
)  # fmt: skip
"""Names in the catalogue of a library: which bytes they mean, only that library knows."""
DEFAULT_BRANCH: Final = "main"
"""What a hub takes when no revision is named, so that naming it is naming none."""
_UNRESOLVED: Final = "unresolved"
"""What an inventory says of a revision that only running the code would tell."""


class Want(NamedTuple):
    """A model that belongs into the lock."""

    ref: str
    asked: str
    places: tuple[str, ...]
    """Files that name it."""


class Code(NamedTuple):
    """What was found in a code base, as its lock sees it."""

    inventory: Inventory
    locked: tuple[str, ...]
    """Local models of the lock, each a path from its folder."""
    folders: tuple[str, ...]
    """Local models that lie here, in the same way: folders, or files that lie alone."""

    def local(self, path: str, file: str) -> str | None:
        """The local model that a path leads to; `None` when it leads to none."""
        for candidate in _paths(path, file):
            for folder in (*self.locked, *self.folders):
                if candidate == folder or candidate.startswith(f"{folder}/"):
                    return f"./{folder}"
        return None


def code(inventory: Inventory, marked: frozenset[str], lock: Lock | None = None) -> Code:
    """An inventory with the local models of its code base, and those that the lock has."""
    locked = [model.ref[2:] for model in lock.model if model.local] if lock else []
    around = {
        parent.as_posix()
        for each in inventory.artifacts
        for path in places(each)
        for parent in PurePosixPath(path.partition("!")[0]).parents
    }
    called = {
        path
        for reference in inventory.references
        for path in _paths(reference.ref, reference.where.file)
        if path in around
    }
    return Code(inventory, tuple(locked), folders.models(inventory.artifacts, called | marked))


def asked(reference: Reference) -> str:
    """The revision that the code asks for; empty for the default one, or when nobody can say."""
    if reference.ref.startswith("oci:"):
        return ""  # the tag or digest is a part of the reference
    revision = reference.revision or ""
    return "" if reference.ref.startswith("hf:") and revision == DEFAULT_BRANCH else revision


def unknown_revision(reference: Reference) -> bool:
    """True when the code asks for a revision that only running it would tell."""
    return _UNRESOLVED in {reference.options.get("revision"), reference.options.get("version")}


def name(reference: Reference, found: Code) -> str | None:
    """What the lock calls a reference; `None` when it cannot be locked."""
    ref = reference.ref
    if reference.certainty == "unresolved" or reference.options.get("hosted"):
        return None
    if ref.startswith(_REMOTE):
        return ref
    if ref.startswith(_CATALOGUES):
        return None
    return found.local(ref, reference.where.file)


def wants(found: Code) -> tuple[Want, ...]:
    """Every model that belongs into the lock: named by code, or lying in the code base."""
    places: dict[tuple[str, str], set[str]] = {(f"./{path}", ""): set() for path in found.folders}
    for reference in found.inventory.references:
        ref = name(reference, found)
        if ref is not None:
            key = (ref, "" if ref.startswith("./") else asked(reference))
            places.setdefault(key, set()).add(reference.where.file)
    return tuple(Want(*key, tuple(sorted(files))) for key, files in sorted(places.items()))


def places(each: ModelFile) -> tuple[str, ...]:
    """Every path with the same bytes."""
    return (each.path, *each.also)


def _paths(path: str, file: str) -> Iterator[str]:
    """What a path may mean: seen from the root, from the file that names it, or from between."""
    if "://" in path or path.startswith(("/", "~")):
        return
    for base in PurePosixPath(file).parents:
        candidate = posixpath.normpath(posixpath.join(base, path.replace("\\", "/")))
        if candidate != "." and not candidate.startswith("../"):
            yield candidate
