"""Fake repositories: commits, branches, tags, and the ways in which a hub may lie about them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.hub.content import Content


@dataclass
class Commit:
    """One state of all files."""

    files: dict[str, Content]
    title: str
    author: str
    date: str
    sha: str = ""

    def __post_init__(self) -> None:
        state = hashlib.sha1(usedforsecurity=False)
        for path, content in sorted(self.files.items()):
            state.update(path.encode(errors="surrogatepass") + content.sha256.encode())
        state.update((self.title + self.author + self.date).encode())
        self.sha = self.sha or state.hexdigest()


@dataclass
class Repository:
    """One model, with its history."""

    id: str
    commits: list[Commit] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    """Laid over the answer to `model_info`."""
    security: dict[str, dict[str, Any]] = field(default_factory=dict)
    """`securityFileStatus` by path."""
    gated: str | bool = False
    members: set[str] = field(default_factory=set)
    """Tokens that are let in."""
    private: bool = False
    disabled: bool = False

    # -- attacks -------------------------------------------------------------------------------
    served: dict[str, bytes] = field(default_factory=dict)
    """Other bytes than the listed ones, by path."""
    extra: list[dict[str, Any]] = field(default_factory=list)
    """Entries of the listing that no commit has."""
    serves_commit: str = ""
    """The commit that `resolve` says it serves."""
    answers_commit: str = ""
    """The commit that `model_info` names, whatever was asked for."""

    def commit(
        self,
        files: Mapping[str, bytes | Content],
        *,
        title: str = "Upload",
        author: str = "acme",
        date: str = "2026-01-01T00:00:00.000Z",
    ) -> str:
        """Add a state; returns its id."""
        made = Commit({path: Content.of(data) for path, data in files.items()}, title, author, date)
        self.commits.append(made)
        self.branches["main"] = made.sha
        return made.sha

    def at(self, revision: str) -> Commit | None:
        sha = self.branches.get(revision) or self.tags.get(revision) or revision
        return next((commit for commit in self.commits if commit.sha == sha), None)
