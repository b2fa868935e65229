"""What the git objects in a manifest prove of its digests, offline.

A commit's id is a digest over its tree, the tree's over names and blobs, and a git-LFS pointer
holds the SHA-256 of its file. So the raw objects, kept in the manifest, show that the pinned commit
means these digests, with trust in no interface (Pro Git, chapter 10.2; git-lfs specification). A
file whose blob is not among the objects stays unproved: its id is SHA-1 over bytes that are not
here.

Invariants: an object counts only under the id that its bytes hash to; sizes and depth are bounded.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from modelscan.errors import BudgetError, ReadError
from modelscan.fetcher import git_objects
from modelscan.verifier.release import GitAnchor, Release

_LARGEST = 16 << 20
"""Bytes of one object."""
_ALTOGETHER = 256 << 20
_MOST_FILES = 200_000
_DEEPEST = 64


class Proof(NamedTuple):
    """What became of a release's files."""

    proved: tuple[str, ...]
    unproved: tuple[str, ...]
    """The commit has them, and the objects do not say with which digest."""
    contradicted: tuple[str, ...]
    """The commit has other bytes there, or no such file."""


def prove(release: Release, anchor: GitAnchor) -> Proof:
    """Hold a release's digests against the objects of its commit.

    Raises:
        ReadError: an object is none, or the commit does not lead to its files.
    """
    objects = _objects(anchor)
    blobs = dict(_walk(objects, anchor.commit))
    proved: list[str] = []
    unproved: list[str] = []
    contradicted: list[str] = []
    for file in release.files:
        stated = file.digests.get("sha256")
        blob = blobs.get(file.path)
        known = _sha256(objects, blob) if blob else None
        if blob is None or (known and stated and known != stated):
            contradicted.append(file.path)
        else:
            (proved if known and stated else unproved).append(file.path)
    return Proof(tuple(proved), tuple(unproved), tuple(contradicted))


def stored(kind: str, data: bytes) -> str:
    """An object as a manifest holds it."""
    return base64.b64encode(zlib.compress(f"{kind} {len(data)}\0".encode() + data)).decode()


def _objects(anchor: GitAnchor) -> Mapping[str, tuple[str, bytes]]:
    """Kind and bytes of each object, by the id that they hash to."""
    found: dict[str, tuple[str, bytes]] = {}
    total = 0
    for text in anchor.objects:
        raw = _inflated(text)
        total += len(raw)
        if total > _ALTOGETHER:
            raise BudgetError("the git objects are too large altogether")
        header, _, data = raw.partition(b"\0")
        kind = header.partition(b" ")[0].decode("ascii", "replace")
        found[hashlib.sha1(raw, usedforsecurity=False).hexdigest()] = (kind, data)
    return found


def _inflated(text: str) -> bytes:
    try:
        inflating = zlib.decompressobj()
        raw = inflating.decompress(base64.b64decode(text, validate=True), _LARGEST)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise ReadError(f"a git object that cannot be read: {error}") from None
    if not inflating.eof:
        raise ReadError("a git object that is cut short, or too large")
    return raw


def _walk(objects: Mapping[str, tuple[str, bytes]], commit: str) -> Iterator[tuple[str, str]]:
    """Path and blob of every file of a commit."""
    pending = [("", git_objects.tree_of(_object(objects, "commit", commit)), 0)]
    count = 0
    while pending:
        prefix, tree, depth = pending.pop()
        for entry in git_objects.entries(_object(objects, "tree", tree)):
            count += 1
            if count > _MOST_FILES or depth > _DEEPEST:
                raise BudgetError("a commit of too many files or folders")
            if entry.mode == git_objects.FOLDER:
                pending.append((f"{prefix}{entry.name}/", entry.id, depth + 1))
            else:
                yield prefix + entry.name, entry.id


def _object(objects: Mapping[str, tuple[str, bytes]], kind: str, wanted: str) -> bytes:
    found = objects.get(wanted)
    if found is None or found[0] != kind:
        raise ReadError(f"the {kind} {wanted[:12]} is not among the git objects")
    return found[1]


def _sha256(objects: Mapping[str, tuple[str, bytes]], blob: str) -> str | None:
    """The SHA-256 that a blob proves: of the file that it points to, or of itself."""
    found = objects.get(blob)
    if found is None or found[0] != "blob":
        return None
    pointer = git_objects.pointer(found[1])
    return pointer.sha256 if pointer else hashlib.sha256(found[1]).hexdigest()
