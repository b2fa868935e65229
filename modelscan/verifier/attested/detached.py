"""A bare signature beside a file, as `openssl dgst -sign` and `cosign sign-blob --key` write it.

It holds numbers and nothing else: neither who made it, nor how, nor over what. So the file is the
one that it is named after, and every key that the user named is tried in the usual ways: ECDSA and
RSA (PKCS #1 v1.5 and PSS, RFC 8017) over SHA-256, SHA-384 or SHA-512, and Ed25519 (RFC 8032).

Invariants: without a key it was not checked, and says so; with keys that all fail nobody can tell
another key from another file, so that nobody has signed. Every byte is read once: small files are
kept for Ed25519, which signs the bytes themselves, and for the longer digests; of larger ones there
is the SHA-256 that is taken anyhow. What is kept of a model is bounded.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from modelscan.verifier import kinds, wording
from modelscan.verifier.oms.compare import Comparison
from modelscan.verifier.oms.curves import key_pin, load_any_key
from modelscan.verifier.signed import Scope, SignatureFile, Verdict
from modelscan.verifier.trust import Party, Trust, TrustedKey
from modelscan.vocabulary.result import FileEntry

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_ENDING = ".sig"
_KIND = "detached signature"
_LARGEST = 2_048
"""Bytes of a signature: RSA with 8192 bits has 1,024, and base64 makes 1,368 of them."""
_SMALLEST = 60
_KEPT = 4 << 20
"""Bytes of a file that is kept until the signatures are judged: lists of checksums are smaller."""
_KEPT_TOGETHER = 64 << 20
_DIGESTS = ("sha256", "sha384", "sha512")


class Room:
    """How much may still be kept of a model's files."""

    def __init__(self, left: int = _KEPT_TOGETHER) -> None:
        self._left = left

    def take(self, size: int) -> bool:
        """Whether so many bytes may be kept; if so, they are counted."""
        if size > min(self._left, _KEPT):
            return False
        self._left -= size
        return True


class Kept:
    """The bytes of a small file, as they went by."""

    def __init__(self) -> None:
        self._data = bytearray()

    def update(self, chunk: bytes) -> None:
        """Take the next piece of the file."""
        self._data += chunk

    def result(self) -> bytes:
        """All of them."""
        return bytes(self._data)


class Detached:
    """A bare signature over one file. Made by `detached_in`.

    Args:
        file: where it stands.
        signature: its numbers.
        room: shared by the signatures of a model.
    """

    problem = ""
    partial = True
    bare = True
    method = _KIND

    def __init__(self, file: SignatureFile, signature: bytes, room: Room) -> None:
        self.file = file
        self.base = file.name.rpartition("/")[0] + "/" if file.inside and "/" in file.name else ""
        self._signature = signature
        self._room = room
        self._target = file.name.removesuffix(_ENDING)
        self._kept: Kept | None = None

    def algorithm_for(self, path: str) -> str:  # noqa: ARG002 - part of what signatures share
        """SHA-256, which is there anyhow, or the bytes themselves."""
        return ""

    def watch(self, path: str, size: int) -> Kept | None:
        """What keeps the bytes of the signed file, when it is small."""
        if path != self._target or not self._room.take(size):
            return None
        self._kept = Kept()
        return self._kept

    def judge(self, scope: Scope, trust: Trust) -> Verdict:
        """Try the keys that the user named.

        Raises:
            UsageError: one of them cannot be used.
        """
        files = scope.present
        path = next(iter(files)) if scope.lone and len(files) == 1 else self._target
        signed = files.get(path)
        if signed is None:
            return Verdict("not-checked", f"{path}, which it is named after, is not here")
        if not signed.digests:
            return Verdict("not-checked", f"{path} was not read")
        given = Party("", trust)
        tried = [
            (party, key)
            for party in (*trust.revoked, given, *trust.parties)
            for key in party.trust.keys
        ]
        if not tried:
            return Verdict("not-checked", "no key was named that may have made it")
        for party, key in tried:
            loaded = load_any_key(key.name, key.pem)
            if self._made_with(loaded, signed, path):
                return self._verdict(party, key, key_pin(loaded), path)
        return Verdict("unknown-key", f"no key that you named made it over {path} as it is")

    @staticmethod
    def _verdict(party: Party, key: TrustedKey, anchor: str, path: str) -> Verdict:
        """What it means that a key fits."""
        if party.reason:
            return Verdict("invalid", f"signed by {party.name}, who was revoked: {party.reason}")
        who = f"{party.name}: " if party.name else ""
        return Verdict(
            "valid-trusted",
            f"{who}a key that you gave; {wording.files(1, 'as signed')}",
            key.name,
            comparison=Comparison((path,), (), (), (), (), ()),
            anchor=anchor,
            party=party.name,
            covers=frozenset({path}),
        )

    def _made_with(self, key: PublicKeyTypes, file: FileEntry, path: str) -> bool:
        data = self._kept.result() if self._kept and path == self._target else None
        if data is not None and hashlib.sha256(data).hexdigest() != file.digests["sha256"]:
            return False  # not all of it went by
        return any(fits(key, self._signature, each, data) for each in _digests(file, data))


def detached_in(file: SignatureFile, room: Room) -> tuple[Detached, ...]:
    """The bare signature in a file that is named like one; none for anything else."""
    data = file.data
    known = kinds.kind_by_content(data[: kinds.HEAD])
    if not file.name.endswith(_ENDING) or known not in {"", "cosign"} or len(data) > _LARGEST:
        return ()
    try:
        decoded = base64.b64decode(data.strip(), validate=True)
    except (binascii.Error, ValueError):
        decoded = data
    return (Detached(file, decoded, room),) if len(decoded) >= _SMALLEST else ()


def _digests(file: FileEntry, data: bytes | None) -> Iterator[tuple[str, bytes]]:
    yield "sha256", bytes.fromhex(file.digests["sha256"])
    for name in _DIGESTS[1:] if data is not None else ():
        yield name, hashlib.new(name, data or b"").digest()


def fits(
    key: PublicKeyTypes, signature: bytes, digest: tuple[str, bytes], data: bytes | None
) -> bool:
    """Whether a signature was made with a key, over a digest or over the bytes themselves.

    Args:
        key: of any kind; other kinds than ECDSA, RSA and Ed25519 fit nothing.
        signature: its numbers.
        digest: name and value.
        data: the bytes, where they are at hand.
    """
    # lazy: only for who named a key, and has such a signature
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

    known: Mapping[str, hashes.HashAlgorithm] = {
        "sha256": hashes.SHA256(),
        "sha384": hashes.SHA384(),
        "sha512": hashes.SHA512(),
    }
    name, value = digest
    hashed = utils.Prehashed(known[name])
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, value, ec.ECDSA(hashed))
        elif isinstance(key, rsa.RSAPublicKey):
            pss = padding.PSS(padding.MGF1(known[name]), padding.PSS.AUTO)
            try:
                key.verify(signature, value, padding.PKCS1v15(), hashed)
            except InvalidSignature:
                key.verify(signature, value, pss, hashed)
        elif isinstance(key, ed25519.Ed25519PublicKey) and data is not None:
            key.verify(signature, data)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
