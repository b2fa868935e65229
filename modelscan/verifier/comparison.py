"""One release held against the files of a model: what matches, what differs, what cannot be said.

Equality of a strong digest decides, whatever the file is called. Difference is a statement about a
place: only a file at the very path that the release lists can differ from it, since two models that
have nothing in common both hold a `config.json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from modelscan.verifier.index import EMPTY, Known
from modelscan.verifier.release import COMPARED, RANK, ListedFile
from modelscan.vocabulary.result import FileEntry

_COMPANION_SUFFIXES = (
    ".json", ".txt", ".md", ".py", ".pyc", ".yml", ".yaml", ".jinja", ".model", ".gitattributes",
    ".gitignore", ".xml", ".csv", ".html", ".rst", ".cfg", ".ini", ".toml", ".png", ".jpg", ".pdf",
)  # fmt: skip
_COMPANION_NAMES = frozenset({"license", "licence", "notice", "readme", "copying", "makefile"})


class Difference(NamedTuple):
    """A file that the release lists at this path with other bytes."""

    listed: ListedFile
    file: FileEntry


class Comparison(msgspec.Struct, frozen=True):
    """What became of a release's files among the model's."""

    known: Known
    claimed: bool
    """The model claims to be this release."""
    matched: dict[str, FileEntry]
    """By listed path: a file with the listed bytes, wherever it lies. None that also differs."""
    in_place: bool
    """Every listed file is there, with the listed bytes, at the listed path."""
    differing: tuple[Difference, ...]
    unhashed: tuple[str, ...]
    """Files at listed paths whose bytes nobody read."""
    files: frozenset[str]
    """Paths of the model's files that hold bytes of this release."""
    weights: bool
    """Some of the release's weights are here, byte by byte."""
    same_header: bool
    """Weights are here whose header, or else whose size, is the release's."""

    def strength(self) -> tuple[int, int, str]:
        """Which of several comparisons says most: ascending order puts the best first."""
        release = self.known.release
        return -len(self.matched), -RANK[self.known.assurance], release.id


def is_weights(path: str) -> bool:
    """False for the files around the weights: configuration, vocabulary, code, prose, pictures.

    They are shared by models that are otherwise unrelated, so they identify none.
    """
    name = path.rsplit("/", 1)[-1].lower()
    return not name.endswith(_COMPANION_SUFFIXES) and name not in _COMPANION_NAMES


def compare(
    known: Known,
    files: Sequence[FileEntry],
    by_path: Mapping[str, FileEntry],
    by_digest: Mapping[tuple[str, str], Sequence[FileEntry]],
    headers: Mapping[str, str],
    *,
    claimed: bool,
) -> Comparison:
    """Hold one release against a model.

    Args:
        known: the release.
        files: all of the model's files.
        by_path: the same, by path.
        by_digest: those that some release lists, by algorithm and digest; never an empty file.
        headers: by path, the digest of a weights file's header, `sha256:` and hexadecimal.
        claimed: whether the model claims to be this release.
    """
    release = known.release
    matched: dict[str, FileEntry] = {}
    differing: list[Difference] = []
    unhashed: list[str] = []
    holders: set[str] = set()
    weights = same_header = False
    placed = 0
    for listed in release.files:
        strong = listed.compared()
        if strong is None:  # weak digests are never compared
            continue
        there = _at_its_path(listed, known, files, by_path, claimed=claimed)
        same = None if there is None else _same(listed, there)
        elsewhere = () if strong[1] in EMPTY else by_digest.get(strong, ())
        holders.update(file.path for file in elsewhere)
        if there is not None and same is False:
            differing.append(Difference(listed, there))
            same_header = same_header or _same_header(listed, there, headers)
            continue
        if there is not None and same is None:
            unhashed.append(there.path)
        if there is not None and same:
            matched[listed.path] = there
            holders.add(there.path)
            placed += 1
        elif elsewhere:
            matched[listed.path] = elsewhere[0]
        if listed.path in matched and strong[1] not in EMPTY and is_weights(listed.path):
            weights = same_header = True
    in_place = placed == len(release.files) or (
        len(release.files) == len(files) == len(matched) == 1  # a lone file may have any name
    )
    return Comparison(
        known, claimed, matched, in_place, tuple(differing), tuple(unhashed), frozenset(holders),
        weights, same_header,
    )  # fmt: skip


def _at_its_path(
    listed: ListedFile,
    known: Known,
    files: Sequence[FileEntry],
    by_path: Mapping[str, FileEntry],
    *,
    claimed: bool,
) -> FileEntry | None:
    """The model's file in the place of a listed one.

    Somebody who holds a single file and says which release it is from has taken it out of its
    folder: then its base name is its place, when the release has only one such name.
    """
    there = by_path.get(listed.path)
    if there is not None or not claimed or len(files) != 1:
        return there
    name = files[0].path.rsplit("/", 1)[-1]
    namesakes = [f for f in known.release.files if f.path.rsplit("/", 1)[-1] == name]
    return files[0] if namesakes == [listed] else None


def _same(listed: ListedFile, file: FileEntry) -> bool | None:
    """Whether the bytes are the listed ones; `None` when that cannot be said."""
    shared = [name for name in COMPARED if name in listed.digests and name in file.digests]
    if shared:
        return all(listed.digests[name] == file.digests[name] for name in shared)
    if file.digests and listed.size is not None and listed.size != file.size:
        return False  # read whole, and of another length
    return None


def _same_header(listed: ListedFile, file: FileEntry, headers: Mapping[str, str]) -> bool:
    """Whether a weights file that differs still promises the release's tensors."""
    if not is_weights(listed.path):
        return False
    if listed.header_sha256 is not None:
        return headers.get(file.path) == "sha256:" + listed.header_sha256
    return listed.size is not None and listed.size == file.size
