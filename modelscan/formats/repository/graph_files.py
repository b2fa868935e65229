"""External data of ONNX models against the files around them.

A runtime maps the named file into memory and takes a range of it for each tensor. A file that is
not here is fetched from elsewhere or found elsewhere; one that is shorter than the ranges made
runtimes read past its end; a link lets a model read any file of the machine (CVE-2026-34446 and
its kin, for which ONNX now demands a plain file beside the model).

Names that lead out of the folder are judged as written, and are none of this relator's business.
A second name (a hard link) of the data alone is a link, too: where the model itself has one, some
package manager or store has linked all of it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any, Final

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, GraphFile, GraphFileCheck, SharedFile, SpecialFile

_SAME: Final = 20
"""Disagreements that are stated for one model."""


class GraphFileRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State each file that a model refers to, and that is not what the model needs."""
        if not view.folder:
            return
        special = {fact.location.file: fact for fact in facts.of(SpecialFile)}
        shared = {fact.location.file for fact in facts.of(SharedFile)}
        stated: dict[str, int] = {}
        for fact in facts.of(GraphFile):
            where = fact.location
            if fact.kind != "inside" or fact.framework != "onnx" or where.member is not None:
                continue
            path = posixpath.normpath(posixpath.join(posixpath.dirname(where.file), fact.path))
            problem = _problem(path, fact.extent, view, special)
            if problem is None and path in shared and where.file not in shared:
                problem = "no-plain-file", "hard link"
            if problem is None or stated.get(where.file, 0) >= _SAME:
                continue
            stated[where.file] = stated.get(where.file, 0) + 1
            kind, detail = problem
            yield GraphFileCheck(
                location=where, framework=fact.framework, kind=kind, path=path, detail=detail
            )


def _problem(
    path: str, extent: int, view: RepositoryView, special: dict[str, SpecialFile]
) -> tuple[Any, str] | None:
    """Kind and detail of what is wrong with a file; absent when nothing is."""
    odd = special.get(path)
    if odd is not None:
        return "no-plain-file", odd.kind
    if path not in view.names:
        return "missing", ""
    entry = view.files.get(path)
    if entry is not None and entry.size < extent:
        return "too-short", f"{extent:,} bytes needed, {entry.size:,} there"
    return None
