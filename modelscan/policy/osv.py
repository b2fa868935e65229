"""One advisory in the OSV format, and what it says about models.

OSV has no keys for the bytes of a model, so these go where the format leaves room: `sha256` and
`weights-root` in the `ecosystem_specific` or `database_specific` part of an affected package. A
repository is a package of the ecosystem `Hugging Face` or a package URL; a commit is a version.

Source: OSSF, "Open Source Vulnerability format", schema 1.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote

import msgspec

from modelscan.policy import cvss
from modelscan.policy.cvss import Rating

By = Literal["file", "weights", "commit", "repository"]

_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PURL = re.compile(r"pkg:huggingface/([^@?#]+)(?:@([^?#]+))?", re.IGNORECASE)
_HUB = frozenset({"hugging face", "huggingface"})
_WORDS: dict[str, Rating] = {
    "low": "low", "moderate": "medium", "medium": "medium", "high": "high", "critical": "critical",
}  # fmt: skip
"""Severities as databases write them."""
_MALICIOUS = "MAL-"
"""What ids of malicious packages begin with."""
_SUMMARY = 300


class _Severity(msgspec.Struct):
    type: str = ""
    score: str = ""


class _Package(msgspec.Struct):
    ecosystem: str = ""
    name: str = ""
    purl: str = ""


class _Range(msgspec.Struct):
    type: str = ""
    events: list[dict[str, str]] = []


class _Affected(msgspec.Struct):
    package: _Package | None = None
    versions: list[str] = []
    ranges: list[_Range] = []
    severity: list[_Severity] = []
    ecosystem_specific: dict[str, Any] = {}
    database_specific: dict[str, Any] = {}


class Document(msgspec.Struct):
    """An advisory as it stands in its file. Fields that say nothing about models are left out."""

    id: str
    withdrawn: str | None = None
    summary: str = ""
    details: str = ""
    severity: list[_Severity] = []
    affected: list[_Affected] = []
    database_specific: dict[str, Any] = {}


class Advisory(NamedTuple):
    """What a match is reported with."""

    id: str
    severity: Rating
    summary: str
    malicious: bool


class Key(NamedTuple):
    """What a model is looked up by."""

    by: By
    value: str
    """A digest or a commit in lower case, or a repository without regard to case."""
    versions: frozenset[str] = frozenset()
    """For a repository: the only revisions that are affected; empty for all of them."""
    fixed: frozenset[str] = frozenset()
    """For a repository: commits that are known not to be affected."""


def advisory(document: Document) -> Advisory:
    """What the advisory is, whatever it is about."""
    text = document.summary or document.details or document.id
    flagged = document.database_specific.get("malicious") is True
    return Advisory(
        id=document.id,
        severity=_severity(document),
        summary=" ".join(text[: 2 * _SUMMARY].split())[:_SUMMARY],
        malicious=flagged or document.id.startswith(_MALICIOUS),
    )


def keys(document: Document) -> Iterator[Key]:
    """Everything that a model can be looked up by."""
    for affected in document.affected:
        for place in (affected.ecosystem_specific, affected.database_specific):
            yield from (Key("file", digest) for digest in _digests(place.get("sha256")))
            yield from (Key("weights", digest) for digest in _digests(place.get("weights-root")))
        if affected.package is not None:
            yield from _repository(affected, affected.package)
    whole = document.database_specific
    yield from (Key("file", digest) for digest in _digests(whole.get("sha256")))
    yield from (Key("weights", digest) for digest in _digests(whole.get("weights-root")))


def _repository(affected: _Affected, package: _Package) -> Iterator[Key]:
    purl = _PURL.fullmatch(package.purl)
    name = unquote(purl[1]) if purl else package.name
    if not name or not (purl or package.ecosystem.casefold() in _HUB):
        return
    versions = {version.lower() for version in affected.versions if version}
    if purl and purl[2]:
        versions.add(purl[2].lower())
    commits = {version for version in versions if _COMMIT.fullmatch(version)}
    yield from (Key("commit", commit) for commit in sorted(commits))
    events = [event for each in affected.ranges for event in each.events]
    # Which commits lie between two others cannot be told from here: all but the fixed ones count.
    ranged = any("introduced" in event for event in events)
    fixed = frozenset(event["fixed"].lower() for event in events if "fixed" in event)
    only = frozenset() if ranged else frozenset(versions)
    yield Key("repository", name.casefold(), only, fixed)


def _digests(value: Any) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        found = _DIGEST.fullmatch(each) if isinstance(each, str) else None
        if found:
            yield found[1].lower()


def _severity(document: Document) -> Rating:
    """The gravest of what it says; `high` when it says nothing that is understood."""
    found: list[Rating] = []
    places = [(document.database_specific, document.severity)]
    places += [(each.database_specific, each.severity) for each in document.affected]
    for words, scores in places:
        word = str(words.get("severity", "")).lower()
        rated = [_WORDS.get(word), *(cvss.rating(each.score) for each in scores)]
        found += (each for each in rated if each)
    return max(found, key=("low", "medium", "high", "critical").index, default="high")
