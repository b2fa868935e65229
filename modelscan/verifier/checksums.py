"""Lists of checksums: `SHA256SUMS` and its kin, read and held against the files that they name.

A list that comes with a model is the word of whoever packed it: it can show that a file is damaged
or was exchanged, and never that a model is somebody's. Signed by somebody whom the user trusts, it
carries that trust to the files which it lists. MD5 and SHA-1 prove nothing and are not compared.

Sources: the output of GNU coreutils' `sha256sum` (with its escapes), and the BSD form
`SHA256 (name) = digest`. Invariants: bounded size and number of lines; a path leads nowhere outside
the model; a file with more lines that are no checksums than lines that are is no list.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from modelscan.errors import ReadError
from modelscan.verifier.release import COMPARED, DIGITS
from modelscan.vocabulary.evidence import Evidence
from modelscan.vocabulary.fact import ChecksumList, Fact
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.naming import mentioned
from modelscan.vocabulary.result import FileEntry
from modelscan.vocabulary.snapshot import SourceFile

LIMIT = 4 << 20
"""Bytes of a list."""
_MOST_LINES = 100_000
_MOST_NAMES = 1_000

_NAME = (
    r"(?:checksums?|(?:sha-?(?:1|256|384|512)|md5|b2)(?:sums?|-checksums?)|checklist)"
    r"(?:\.(?:txt|chk|sha256|sha512|md5))?"
)
"""Whole names of lists, in any case. Compiled when there may be one, as is what follows."""
_ENDINGS = (
    ".sha256", ".sha256sum", ".sha384", ".sha512", ".sha512sum", ".b2sum", ".md5", ".md5sum",
    ".sha1", ".sha1sum",
)  # fmt: skip
_HINTS = ("sum", ".sha", ".md5", "checklist")
"""One of these is in every such name."""
_GNU = r"(\\?)([0-9a-fA-F]{32,128}) [ *](.+)"
_BSD = r"([A-Za-z0-9-]{2,10}) \((.+)\) = ([0-9a-fA-F]{32,128})"
_LONE = r"[0-9a-fA-F]{32,128}"
_BY_LENGTH = {64: "sha256", 96: "sha384", 128: "sha512", 40: "sha1", 32: "md5"}
_BSD_NAMES = {
    "SHA256": "sha256", "SHA2-256": "sha256", "SHA384": "sha384", "SHA512": "sha512",
    "BLAKE2B": "blake2b", "SHA1": "sha1", "MD5": "md5",
}  # fmt: skip
_ESCAPE = r"\\(.)"
_ESCAPES = {"n": "\n", "r": "\r", "\\": "\\"}


class Line(msgspec.Struct, frozen=True):
    """One file of a list."""

    path: str
    """Relative to the model's root."""
    algorithm: str
    digest: str
    """Hexadecimal, in lower case."""


class List(msgspec.Struct, frozen=True):
    """A list of checksums."""

    name: str
    """The file that it stands in."""
    lines: tuple[Line, ...]
    sha256: str
    """Digest of the file that was read."""

    @property
    def weak(self) -> bool:
        """True when nothing in it proves anything."""
        return all(line.algorithm not in COMPARED for line in self.lines)


class Checksums:
    """The lists of checksums that come with a model.

    Args:
        lists: as found by `find_lists`.
    """

    name = "lists of checksums"
    answer: Literal["official_bytes"] = "official_bytes"

    def __init__(self, lists: Sequence[List] = ()) -> None:
        self._lists = tuple(lists)
        self._needed = {
            line.path: line.algorithm
            for found in self._lists
            for line in found.lines
            if line.algorithm in COMPARED
        }

    def __bool__(self) -> bool:
        return bool(self._lists)

    def algorithms_for(self, path: str) -> tuple[str, ...]:
        """Algorithms besides SHA-256 that a file is listed with."""
        algorithm = self._needed.get(path, "sha256")
        return () if algorithm == "sha256" else (algorithm,)

    def run(self, files: Sequence[FileEntry], facts: Sequence[Fact], claimed: str) -> Evidence:  # noqa: ARG002 - part of the protocol
        """See `Check.run`."""
        present = {file.path: file for file in files}
        return Evidence(facts=tuple(_held(found, present) for found in self._lists))

    def carried(self, trusted: frozenset[str], files: Sequence[FileEntry]) -> frozenset[str]:
        """The files that a trusted list vouches for.

        Args:
            trusted: paths whose bytes somebody trusted has signed.
            files: the model's files.
        """
        present = {file.path: file for file in files}
        return frozenset(
            line.path
            for found in self._lists
            if found.name in trusted and _unchanged(found, present)
            for line in found.lines
            if _fits(line, present)
        )

    def missing(
        self, trusted: frozenset[str], files: Iterable[FileEntry], asked: Callable[[str], bool]
    ) -> list[str]:
        """The files that a trusted list names and that are not here.

        Args:
            trusted: paths whose bytes somebody trusted has signed.
            files: the model's files.
            asked: whether a path is looked at.
        """
        present = {file.path for file in files}
        return [
            line.path
            for found in self._lists
            if found.name in trusted
            for line in found.lines
            if line.algorithm in COMPARED and line.path not in present and asked(line.path)
        ]


