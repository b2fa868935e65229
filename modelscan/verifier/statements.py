"""The facts about single files that the comparison with published releases states."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from modelscan.verifier.checksums import named_like_list
from modelscan.verifier.comparison import Comparison, Difference, is_weights
from modelscan.verifier.index import EMPTY, Index, Known
from modelscan.verifier.kinds import named_like_signature
from modelscan.verifier.release import PREFIX
from modelscan.vocabulary.fact import Fact, HashCheck, UnlistedFiles
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import FileEntry

_CODE = (".py", ".pyc")
_PROSE = (
    "license", "licence", "notice", "readme", "copying", "copyright", "authors", "changelog",
    "contributing", "dockerfile", "version",
)  # fmt: skip
"""Beginnings of names that files without an ending have and that no loader asks for."""
_MOST_NAMES = 1_000


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


def revoked(comparison: Comparison) -> list[Fact]:
    """The files of a release that its publisher revoked."""
    known = comparison.known
    listed = {item.path: item for item in known.release.files}
    by_file = {file.path: (file, listed[path]) for path, file in comparison.matched.items()}
    return [
        denied(file, strong[0], known)
        for file, item in by_file.values()
        if (strong := item.compared()) is not None
    ]


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
                    void=known.void,
                )
    return list(stated.values())


def unlisted(comparison: Comparison, files: Iterable[FileEntry]) -> list[Fact]:
    """What lies beside a release and could be loaded, although nobody vouches for it."""
    return unlisted_by(comparison.known.release.id, comparison.files, files)


def unlisted_by(release: str, listed: Collection[str], files: Iterable[FileEntry]) -> list[Fact]:
    """The same for a release and the paths that it vouches for."""
    found = tuple(
        file.path
        for file in files
        if file.size and file.path not in listed and could_be_loaded(file.path)
    )
    return [UnlistedFiles(release=release, files=found[:_MOST_NAMES])] if found else []


def could_be_loaded(path: str) -> bool:
    """False for configuration, prose and signatures; true for all that a loader may take."""
    name = path.rsplit("/", 1)[-1].lower()
    if name.endswith(_CODE):
        return True
    prose = name.startswith(_PROSE) or named_like_signature(name) or named_like_list(name)
    return is_weights(path) and not prose


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


def hints(files: Iterable[FileEntry], index: Index) -> list[HashCheck]:
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
