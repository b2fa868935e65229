"""Who stands behind a fingerprint: the manifest that states its digest.

What a fingerprint says of itself is a claim. It is looked up by that claim, and believed when a
release that a manifest lists at the claimed place states exactly this digest; the manifest's own
assurance is what it is then worth. A release that was withdrawn, revoked or denied, or whose
statement has expired, stands behind nothing.
"""

from __future__ import annotations

import msgspec

from modelscan.lineage.prints import SCHEMA
from modelscan.verifier.index import Index
from modelscan.verifier.release import RANK, Assurance


class Authority(msgspec.Struct, frozen=True):
    """A manifest that states a fingerprint's digest."""

    release: str
    """Id of the release whose weights the fingerprint is of."""
    location: str
    """Where that release is published, `hf:owner/name`."""
    publisher: str
    assurance: Assurance

    @property
    def words(self) -> str:
        """For people, behind the name of the base."""
        return f"fingerprint of {self.release}, {self.assurance} by {self.publisher}"


def authority(data: bytes, source: str, index: Index) -> Authority | None:
    """The manifest behind a fingerprint, the strongest if there are several.

    Args:
        data: the fingerprint's file.
        source: what it says that it is of.
        index: the releases to look in.

    Raises:
        ModelAssayError: the index is damaged.
    """
    from modelscan.lineage.fingerprint_writing import digest  # lazy: most scans have no base

    location = source.partition("@")[0]
    stated = [
        Authority(known.release.id, location, known.publisher, known.assurance)
        for known in map(index.known, index.by_location(location) if location else ())
        if known.release.fingerprints.get(SCHEMA) == digest(data)
        and known.release.status == "current"
        and not known.void
    ]
    return max(stated, key=lambda each: RANK[each.assurance], default=None)