def find_lists(files: Sequence[SourceFile]) -> list[List]:
    """The lists among a model's files: only files named like one are opened."""
    found: list[List] = []
    if not mentioned(_HINTS, [file.name for file in files]):
        return found
    for file in files:
        if not named_like_list(file.name) or not 0 < file.size <= LIMIT:
            continue
        try:
            with file.open() as artifact:
                data = artifact.read_at(0, LIMIT + 1)
        except ReadError:
            continue  # it is met again in the pass over all files, which records it
        lines = parse_list(data, file.name)
        if lines:
            found.append(List(file.name, lines, hashlib.sha256(data).hexdigest()))
    return found


def named_like_list(path: str) -> bool:
    """True for a name that lists of checksums have."""
    name = path.rsplit("/", 1)[-1]
    return name.lower().endswith(_ENDINGS) or re.fullmatch(_NAME, name, re.IGNORECASE) is not None


def parse_list(data: bytes, name: str) -> tuple[Line, ...]:
    """The lines of a list; none when the bytes are no list.

    Args:
        data: the file.
        name: its path inside the model: paths in the list are relative to its folder.
    """
    if len(data) > LIMIT:
        return ()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ()
    # Not `splitlines`: a name may hold what other texts take for the end of a line.
    ended = (line.removesuffix("\r") for line in text.split("\n"))
    written = [line for line in ended if line.strip() and not line.startswith("#")]
    if len(written) > _MOST_LINES:
        return ()
    lines = tuple(_lines(written, name))
    if 2 * len(lines) <= len(written):
        return ()
    folder = name.rpartition("/")[0]
    placed = (msgspec.structs.replace(line, path=_inside(folder, line.path)) for line in lines)
    return tuple(line for line in placed if line.path)


def _lines(written: Iterable[str], name: str) -> Iterator[Line]:
    """The lines that are checksums, with the paths as they are written."""
    for text in written:
        if gnu := re.fullmatch(_GNU, text):
            path = re.sub(_ESCAPE, lambda m: _ESCAPES.get(m[1], m[0]), gnu[3]) if gnu[1] else gnu[3]
            digest = gnu[2].lower()
            algorithm = _BY_LENGTH.get(len(digest), "")
            if algorithm == "sha512" and _is_blake(name):
                algorithm = "blake2b"
        elif bsd := re.fullmatch(_BSD, text):
            path, digest = bsd[2], bsd[3].lower()
            algorithm = _BSD_NAMES.get(bsd[1].upper(), "")
        elif re.fullmatch(_LONE, text.strip()):
            digest = text.strip().lower()
            algorithm = _BY_LENGTH.get(len(digest), "")
            path = name.rsplit("/", 1)[-1].rpartition(".")[0]
        else:
            continue
        if algorithm and len(digest) == DIGITS[algorithm]:
            yield Line(path, algorithm, digest)


def _is_blake(name: str) -> bool:
    return "b2sum" in name.lower()


def _inside(folder: str, path: str) -> str:
    """A listed path relative to the model's root; empty when it leads out of it."""
    parts: list[str] = folder.split("/") if folder else []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "" if path.startswith("/") else "/".join(parts)


def _held(found: List, present: Mapping[str, FileEntry]) -> ChecksumList:
    """What became of a list's files."""
    strong = [line for line in found.lines if line.algorithm in COMPARED]
    there = [line for line in strong if line.path in present]
    compared = [line for line in there if line.algorithm in present[line.path].digests]
    differing = tuple(dict.fromkeys(line.path for line in compared if not _fits(line, present)))
    outcome: Literal["matches", "differs", "weak", "not-compared"] = "matches"
    if differing:
        outcome = "differs"
    elif not strong:
        outcome = "weak"
    elif not compared or not _unchanged(found, present):
        outcome = "not-compared"
    return ChecksumList(
        location=Location(found.name),
        outcome=outcome,
        algorithm=", ".join(dict.fromkeys(line.algorithm for line in found.lines)),
        listed=len(found.lines),
        same=len(compared) - len(differing),
        differing=differing[:_MOST_NAMES],
        missing=tuple(line.path for line in strong if line.path not in present)[:_MOST_NAMES],
    )


def _fits(line: Line, present: Mapping[str, FileEntry]) -> bool:
    file = present.get(line.path)
    return (
        file is not None
        and line.algorithm in COMPARED
        and file.digests.get(line.algorithm) == line.digest
    )


def _unchanged(found: List, present: Mapping[str, FileEntry]) -> bool:
    """Whether the list's own bytes were the same in the pass over all files."""
    own = present.get(found.name)
    return own is not None and own.digests.get("sha256") == found.sha256
