"""The facts about single files that the comparison with published releases states."""

from __future__ import annotations

from collections.abc import Iterable

from modelscan.verifier.comparison import Comparison, Difference
from modelscan.verifier.index import EMPTY, Known, ReleaseIndex
from modelscan.verifier.release import PREFIX
from modelscan.vocabulary.fact import Fact, HashCheck
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import FileEntry


def denied(file: FileEntry, algorithm: str, known: Known) -> HashCheck:
    """A file whose strong digest is on a deny list."""
    digest = file.digests[algorithm]
    return HashCheck(
        location=Location(file.path),
        outcome="denied",
        release=known.release.id,
        assurance=known.assurance,
        algorithm=algorithm,
        expected=digest,
        found=digest,
        note=known.release.reason,
    )


def matches(comparisons: Iterable[Comparison]) -> list[Fact]:
    """One fact for each file that is in a release; the first release that has it is named."""
    stated: dict[str, Fact] = {}
    for comparison in comparisons:
        known = comparison.known
        listed_files = {listed.path: listed for listed in known.release.files}
        for path, file in comparison.matched.items():
            strong = listed_files[path].compared()
            if strong is not None and strong[1] not in EMPTY and file.path not in stated:
                stated[file.path] = HashCheck(
                    location=Location(file.path),
                    outcome="matches",
                    release=known.release.id,
                    assurance=known.assurance,
                    algorithm=strong[0],
                    expected=strong[1],
                    found=strong[1],
                    note=known.release.reason,
                )
    return list(stated.values())


def differences(
    comparison: Comparison, changed: Iterable[Difference], *, tampered: bool
) -> list[Fact]:
    """One fact for each file that a release lists at its path with other bytes."""
    stated: list[Fact] = []
    for listed, file in changed:
        algorithm, expected = listed.compared() or ("", "")
        stated.append(
            HashCheck(
                location=Location(file.path),
                outcome="differs",
                release=comparison.known.release.id,
                assurance=comparison.known.assurance,
                algorithm=algorithm,
                expected=expected,
                found=file.digests.get(algorithm, ""),
                tampered=tampered,
                note="" if algorithm in file.digests else f"{file.size} bytes, not {listed.size}",
            )
        )
    return stated


def hints(files: Iterable[FileEntry], index: ReleaseIndex) -> list[HashCheck]:
    """Files whose name and first eight digits a publisher states: a guess, and no proof."""
    stated: list[HashCheck] = []
    for file in files:
        sha256 = file.digests.get("sha256")
        if not sha256 or not file.size:
            continue
        name = file.path.rsplit("/", 1)[-1]
        for number in index.by_prefix(sha256):
            known = index.known(number)
            for listed in known.release.files:
                prefix = listed.digests.get(PREFIX, "")
                if prefix and sha256.startswith(prefix) and _named(name, listed.path):
                    stated.append(
                        HashCheck(
                            location=Location(file.path),
                            status="inferred",
                            outcome="hint",
                            release=known.release.id,
                            assurance=known.assurance,
                            algorithm=PREFIX,
                            expected=prefix,
                            found=sha256,
                            note="the name and eight digits of the digest, which prove nothing",
                        )
                    )
    return stated


def _named(name: str, path: str) -> bool:
    stated = path.rsplit("/", 1)[-1]
    return name.endswith(stated[1:]) if stated.startswith("*") else name == stated
