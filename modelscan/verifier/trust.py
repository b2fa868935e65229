"""Whom the user trusts to sign: keys, certificate authorities with identities, sigstore identities.

It comes from the command line or the user's configuration and never from a model. Nothing is
trusted by default: no store of the operating system, no cache in the user's home.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec


class TrustedKey(msgspec.Struct, frozen=True):
    """A public key."""

    name: str
    """What reports call it: the name of its file."""
    pem: bytes


class SigstoreSigner(msgspec.Struct, frozen=True):
    """An identity that sigstore's certificate authority vouches for."""

    identity: str
    """E-mail address or URI of the certificate, as it is; in a configuration it may be a pattern
    (`*` and `?`)."""
    issuer: str
    """URL of the identity provider."""
    owner_id: str = ""
    """Number of the owner of the source repository; unlike a name, nobody else can take it."""


class Trust(msgspec.Struct, frozen=True):
    """Whom the user trusts. Empty trusts nobody."""

    keys: tuple[TrustedKey, ...] = ()
    authorities: tuple[bytes, ...] = ()
    """Certificates in PEM form; a chain must end in one of them."""
    identities: tuple[str, ...] = ()
    """Patterns of certificate identities (`*` and `?`), or `sha256:` and the digest of a public
    key. None means that no certificate is trusted, whoever issued it."""
    pins: tuple[str, ...] = ()
    """`sha256:` and the digest of the public key of a certificate that is trusted for itself,
    whoever issued it."""
    sigstore: tuple[SigstoreSigner, ...] = ()
    parties: tuple[Party, ...] = ()
    """Others who may sign, each with a name of the user's."""
    revoked: tuple[Party, ...] = ()
    """Who may not sign any more, whatever else is said."""
    trusted_root: Path | None = None
    """Sigstore's roots; `None` for those of the public instance, as installed with the library."""
    now: datetime | None = None
    """The time at which certificates must be valid; `None` for the present."""

    @property
    def asked(self) -> bool:
        """True when somebody is trusted, so that a signature by nobody else will do."""
        return bool(self.keys or self.authorities or self.sigstore or self.parties)


class Party(msgspec.Struct, frozen=True):
    """Somebody whom the user's configuration names: one signer, by whatever means."""

    name: str
    trust: Trust
    reason: str = ""
    """Why they were revoked."""
