"""All manifests as one file that is searched without reading it whole.

Layout, little-endian: a header (magic, length of the file, lengths of the six sections, CRC-32 of
header and tables); tables by digest, by location and by digest prefix (see `table`), each leading
to the number of a release; a table of releases (offset, length, CRC-32); the summary and the
releases themselves, as MessagePack.

Invariants: the tables' checksum is verified when the file is opened and each release's when it is
read, so that damage is an error and never an unknown file. A deny-listed digest is found like any
other: what it means is for the check to say. An empty file is in no table: it proves nothing.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from modelscan._resources import Buffer
from modelscan.errors import ModelAssayError
from modelscan.verifier.release import COMPARED, Assurance, Release
from modelscan.verifier.table import Table

VERSION = 4
"""Number of the compiled layout; it changes whenever the bytes would mean something else."""

# What `compiling` writes and this module reads: the layout above, in numbers.
MAGIC = b"MASSAYR\x04"
HEADER = struct.Struct("<8sQ6QI")
RECORD = struct.Struct("<QII")
DIGEST_KEY = 32
LOCATION_KEY = 16
PREFIX_KEY = 4
"""Bytes in the keys of the three tables: the start of a strong digest, of a location's SHA-256, and
the whole of a shortened digest."""
EMPTY = frozenset(hashlib.new(name).hexdigest() for name in COMPARED)
"""The digests of no bytes at all."""


class Known(msgspec.Struct, frozen=True, array_like=True):
    """A release and who states it."""

    release: Release
    assurance: Assurance
    publisher: str
    """The publisher's name."""
    expires: str | None = None
    """The last day on which the statement says anything."""
    void: str = ""
    """Why the statement does not count any more; empty while it does. Never stored."""
    source: str = ""
    """Which set it is from, when it is not one of the shipped ones. Never stored."""


class Summary(msgspec.Struct, frozen=True, array_like=True):
    """What there is in an index."""

    releases: int
    """Releases that are not on a deny list."""
    files: int
    """Files with a strong digest, over all releases."""
    sizes: dict[str, list[int]]
    """By algorithm other than SHA-256: sizes in bytes of the files that only it can recognise."""
    names: dict[str, list[str]]
    """The same for files of unknown size: their base names."""


class Index(Protocol):
    """Known releases that can be searched: one index, or several as one."""

    summary: Summary

    def by_digest(self, algorithm: str, digest: str) -> list[int]:
        """Numbers of the releases that list a file with this strong digest."""
        ...

    def by_prefix(self, sha256: str) -> list[int]:
        """Numbers of the releases that record only the start of this digest."""
        ...

    def by_location(self, location: str) -> list[int]:
        """Numbers of the releases published at a location."""
        ...

    def known(self, number: int) -> Known:
        """A release by its number."""
        ...

    def algorithms_for(self, size: int, name: str) -> tuple[str, ...]:
        """The algorithms besides SHA-256 that could recognise a file."""
        ...


class ReleaseIndex:
    """The compiled releases, open for searching.

    Args:
        data: what `compile_releases` made.

    Raises:
        ModelAssayError: the data is damaged.
    """

    def __init__(self, data: Buffer) -> None:
        try:
            self._open(data)
        except (struct.error, ValueError) as error:  # ValueError includes msgspec's errors
            raise _damaged(str(error)) from error
        self._known: dict[int, Known] = {}
        self._needs: dict[int | str, tuple[str, ...]] = {}
        for needs in (self.summary.sizes, self.summary.names):
            for algorithm, keys in needs.items():
                for key in keys:
                    self._needs[key] = (*self._needs.get(key, ()), algorithm)

    def _open(self, data: Buffer) -> None:
        magic, length, *sections, checksum = HEADER.unpack_from(data)
        if magic != MAGIC or length != len(data):
            raise ValueError("not an index, or not all of it")
        starts = [HEADER.size]
        for section in sections:
            starts.append(starts[-1] + section)
        head = data[: HEADER.size - 4]
        tables = data[starts[0] : starts[5]]
        if starts[6] != length or zlib.crc32(tables, zlib.crc32(head)) != checksum:
            raise ValueError("the checksum does not fit")
        self._data = data
        self._digests = Table(data, starts[0], sections[0], DIGEST_KEY)
        self._locations = Table(data, starts[1], sections[1], LOCATION_KEY)
        self._prefixes = Table(data, starts[2], sections[2], PREFIX_KEY)
        self._records = starts[3]
        self._blob = starts[5]
        self.summary = msgspec.msgpack.decode(data[starts[4] : starts[5]], type=Summary)
        """What there is in this index."""

    def by_digest(self, algorithm: str, digest: str) -> list[int]:
        """Numbers of the releases that list a file with this strong digest.

        Args:
            algorithm: one of `hashing.COMPARED`; any other finds nothing.
            digest: hexadecimal, in lower case.
        """
        if algorithm not in COMPARED or digest in EMPTY:
            return []
        return self._digests.find(bytes.fromhex(digest)[:DIGEST_KEY])

    def by_prefix(self, sha256: str) -> list[int]:
        """Numbers of the releases that record only the first eight digits of this SHA-256."""
        return self._prefixes.find(bytes.fromhex(sha256[: 2 * PREFIX_KEY]))

    def by_location(self, location: str) -> list[int]:
        """Numbers of the releases published at a location such as `hf:org/name`, in any case."""
        return self._locations.find(location_key(location))

    def known(self, number: int) -> Known:
        """A release by its number.

        Raises:
            ModelAssayError: its record is damaged.
        """
        found = self._known.get(number)
        if found is None:
            offset, length, checksum = RECORD.unpack_from(
                self._data, self._records + number * RECORD.size
            )
            record = self._data[self._blob + offset : self._blob + offset + length]
            if len(record) != length or zlib.crc32(record) != checksum:
                raise _damaged(f"release {number}")
            found = msgspec.msgpack.decode(record, type=Known)
            if found.expires is not None and found.expires < f"{datetime.now(UTC):%Y-%m-%d}":
                void = f"the statement about it expired on {found.expires}"
                found = msgspec.structs.replace(found, void=void)
            self._known[number] = found
        return found

    def algorithms_for(self, size: int, name: str) -> tuple[str, ...]:
        """The algorithms besides SHA-256 that could recognise a file: nearly always none.

        Args:
            size: of the file, in bytes.
            name: of the file, with or without its folders.
        """
        needed = self._needs.get(size, ())
        named = self._needs.get(name.rsplit("/", 1)[-1])
        return needed if named is None else (*needed, *(a for a in named if a not in needed))


def replacing_key(release_id: str) -> str:
    """Where `by_location` finds the releases that replace one: no location has such a name."""
    return "\0replaces\0" + release_id


def location_key(location: str) -> bytes:
    """The key of a location in its table."""
    # Hubs treat names that differ in case as one. A lone surrogate may come from a file name.
    folded = location.casefold().encode("utf-8", "surrogatepass")
    return hashlib.sha256(folded).digest()[:LOCATION_KEY]


def _damaged(detail: str) -> ModelAssayError:
    return ModelAssayError(
        f"the index of published releases is damaged: {detail}",
        "install again, or delete the cached copy in the user's cache folder",
    )
