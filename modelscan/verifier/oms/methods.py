"""The table of signing methods. Each module is imported when a bundle of its kind turns up."""

from __future__ import annotations

import msgspec

from modelscan.verifier.oms.authority import Authority
from modelscan.verifier.oms.bundle import SignedBundle
from modelscan.verifier.oms.failures import BrokenSignatureError
from modelscan.verifier.trust import Party, Trust


def authenticate(bundle: SignedBundle, trust: Trust) -> Authority:
    """Who signed a bundle: somebody revoked, somebody trusted, or somebody else.

    Raises:
        BrokenSignatureError: its signature does not fit, or its signer was revoked.
        UncheckableError: something that the check needs is not there.
        UsageError: what the user named cannot be used.
    """
    for party in trust.revoked:
        if _by_method(bundle, _as(party, trust)).trusted:
            raise BrokenSignatureError(f"signed by {party.name}, who was revoked: {party.reason}")
    found = _by_method(bundle, trust)
    if found.trusted:
        return found
    for party in trust.parties:
        theirs = _by_method(bundle, _as(party, trust))
        if theirs.trusted:
            return theirs._replace(party=party.name, reason=f"{party.name}: {theirs.reason}")
    return found


def _as(party: Party, trust: Trust) -> Trust:
    """The trust in one party, with what all of them rest on."""
    return msgspec.structs.replace(party.trust, trusted_root=trust.trusted_root, now=trust.now)


def _by_method(bundle: SignedBundle, trust: Trust) -> Authority:
    # lazy: each brings the part of the cryptographic libraries that it needs
    if bundle.method == "key":
        from modelscan.verifier.oms import key

        return key.authenticate(bundle, trust)
    if bundle.method == "certificate":
        from modelscan.verifier.oms import certificate

        return certificate.authenticate(bundle, trust)
    from modelscan.verifier.oms import keyless

    return keyless.authenticate(bundle, trust)
