"""Manifests become the bytes of a `ReleaseIndex`: at build time, and once in a checkout.

The layout is described where it is read, in `index`. Equal manifests give equal bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from modelscan import _resources
from modelscan.errors import UsageError
from modelscan.verifier.index import (
    DIGEST_KEY,
    EMPTY,
    HEADER,
    LOCATION_KEY,
    MAGIC,
    PREFIX_KEY,
    RECORD,
    Known,
    Summary,
    location_key,
    replacing_key,
)
from modelscan.verifier.release import COMPARED, PREFIX, Manifest, read_manifest
from modelscan.verifier.table import build_table

KIND = "manifests"
"""The folder of sources, as `_resources` names it."""
SUFFIX = ".json"
"""Extension of the sources."""


def compile_releases(manifests: Sequence[Manifest]) -> bytes:
    """The bytes of an index.

    Raises:
        UsageError: two releases have the same id.
    """
    all_known = [
        Known(release, manifest.assurance, manifest.publisher.name, manifest.expires)
        for manifest in manifests
        for release in manifest.releases
    ]
    seen: set[str] = set()
    for known in all_known:
        if known.release.id in seen:
            raise UsageError(f"two manifests describe the release {known.release.id}")
        seen.add(known.release.id)
    records: list[bytes] = []
    blob: list[bytes] = []
    offset = 0
    for known in all_known:
        stored = msgspec.msgpack.encode(known)
        records.append(RECORD.pack(offset, len(stored), zlib.crc32(stored)))
        blob.append(stored)
        offset += len(stored)
    sections = (
        build_table(DIGEST_KEY, _digest_rows(all_known)),
        build_table(LOCATION_KEY, _location_rows(all_known)),
        build_table(PREFIX_KEY, _prefix_rows(all_known)),
        b"".join(records),
        msgspec.msgpack.encode(_summary(all_known)),
        b"".join(blob),
    )
    lengths = [len(section) for section in sections]
    head = HEADER.pack(MAGIC, HEADER.size + sum(lengths), *lengths, 0)[:-4]
    checksum = zlib.crc32(b"".join(sections[:5]), zlib.crc32(head))
    return b"".join((head, struct.pack("<I", checksum), *sections))


def compile_manifests(root: Path) -> bytes:
    """The bytes of an index over a folder of manifests.

    Raises:
        UsageError: a manifest is broken, or two describe the same release.
    """
    paths = _resources.sources(root, SUFFIX)
    return compile_releases([read_manifest(p, p.relative_to(root).as_posix()) for p in paths])


def _digest_rows(all_known: Sequence[Known]) -> Iterable[tuple[bytes, int]]:
    for number, known in enumerate(all_known):
        for file in known.release.files:
            compared = file.compared()
            if compared is not None and compared[1] not in EMPTY:
                yield bytes.fromhex(compared[1])[:DIGEST_KEY], number


def _location_rows(all_known: Sequence[Known]) -> Iterable[tuple[bytes, int]]:
    for number, known in enumerate(all_known):
        for location in known.release.locations:
            yield location_key(location), number
        for replaced in known.release.supersedes:
            yield location_key(replacing_key(replaced)), number


def _prefix_rows(all_known: Sequence[Known]) -> Iterable[tuple[bytes, int]]:
    for number, known in enumerate(all_known):
        for file in known.release.files:
            if PREFIX in file.digests and file.compared() is None:
                yield bytes.fromhex(file.digests[PREFIX]), number


def _summary(all_known: Sequence[Known]) -> Summary:
    files = 0
    sizes: dict[str, set[int]] = {}
    names: dict[str, set[str]] = {}
    for known in all_known:
        for file in known.release.files:
            compared = file.compared()
            if compared is None:
                continue
            files += 1
            algorithm, digest = compared
            if algorithm == COMPARED[0] or digest in EMPTY:
                continue
            if file.size is None:
                names.setdefault(algorithm, set()).add(file.path.rsplit("/", 1)[-1])
            else:
                sizes.setdefault(algorithm, set()).add(file.size)
    return Summary(
        sum(known.release.status != "denied" for known in all_known),
        files,
        {algorithm: sorted(found) for algorithm, found in sorted(sizes.items())},
        {algorithm: sorted(found) for algorithm, found in sorted(names.items())},
    )
