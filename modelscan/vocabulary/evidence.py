"""What the verifier established, on its two axes: integrity and authority."""

from __future__ import annotations

from typing import Literal

import msgspec

from modelscan.vocabulary.fact import Fact

OfficialStatus = Literal[
    "verified-official", "matches-known-release", "pinned-match", "hub-consistent", "modified",
    "denied", "not-hashed", "unknown", "error",
]  # fmt: skip
SignedStatus = Literal[
    "signed-trusted", "signed-untrusted", "invalid-signature", "unsigned", "error"
]


class OfficialBytes(msgspec.Struct, frozen=True, kw_only=True):
    """Integrity: are these the bytes that somebody published?"""

    status: OfficialStatus
    release: str | None = None
    """The release's id."""
    assurance: str | None = None
    """Who states its digests."""
    reason: str


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """Authority: who put their name to these bytes?"""

    status: SignedStatus
    signer: str | None = None
    method: str | None = None
    reason: str


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What one check established."""

    official: OfficialBytes | None = None
    signed: Signed | None = None
    facts: tuple[Fact, ...] = ()
    signers: tuple[str, ...] | None = None
    """Who signs the release that this is; `None` when no signature is expected, empty when it is
    not known who."""
