"""Git objects: commits, trees and pointers, each of which is named after a digest of its bytes.

Invariants: an object is used only after it hashed to the id that it was asked for by; names in a
tree are data of the other side, and one that could lead out of a folder is an error.

An id is SHA-1 (or SHA-256 in repositories made for it). SHA-1 no longer withstands whoever makes
*both* of two objects: a publisher can prepare a commit that stands for two trees (SHAttered, 2017;
chosen prefixes, 2020). Whoever only serves what somebody else published cannot: that takes a second
preimage. So an anchor holds against hubs, mirrors and networks, not against the publisher.

Source: Git, `gitformat-pack`, "Git Objects" (Pro Git, chapter 10.2); git-lfs, docs/spec.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.errors import ReadError

_TREE_LINE: Final = re.compile(rb"tree ([0-9a-f]{40})\n")
_POINTER: Final = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n"
    rb"(?:ext-[0-9]-[\w-]+ sha256:[0-9a-f]{64}\n)*"
    rb"oid sha256:([0-9a-f]{64})\n"
    rb"size ([0-9]{1,18})\n?"
)
POINTER_LIMIT: Final = 1024
"""Bytes; a longer blob is no pointer."""
_MODE: Final = re.compile(rb"[0-7]{5,6}")
_ID_BYTES: Final = 20
_LONGEST: Final = 4096
FOLDER: Final = "40000"
SUBMODULE: Final = "160000"
LINK: Final = "120000"


class AlteredError(ReadError):
    """An object is not what its id stands for: damaged or forged, and never to be used."""


class TreeEntry(NamedTuple):
    """One name in a folder."""

    mode: str
    """Octal digits: `100644`, `100755`, `120000` a link, `40000` a folder, `160000` a submodule."""
    name: str
    id: str
    """Of a blob, a tree, or a commit elsewhere."""


class Pointer(NamedTuple):
    """What a git-LFS pointer stands for."""

    sha256: str
    size: int


def object_id(kind: str, data: bytes) -> str:
    """The id of an object: SHA-1 over its kind, its length and its bytes, hexadecimal."""
    header = f"{kind} {len(data)}\0".encode()
    return hashlib.sha1(header + data, usedforsecurity=False).hexdigest()


def tree_of(data: bytes) -> str:
    """The id of a commit's tree.

    Raises:
        AlteredError: the commit names none.
    """
    found = _TREE_LINE.match(data)
    if found is None:
        raise AlteredError("a commit that names no tree")
    return found[1].decode()


def entries(data: bytes) -> Iterator[TreeEntry]:
    """The names in a tree.

    Raises:
        AlteredError: it is cut short, or has a name that git would refuse to check out.
    """
    at = 0
    while at < len(data):
        blank = data.find(b" ", at, at + 8)
        end = data.find(b"\0", blank, blank + _LONGEST) if blank > 0 else -1
        if end < 0 or end + 1 + _ID_BYTES > len(data) or not _MODE.fullmatch(data[at:blank]):
            raise AlteredError("a tree that is cut short")
        name = data[blank + 1 : end].decode("utf-8", "surrogateescape")
        if name in {"", ".", ".."} or name.lower() == ".git" or "/" in name:
            raise AlteredError(f"a tree with the name {name!r}")
        yield TreeEntry(
            data[at:blank].decode().lstrip("0"), name, data[end + 1 : end + 1 + _ID_BYTES].hex()
        )
        at = end + 1 + _ID_BYTES


def pointer(data: bytes) -> Pointer | None:
    """What a blob points to, when it is a git-LFS pointer, all of it."""
    found = _POINTER.fullmatch(data) if len(data) <= POINTER_LIMIT else None
    return Pointer(found[1].decode(), int(found[2])) if found else None
