"""A model as its source presents it: files to open, and what could not be opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

import msgspec

from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

Access = Literal["local", "whole", "ranges"]
"""How the bytes of a file are had: from this machine; from elsewhere, all of them; or from there in
the parts that readers ask for, so that nobody hashes them."""
SourceKind = Literal["directory", "file", "hub", "hub-cache", "ollama", "oci", "url"]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model was taken from."""

    kind: SourceKind
    endpoint: str | None = None
    """Base URL of the hub or registry; `None` for a local target."""
    revision: str | None = None
    """The commit that was read, 40 hexadecimal digits, when the source knows it. A claim."""
    asked_revision: str | None = None
    """The branch, tag or commit that was asked for."""


class OpenArtifact(Artifact, Protocol):
    """An artifact that is open and can tell whether its bytes stayed the same."""

    def changed(self) -> bool:
        """True when size or modification time are no longer those of the moment of opening."""
        ...


class SourceFile(Protocol):
    """One file of a model, not yet opened."""

    name: str
    """Path relative to the model's root, with forward slashes."""

    @property
    def size(self) -> int:
        """Bytes, as listed; the open artifact's size is the one that counts."""
        ...

    @property
    def access(self) -> Access:
        """How its bytes are had."""
        ...

    def open(self) -> AbstractContextManager[OpenArtifact]:
        """Open the file once, for hashing and reading alike.

        Raises:
            ReadError: it cannot be opened.
        """
        ...


class GitObject(msgspec.Struct, frozen=True):
    """An object of git as it is, whose id is a digest over it."""

    kind: str
    """`commit`, `tree` or `blob`."""
    data: bytes


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to look at."""

    ref: str
    """How reports name the model."""
    source: Source
    files: Sequence[SourceFile]
    """Sorted by name."""
    facts: tuple[Fact, ...] = ()
    """What the listing itself revealed: links, devices, deceptive names."""
    coverage: tuple[Coverage, ...] = ()
    """What the listing could not open."""
    claimed: str = ""
    """The model's identity as its source claims it, `hf:org/name@<commit>`; empty when it claims
    none."""
    left_out: frozenset[str] = frozenset()
    """Names of files that the reference itself leaves out."""
    path: str = ""
    """Absolute path of a local target; printed only when asked for."""
    objects: tuple[GitObject, ...] = ()
    """What proves the commit of a hub's repository, where its git server gave it."""
    let_go: Callable[[], None] | None = None
    """Closes what opening the files needs, such as connections."""

    def close(self) -> None:
        """To be called when no file will be opened any more."""
        if self.let_go is not None:
            self.let_go()
