"""What a model's weights are to be compared with. Values only: a default scan imports this module.

A base is known by its fingerprint. Its label and identity are claims, like every name.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from modelscan.lineage.authority import Authority
from modelscan.lineage.prints import Fingerprint
from modelscan.lineage.signs import PUBLIC, Seed
from modelscan.vocabulary.snapshot import SourceFile


class Base(msgspec.Struct, frozen=True):
    """A model that the weights may descend from."""

    label: str
    """How reports call it."""
    identity: str
    """The repository that it is known to be, `owner/name`; empty for a folder."""
    print: Fingerprint
    asked: bool = False
    """The user named it; others come from a library."""
    files: tuple[SourceFile, ...] = ()
    """Its files, to be opened again; none when only its fingerprint is there."""
    let_go: Callable[[], None] | None = None
    """Closes what opening them needs, such as connections."""
    authority: Authority | None = None
    """The manifest that states the digest of its fingerprint."""


class Ancestry(msgspec.Struct, frozen=True):
    """What is asked of lineage. Empty: the model's claims are repeated, and no weight is read."""

    bases: tuple[Base, ...] = ()
    searched: bool = False
    """The bases are a library to search, and not what somebody claims."""
    deep: bool = False
    """Decompose the difference of the weights themselves, besides comparing fingerprints."""
    directions: Callable[[bytes], None] | None = None
    """Takes the file with the main directions of that difference."""
    samples: bool = False
    """Look at a few values of each tensor alone: for models that are far away."""
    alone: bool = False
    """Look at what the weights show without a base."""
    seed: Seed = PUBLIC
    """What the signs and positions of private fingerprints were drawn from."""
    glance: bool = False
    """The bases are a library that a few values of each tensor are held against, and no more."""

    @property
    def chosen_seed(self) -> Seed:
        """The private seed where a base has it, else the public one: one look serves all bases."""
        own = any(base.print.seed == self.seed.name for base in self.bases)
        return self.seed if own else PUBLIC

    def close(self) -> None:
        """To be called when nothing will be compared any more."""
        for base in self.bases:
            if base.let_go is not None:
                base.let_go()
