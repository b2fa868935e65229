"""`find`: who has this file, this commit, this model, this signer?

Invariants: nothing is fetched or run; a folder is walked once and no link to a folder is followed;
what could not be read, or was left out for its size or for the time, is coverage, so that "not
found" is said only of what was looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from modelscan.dependencies import documents, lockfile, measure, wholes
from modelscan.dependencies.measure import Measured
from modelscan.dependencies.query import Query
from modelscan.discovery import inventory as discovery
from modelscan.discovery import weights
from modelscan.discovery.walking import Found as FoundFile
from modelscan.discovery.walking import Tree
from modelscan.errors import ReadError
from modelscan.fetcher.local import LocalFile
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.reference import Inventory
from modelscan.vocabulary.search import Found, Hit

_JSON: Final = (".json", ".jsonld", ".cdx", ".bom", ".spdx")
_MOST: Final = 10_000
"""Places that are listed; whatever has more is everywhere."""
SECONDS: Final = 3_600.0


class Bounds(NamedTuple):
    """How much of a folder is looked at."""

    largest: int | None = None
    """Bytes; larger files are not hashed. `None` hashes all."""
    seconds: float = SECONDS
    """Time after which nothing more is opened."""
    deep: bool = False
    """Read the tensors of models in folders, too."""


def find(
    query: Query,
    paths: Sequence[Path],
    bounds: Bounds = Bounds(),  # noqa: B008  # a frozen value
    exclude: Sequence[str] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Found:
    """Look for something in reports, locks, bills of materials, code and files.

    Args:
        query: what is looked for.
        paths: folders, or single files.
        bounds: how much of them is looked at.
        exclude: globs on relative paths that are left out.
        clock: tells the time.

    Raises:
        SourceError: a path cannot be listed.
    """
    deadline = clock() + bounds.seconds
    hits: list[Hit] = []
    coverage: list[Coverage] = []
    searched = 0
    for path in paths:
        tree = Tree(path, tuple(exclude))
        prefix = f"{tree.root.name}/" if path.is_dir() and tree.root.name else ""
        coverage += tree.coverage
        measured: dict[str, Measured] = {}
        for each in _in_tree(query, tree, prefix, bounds, lambda: clock() > deadline):
            if isinstance(each, Hit):
                hits.append(each)
            elif isinstance(each, Coverage):
                coverage.append(each)
            elif isinstance(each, Measured):
                measured[each.path] = each
            else:
                searched += each
        if query.kind == "digest":
            hits += wholes.in_folders(query, tree, prefix, measured)
        if clock() <= deadline:
            found = _in_code(query, path, exclude)
            hits += _named(query, found, prefix)
            coverage += [
                msgspec.structs.replace(gap, file=prefix + gap.file)
                for gap in found.coverage
                if gap.needed and gap.member is not None
            ]
        if len(hits) > _MOST:
            coverage.append(_gap(path.name, f"more than {_MOST:,} places"))
            break
    return Found(
        query=query.text,
        kind=query.kind,
        hits=tuple(sorted(hits[:_MOST], key=lambda hit: (hit.holder, hit.where, hit.place))),
        searched=searched,
        coverage=tuple(sorted(coverage, key=lambda gap: (gap.file, gap.reason))),
    )


def _in_tree(
    query: Query, tree: Tree, prefix: str, bounds: Bounds, late: Callable[[], bool]
) -> Iterator[Hit | Coverage | Measured | int]:
    """Hits in documents and, for a digest, in files; their digests, and 1 for each looked into."""
    for file in tree.files:
        name = prefix + file.path
        if late():
            yield _gap(name, "and everything after it: the time is up")
            return
        document = file.path.lower().endswith((*_JSON, lockfile.NAME))
        if not document and query.kind != "digest":
            continue
        yield 1
        try:
            if document and file.size <= documents.LONGEST:
                yield from documents.in_document(tree.read(file, documents.LONGEST), name, query)
            elif document:
                yield _gap(name, f"{file.size:,} bytes: too long for a document")
            if query.kind == "digest":
                yield from _hashed(query, file, name, bounds)
        except ReadError as error:
            yield _gap(name, error.message)
    if bounds.deep and query.kind == "digest":
        yield from wholes.in_weights(query, tree, prefix, late)


def _hashed(
    query: Query, file: FoundFile, name: str, bounds: Bounds
) -> Iterator[Hit | Coverage | Measured]:
    if bounds.largest is not None and file.size > bounds.largest:
        yield _gap(name, f"{file.size:,} bytes: larger than asked for")
        return
    found = measure.measure(LocalFile(file.path, file.real, file.size))
    yield found._replace(path=file.path)
    if query.matches(found.sha256):
        what = "sha256, by a git-LFS pointer" if found.declared else "sha256"
        yield Hit(holder="file", where=name, what=what, since=_changed(file))


def _in_code(query: Query, path: Path, exclude: Sequence[str]) -> Inventory:
    """References in code, and models in folders and archives; only those in archives are hashed."""
    if query.kind != "digest":
        return discovery.take([path], exclude=exclude, hash_limit=0)
    if path.is_file():
        return discovery.take([path], exclude=exclude)
    weights_alone = [f"*{extension}" for extension in weights.ANY]
    return discovery.take([path], exclude=(*exclude, *weights_alone))


def _named(query: Query, found: Inventory, prefix: str) -> Iterator[Hit]:
    """References that are looked for, and model files in archives and folders that claim to be."""
    inside = query.kind == "digest"
    for reference in found.references:
        texts = (reference.ref, reference.revision or "", f"{reference.ref}@{reference.revision}")
        if any(query.matches(text) for text in texts):
            yield Hit(
                holder="code",
                where=prefix + reference.where.file,
                place=f"line {reference.where.line}",
                model=reference.ref,
                what="reference",
            )
    for artifact in found.artifacts:
        for each in (artifact.path, *artifact.also):
            file, member, rest = each.partition("!")
            in_archive = bool(member) and inside and query.matches(artifact.digest or "")
            if in_archive or (not inside and artifact.ref and query.matches(artifact.ref)):
                yield Hit(
                    holder="file",
                    where=prefix + file,
                    place=rest,
                    model=artifact.ref or "",
                    what="sha256" if in_archive else "claim of its folder",
                )


def _changed(file: FoundFile) -> str:
    try:
        changed = Path(file.real).stat().st_mtime
    except OSError:
        return ""
    return datetime.fromtimestamp(changed, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _gap(file: str, reason: str) -> Coverage:
    return Coverage(file=file, status="unreadable", needed=True, reason=reason)
