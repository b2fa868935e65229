"""Are the bytes those that the place they were taken from says? Blob names, manifests, git objects.

Invariants: only bytes that were hashed here are compared; a difference is a fact, whoever is to
blame; a match says that a place is consistent with itself, and nothing about who published a model:
it is at most `hub-consistent`, and that only when each file of a model that was fetched is what its
commit or its package states.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from modelscan.vocabulary.evidence import Evidence, OfficialBytes
from modelscan.vocabulary.fact import Fact, SourceCheck, SourceDigest
from modelscan.vocabulary.result import FileEntry

_EXTRA = frozenset({"sha512"})
"""Algorithms that are computed only where a place states one."""
_REMOTE = ("hf:", "oci:")
"""Models whose bytes came from where the digests came from."""
_BY = {"git": "the commit's git objects prove", "manifest": "the package's manifest says"}
"""Who states digests that go with the name of a version, and what to call them."""
_MANIFEST = "package.manifest.json"
"""What fetchers call a manifest: it cannot list itself."""


class StatedDigests:
    """The model's digests against those that its source states.

    Args:
        facts: of the snapshot, known before any file is read.
    """

    name = "digests stated by the source"
    answer: Literal["official_bytes"] = "official_bytes"

    def __init__(self, facts: Sequence[Fact] = ()) -> None:
        self._stated = [fact for fact in facts if isinstance(fact, SourceDigest)]
        self._extra = {
            fact.location.file: fact.algorithm for fact in self._stated if fact.algorithm in _EXTRA
        }

    def __bool__(self) -> bool:
        return bool(self._stated)

    def algorithms_for(self, name: str) -> tuple[str, ...]:
        """Algorithms that are needed for a file beyond the usual ones."""
        algorithm = self._extra.get(name)
        return (algorithm,) if algorithm else ()

    def run(
        self,
        files: Sequence[FileEntry],
        facts: Sequence[Fact],  # noqa: ARG002  # what is stated is known before the files are read
        claimed: str,
    ) -> Evidence:
        """See `Check.run`."""
        digests = {file.path: file.digests for file in files}
        compared = tuple(self._compared(digests))
        official = _consistent(digests, compared) if claimed.startswith(_REMOTE) else None
        return Evidence(official=official, facts=compared)

    def _compared(self, digests: dict[str, dict[str, str]]) -> Iterator[SourceCheck]:
        for fact in self._stated:
            found = digests.get(fact.location.file, {}).get(fact.algorithm)
            if found is None:
                continue  # not read, or by headers alone: coverage says so
            yield SourceCheck(
                location=fact.location,
                outcome="matches" if found == fact.expected else "differs",
                algorithm=fact.algorithm,
                expected=fact.expected,
                found=found,
                stated_by=fact.stated_by,
            )


def _consistent(
    digests: dict[str, dict[str, str]], compared: Sequence[SourceCheck]
) -> OfficialBytes | None:
    """The answer that all files are what their place states; `None` when they are not."""
    wanted = {path for path in digests if path.rpartition("/")[2] != _MANIFEST}
    if not wanted or any(check.outcome != "matches" for check in compared):
        return None
    for stated_by, called in _BY.items():
        if wanted <= {check.location.file for check in compared if check.stated_by == stated_by}:
            reason = f"every byte is what {called}; no release vouches for it"
            return OfficialBytes(status="hub-consistent", reason=reason)
    return None
