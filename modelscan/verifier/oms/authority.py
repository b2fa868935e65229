"""What authenticating a bundle established about its signer."""

from __future__ import annotations

from typing import NamedTuple


class Authority(NamedTuple):
    """Who signed, and what that is worth here."""

    signer: str
    """The key, certificate or identity; empty when it is not known."""
    trusted: bool
    """True when the user said that this signer is trusted."""
    checked: bool
    """True when the signature itself was verified. False only for a key that nobody gave."""
    reason: str
    """Why the signer is trusted, or is not."""
    root: str = ""
    """What the verification rests on, for a signature whose trust has a root: its digest and
    age."""
    anchor: str = ""
    """What identifies the signer wherever the bundle comes from: `sha256:` and the digest of the
    public key, or the sigstore identity and its issuer."""
    party: str = ""
    """The name that the user's configuration gives the signer."""
    signed: str = ""
    """When it was signed, UTC, by the word of somebody else than the signer; empty when nobody
    vouches for that."""
