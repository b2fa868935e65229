"""The outer layers of a model's signature: Sigstore bundle, then DSSE envelope.

Sources: OpenSSF Model Signing specification v1.0, sections 3 and 4; Sigstore's bundle format v0.3;
DSSE v1 ("DSSEv1" pre-authentication encoding). Strict where the format leaves room: one signature,
one kind of verification material, no unknown names. The envelope's `keyid` authenticates nothing
and is not looked at.
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

from modelscan.verifier.oms.failures import BrokenSignatureError
from modelscan.verifier.oms.shape import document, items, octets, table, text

LIMIT = 16 << 20
"""Bytes of a bundle. Each file or shard takes about 200, so that 80,000 of them fit."""
PAYLOAD_TYPE = "application/vnd.in-toto+json"

Method = Literal["key", "certificate", "sigstore"]

_MEDIA_TYPE = re.compile(
    r"application/vnd\.dev\.sigstore\.bundle(\+json;version=0\.[123]|\.v0\.3\+json)"
)
_MARK = b"application/vnd.dev.sigstore.bundle"
_MATERIAL: dict[str, Method] = {
    "publicKey": "key",
    "x509CertificateChain": "certificate",
    "certificate": "sigstore",
}
_MATERIAL_NAMES = frozenset({*_MATERIAL, "tlogEntries", "timestampVerificationData"})
_MOST_CERTIFICATES = 10


class Bundle(NamedTuple):
    """A bundle whose shape is right. Nothing in it is authenticated yet."""

    method: Method
    hint: str
    """For `key`: which key, as SHA-256 of its PEM text in hexadecimal; empty when not said."""
    certificates: tuple[bytes, ...]
    """For `certificate` and `sigstore`: DER, the signer's first. A bundle of method `sigstore` has
    one."""
    payload: bytes
    """What is signed, an in-toto statement."""
    signature: bytes
    data: bytes
    """The whole bundle."""

    def signed_bytes(self) -> bytes:
        """What the signature is over."""
        return encoded(self.payload)


def encoded(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding of an in-toto statement."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d " % (len(kind), kind, len(payload)) + payload


def looks_like_bundle(data: bytes) -> bool:
    """True for bytes that claim to be a Sigstore bundle, broken ones included."""
    return data[:64].lstrip().startswith(b"{") and _MARK in data


def parse_bundle(data: bytes) -> Bundle:
    """Take a bundle apart.

    Raises:
        BrokenSignatureError: it is none, or not one that signs a statement.
    """
    if len(data) > LIMIT:
        raise BrokenSignatureError(f"a bundle of {len(data):,} bytes")
    root = document(data, "the bundle")
    table(root, "the bundle", ("mediaType", "verificationMaterial", "dsseEnvelope"))
    if not _MEDIA_TYPE.fullmatch(text(root.get("mediaType"), "mediaType")):
        raise BrokenSignatureError(f"a bundle of the unknown type {root['mediaType']!r}")
    payload, signature = _envelope(root.get("dsseEnvelope"))
    material = table(root.get("verificationMaterial"), "verificationMaterial", _MATERIAL_NAMES)
    methods = [method for name, method in _MATERIAL.items() if name in material]
    if len(methods) != 1:
        raise BrokenSignatureError(
            "verificationMaterial holds "
            + (" and ".join(methods) or "neither a key nor a certificate")
        )
    hint, certificates = _material(methods[0], material)
    return Bundle(methods[0], hint, certificates, payload, signature, data)


def _envelope(value: Any) -> tuple[bytes, bytes]:
    """Payload and signature of a DSSE envelope with exactly one signature."""
    envelope = table(value, "dsseEnvelope", ("payload", "payloadType", "signatures"))
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        raise BrokenSignatureError(f"the envelope's payload is not of type {PAYLOAD_TYPE}")
    (only,) = items(envelope.get("signatures"), "signatures", least=1, most=1)
    signature = table(only, "the signature", ("sig", "keyid"))
    return octets(envelope.get("payload"), "payload"), octets(signature.get("sig"), "sig")


def _material(method: Method, material: dict[str, Any]) -> tuple[str, tuple[bytes, ...]]:
    if method == "key":
        key = table(material["publicKey"], "publicKey", ("hint", "rawBytes"))
        hint = key.get("hint", "")
        return text(hint, "hint") if hint else "", ()
    if method == "certificate":
        chain = table(material["x509CertificateChain"], "x509CertificateChain", ("certificates",))
        listed = items(chain.get("certificates"), "certificates", least=1, most=_MOST_CERTIFICATES)
        return "", tuple(_certificate(item) for item in listed)
    items(material.get("tlogEntries"), "tlogEntries", least=1)
    return "", (_certificate(material["certificate"]),)


def _certificate(value: Any) -> bytes:
    return octets(table(value, "a certificate", ("rawBytes",)).get("rawBytes"), "a certificate")
