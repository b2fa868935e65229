"""The releases check, run on forged models: what a test asks, in one call."""

from __future__ import annotations

from typing import Any, cast

from modelscan.verifier.index import ReleaseIndex
from modelscan.verifier.manifests import check_releases
from modelscan.vocabulary.evidence import OfficialBytes
from modelscan.vocabulary.fact import Fact, HashCheck
from modelscan.vocabulary.result import FileEntry
from tests.forge import releases
from tests.forge.releases import entries, header, manifest

CLAIM = "hf:acme/model"
"""Where `releases.pinned()` is published."""


def judge(
    files: dict[str, bytes],
    index: ReleaseIndex,
    *,
    facts: tuple[Fact, ...] = (),
    claimed: str = "",
) -> tuple[OfficialBytes, list[HashCheck]]:
    """Judge files given as bytes; weights state their header."""
    headers = [header(path, data) for path, data in files.items() if path.endswith(".safetensors")]
    return judge_entries(entries(files), index, facts=(*facts, *headers), claimed=claimed)


def judge_entries(
    files: list[FileEntry],
    index: ReleaseIndex,
    *,
    facts: tuple[Fact, ...] = (),
    claimed: str = "",
) -> tuple[OfficialBytes, list[HashCheck]]:
    """Judge files that are hashed already."""
    evidence = check_releases(files, facts, claimed, index)
    assert evidence.official is not None
    return evidence.official, [cast("HashCheck", fact) for fact in evidence.facts]


def one(*described: dict[str, Any], assurance: str = "publisher-stated") -> ReleaseIndex:
    """An index of one manifest."""
    return releases.index(manifest(*described, assurance=assurance))


def differing(facts: list[HashCheck]) -> dict[str, bool]:
    """Files that differ, and whether they were tampered with."""
    return {f.location.file: f.tampered for f in facts if f.outcome == "differs"}
