"""What a commit stands for, proved: commit → trees → blobs and pointers, each object hashed here.

A hub's interface and its download servers say which bytes a commit has, and the usual client
believes them: a hub that answers for a pinned commit with other bytes is accepted (measured). The
commit's id itself decides. It is a digest over the tree, the tree's over the names and blobs, and a
blob is the file, or a git-LFS pointer with the file's SHA-256. So one request proves the digests of
all files, whatever the interface lists.

Invariants: nothing is proved by an object that did not hash to the id it was reached by; what could
not be proved is said, and is never an agreement. `git_objects` says what SHA-1 is still good for.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from modelscan.errors import BudgetError, ReadError
from modelscan.fetcher import git_objects, git_protocol
from modelscan.fetcher.git_objects import (
    FOLDER,
    LINK,
    POINTER_LIMIT,
    SUBMODULE,
    AlteredError,
    TreeEntry,
)
from modelscan.fetcher.git_pack import read_pack
from modelscan.fetcher.options import FetchOptions
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, SourceCheck, SourceDefect, SourceDigest, SpecialFile
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.snapshot import GitObject

if TYPE_CHECKING:
    from modelscan.fetcher.transfer import Client

_MOST_FILES: Final = 200_000
_DEEPEST: Final = 64
_LONGEST_PATH: Final = 4096
_SHORT: Final = 12


class Proved(NamedTuple):
    """One file of a commit."""

    mode: str
    """`100644`, `100755`, or `120000` for a link."""
    blob: str
    """The id of its blob: of the file itself, or of the pointer to it."""
    sha256: str | None = None
    """Of the file, when it is in git-LFS."""
    size: int | None = None
    """Bytes of the file, when it is in git-LFS or its blob came along."""
    target: str = ""
    """Where a link leads that leads out of the repository."""


class Held(NamedTuple):
    """What came of holding a listing against its commit."""

    facts: Sequence[Fact] = ()
    coverage: Sequence[Coverage] = ()
    objects: tuple[GitObject, ...] = ()
    """As in `Anchor`; none when the commit was not proved."""


class Anchor(NamedTuple):
    """What a commit stands for."""

    commit: str
    files: Mapping[str, Proved]
    """By path."""
    objects: tuple[GitObject, ...] = ()
    """What proves it to anybody: the commit, its trees, and blobs that are small enough to be a
    pointer, sorted by their ids."""


class Listed(NamedTuple):
    """What a hub's interface says of one file."""

    sha256: str | None = None
    """Of a file in git-LFS."""
    blob: str | None = None
    """The id of its blob: of the file itself, or of the pointer to it."""
    size: int | None = None


def anchor(
    endpoint: str,
    repository: str,
    commit: str,
    options: FetchOptions,
    client: Client | None = None,
) -> Anchor:
    """Fetch the objects behind a commit and hash them.

    One request brings the commit with its trees and all blobs that may be pointers. A server that
    cannot leave out the other blobs is asked for all of them only with `full`.

    Args:
        endpoint: base URL of the hub, without a slash at its end.
        repository: `owner/name`.
        commit: 40 hexadecimal digits.
        options: offline is an error; a token goes to the endpoint's host alone.
        client: used instead of one of our own, and not closed.

    Raises:
        SourceError: offline.
        AlteredError: an object is not what its id stands for.
        ReadError: the endpoint speaks no git, refuses, or sends too much.
    """
    options.demand_network(f"proving commit {commit[:_SHORT]}")
    from modelscan.fetcher.transfer import Client as OurClient  # lazy: imports the HTTP library

    url = f"{endpoint}/{repository}"
    if client is not None:
        return _anchor(client, url, commit, options)
    with OurClient(endpoint, options.token) as own:
        return _anchor(own, url, commit, options)


def _anchor(client: Client, url: str, commit: str, options: FetchOptions) -> Anchor:
    # Everything that may be a pointer comes along, and no file that is larger than one.
    lines = ["deepen 1", f"filter blob:limit={POINTER_LIMIT + 1}"]
    try:
        pack = git_protocol.fetch(client, url, [commit], *lines)
    except git_protocol.ProtocolError:
        if not options.full:
            raise
        able = git_protocol.capabilities(client, url).get("fetch", "").split()
        if "filter" in able:
            raise  # it knew what was asked for, and refuses
        lines = ["deepen 1"] if "shallow" in able else []
        pack = git_protocol.fetch(client, url, [commit], *lines)
    objects = read_pack(pack)
    reached = {commit}
    files = dict(_files(objects, commit, reached))
    held = ((oid, objects[oid]) for oid in sorted(reached & objects.keys()))
    small = (each for _, each in held if each.kind != "blob" or len(each.data) <= POINTER_LIMIT)
    return Anchor(commit, files, tuple(small))


