"""The files of a repository at one commit, as the hub lists them.

Invariants: a listing is bounded; a path from it is used only when it stays inside a folder; what is
listed and not used is coverage; sizes and digests are claims.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from modelscan.errors import SourceError
from modelscan.fetcher.names import collisions, name_facts
from modelscan.fetcher.oci_names import inside
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, SourceDefect, SourceDigest
from modelscan.vocabulary.location import Location

MOST_FILES = 50_000
"""Files of a repository; the largest real ones, with a checkpoint for each step, have thousands."""
_PAGE = 500
"""Files after which somebody who waits is told of them."""
_MOST_HIDDEN = 100
_LONGEST = 1024
_LARGEST = 1 << 50
_SHA256, _SHA1 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")


class Listed(NamedTuple):
    """One file, as listed."""

    path: str
    size: int
    sha256: str
    """Of the bytes; empty for a file that is not in large-file storage."""
    git_blob: str
    """Object id of the bytes; empty for one that is: there it would be that of a pointer."""


class Listing(NamedTuple):
    """What became of a listing."""

    files: tuple[Listed, ...]
    """Sorted by path."""
    facts: tuple[Fact, ...]
    coverage: tuple[Coverage, ...]


def read_listing(entries: Iterable[Any], listed: Callable[[int], None] | None = None) -> Listing:
    """Take a listing in.

    Args:
        entries: the library's `RepoFile` and `RepoFolder` objects; nothing about them is believed.
        listed: told now and then how many there are by now.

    Raises:
        SourceError: it is too long.
    """
    files: dict[str, Listed] = {}
    usual: list[str] = []
    facts: list[Fact] = []
    coverage: list[Coverage] = []
    for count, entry in enumerate(entries):
        if count >= MOST_FILES:
            raise SourceError(f"more than {MOST_FILES:,} files are listed", "name a revision of it")
        if listed and not count % _PAGE:
            listed(count)
        if not hasattr(entry, "blob_id"):  # a folder
            continue
        path, trouble = entry.path, ""
        if not isinstance(path, str) or not path or inside(path) != path:
            if isinstance(path, str) and path.isprintable():
                facts.append(_defect("name-escapes", path or "?"))
            elif isinstance(path, str):
                facts += name_facts(path)
            trouble, path = "a path that leads out of the folder, or is none", str(path) or "?"
        elif path in files:
            facts.append(_defect("name-repeated", path))
            trouble = "listed twice; the first one was read"
        else:
            usual.append(path)
            facts += name_facts(path)
        found = None if trouble else _listed(path, entry)
        if found is None:
            reason = trouble or "listed without a usable size"
            coverage.append(Coverage(file=path, status="skipped", needed=True, reason=reason))
            continue
        files[path] = found
        facts += _digests(found)
    facts += _collisions(usual, files)
    ordered = tuple(files[path] for path in sorted(files))
    return Listing(ordered, tuple(facts), tuple(coverage))


def unlisted(named: Any, listing: Listing) -> tuple[Coverage, ...]:
    """Files that the hub's summary of a repository names, and that its listing leaves out.

    Args:
        named: the library's `RepoSibling` objects; nothing about them is believed.
        listing: of the same commit.
    """
    known = {file.path for file in listing.files} | {gap.file for gap in listing.coverage}
    names = (getattr(each, "rfilename", None) for each in named or ())
    hidden = {name for name in names if isinstance(name, str) and name not in known}
    reason = "the hub's summary of the commit names it, and the hub's listing does not"
    return tuple(
        Coverage(file=name[:_LONGEST], status="skipped", needed=True, reason=reason)
        for name in sorted(hidden)[:_MOST_HIDDEN]
    )


def _collisions(paths: Sequence[str], files: Mapping[str, Listed]) -> Iterator[SourceDefect]:
    """Paths that are one on some disks; with the same bytes, it does not matter which is left."""
    for path, other in collisions(paths):
        one, two = files.get(path), files.get(other)
        same = one and two and one.size == two.size and _content(one) == _content(two) != ""
        if not same:
            yield _defect("name-repeated", path, f"collides with {other}")


def _content(file: Listed) -> str:
    return file.sha256 or file.git_blob


def _listed(path: str, entry: Any) -> Listed | None:
    size = entry.size
    if type(size) is not int or not 0 <= size <= _LARGEST:
        return None
    large = entry.lfs
    stated = getattr(large, "sha256", None)
    sha256 = stated if isinstance(stated, str) and _SHA256.fullmatch(stated) else ""
    blob = entry.blob_id
    plain = large is None and isinstance(blob, str) and _SHA1.fullmatch(blob)
    return Listed(path, size, sha256, blob if plain else "")


def _digests(file: Listed) -> Iterator[Fact]:
    where = Location(file.path)
    if file.sha256:
        yield SourceDigest(
            location=where, status="declared", algorithm="sha256", expected=file.sha256,
            stated_by="listing", size=file.size,
        )  # fmt: skip
    elif file.git_blob:
        yield SourceDigest(
            location=where, status="declared", algorithm="git-blob", expected=file.git_blob,
            stated_by="listing", size=file.size,
        )  # fmt: skip


def _defect(kind: Any, path: str, detail: str = "") -> SourceDefect:
    return SourceDefect(location=Location(path), kind=kind, value=path, detail=detail)
