"""The outer layers of a model's signature: Sigstore bundle, then DSSE envelope.

Sources: OpenSSF Model Signing specification v1.0, sections 3 and 4; Sigstore's bundle format v0.3;
DSSE v1 ("DSSEv1" pre-authentication encoding). Strict where the format leaves room: one signature,
one kind of verification material, no unknown names. The envelope's `keyid` authenticates nothing
and is not looked at.

A bundle signs a statement (`Bundle`) or the bytes of one file (`Message`); a model's signature is
of the first kind.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from modelscan.verifier.dsse import encoded, parse_envelope
from modelscan.verifier.oms.curves import fits, fits_digest
from modelscan.verifier.oms.failures import BrokenSignatureError
from modelscan.verifier.oms.shape import document, items, octets, table, text
from modelscan.verifier.release import DIGITS
from modelscan.verifier.signed import LIMIT

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

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
_NAMES = ("mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature")
_DIGESTS = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}
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

    def made_with(self, key: EllipticCurvePublicKey) -> bool:
        """Whether the signature was made with the private half of an allowed key."""
        return fits(key, self.signature, self.signed_bytes())


class Message(NamedTuple):
    """A signature over the bytes of one file, of which the bundle knows the digest alone."""

    method: Method
    hint: str
    certificates: tuple[bytes, ...]
    algorithm: str
    """Of the digest: `sha256`, `sha384` or `sha512`."""
    digest: str
    """Hexadecimal. Only a claim until a file has it and the signature fits."""
    signature: bytes
    data: bytes

    def made_with(self, key: EllipticCurvePublicKey) -> bool:
        """Whether the signature was made with a key, over a file of this digest."""
        return fits_digest(key, self.signature, bytes.fromhex(self.digest), self.algorithm)


SignedBundle = Bundle | Message


def looks_like_bundle(data: bytes) -> bool:
    """True for bytes that claim to be a Sigstore bundle, broken ones included."""
    return data[:64].lstrip().startswith(b"{") and _MARK in data


def parse_bundle(data: bytes) -> Bundle:
    """Take a bundle apart.

    Raises:
        BrokenSignatureError: it is none, or not one that signs a statement.
    """
    found = parse_signed(data)
    if isinstance(found, Message):
        raise BrokenSignatureError("a bundle that signs one file, and no statement")
    return found


def parse_signed(data: bytes) -> SignedBundle:
    """Take a bundle apart, whatever it signs.

    Raises:
        BrokenSignatureError: it is none.
    """
    if len(data) > LIMIT:
        raise BrokenSignatureError(f"a bundle of {len(data):,} bytes")
    root = document(data, "the bundle")
    table(root, "the bundle", _NAMES)
    if not _MEDIA_TYPE.fullmatch(text(root.get("mediaType"), "mediaType")):
        raise BrokenSignatureError(f"a bundle of the unknown type {root['mediaType']!r}")
    if "messageSignature" in root and "dsseEnvelope" in root:
        raise BrokenSignatureError("a bundle that signs both a file and a statement")
    material = table(root.get("verificationMaterial"), "verificationMaterial", _MATERIAL_NAMES)
    methods = [method for name, method in _MATERIAL.items() if name in material]
    if len(methods) != 1:
        raise BrokenSignatureError(
            "verificationMaterial holds "
            + (" and ".join(methods) or "neither a key nor a certificate")
        )
    if "messageSignature" in root:
        algorithm, digest, signature = _message(root["messageSignature"])
        hint, certificates = _material(methods[0], material)
        return Message(methods[0], hint, certificates, algorithm, digest, signature, data)
    signed = parse_envelope(root.get("dsseEnvelope"))
    hint, certificates = _material(methods[0], material)
    return Bundle(methods[0], hint, certificates, signed.payload, signed.signature, data)


def _message(value: Any) -> tuple[str, str, bytes]:
    """Algorithm, digest and signature of a bundle over one file."""
    message = table(value, "messageSignature", ("messageDigest", "signature"))
    stated = table(message.get("messageDigest"), "messageDigest", ("algorithm", "digest"))
    algorithm = _DIGESTS.get(text(stated.get("algorithm"), "the algorithm"))
    if algorithm is None:
        raise BrokenSignatureError(f"a digest of the unknown kind {stated['algorithm']!r}")
    digest = octets(stated.get("digest"), "messageDigest").hex()
    if len(digest) != DIGITS[algorithm]:
        raise BrokenSignatureError(f"messageDigest is no {algorithm} digest")
    return algorithm, digest, octets(message.get("signature"), "signature")


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
