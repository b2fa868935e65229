"""The inventory, `modelassay-inventory/1`: which models a code base uses, and which lie on a disk.

A reference is a claim of the code about what it will load; nothing was fetched to check it. Its
JSON Schema is generated from these types.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from modelscan.vocabulary.coverage import Coverage

SCHEMA = "modelassay-inventory/1"
"""Which shape this is; the number changes only when a reader would break."""

Certainty = Literal["declared", "inferred", "unresolved"]
"""`declared`: the text stands in the file, also behind a constant. `inferred`: a default that can
be changed from outside, one of several alternatives, or a weaker reading. `unresolved`: a model is
loaded here, and which one only running the code would tell."""


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a reference stands."""

    file: str
    """Path relative to the folder that was looked at, with forward slashes."""
    line: int
    """From 1; 0 when no line can be named. In a notebook, the line of the cell."""
    member: str | None = None
    """`cell 3` of a notebook, counted among all cells."""


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a model is named in order to be loaded, fetched or called."""

    ref: str
    """`hf:org/name`, `ollama:name:tag`, `oci:host/repo`, `hosted:name` for a model behind somebody
    else's interface, a URL, a path, or `<catalogue>:name` (`torchhub`, `timm`, `spacy`, `whisper`,
    `ultralytics`, `keras`, `gensim`). The expression as written when it is unresolved."""
    purl: str | None = None
    """Package URL, where a legal one exists: a hub model at a commit, an OCI artifact by digest."""
    revision: str | None = None
    """Branch, tag or commit, as written."""
    pinned: bool = False
    """True when what is named cannot change: a full commit, or a digest."""
    certainty: Certainty
    kind: str
    """What kind of file it stands in: `python`, `notebook`, `dockerfile`, `compose`, ..."""
    where: Place
    options: dict[str, Any] = {}
    """Options that bear on what is loaded and how: `trust_remote_code`, `weights_only`, ..."""


class ModelFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file of weights, or of a serialised model. Equal bytes are listed once."""

    path: str
    """Where it lies; `!` separates an archive from its member."""
    format: str
    size: int
    """Bytes."""
    digest: str | None
    """`sha256:` and 64 hexadecimal digits; `None` when it was not hashed."""
    ref: str | None
    """What the folder around it claims it to be."""
    also: tuple[str, ...] = ()
    """Other places with the same bytes."""


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found."""

    schema: str = SCHEMA
    references: tuple[Reference, ...] = ()
    """By reference, then by place."""
    artifacts: tuple[ModelFile, ...] = ()
    """By path."""
    coverage: tuple[Coverage, ...] = ()
    """What was not looked at, and why."""

    @property
    def exit_code(self) -> int:
        """0 found something, 3 something could not be read, 4 nothing was found."""
        if any(gap.needed for gap in self.coverage):
            return 3
        return 0 if self.references or self.artifacts else 4
