"""Facts about places that models are taken from: what they state of the bytes, and what is wrong.

Invariants: what a place states is `declared`; only a comparison with bytes that were hashed here,
or with git objects that were, is `verified`.
"""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact


class SourceDigest(Fact, frozen=True, kw_only=True, tag="source.digest"):
    """A digest that the place which a file was taken from states for it."""

    algorithm: Literal["sha256", "sha512", "git-blob"]
    """`git-blob` is the SHA-1 object id of the bytes as a git blob."""
    expected: str
    """The digest, hexadecimal."""
    stated_by: Literal["blob-name", "manifest", "git", "listing", "reference"]
    """`blob-name`: the file of a store is named after it. `manifest`: a package's list of its
    parts. `git`: the objects that a commit stands for. `listing`: what an interface answered.
    `reference`: whoever named the model named the digest, too."""
    size: int | None = None
    """Bytes that the file is said to have."""


class SourceCheck(Fact, frozen=True, kw_only=True, tag="source.check"):
    """The digests that a place states, compared with each other or with the bytes."""

    outcome: Literal["matches", "differs", "absent", "contradicts"]
    """`matches` and `differs` compare bytes that were hashed here; `absent` is a file that is here
    and that the place's commit does not have; `contradicts` is a place that states two things."""
    algorithm: str
    """The digest algorithm compared; empty for `absent`."""
    expected: str
    """The stated digest, hexadecimal; of `contradicts`, the one that is proved."""
    found: str
    """The digest of the bytes; of `contradicts`, the one that is stated elsewhere."""
    stated_by: Literal["blob-name", "manifest", "git", "listing", "reference"]
    """As in `source.digest`."""
    note: str = ""
    """What else is known about it, such as the commit."""


class SourcePart(Fact, frozen=True, kw_only=True, tag="source.part"):
    """One part of a packaged model, as the package's manifest lists it."""

    role: Literal[
        "manifest", "config", "weights", "adapter", "projector", "template", "system",
        "parameters", "messages", "licence", "document", "code", "dataset", "layer", "other",
    ]  # fmt: skip
    """What the part is for."""
    media_type: str
    """As the manifest states it."""
    digest: str
    """As the manifest states it, `sha256:` and hexadecimal digits."""
    size: int
    """Bytes, as the manifest states them."""


class SourceDefect(Fact, frozen=True, kw_only=True, tag="source.defect"):
    """Something in a package, a store or an answer that a well-behaved one does not have."""

    kind: Literal[
        "name-escapes",  # a part that wants to be written outside the model's folder
        "name-repeated",  # two parts with one name, or with names that differ in case alone
        "part-missing",  # a part that the manifest lists and that is not there
        "part-malformed",  # an entry of the manifest that is none
        "remote-model",  # a package without weights: prompts are sent to a server
        "not-proved",  # the git objects behind a commit could not be fetched or checked
        "object-altered",  # a git object whose bytes are not what its id stands for
    ]
    """What is wrong."""
    value: str = ""
    """The name, digest or address concerned."""
    detail: str = ""
    """What else is known about it."""


class SourceRevision(Fact, frozen=True, kw_only=True, tag="source.revision"):
    """How a reference names the version that was read."""

    asked: str
    """The tag, branch, version or digest that was asked for; empty for none."""
    resolved: str
    """The digest or commit that was read; empty when the place gives none."""
    pinned: bool
    """True when the reference names bytes and not a name that can be moved."""
