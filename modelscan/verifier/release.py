"""Manifests: who published which bytes, as JSON documents that people review.

A document states the releases of one publisher or catalogue. Who states the digests is written
beside them (`assurance`), in four levels that are never merged. Weak digests (MD5, SHA-1, the eight
digits in a file name) may be recorded, and identify at best: nothing is verified by them.

Invariants of a parsed document: no unknown field; every path is relative, uses `/` and leaves
nothing to interpretation; no path occurs twice in a release, no release id twice in a document; a
digest has the length of its algorithm.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from modelscan.errors import UsageError

SCHEMA: Literal["modelassay-manifest/1"] = "modelassay-manifest/1"
"""Which shape a document has."""
COMPARED = ("sha256", "sha384", "sha512", "blake2b")
"""Strong algorithms that can be computed here, the one that is always computed first."""
DIGITS = {
    "sha256": 64, "sha384": 96, "sha512": 128, "blake2b": 128, "blake3": 64,
    "sha1": 40, "md5": 32, "sha256_prefix": 8,
}  # fmt: skip
"""Hexadecimal digits of each digest that a manifest may record."""
PREFIX = "sha256_prefix"
"""The first eight digits of a SHA-256, which some publishers put into the file's name."""

Assurance = Literal["publisher-signed", "publisher-stated", "third-party-recorded", "self-pinned"]
ReleaseStatus = Literal["current", "withdrawn", "revoked", "denied"]

RANK: dict[str, int] = {
    "publisher-signed": 3, "publisher-stated": 2, "third-party-recorded": 1, "self-pinned": 0,
}  # fmt: skip
"""Which of two statements about the same bytes is named."""

Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Hexadecimal = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]+$")]
Text = Annotated[str, msgspec.Meta(min_length=1)]

_COMMIT = re.compile(r"[0-9a-f]{40}")


class ListedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One file of a release."""

    path: Text
    """Relative to the release's root. With only weak digests it may start with `*`: the publisher
    states how the name ends."""
    digests: dict[str, Hexadecimal]
    """Hexadecimal, by algorithm."""
    size: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """Bytes, when the source says so."""
    format: str = ""
    """The format, when the source says so."""
    header_sha256: Hexadecimal | None = None
    """For safetensors: SHA-256 over the header as stored, that is the eight bytes of its length and
    the JSON after them. Equal headers promise the same tensors."""

    def compared(self) -> tuple[str, str] | None:
        """The strong algorithm and digest that this file is looked up by, when it has any."""
        for algorithm in COMPARED:
            if algorithm in self.digests:
                return algorithm, self.digests[algorithm]
        return None


class SigningExpectation(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What is known of a release's signature."""

    expect: Literal["model-signature", "none"]
    """`model-signature`: the release comes with a signature over all of its files."""
    signers: tuple[Text, ...] = ()
    """Who signs it: `sha256:` and the digest of a public key, or a sigstore identity with its
    issuer in parentheses. None means that it is not known who."""


class GitAnchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Raw git objects by which a commit's id proves the digests of its files."""

    commit: Text
    """40 hexadecimal digits."""
    objects: tuple[Text, ...] = ()
    """The commit, its trees and its git-LFS pointers: compressed with zlib, in base64."""


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The files that somebody published together."""

    id: Text
    """Unique among all manifests."""
    files: Annotated[tuple[ListedFile, ...], msgspec.Meta(min_length=1)]
    locations: tuple[Text, ...] = ()
    """Where it is published, such as `hf:org/name`."""
    revision: str | None = None
    """The commit, 40 hexadecimal digits, when the source pins one."""
    status: ReleaseStatus = "current"
    reason: str = ""
    """Why it was withdrawn or revoked, or is denied."""
    complete: bool = False
    """True when the release has no other files: an extra one is then not the publisher's."""
    released: Day | None = None
    """When it was published."""
    supersedes: tuple[Text, ...] = ()
    """Ids of the releases that it replaces."""
    licence: str = ""
    """The licence that the publisher states, as an SPDX expression where it is one."""
    signing: SigningExpectation | None = None
    """Whether the publisher signs it, and as whom."""
    git_anchor: GitAnchor | None = None
    """The proof that the commit means these files."""
    fingerprints: dict[Text, Text] = {}
    """What recognises its weights beyond equality of bytes, by the name of the scheme."""


