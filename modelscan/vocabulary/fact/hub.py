"""Facts about a model's place on a hub: what the hub says about it. All of it is a claim.

The digests that a hub states are `SourceDigest` facts, as those of every other place.
"""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact


class HubRepository(Fact, frozen=True, kw_only=True, tag="hub.repository"):
    """The repository that was asked for, as the hub describes it."""

    endpoint: str
    """Base URL of the hub."""
    mirror: bool
    """True when that is not the public hub: what it says about others' models is hearsay."""
    asked: str
    """The repository's id as it was asked for."""
    repository: str
    """Its id as the hub gives it: another one when it was renamed or moved."""
    renamed: bool
    """True when these differ by more than upper and lower case."""
    object_id: str = ""
    """The hub's own number for the repository, which a name that is registered again does not
    inherit; its first eight digits are a time."""
    created: str = ""
    """When the repository was created, RFC 3339."""
    modified: str = ""
    """When it was last changed."""
    asked_revision: str = ""
    """The branch, tag or commit that was asked for; empty for the default branch."""
    pinned: bool
    """True when that is a commit."""
    revision: str
    """The commit that was read."""
    gated: str = ""
    """How access is granted, `auto` or `manual`; empty when everybody has it."""
    private: bool = False
    """True when only members have access."""
    downloads: int | None = None
    """In the last thirty days. Says nothing about safety, and is never used as if it did."""
    likes: int | None = None
    """The same."""
    owner: str = ""
    """The organisation or person before the slash."""
    owner_kind: Literal["organisation", "person", "unknown"] = "unknown"
    """Which of the two, if the hub says."""
    owner_verified: bool | None = None
    """Whether the hub has verified the organisation; `None` when that is not known."""
    library: str = ""
    """The library that the model is for."""
    task: str = ""
    """What the model is for."""
    licence: str = ""
    """As the hub lists it."""
    base_models: tuple[str, ...] = ()
    """What it was made from, as its author says."""
    relation: str = ""
    """How: `finetune`, `adapter`, `merge`, `quantized`."""
    children: int | None = None
    """Models on the hub that say that they were made from this one."""


class HubHistory(Fact, frozen=True, kw_only=True, tag="hub.history"):
    """What happened around the commit that was read."""

    head: str = ""
    """The newest commit of the default branch; empty when the hub does not say."""
    newer: int | None = None
    """Commits of the default branch since the one that was read; `None` when it is not among the
    newest ones of that branch."""
    newer_authors: tuple[str, ...] = ()
    """Who made those. Names are what the hub says: they are not authenticated."""
    author: str = ""
    """Who made the commit that was read."""
    date: str = ""
    """When, RFC 3339."""
    branches: tuple[str, ...] = ()
    """Names of branches."""
    tags: tuple[str, ...] = ()
    """Names of tags."""
    named: tuple[str, ...] = ()
    """Branches and tags that point to the commit that was read."""


class HubFile(Fact, frozen=True, kw_only=True, tag="hub.file"):
    """What the hub declares about one file."""

    size: int
    """Length in bytes."""
    verdict: Literal["safe", "caution", "suspicious", "unsafe", "error", "queued", "none"] = "none"
    """What the hub's scanners found, the worst of them; `none` when the hub does not say."""
    scanners: tuple[str, ...] = ()
    """The scanners that found something, each with its message."""
    changed_by: str = ""
    """The commit that last changed the file."""
    changed: str = ""
    """When that was, RFC 3339."""
