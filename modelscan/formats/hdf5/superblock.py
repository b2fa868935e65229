"""Where an HDF5 file begins, and where its root group lies.

Source: HDF5 File Format Specification, version 3.0, section II.A: versions 0 to 3. The signature
stands at 0, 512, 1024 … bytes; what is before it, the user block, is no business of the library's.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from modelscan.errors import ReadError
from modelscan.formats.hdf5.cursor import SIGNATURE, Cursor, Space
from modelscan.vocabulary.artifact import Artifact

_FIRST_BLOCK: Final = 512
_IN_SIGHT: Final = (0, _FIRST_BLOCK, _FIRST_BLOCK * 2, _FIRST_BLOCK * 4)
"""Where the signature may stand within the first bytes that are shown of a file."""
_LARGEST_BLOCK: Final = 1 << 40
_LONGEST: Final = 128
_SIZES: Final = frozenset({2, 4, 8})
_WIDE: Final = 2
"""The first version of the newer layout."""
_NEWEST: Final = 3


class Superblock(NamedTuple):
    """What the first block says."""

    space: Space
    start: int
    """Bytes before it."""
    version: int
    root: int
    """Address of the root group's object header."""
    end: int | None
    """Where the file ends, as stated, counted from the start of the artifact."""


def starts(head: bytes) -> bool:
    """True when the signature is in sight where it may stand."""
    for at in _IN_SIGHT:  # noqa: SIM110  # every file pays for this, and a generator costs more
        if head.startswith(SIGNATURE, at):
            return True
    return False


def find(artifact: Artifact) -> int:
    """Where the signature stands.

    Raises:
        ReadError: nowhere.
    """
    at = 0
    while at <= min(artifact.size, _LARGEST_BLOCK):
        if artifact.read_at(at, len(SIGNATURE)) == SIGNATURE:
            return at
        at = at * 2 or _FIRST_BLOCK
    raise ReadError("no HDF5 signature", offset=0)


def read(artifact: Artifact) -> Superblock:
    """The superblock.

    Raises:
        ReadError: there is none, or it makes no sense.
    """
    start = find(artifact)
    raw = artifact.read_at(start + len(SIGNATURE), _LONGEST)
    cursor = Cursor(raw, Space(artifact, start, 8, 8))
    version = cursor.uint(1)
    if version > _NEWEST:
        raise ReadError(f"version {version} of the superblock is not known", offset=start)
    if version < _WIDE:
        cursor.take(4)
    offset_size, length_size = cursor.uint(1), cursor.uint(1)
    if offset_size not in _SIZES or length_size not in _SIZES:
        raise ReadError(f"addresses of {offset_size} bytes", offset=start)
    cursor.take(1 if version >= _WIDE else 9 if version == 0 else 13)
    cursor.space = Space(artifact, start, offset_size, length_size)
    stated = cursor.address()
    cursor.address()
    end = cursor.address()
    if version < _WIDE:
        cursor.address()
        cursor.address()  # the name of the root group, which has none
    root = cursor.address()
    if root is None:
        raise ReadError("no root group", offset=start)
    space = Space(artifact, _base(artifact, start, stated, root), offset_size, length_size)
    return Superblock(space, start, version, root, end)


def _base(artifact: Artifact, start: int, stated: int | None, root: int) -> int:
    """What addresses count from: the superblock, or what it says where a header is found there."""
    for base in (stated, start):
        if base is not None and 0 <= base + root < artifact.size:
            head = artifact.read_at(base + root, 4)
            if head == b"OHDR" or head[:1] == b"\1":
                return base
    return start