def _files(
    objects: Mapping[str, GitObject], commit: str, reached: set[str]
) -> Iterator[tuple[str, Proved]]:
    """Every file of a commit.

    `objects` are by the ids that their bytes hash to, so that whatever is found under an id is what
    the id stands for. The ids of trees and blobs are added to `reached`.

    Raises:
        AlteredError: the commit or a tree is not there.
        BudgetError: there are too many files, or folders too deep.
    """
    root = git_objects.tree_of(_object(objects, "commit", commit).data)
    pending = [("", root, 0)]
    count = 0
    while pending:
        prefix, tree, depth = pending.pop()
        if depth > _DEEPEST or len(prefix) > _LONGEST_PATH:
            raise BudgetError("a commit with folders nested too deeply")
        reached.add(tree)
        for entry in git_objects.entries(_object(objects, "tree", tree).data):
            count += 1
            if count > _MOST_FILES:
                raise BudgetError(f"a commit of more than {_MOST_FILES:,} files")
            if entry.mode == FOLDER:
                pending.append((f"{prefix}{entry.name}/", entry.id, depth + 1))
            elif entry.mode != SUBMODULE:  # a commit of another repository: hubs do not serve it
                reached.add(entry.id)
                yield prefix + entry.name, _proved(objects, prefix, entry)


def _proved(objects: Mapping[str, GitObject], prefix: str, entry: TreeEntry) -> Proved:
    blob = objects.get(entry.id)
    if blob is None or blob.kind != "blob":
        return Proved(entry.mode, entry.id)
    if entry.mode == LINK:
        target = blob.data[:_LONGEST_PATH].decode("utf-8", "replace")
        out = target.startswith("/") or posixpath.normpath(f"{prefix}{target}").startswith("../")
        return Proved(entry.mode, entry.id, size=len(blob.data), target=target if out else "")
    pointer = git_objects.pointer(blob.data)
    if pointer is None:
        return Proved(entry.mode, entry.id, size=len(blob.data))
    return Proved(entry.mode, entry.id, pointer.sha256, pointer.size)


def _object(
    objects: Mapping[str, GitObject], kind: Literal["commit", "tree"], wanted: str
) -> GitObject:
    found = objects.get(wanted)
    if found is None or found.kind != kind:
        raise AlteredError(f"the server sent no {kind} that hashes to {wanted}")
    return found


def facts(anchored: Anchor, listed: Mapping[str, Listed]) -> Iterator[Fact | Coverage]:
    """What the commit proves of the listed files, and where the listing contradicts it.

    Args:
        anchored: from `anchor`.
        listed: what the interface says, by path; these files are looked at.
    """
    for path in sorted(listed):
        proved = anchored.files.get(path)
        where = Location(path)
        if proved is None:
            yield SourceCheck(
                location=where,
                outcome="absent",
                algorithm="",
                expected="",
                found="",
                stated_by="git",
                note=f"commit {anchored.commit[:_SHORT]} has no such file",
            )
            continue
        if listed[path].sha256 and not proved.sha256 and proved.size is None:
            detail = "the git server left out the pointer of a file that is listed as large"
            yield SourceDefect(
                location=where, status="absent", kind="not-proved", value=path, detail=detail
            )
            continue
        yield SourceDigest(
            location=where,
            status="declared",
            algorithm="sha256" if proved.sha256 else "git-blob",
            expected=proved.sha256 or proved.blob,
            stated_by="git",
            size=proved.size,
        )
        if proved.target:  # whoever clones has the link, and whoever downloads a text
            yield SpecialFile(
                location=where, status="declared", kind="link-outside", target=proved.target
            )
        yield from _contradictions(where, proved, listed[path])
    for path in sorted(anchored.files.keys() - listed.keys()):
        reason = f"commit {anchored.commit[:_SHORT]} has it, and the listing does not"
        yield Coverage(file=path, status="skipped", needed=True, reason=reason)


def _contradictions(where: Location, proved: Proved, listed: Listed) -> Iterator[Fact]:
    """Where a listing says something else than the commit."""
    pairs = (
        ("sha256", proved.sha256, listed.sha256),
        ("git-blob", proved.blob, listed.blob),
        ("size", proved.size, listed.size),
    )
    for algorithm, expected, found in pairs:
        if expected is not None and found is not None and expected != found:
            yield SourceCheck(
                location=where,
                outcome="contradicts",
                algorithm=algorithm,
                expected=str(expected),
                found=str(found),
                stated_by="listing",
            )
            return  # one lie a file is enough to know


def held_against(
    endpoint: str,
    repository: str,
    commit: str,
    listed: Mapping[str, Listed],
    options: FetchOptions,
    client: Client | None = None,
) -> Held:
    """What a hub's commit says of its listing. Never raises for what a server sends.

    Args:
        endpoint: as in `anchor`.
        repository: as in `anchor`.
        commit: as in `anchor`.
        listed: as in `facts`.
        options: as in `anchor`.
        client: as in `anchor`.
    """
    try:
        anchored = anchor(endpoint, repository, commit, options, client)
        found = list(facts(anchored, listed))
    except AlteredError as error:
        defect = SourceDefect(kind="object-altered", value=commit, detail=error.message)
        return Held((defect,))
    except ReadError as error:
        defect = SourceDefect(
            status="absent", kind="not-proved", value=commit, detail=error.message
        )
        return Held((defect,))
    return Held(
        [one for one in found if isinstance(one, Fact)],
        [one for one in found if isinstance(one, Coverage)],
        anchored.objects,
    )
