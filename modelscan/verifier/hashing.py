r"""Digests of a file, all of them in one pass over its bytes.

Invariants: SHA-256 is always there; every digest is over exactly the bytes that were handed in; the
bytes are never kept.

`git-blob` is the object id that git, and therefore a model hub, gives a small file: SHA-1 over
`blob <size>\0` and the bytes (Pro Git, chapter 10.2). It identifies and never proves: see
`vocabulary.digest`. Above 10 MiB a hub keeps files in git-LFS, where the id is that of a pointer
file, so the second pass over the bytes would buy nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Protocol

from modelscan.errors import ModelAssayError
from modelscan.verifier.installed import shared_index
from modelscan.verifier.release import COMPARED

GIT_BLOB = "git-blob"
"""SHA-1 object id of the bytes as a git blob, hexadecimal."""
GIT_BLOB_LIMIT = 10 << 20
"""Bytes; a larger file is stored by hubs in git-LFS and has no blob of its own."""
BLAKE3 = "blake3"
"""The one algorithm that needs a library of its own."""


class Hash(Protocol):
    """What `hashlib` gives."""

    def update(self, data: bytes | memoryview, /) -> object:
        """Take more bytes."""

    def hexdigest(self) -> str:
        """The digest of the bytes so far, hexadecimal."""


def algorithms_for(size: int, name: str) -> tuple[str, ...]:
    """The digests besides SHA-256 that are worth computing for a file.

    Args:
        size: of the file, in bytes.
        name: of the file, with or without its folders.
    """
    blob = (GIT_BLOB,) if size <= GIT_BLOB_LIMIT else ()
    try:
        needed = shared_index().algorithms_for(size, name)
    except ModelAssayError:  # no or a damaged index: `checks.verify` answers "error" for it
        return blob
    return blob + needed if needed else blob


class Digester:
    """The digests of one file that arrives in pieces.

    Args:
        size: length of the file in bytes, as the open file says; `git-blob` hashes it first.
        algorithms: algorithms wanted besides SHA-256: names of `COMPARED`, and `git-blob`, which is
            left out for a file above `GIT_BLOB_LIMIT`.

    Raises:
        ValueError: an algorithm that is neither.
    """

    __slots__ = ("_hashes", "_seen", "_size")

    def __init__(self, size: int, algorithms: Iterable[str] = ()) -> None:
        self._size = size
        self._seen = 0
        self._hashes: dict[str, Hash] = {"sha256": hashlib.sha256()}
        for algorithm in algorithms:
            if algorithm == GIT_BLOB:
                if size <= GIT_BLOB_LIMIT:
                    self._hashes[GIT_BLOB] = hashlib.sha1(_blob_header(size), usedforsecurity=False)
            elif algorithm not in self._hashes:
                self._hashes[algorithm] = new_hash(algorithm)

    def update(self, chunk: bytes) -> None:
        """Take the next piece of the file."""
        self._seen += len(chunk)
        for digest in self._hashes.values():
            digest.update(chunk)

    def result(self) -> dict[str, str]:
        """Hexadecimal digests by algorithm.

        `git-blob` is missing when the pieces did not add up to `size`: it would be no object's id.
        """
        found = {name: digest.hexdigest() for name, digest in self._hashes.items()}
        if self._seen != self._size:
            found.pop(GIT_BLOB, None)
        return found


def digest_bytes(data: bytes, algorithms: Iterable[str] = ()) -> dict[str, str]:
    """The digests of a small file that is in memory: what `Digester` gives, with less ado.

    Raises:
        ValueError: an algorithm that this version cannot compute.
    """
    found = {"sha256": hashlib.sha256(data).hexdigest()}
    for algorithm in algorithms:
        if algorithm == GIT_BLOB:
            if len(data) <= GIT_BLOB_LIMIT:
                blob = hashlib.sha1(_blob_header(len(data)), usedforsecurity=False)
                blob.update(data)
                found[GIT_BLOB] = blob.hexdigest()
        elif algorithm not in found:
            digest = new_hash(algorithm)
            digest.update(data)
            found[algorithm] = digest.hexdigest()
    return found


def _blob_header(size: int) -> bytes:
    return b"blob %d\0" % size


def available(algorithm: str) -> bool:
    """Whether digests of an algorithm can be computed in this installation."""
    try:
        new_hash(algorithm)
    except ValueError:
        return False
    return True


def new_hash(algorithm: str) -> Hash:
    """A digest to be fed: an algorithm of `COMPARED`, or `blake3` where its library is installed.

    Raises:
        ValueError: an algorithm that this installation cannot compute.
    """
    if algorithm in COMPARED:
        return hashlib.new(algorithm)
    if algorithm == BLAKE3:
        try:
            import blake3  # lazy: an extra, for models that are signed with it
        except ImportError:
            raise ValueError(f"{BLAKE3} needs the extra of that name") from None
        return blake3.blake3()
    raise ValueError(f"no digest algorithm {algorithm!r}")
