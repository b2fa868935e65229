"""What every kind of signature has in common: a file before, a scope and a verdict after the pass.

Importing this costs nothing: hardly a model comes with a signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import msgspec

from modelscan.vocabulary.result import FileEntry

if TYPE_CHECKING:
    from modelscan.verifier.oms.compare import Comparison

NAME = "OpenSSF Model Signing"
LIMIT = 16 << 20
"""Bytes of the largest signature file that is read. In a bundle each file or shard takes about 200,
so that 80,000 of them fit."""

Outcome = Literal["invalid", "not-checked", "valid-trusted", "valid-untrusted", "unknown-key"]


class SignatureFile(msgspec.Struct, frozen=True):
    """A file with a signature."""

    name: str
    """Path inside the model, or the name of a file beside it."""
    data: bytes
    inside: bool
    """True for one of the model's own files."""

    @property
    def sha256(self) -> str:
        """Digest of its bytes, hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


class Verdict(msgspec.Struct, frozen=True):
    """What one signature is worth."""

    outcome: Outcome
    note: str
    """Why, in one line."""
    signer: str = ""
    root: str = ""
    """What its trust rests on, when it has a root."""
    comparison: Comparison | None = None
    whole: bool = False
    """True when every file that was looked at is signed."""
    anchor: str = ""
    """What identifies the signer, once the signature was checked."""
    party: str = ""
    """The configuration's name of the signer."""
    covers: frozenset[str] = frozenset()
    """Paths of the files that somebody trusted has signed."""
    statement: str = ""
    """What is stated of all files, names included, as `Statement.identity` has it."""
    signed: str = ""
    """When, UTC: by sigstore's certificate, else by the signer's own word; empty for neither."""


class Scope:
    """The files that a signature is held against; shared by all signatures of a model.

    Args:
        files: all of the model's.
        specials: paths of what is there and is no file: links out of the model, devices.
        signatures: SHA-256 of the bundles, which cannot sign themselves.
        asked: whether a path is looked at.
        lone: the model is a single file.
    """

    def __init__(
        self,
        files: Sequence[FileEntry],
        specials: Sequence[str],
        signatures: frozenset[str],
        asked: Callable[[str], bool],
        *,
        lone: bool,
    ) -> None:
        self.files = files
        self.specials = specials
        self.signatures = signatures
        self.asked = asked
        self.lone = lone

    @cached_property
    def present(self) -> Mapping[str, FileEntry]:
        """The files by their paths."""
        return {file.path: file for file in self.files}

    @cached_property
    def by_digest(self) -> Mapping[tuple[str, str], Sequence[str]]:
        """The paths of the files with a digest, by its algorithm and value."""
        found: dict[tuple[str, str], list[str]] = {}
        for file in self.files:
            for stated in file.digests.items():
                found.setdefault(stated, []).append(file.path)
        return found
