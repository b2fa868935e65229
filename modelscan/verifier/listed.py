"""Are the bytes of a hub's model those that the hub lists? Its own word, and no more than that.

Invariants: only bytes that were hashed here count; one file that was not hashed makes the answer
`not-hashed`, however well the others agree; agreement is `hub-consistent`, which says that nothing
happened on the way from this hub, and nothing about who published the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from modelscan.vocabulary.evidence import Evidence, OfficialBytes
from modelscan.vocabulary.fact import Fact, SourceDigest
from modelscan.vocabulary.result import FileEntry


class ListedBytes:
    """The model's digests against the listing that it was fetched by.

    Args:
        endpoint: of the hub, for the reason.
        facts: of the snapshot.
    """

    name = "the hub's listing"
    answer: Literal["official_bytes"] = "official_bytes"

    def __init__(self, endpoint: str, facts: Sequence[Fact]) -> None:
        self._endpoint = endpoint
        self._stated = {
            fact.location.file: fact
            for fact in facts
            if isinstance(fact, SourceDigest) and fact.stated_by == "listing"
        }

    def run(
        self,
        files: Sequence[FileEntry],
        facts: Sequence[Fact],  # noqa: ARG002  # what is listed is known before the files are read
        claimed: str,  # noqa: ARG002  # a name has no digest
    ) -> Evidence:
        """See `Check.run`."""
        unhashed = sum(not file.digests for file in files)
        if unhashed:
            reason = (
                f"{unhashed} of {len(files)} files were not hashed: what {self._endpoint} declares "
                "is not checked (--full hashes every byte)"
            )
            return Evidence(official=OfficialBytes(status="not-hashed", reason=reason))
        if files and all(self._agrees(file) for file in files):
            reason = f"every byte is what {self._endpoint} declares; no release vouches for it"
            return Evidence(official=OfficialBytes(status="hub-consistent", reason=reason))
        return Evidence()  # a difference is a finding of its own

    def _agrees(self, file: FileEntry) -> bool:
        stated = self._stated.get(file.path)
        return stated is not None and file.digests.get(stated.algorithm) == stated.expected
