"""The lock, `modelassay-lock/1`: which models a code base agreed on, and what each of them was.

A lock is a file of text in TOML, kept beside the code: one table for each model, in a fixed order,
so that a change to one model is a change to one table. What a hub says stands beside what was
measured; only digests prove anything later. Its JSON Schema is generated from these types.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

SCHEMA = "modelassay-lock/1"
"""Which shape this is; the number changes only when a reader would break."""

Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Digest = Annotated[str, msgspec.Meta(pattern=r"^(sha256:[0-9a-f]{64})?$")]
Commit = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{40})?$")]
Ref = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
Text = Annotated[str, msgspec.Meta(max_length=4_000)]


class LockedFile(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One file of a model."""

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=4_000)]
    """Relative to the model, with forward slashes."""
    size: Annotated[int, msgspec.Meta(ge=0)]
    """Bytes."""
    sha256: Sha256
    format: Text = ""
    """What the bytes are; empty when no reader knows them."""
    declared: bool = False
    """True when the digest is the hub's word: nobody hashed the bytes yet."""


class LockedTensor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tensor of a model."""

    name: Text
    """The canonical name, see `docs/lineage.md`."""
    sha256: Sha256
    """Digest of its shape and its values, whatever type and file they are stored in."""


class LockedModel(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True,
    rename="kebab",
):  # fmt: skip
    """One model, as it was when it was locked."""

    ref: Ref
    """How the code names it: `hf:org/name`, `./path` of a local model from the lock's folder, …"""
    asked: Text = ""
    """The branch, tag or commit that the code asks for; empty for the default branch."""
    adapter_of: Text = ""
    """For an adapter: the model that it needs."""
    allow_remote_code: bool = False
    """Somebody agreed that code may run the Python of `remote-code`; new code withdraws it."""
    author: Text = ""
    """Who owns the repository, as its hub says."""
    base: tuple[Text, ...] = ()
    """What it was made from, as its files claim."""
    committed: Text = ""
    """When the commit was made, as its hub says."""
    created: Text = ""
    """When the repository was created, as its hub says: another date is another repository."""
    digest: Digest = ""
    """Identity of all bytes, see `vocabulary.digest`; empty when not all of them were hashed."""
    formats: tuple[Text, ...] = ()
    licence: tuple[Text, ...] = ()
    """As its files claim."""
    manifest: Digest = ""
    """For a package of a registry: the digest of its manifest."""
    manual: bool = False
    """Locked because somebody named it, not because code does."""
    object_id: Text = ""
    """The repository's own id on its hub, which a new repository of the same name does not have."""
    remote_code: Digest = ""
    """Fingerprint of the Python in it: names and digests of all its files."""
    repository: Text = ""
    """The repository's name on its hub, where that is another one: it was renamed."""
    revision: Commit = ""
    """The commit."""
    signer: Text = ""
    """Who signed it, when the signature is valid."""
    since: Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = ""
    """The day on which these bytes were agreed on."""
    tensors: tuple[LockedTensor, ...] = ()
    """By name, when `--tensors` asked for them."""
    used_in: tuple[Text, ...] = ()
    """Files that name it, relative to the lock's folder."""
    verdict: Text = ""
    """What the hub's own scanners say of it."""
    weights_root: Text = ""
    """Digest of the weights, whatever files they lie in."""
    files: tuple[LockedFile, ...] = ()
    """By path."""

    @property
    def local(self) -> bool:
        """True for a model that lies beside the code."""
        return self.ref.startswith("./")

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the other models of a lock."""
        return (self.ref, self.asked)


class Lock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole lock."""

    schema: str = SCHEMA
    model: tuple[LockedModel, ...] = ()
    """By reference, then by the revision asked for."""

    def named(self, ref: str) -> tuple[LockedModel, ...]:
        """Every entry of a reference."""
        return tuple(model for model in self.model if model.ref == ref)
