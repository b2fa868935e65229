"""Looks for a digest of something that no single file has: a model, its code, its weights.

Invariants: the digests of files are those that were computed while the files were looked for; a
folder of which one file could not be read has no digest. Tensors are read only when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from modelscan.dependencies import folders
from modelscan.dependencies.measure import Measured
from modelscan.dependencies.query import Query
from modelscan.discovery import weights
from modelscan.discovery.walking import Tree
from modelscan.errors import SourceError
from modelscan.vocabulary.coverage import Coverage, Status
from modelscan.vocabulary.digest import code_digest, model_digest
from modelscan.vocabulary.search import Hit


def in_folders(
    query: Query, tree: Tree, prefix: str, measured: Mapping[str, Measured]
) -> Iterator[Hit]:
    """Folders that are models, and whose whole, or whose code, has this digest.

    Args:
        query: what is looked for.
        tree: what lies below the path.
        prefix: what results put before a path of it.
        measured: size and digest of each file that could be read, by path.
    """
    for folder in sorted(folders.marked(tree)):
        inside = f"{folder}/"
        names = [file.path for file in tree.files if file.path.startswith(inside)]
        if any(name not in measured for name in names):
            continue
        found = [(name[len(inside) :], measured[name]) for name in names]
        whole = model_digest((path, file.size, file.sha256) for path, file in found)
        code = code_digest((path, file.sha256) for path, file in found)
        for what, digest in (("model digest", whole), ("code fingerprint", code)):
            if query.matches(digest):
                yield Hit(holder="file", where=prefix + folder, what=what)


def in_weights(
    query: Query, tree: Tree, prefix: str, late: Callable[[], bool]
) -> Iterator[Hit | Coverage]:
    """Folders that are models, and whose weights or one of whose tensors have this digest.

    Args:
        query: what is looked for.
        tree: what lies below the path.
        prefix: what results put before a path of it.
        late: true when the time is up.
    """
    from modelscan.lineage.making import fingerprint_of  # lazy: needs numpy

    for folder in sorted(folders.marked(tree)):
        name = prefix + folder
        if late():
            yield _gap(name, "and every model after it: the time is up", needed=True)
            return
        try:
            made = fingerprint_of(str(tree.root / folder))
        except SourceError as error:
            inside = f"{folder}/"
            heavy = any(
                file.path.startswith(inside) and weights.extension(file.path) in weights.ANY
                for file in tree.files
            )
            yield _gap(name, f"its tensors: {error.message}", needed=heavy)
            continue
        if query.matches(made.root):
            yield Hit(holder="file", where=name, what="weights root")
        for tensor in made.tensors.values():
            if query.matches(tensor.digest.hex()):
                yield Hit(holder="file", where=name, place=tensor.name, what="tensor")


def _gap(file: str, reason: str, *, needed: bool) -> Coverage:
    status: Status = "unreadable" if needed else "skipped"
    return Coverage(file=file, status=status, needed=needed, reason=reason)
