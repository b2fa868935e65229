"""Method `key`: the bundle holds no key, only a hint which one it is (specification, section 4.1).

A key that the user gave is trusted. A bundle that names such a key and does not fit it is broken;
one that was signed with a key nobody gave cannot be verified, and says so.
"""

from __future__ import annotations

import hashlib

from modelscan.verifier.oms.authority import Authority
from modelscan.verifier.oms.bundle import SignedBundle
from modelscan.verifier.oms.curves import allowed_key, key_pin, load_any_key
from modelscan.verifier.oms.failures import BrokenSignatureError
from modelscan.verifier.trust import Trust


def authenticate(bundle: SignedBundle, trust: Trust) -> Authority:
    """Try the keys that the user trusts.

    Raises:
        BrokenSignatureError: the bundle names one of them, and its signature does not fit.
    """
    from cryptography.hazmat.primitives import serialization  # lazy: most models are not signed

    for trusted in trust.keys:
        key = allowed_key(load_any_key(trusted.name, trusted.pem))
        if key is None:  # for single files: no bundle is made with such a key
            continue
        if bundle.made_with(key):
            return Authority(
                trusted.name,
                trusted=True,
                checked=True,
                reason="a key that you gave",
                anchor=key_pin(key),
            )
        pem = key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        hints = {hashlib.sha256(text).hexdigest() for text in (pem, pem.strip(), trusted.pem)}
        if bundle.hint in hints:
            raise BrokenSignatureError(
                f"it names the key {trusted.name}, and was not made with it or not over this"
            )
    hint = bundle.hint[:16]
    which = f"a key that nobody gave (it calls it {hint}…)" if hint else "a key that nobody gave"
    if trust.keys:
        which = which.replace("that nobody gave", "other than the given one")
    return Authority("", trusted=False, checked=False, reason=f"signed with {which}")
