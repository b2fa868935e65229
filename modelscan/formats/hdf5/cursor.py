"""Numbers in an HDF5 file: little-endian, with offsets and lengths as wide as the superblock says.

Invariants: every read is checked against the end of the file; an address that is all ones means
that there is nothing (HDF5 File Format Specification, version 3.0, section I.B).
"""

from __future__ import annotations

from typing import Final

from modelscan.errors import ReadError
from modelscan.vocabulary.artifact import Artifact

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
MAX_BLOCK: Final = 16 << 20
"""The largest piece of structure that is held in memory."""


class Space:
    """The address space of one file.

    Args:
        artifact: the file.
        base: where its addresses count from, in bytes from the start of the artifact.
        offset_size: bytes of an address.
        length_size: bytes of a length.
    """

    __slots__ = ("artifact", "base", "collections", "length_size", "offset_size")

    def __init__(self, artifact: Artifact, base: int, offset_size: int, length_size: int) -> None:
        self.artifact = artifact
        self.base = base
        self.offset_size = offset_size
        self.length_size = length_size
        self.collections: dict[int, dict[int, bytes]] = {}
        """Global heaps that were read last, by address: many attributes share one."""

    @property
    def size(self) -> int:
        """Bytes from the base to the end of the artifact."""
        return self.artifact.size - self.base

    def block(self, address: int, length: int) -> Cursor:
        """A piece of structure.

        Raises:
            ReadError: it reaches past the end of the file, or is too large to be structure.
        """
        if length > MAX_BLOCK:
            raise ReadError(f"{length:,} bytes of structure", offset=self.base)
        inside = 0 <= address <= self.size - length
        data = self.artifact.read_at(self.base + address, length) if inside else b""
        if len(data) < length:
            raise ReadError("structure past the end of the file", offset=self.base)
        return Cursor(data, self)

    def upto(self, address: int, length: int) -> Cursor:
        """A piece of structure that the end of the file may cut short."""
        return self.block(address, max(0, min(length, self.size - address)))


class Cursor:
    """Reads one piece of structure from its start to its end."""

    __slots__ = ("at", "data", "space")

    def __init__(self, data: bytes, space: Space) -> None:
        self.data = data
        self.space = space
        self.at = 0

    @property
    def left(self) -> int:
        """Bytes that have not been read."""
        return len(self.data) - self.at

    def take(self, length: int) -> bytes:
        """The next bytes.

        Raises:
            ReadError: there are fewer.
        """
        if length < 0 or length > self.left:
            raise ReadError("a piece of structure breaks off", offset=self.space.base)
        self.at += length
        return self.data[self.at - length : self.at]

    def uint(self, size: int) -> int:
        """A number of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def address(self) -> int | None:
        """An address; `None` for the one that means nothing."""
        return self._wide(self.space.offset_size)

    def length(self) -> int:
        """A length. The one that means "not limited" is larger than any file."""
        return self.uint(self.space.length_size)

    def _wide(self, size: int) -> int | None:
        value = self.uint(size)
        return None if value == (1 << 8 * size) - 1 else value

    def align(self, unit: int) -> None:
        """Skip to a multiple of `unit` bytes from the start of this piece."""
        self.at = min(len(self.data), -(-self.at // unit) * unit)

    def text(self) -> str:
        """Bytes up to a NUL, as text."""
        end = self.data.find(b"\0", self.at)
        end = len(self.data) if end < 0 else end
        raw = self.data[self.at : end]
        self.at = min(len(self.data), end + 1)
        return raw.decode("utf-8", "replace")

    def rest(self) -> Cursor:
        """What has not been read, as a piece of its own."""
        return Cursor(self.data[self.at :], self.space)
