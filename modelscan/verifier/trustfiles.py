"""Trust as the user writes it down: files with keys, authorities and roots, checked before use.

A file that cannot be used is an error before anything is scanned, never a signer who is silently
not trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelscan.errors import UsageError
from modelscan.verifier.trust import SigstoreSigner, Trust, TrustedKey

_LARGEST = 1 << 20
"""Bytes of a file with keys or certificates."""


def trust_from_files(
    *,
    keys: Sequence[Path] = (),
    authorities: Sequence[Path] = (),
    identities: Sequence[str] = (),
    sigstore: Sequence[SigstoreSigner] = (),
    trusted_root: Path | None = None,
) -> Trust:
    """Read what the user named, and check that it can be used.

    Raises:
        UsageError: a file cannot be read or does not hold what it should, or the choice of
            identities is incomplete.
    """
    if authorities and not identities:
        raise UsageError(
            "a certificate authority issues certificates to many", "say whose: --identity PATTERN"
        )
    if identities and not authorities:
        raise UsageError("--identity says nothing without --ca", "name the authority: --ca FILE")
    # lazy: configurations seldom name any of them
    from modelscan.verifier.oms.certificate import load_authorities
    from modelscan.verifier.oms.curves import load_any_key
    from modelscan.verifier.oms.keyless import load_root

    found = tuple(TrustedKey(path.name, read_small(path)) for path in keys)
    for key in found:
        load_any_key(key.name, key.pem)
    roots = tuple(read_small(path) for path in authorities)
    for path, pem in zip(authorities, roots, strict=True):
        load_authorities(pem, path.name)
    if trusted_root is not None:
        load_root(trusted_root)
    return Trust(
        keys=found,
        authorities=roots,
        identities=tuple(identities),
        sigstore=tuple(sigstore),
        trusted_root=trusted_root,
    )


def read_small(path: Path) -> bytes:
    """The bytes of a file with keys or certificates.

    Raises:
        UsageError: it cannot be read, or is no such file's size.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or type(error).__name__).lower()}") from None
    if len(data) > _LARGEST:
        raise UsageError(f"{path}: too large for keys or certificates")
    return data
