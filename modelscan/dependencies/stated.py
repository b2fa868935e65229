"""What a hub states about a model, from the facts of its snapshot. All of it is a claim."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from modelscan.vocabulary.fact import (
    Fact,
    HubFile,
    HubHistory,
    HubRepository,
    SourceDigest,
    SourceRevision,
)

_BAD: Final = ("unsafe", "suspicious", "caution")
"""Verdicts of a hub's scanners that are worth a word, the worst first."""


_MANIFEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class Stated(NamedTuple):
    """What a hub states."""

    author: str = ""
    """Who owns the repository."""
    object_id: str = ""
    created: str = ""
    committed: str = ""
    """When the commit was made."""
    licence: str = ""
    repository: str = ""
    """The repository's name; empty when it is the one that was asked for."""
    verdict: str = ""
    """The worst that its scanners say of a file; empty for nothing bad."""
    head: str = ""
    """The newest commit of the default branch."""
    newer: int | None = None
    """Commits since this one."""
    manifest: str = ""
    """Digest of a package's manifest, `sha256:…`."""
    digests: dict[str, str] = {}  # noqa: RUF012  # never written to
    """SHA-256 by path, of files in large-file storage."""


def stated(facts: Iterable[Fact]) -> Stated:
    """What the facts of a snapshot say."""
    found = Stated()
    digests: dict[str, str] = {}
    verdicts: set[str] = set()
    for fact in facts:
        if isinstance(fact, HubRepository):
            found = found._replace(
                author=fact.owner,
                object_id=fact.object_id,
                created=fact.created,
                licence=fact.licence,
                repository=f"hf:{fact.repository}" if fact.renamed else "",
            )
        elif isinstance(fact, HubHistory):
            found = found._replace(committed=fact.date, head=fact.head, newer=fact.newer)
        elif isinstance(fact, HubFile):
            verdicts.add(fact.verdict)
        elif isinstance(fact, SourceDigest) and fact.algorithm == "sha256":
            digests.setdefault(fact.location.file, fact.expected)
        elif isinstance(fact, SourceRevision) and _MANIFEST.fullmatch(fact.resolved):
            found = found._replace(manifest=fact.resolved)
    worst = next((verdict for verdict in _BAD if verdict in verdicts), "")
    return found._replace(verdict=worst, digests=digests)