class Publisher(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who states the digests."""

    id: Text
    name: Text
    verified_how: Text
    """How it is known that the statement is theirs."""
    namespaces: tuple[Text, ...] = ()
    """Name spaces that are theirs, such as `hf:openai`."""


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the statement was read."""

    path: Text
    """Files in the repository, or the name of the package."""
    repository: str | None = None
    commit: str | None = None
    retrieved: str | None = None


class Manifest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One document."""

    schema: Literal["modelassay-manifest/1"]
    serial: Annotated[int, msgspec.Meta(ge=1)]
    """Grows with every change, so that an older document can be told from a newer one."""
    issued: Day
    """The day of this serial, UTC."""
    expires: Day | None = None
    """The last day on which it says anything, UTC."""
    publisher: Publisher
    assurance: Assurance
    evidence: Annotated[tuple[Origin, ...], msgspec.Meta(min_length=1)]
    releases: tuple[Release, ...]


def read_manifest(path: Path, name: str | None = None) -> Manifest:
    """Read a document from a file.

    Args:
        path: the file.
        name: what errors call it; its path when not given.

    Raises:
        UsageError: it cannot be read, or breaks an invariant; with the file and the place in it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{name or path}: {error.strerror}") from error
    return parse_manifest(data, name or str(path))


def parse_manifest(data: bytes, name: str) -> Manifest:
    """Parse and check a document.

    Raises:
        UsageError: it breaks an invariant; with `name` and the place in it.
    """
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:  # the message ends with the JSON path
        raise UsageError(f"{name}: {error}") from error
    known: set[str] = set()
    for number, release in enumerate(manifest.releases):
        problem = _problem(release)
        if release.id in known:
            problem = problem or "the same id occurs twice"
        known.add(release.id)
        if problem:
            raise UsageError(f"{name}: $.releases[{number}] ({release.id}): {problem}")
    return manifest


def unsafe_path(path: str) -> str:
    """What makes a manifest's path ambiguous or dangerous; empty when nothing does."""
    if "\\" in path or any(ord(character) < 32 for character in path):  # noqa: PLR2004 - C0 controls
        return "a backslash or control character"
    if any(part in {"", ".", ".."} for part in path.split("/")) or path[1:2] == ":":
        return "not a plain relative path"
    return ""


def _problem(release: Release) -> str:
    """The first broken invariant of a release that its types do not express."""
    if release.status != "current" and not release.reason:
        return f"a release that is {release.status} needs a reason"
    if release.id in release.supersedes:
        return "it cannot replace itself"
    anchor = release.git_anchor
    if anchor is not None and anchor.commit != release.revision:
        return "the git anchor is for another commit than the revision"
    if release.revision is not None and not _COMMIT.fullmatch(release.revision):
        return "a revision is a commit of 40 hexadecimal digits"
    paths: set[str] = set()
    for number, file in enumerate(release.files):
        if problem := unsafe_path(file.path) or _digest_problem(file):
            return f"files[{number}] ({file.path!r}): {problem}"
        if file.path in paths:
            return f"files[{number}] ({file.path!r}): the same path occurs twice"
        paths.add(file.path)
    return ""


def _digest_problem(file: ListedFile) -> str:
    if not file.digests:
        return "no digest"
    for algorithm, digest in file.digests.items():
        if algorithm not in DIGITS:
            return f"no digest algorithm {algorithm!r}"
        if len(digest) != DIGITS[algorithm]:
            return f"{algorithm} has {DIGITS[algorithm]} digits, not {len(digest)}"
    if file.header_sha256 is not None and len(file.header_sha256) != DIGITS["sha256"]:
        return "header_sha256 has 64 digits"
    if file.path.startswith("*") and file.compared() is not None:
        return "only a file without a strong digest may be named by a pattern"
    return ""
