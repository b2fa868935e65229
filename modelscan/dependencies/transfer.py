"""What goes to a site without a network: a model, what was found in it, and a receipt for it all.

A bundle is a folder, or a plain tar of it: `receipt.json`, perhaps `receipt.sig`, and `blobs/` with
one file for each content, named after its SHA-256. No name of a model's file is ever a name in the
archive; the receipt says which content belongs to which name. It is an in-toto statement, so that
it is signed and verified like every other statement here.

Invariants of a receipt that was read: every name stays inside its folder, none stands twice, also
not in another case, and every part has a digest and a size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from modelscan.errors import SourceError
from modelscan.fetcher.oci_names import inside
from modelscan.verifier.oms.failures import BrokenSignatureError
from modelscan.verifier.oms.shape import document
from modelscan.vocabulary.digest import model_digest
from modelscan.vocabulary.lock import Sha256

RECEIPT: Final = "receipt.json"
SIGNATURE: Final = "receipt.sig"
BLOBS: Final = "blobs/"
MODEL: Final = "model/"
REPORT: Final = "report.json"
LOCK: Final = "models.lock"
MANIFESTS: Final = "manifests/"
TRUST: Final = "trust/"
LONGEST: Final = 64 << 20
"""Bytes of a receipt, and of each part that is not of the model."""
_FOLDERS: Final = (MODEL, MANIFESTS, TRUST)
_MOST: Final = 100_000
_KIND: Final = "urn:modelassay:transfer:1"

Size = Annotated[int, msgspec.Meta(ge=0, le=1 << 50)]
Text = Annotated[str, msgspec.Meta(max_length=4_000)]


class Digest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Digests of a part."""

    sha256: Sha256


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One part: `model/<path>`, `report.json`, `models.lock`, `manifests/…`, `trust/…`."""

    name: Text
    digest: Digest


class About(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the receipt says beside names and digests. A claim, unless it is signed."""

    created: Text
    tool: Text
    ref: Text
    """What was pulled, with the commit: `hf:org/name@<commit>`."""
    digest: Text
    """Identity of the model, see `vocabulary.digest`."""
    policy: Text
    """The policy that it passed."""
    sizes: dict[str, Size]
    """Bytes of each part."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The receipt of a bundle."""

    type: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(
        name="_type", default="https://in-toto.io/Statement/v1"
    )
    subject: Annotated[tuple[Part, ...], msgspec.Meta(min_length=1, max_length=_MOST)]
    predicate_type: Literal["urn:modelassay:transfer:1"] = msgspec.field(
        name="predicateType", default=_KIND
    )
    predicate: About

    @property
    def parts(self) -> Mapping[str, str]:
        """SHA-256 of each part, by name."""
        return {part.name: part.digest.sha256 for part in self.subject}

    @property
    def model(self) -> Mapping[str, str]:
        """The same of the model's files, by their paths in the model."""
        return {
            name.removeprefix(MODEL): digest
            for name, digest in self.parts.items()
            if name.startswith(MODEL)
        }

    def size(self, name: str) -> int:
        """Bytes of a part."""
        return self.predicate.sizes[name]


def make(parts: Iterable[tuple[str, int, str]], **about: Any) -> Receipt:
    """A receipt.

    Args:
        parts: name, size and SHA-256 of each.
        about: the other fields of `About`.
    """
    ordered = sorted(parts)
    return Receipt(
        subject=tuple(Part(name, Digest(sha256)) for name, _, sha256 in ordered),
        predicate=About(sizes={name: size for name, size, _ in ordered}, **about),
    )


def encode(receipt: Receipt) -> bytes:
    """The bytes of a receipt, the same for the same receipt."""
    return msgspec.json.format(msgspec.json.encode(receipt), indent=1) + b"\n"


def parse(data: bytes) -> Receipt:
    """Read a receipt that anybody may have written.

    Raises:
        SourceError: it is none, or names something that it must not.
    """
    try:
        receipt = msgspec.convert(document(data, RECEIPT), Receipt)
    except BrokenSignatureError as error:
        raise broken(error.message) from None
    except (msgspec.ValidationError, RecursionError) as error:
        raise broken(f"{RECEIPT}: {error}") from None
    seen: set[str] = set()
    for part in receipt.subject:
        name = part.name
        if inside(name) != name or not (name in {REPORT, LOCK} or name.startswith(_FOLDERS)):
            raise broken(f"{RECEIPT} names {name!r}, which no bundle has")
        if name.casefold() in seen:
            raise broken(f"{RECEIPT} names {name!r} twice, or in another case")
        seen.add(name.casefold())
    parts = receipt.parts
    if parts.keys() != receipt.predicate.sizes.keys():
        raise broken(f"{RECEIPT} does not say how long each part is")
    missing = {REPORT, LOCK} - parts.keys()
    if missing or not receipt.model:
        raise broken(f"{RECEIPT} does not name {min(missing, default='a model')}")
    rows = ((path, receipt.size(MODEL + path), sha256) for path, sha256 in receipt.model.items())
    if model_digest(rows) != receipt.predicate.digest:
        raise broken(f"{RECEIPT} states another digest of the model than its files have")
    return receipt


def broken(why: str) -> SourceError:
    """The error of a bundle that is none, or was altered."""
    return SourceError(f"not taken in: {why}", "ask for the bundle again, by another way")
