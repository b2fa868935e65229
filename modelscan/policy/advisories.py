"""Advisories from folders: what is known to be bad about models that are already in circulation.

Invariants: a folder is read whole or the run ends, since an advisory that was passed over would be
a silent pass; files, sizes and numbers are bounded; nothing is fetched. Looking a model up costs a
few look-ups for each of its files, however many advisories there are.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelscan.errors import UsageError
from modelscan.policy.situation import Situation
from modelscan.vocabulary.fact import AdvisoryMatch
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location

if TYPE_CHECKING:
    from modelscan.policy.osv import Advisory, Document, Key

_SUFFIX = ".json"
_LONGEST = 1 << 20
"""Bytes of one advisory."""
_MOST = 200_000
"""Advisories of one folder."""


class Advisories:
    """Advisories by what they are about."""

    def __init__(self, found: Iterable[tuple[Advisory, Iterable[Key]]] = ()) -> None:
        self._by: dict[tuple[str, str], list[tuple[Advisory, Key]]] = {}
        for advisory, keys in found:
            for key in keys:
                self._by.setdefault((key.by, key.value), []).append((advisory, key))

    def matches(self, situation: Situation) -> Iterator[AdvisoryMatch]:
        """What is known about a model, each advisory once, by the surest thing it goes by."""
        if not self._by:
            return
        seen = set[str]()
        for match in self._all(situation):
            if match.id not in seen:
                seen.add(match.id)
                yield match

    def _all(self, model: Situation) -> Iterator[AdvisoryMatch]:
        for file in model.files:
            where = Location(file.path)
            yield from self._of("file", file.digests.get("sha256", ""), where)
        for root in model.weights_roots:
            yield from self._of("weights", root.removeprefix("sha256:"), Location())
        commit = model.claimed.partition("@")[2] or model.source.revision or ""
        yield from self._of("commit", commit, Location())
        asked = (model.source.asked_revision or "").lower()
        for advisory, key in self._by.get(("repository", model.repository.casefold()), ()):
            known = {commit.lower(), asked} - {""}
            elsewhere = bool(key.versions) and key.versions.isdisjoint(known)
            if known and (commit.lower() in key.fixed or elsewhere):
                continue
            yield _match(advisory, key, Location())

    def _of(self, by: str, value: str, where: Location) -> Iterator[AdvisoryMatch]:
        for advisory, key in self._by.get((by, value), ()) if value else ():
            yield _match(advisory, key, where)


_RULES = frozenset({"advisory-affects-model", "advisory-affects-repository"})
NONE = Advisories()
"""No advisories at all."""


def read(
    folders: Iterable[Path], fetched: Sequence[tuple[str, bytes]] = ()
) -> tuple[Advisories, tuple[str, ...]]:
    """The advisories of some folders, and the digest of each folder.

    Args:
        folders: what the user keeps.
        fetched: name and bytes of those that `manifest update` fetched; they count as one folder.

    Raises:
        UsageError: a folder is not there or too large, or an advisory in it is broken.
    """
    found: list[tuple[Advisory, Iterable[Key]]] = []
    digests: list[str] = []
    sources: list[Iterable[tuple[str, bytes]]] = [_inside(folder) for folder in folders]
    if fetched:
        sources.append(fetched)
    if not sources:
        return NONE, ()
    from modelscan.policy import osv  # lazy: most runs have no advisories

    for source in sources:
        digest = hashlib.sha256()
        for path, data in source:
            digest.update(hashlib.sha256(data).digest())
            found += (
                (osv.advisory(document), tuple(osv.keys(document)))
                for document in _documents(path, data)
                if document.withdrawn is None
            )
        digests.append(f"sha256:{digest.hexdigest()}")
    return Advisories(found), tuple(digests)


def _inside(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in _files(folder):
        yield path, _bytes(path)


def _files(folder: Path) -> list[str]:
    """The files of a folder and those below it, sorted; links to folders are not followed."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder of advisories", "check the path")
    found: list[str] = []
    for place, below, names in os.walk(folder):
        below.sort()
        found += (os.path.join(place, name) for name in sorted(names) if name.endswith(_SUFFIX))  # noqa: PTH118  # strings: there may be 100,000
        if len(found) > _MOST:
            raise UsageError(f"{folder}: more than {_MOST:,} advisories", "keep those about models")
    return found


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # a string, as above
            data = file.read(_LONGEST + 1)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UsageError(f"{path} cannot be read: {why}", "check the path") from error
    if len(data) > _LONGEST:
        raise UsageError(f"{path} is longer than {_LONGEST >> 20} MiB, too long for an advisory")
    return data


def _documents(path: str, data: bytes) -> list[Document]:
    """The advisory in a file, or the advisories of a list."""
    from modelscan.policy.osv import Document  # lazy: as above

    try:
        made = msgspec.json.decode(data, type=Document | list[Document])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: not an advisory in the OSV format: {error}") from error
    return made if isinstance(made, list) else [made]


def _match(advisory: Advisory, key: Key, where: Location) -> AdvisoryMatch:
    return AdvisoryMatch(
        location=where,
        id=advisory.id,
        severity=advisory.severity,
        summary=advisory.summary,
        by=key.by,
        value=key.value,
        malicious=advisory.malicious,
    )


def advised(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings about advisories with the severity that the advisory gives, instead of a rule's.

    What is malicious keeps the rule's: it is as grave as it gets.
    """
    return tuple(
        msgspec.structs.replace(finding, severity=finding.evidence["severity"])
        if finding.rule in _RULES
        else finding
        for finding in findings
    )
