"""A sigstore instance of our own, in process: authority, certificate log, signature log, root.

Bundles that it makes are accepted by the sigstore library as it is, against the root that it makes.
Sources: Fulcio's certificate extensions (OIDs below 1.3.6.1.4.1.57264.1), RFC 6962 (signed
certificate timestamps, Merkle trees), Rekor v1 entries of kind `dsse`, and the signed notes of
transparency logs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tests.forge.signing import MEDIA_TYPE, NOW, b64, dumped, encoded, envelope, message, usage

IDENTITY, ISSUER = "release@example.org", "https://accounts.example.org"
_FULCIO = "1.3.6.1.4.1.57264.1"
_SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ECDSA = ec.ECDSA(hashes.SHA256())
_OWNER_ID = 17


class Instance:
    """One sigstore, with keys of its own."""

    def __init__(self, *, now: datetime = NOW) -> None:
        self.now = now
        self._ca, self._ct, self._log = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        self._entries: list[bytes] = []
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "forged-fulcio")])
        self.root = (
            self._certificate(self._name, self._ca.public_key(), timedelta(days=-365), 3650)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage(issues=True, signs=False), critical=True)
            .sign(self._ca, hashes.SHA256())
        )

    def bundle(
        self,
        stated: dict[str, Any],
        *,
        identity: str = IDENTITY,
        issuer: str = ISSUER,
        owner_id: str = "",
        logged: timedelta = timedelta(seconds=30),
        timestamped: bool = True,
        purpose: ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING,
    ) -> dict[str, Any]:
        """A statement, signed by somebody.

        Args:
            stated: the statement.
            identity: e-mail address or URI.
            issuer: who vouches for it.
            owner_id: number of the owner of the source repository; empty for none.
            logged: when it was logged, after the certificate became valid for ten minutes.
            timestamped: whether the certificate itself was logged.
            purpose: what the certificate is for.
        """
        payload = dumped(stated)
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self._issue(
            key.public_key(), identity, issuer, owner_id, timestamped=timestamped, purpose=purpose
        )
        signature = key.sign(encoded(payload), _ECDSA)
        wrapped = envelope(payload, signature)
        verifier = b64(leaf.public_bytes(serialization.Encoding.PEM))
        entry = self.logged_envelope(wrapped, verifier, self.now + logged)
        der = leaf.public_bytes(serialization.Encoding.DER)
        return {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": {"certificate": {"rawBytes": b64(der)}, "tlogEntries": [entry]},
            "dsseEnvelope": wrapped,
        }

    def logged_envelope(
        self, wrapped: dict[str, Any], verifier: str, when: datetime
    ) -> dict[str, Any]:
        """The log's entry about a signed statement.

        Args:
            wrapped: the envelope.
            verifier: the signer's certificate as PEM, in base64.
            when: it was logged.
        """
        body: dict[str, Any] = {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": _sha256(json.dumps(wrapped).encode()),
                "payloadHash": _sha256(base64.b64decode(wrapped["payload"])),
                "signatures": [
                    {"signature": wrapped["signatures"][0]["sig"], "verifier": verifier}
                ],
            },
        }
        return self._logged(rfc8785.dumps(body), when)

    def issue(self, key: ec.EllipticCurvePublicKey, identity: str, issuer: str) -> x509.Certificate:
        """A certificate for ten minutes, as the instance's own authority gives it."""
        return self._issue(key, identity, issuer, "", timestamped=True)

    def message(self, data: bytes, *, identity: str = IDENTITY) -> dict[str, Any]:
        """The bytes of one file, signed by somebody."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self._issue(key.public_key(), identity, ISSUER, "", timestamped=True)
        signature = key.sign(data, _ECDSA)
        body: dict[str, Any] = {
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": _sha256(data)},
                "signature": {
                    "content": b64(signature),
                    "publicKey": {"content": b64(leaf.public_bytes(serialization.Encoding.PEM))},
                },
            },
        }
        entry = self._logged(
            rfc8785.dumps(body), self.now + timedelta(seconds=30), kind="hashedrekord"
        )
        der = leaf.public_bytes(serialization.Encoding.DER)
        return {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": {"certificate": {"rawBytes": b64(der)}, "tlogEntries": [entry]},
            "messageSignature": message(data, signature),
        }

    def trusted_root(self) -> bytes:
        """The instance's `trusted_root.json`."""
        start = {"start": _iso(self.now - timedelta(days=365))}
        logs = {
            name: [
                {
                    "baseUrl": f"https://{name}.example.org",
                    "hashAlgorithm": "SHA2_256",
                    "publicKey": {
                        "rawBytes": b64(_spki(key)),
                        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                        "validFor": start,
                    },
                    "logId": {"keyId": b64(_key_id(key))},
                }
            ]
            for name, key in (("tlogs", self._log), ("ctlogs", self._ct))
        }
        chain = {"rawBytes": b64(self.root.public_bytes(serialization.Encoding.DER))}
        root = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            **logs,
            "certificateAuthorities": [
                {
                    "subject": {"organization": "example.org", "commonName": "forged-fulcio"},
                    "uri": "https://fulcio.example.org",
                    "certChain": {"certificates": [chain]},
                    "validFor": start,
                }
            ],
            "timestampAuthorities": [],
        }
        return json.dumps(root).encode()

    def _certificate(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, start: timedelta, days: float
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now + start)
            .not_valid_after(self.now + start + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._ca.public_key()),
                critical=False,
            )
        )

    def _issue(
        self,
        key: ec.EllipticCurvePublicKey,
        identity: str,
        issuer: str,
        owner_id: str,
        *,
        timestamped: bool,
        purpose: ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING,
    ) -> x509.Certificate:
        """A certificate for ten minutes, with the promise of the log that it will be public."""
        name: x509.GeneralName = (
            x509.UniformResourceIdentifier(identity)
            if "://" in identity
            else x509.RFC822Name(identity)
        )
        builder = (
            self._certificate(x509.Name([]), key, timedelta(), 10 / (24 * 60))
            .add_extension(usage(), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectAlternativeName([name]), critical=True)
            .add_extension(_extension(1, issuer.encode()), critical=False)
            .add_extension(_extension(8, _utf8(issuer)), critical=False)
        )
        if owner_id:
            builder = builder.add_extension(_extension(_OWNER_ID, _utf8(owner_id)), critical=False)
        certificate = builder.sign(self._ca, hashes.SHA256())
        if not timestamped:
            return certificate
        promise = self._promise(certificate.tbs_certificate_bytes)
        extension = x509.UnrecognizedExtension(_SCT_LIST, promise)
        return builder.add_extension(extension, critical=False).sign(self._ca, hashes.SHA256())

    def _promise(self, certificate: bytes) -> bytes:
        """A list with one signed certificate timestamp (RFC 6962, section 3.2), in DER."""
        moment = int(self.now.timestamp() * 1000)
        signed = (
            struct.pack("!BBQH", 0, 0, moment, 1)
            + _key_id(self._ca)
            + len(certificate).to_bytes(3, "big")
            + certificate
            + struct.pack("!H", 0)
        )
        signature = self._ct.sign(signed, _ECDSA)
        one = struct.pack("!B32sQH", 0, _key_id(self._ct), moment, 0)
        one += struct.pack("!BBH", 4, 3, len(signature)) + signature
        listed = struct.pack("!H", len(one)) + one
        return _der(4, struct.pack("!H", len(listed)) + listed)

    def _logged(self, body: bytes, when: datetime, *, kind: str = "dsse") -> dict[str, Any]:
        """An entry of the log, with the proof that it is in it."""
        self._entries.append(body)
        index = len(self._entries) - 1
        leaves = [_digest(b"\0" + entry) for entry in self._entries]
        key = _key_id(self._log)
        note = f"rekor.example.org - 1\n{len(leaves)}\n{b64(_tree(leaves))}\n"
        signed_note = b64(key[:4] + self._log.sign(note.encode(), _ECDSA))
        moment = int(when.timestamp())
        promise: dict[str, Any] = {
            "body": b64(body),
            "integratedTime": moment,
            "logID": key.hex(),
            "logIndex": index,
        }
        return {
            "logIndex": str(index),
            "logId": {"keyId": b64(key)},
            "kindVersion": {"kind": kind, "version": "0.0.1"},
            "integratedTime": str(moment),
            "inclusionPromise": {
                "signedEntryTimestamp": b64(self._log.sign(rfc8785.dumps(promise), _ECDSA))
            },
            "inclusionProof": {
                "logIndex": str(index),
                "rootHash": b64(_tree(leaves)),
                "treeSize": str(len(leaves)),
                "hashes": [b64(digest) for digest in _path(index, leaves)],
                "checkpoint": {"envelope": f"{note}\n\u2014 rekor.example.org {signed_note}\n"},
            },
            "canonicalizedBody": b64(body),
        }


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _sha256(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return _digest(_spki(key))


def _iso(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _extension(number: int, value: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(ObjectIdentifier(f"{_FULCIO}.{number}"), value)


def _utf8(text: str) -> bytes:
    return _der(12, text.encode())


def _der(tag: int, value: bytes) -> bytes:
    """Tag, length and value, for values below 64 KiB."""
    length = len(value)
    if length < 128:
        return bytes([tag, length]) + value
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + value


def _split(leaves: Sequence[bytes]) -> int:
    return 1 << ((len(leaves) - 1).bit_length() - 1)


def _tree(leaves: Sequence[bytes]) -> bytes:
    """Root of a Merkle tree (RFC 6962, section 2.1)."""
    if len(leaves) == 1:
        return leaves[0]
    at = _split(leaves)
    return _digest(b"\1" + _tree(leaves[:at]) + _tree(leaves[at:]))


def _path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Audit path of a leaf (RFC 6962, section 2.1.1)."""
    if len(leaves) == 1:
        return []
    at = _split(leaves)
    if index < at:
        return [*_path(index, leaves[:at]), _tree(leaves[at:])]
    return [*_path(index - at, leaves[at:]), _tree(leaves[:at])]
