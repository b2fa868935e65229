"""ECDSA over the curves that OpenSSF Model Signing allows: P-256, P-384 and P-521.

The digest follows the curve: SHA-256, SHA-384, SHA-512 (specification v1.0, section 4).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from modelscan.errors import UsageError

_RSA_BITS = 2048
"""NIST SP 800-131A: shorter ones are not for signatures any more."""

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes


def signature_algorithm(curve: str) -> ECDSA | None:
    """The algorithm for a curve by its name; `None` for one that is not allowed."""
    from cryptography.hazmat.primitives import hashes  # lazy: most models are not signed
    from cryptography.hazmat.primitives.asymmetric import ec

    digests: dict[str, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
        "secp256r1": hashes.SHA256,
        "secp384r1": hashes.SHA384,
        "secp521r1": hashes.SHA512,
    }
    digest = digests.get(curve)
    return ec.ECDSA(digest()) if digest else None


def load_any_key(name: str, pem: bytes) -> PublicKeyTypes:
    """A public key that the user named, of a kind that signs models or single files.

    Args:
        name: what errors call it.
        pem: the text of its file.

    Raises:
        UsageError: it is none, or of a kind that is too weak or that nothing here is signed with.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # lazy: the same
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    try:
        found = serialization.load_pem_public_key(pem)
    except ValueError:
        hint = "only the public half of a key is needed here" if b"PRIVATE" in pem else ""
        raise UsageError(f"{name} holds no public key in PEM form", hint) from None
    except UnsupportedAlgorithm as error:
        raise UsageError(f"{name}: {error}") from None
    if isinstance(found, rsa.RSAPublicKey) and found.key_size < _RSA_BITS:
        raise UsageError(f"{name}: an RSA key of {found.key_size:,} bits is too weak")
    single = isinstance(found, rsa.RSAPublicKey | ed25519.Ed25519PublicKey)
    if not single and allowed_key(found) is None:
        hint = "RSA and Ed25519 sign single files"
        raise UsageError(f"{name}: models are signed with P-256, P-384 or P-521 keys", hint)
    return found


def allowed_key(key: PublicKeyTypes) -> EllipticCurvePublicKey | None:
    """The key itself when models may be signed with its kind."""
    from cryptography.hazmat.primitives.asymmetric import ec  # lazy: the same

    if not isinstance(key, ec.EllipticCurvePublicKey):
        return None
    return key if signature_algorithm(key.curve.name) is not None else None


def key_pin(key: PublicKeyTypes) -> str:
    """What names a public key for good: `sha256:` and the digest of its DER form (RFC 5280)."""
    from cryptography.hazmat.primitives import serialization  # lazy: the same

    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return "sha256:" + hashlib.sha256(der).hexdigest()


def fits(key: EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    """Whether a signature over some bytes was made with the private half of an allowed key."""
    from cryptography.exceptions import InvalidSignature  # lazy: the same

    algorithm = signature_algorithm(key.curve.name)
    if algorithm is None:
        return False
    try:
        key.verify(signature, data, algorithm)
    except InvalidSignature:
        return False
    return True


def fits_digest(
    key: EllipticCurvePublicKey, signature: bytes, digest: bytes, algorithm: str
) -> bool:
    """The same for bytes of which only the digest is at hand.

    Args:
        key: an allowed key.
        signature: in DER form.
        digest: of the signed bytes.
        algorithm: of the digest: `sha256`, `sha384` or `sha512`.
    """
    from cryptography.exceptions import InvalidSignature  # lazy: the same
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    kinds: dict[str, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
        "sha256": hashes.SHA256,
        "sha384": hashes.SHA384,
        "sha512": hashes.SHA512,
    }
    try:
        key.verify(signature, digest, ec.ECDSA(utils.Prehashed(kinds[algorithm]())))
    except (InvalidSignature, ValueError):  # ValueError: a digest of another length
        return False
    return True
