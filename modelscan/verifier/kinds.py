"""What kind of signature a file is, by its name and its first bytes.

Kinds that are not verified here are recognised all the same, so that a report can say which tool
verifies them. A name is enough for suspicion: a file that is named like a signature and is of no
known kind is still one that nobody checked.
"""

from __future__ import annotations

import base64
import binascii
import re

_BY_NAME = (
    (".sigstore.json", "sigstore bundle"),
    (".sigstore", "sigstore bundle"),
    (".cosign.bundle", "cosign"),
    (".intoto.jsonl", "in-toto statement"),
    (".intoto.json", "in-toto statement"),
    (".minisig", "minisign"),
    (".asc", "OpenPGP"),
    (".p7s", "PKCS #7"),
    (".sig", "detached signature"),
)
"""Endings of signature files, and what they usually hold."""
ENDINGS = tuple(ending for ending, _ in _BY_NAME)
"""Endings by which a file is taken for a signature."""
MODEL_SIGNING = "model.sig"
"""The name that OpenSSF Model Signing v1.0 gives its bundle."""
HEAD = 512
"""Bytes from which a kind is recognised."""

_MARKS = (
    (b"-----BEGIN PGP SIGNATURE-----", "OpenPGP"),
    (b"-----BEGIN PGP SIGNED MESSAGE-----", "OpenPGP"),
    (b"-----BEGIN SSH SIGNATURE-----", "SSH"),
    (b"-----BEGIN PKCS7-----", "PKCS #7"),
    (b"-----BEGIN CMS-----", "PKCS #7"),
    (b"untrusted comment:", "minisign"),
)
_COSIGN = re.compile(rb'\A\s*\{\s*"(?:base64Signature|cert|rekorBundle)"')
# Signature packets of version 3 and 4, old and new format (RFC 9580, sections 4.2 and 5.2).
_OPENPGP = re.compile(
    rb"\A(?:\x88[\x40-\xff][\x03\x04]|\x89..[\x03\x04]|\xc2..?[\x03-\x06])", re.DOTALL
)
_PUBLIC_KEY = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_SIGNED_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
"""Object identifier of a CMS signature, 1.2.840.113549.1.7.2, in DER."""
_DER_SEQUENCE = 0x30


def named_like_signature(path: str) -> bool:
    """True for a name that signature files have."""
    return path.lower().endswith(ENDINGS)


def kind_by_name(path: str) -> str:
    """What a file's name says; empty when it is not named like a signature."""
    lowered = path.lower()
    if not lowered.endswith(ENDINGS):  # every file of a model is asked about
        return ""
    return next((kind for ending, kind in _BY_NAME if lowered.endswith(ending)), "")


def is_public_key(head: bytes) -> bool:
    """True for an armoured OpenPGP key, which has the ending of a signature and is none."""
    return head.lstrip().startswith(_PUBLIC_KEY)


def kind_by_content(head: bytes) -> str:
    """The kind of signature that bytes are, among those that are not verified here.

    Args:
        head: the first `HEAD` bytes of a file.

    Returns:
        What reports call it; empty when it is none of them.
    """
    stripped = head.lstrip()
    for mark, kind in _MARKS:
        if stripped.startswith(mark):
            return kind
    if _COSIGN.match(head):
        return "cosign"
    if _OPENPGP.match(head):
        return "OpenPGP"
    if head[:1] == b"\x30" and _SIGNED_DATA in head[:32]:
        return "PKCS #7"
    return "cosign" if _is_base64_ecdsa(stripped) else ""


def _is_base64_ecdsa(text: bytes) -> bool:
    """What `cosign sign-blob` prints: a DER signature of two numbers, in base64."""
    try:
        data = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(data) > 2 and data[0] == _DER_SEQUENCE and len(data) == data[1] + 2  # noqa: PLR2004 - tag and length
