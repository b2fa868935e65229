"""The table of signing methods. Each module is imported when a bundle of its kind turns up."""

from __future__ import annotations

from modelscan.verifier.oms.authority import Authority
from modelscan.verifier.oms.bundle import Bundle
from modelscan.verifier.trust import Trust


def authenticate(bundle: Bundle, trust: Trust) -> Authority:
    """Who signed a bundle.

    Raises:
        BrokenSignatureError: its signature does not fit.
        UncheckableError: something that the check needs is not there.
        UsageError: what the user named cannot be used.
    """
    # lazy: each brings the part of the cryptographic libraries that it needs
    if bundle.method == "key":
        from modelscan.verifier.oms import key

        return key.authenticate(bundle, trust)
    if bundle.method == "certificate":
        from modelscan.verifier.oms import certificate

        return certificate.authenticate(bundle, trust)
    from modelscan.verifier.oms import keyless

    return keyless.authenticate(bundle, trust)
