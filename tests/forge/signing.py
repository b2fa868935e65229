"""Model signatures made in process: statements, bundles, keys and certificate authorities.

Independent of the code under test: what the verifier must refuse is made here by changing one thing
of what it must accept.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

NOW = datetime.now(UTC).replace(microsecond=0)
PAYLOAD_TYPE = "application/vnd.in-toto+json"
MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
CURVES: Mapping[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm]] = {
    "P-256": (ec.SECP256R1(), hashes.SHA256()),
    "P-384": (ec.SECP384R1(), hashes.SHA384()),
    "P-521": (ec.SECP521R1(), hashes.SHA512()),
}

MODEL: Mapping[str, bytes] = {
    "config.json": b'{"model_type": "forged"}',
    "model.bin": bytes(range(256)) * 9,
    "sub/vocab.txt": b"a\nb\n",
}
"""A model of three files, one of them below a folder."""


def write(folder: Path, files: Mapping[str, bytes] = MODEL) -> Path:
    """Write a model's files."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


# Statements


def resources(
    files: Mapping[str, bytes] = MODEL, algorithm: str = "sha256", shard: int = 0
) -> list[dict[str, str]]:
    """The list of files or shards in a statement."""
    if not shard:
        return [_resource(name, data, algorithm) for name, data in sorted(files.items())]
    return [
        _resource(
            f"{name}:{start}:{min(start + shard, len(data))}",
            data[start : start + shard],
            algorithm,
        )
        for name, data in sorted(files.items())
        for start in range(0, len(data), shard)
    ]


def _resource(name: str, data: bytes, algorithm: str) -> dict[str, str]:
    digest = hashlib.new(algorithm, data).hexdigest()
    return {"name": name, "digest": digest, "algorithm": algorithm}


def statement(
    listed: Sequence[Mapping[str, Any]] | None = None,
    *,
    algorithm: str = "sha256",
    shard: float = 0,
    ignore: Sequence[str] = (),
) -> dict[str, Any]:
    """A statement about files or shards."""
    listed = resources() if listed is None else listed
    root = hashlib.sha256(b"".join(bytes.fromhex(item["digest"]) for item in listed)).hexdigest()
    serialization_: dict[str, Any] = {
        "method": "shards" if shard else "files",
        "hash_type": algorithm,
        "allow_symlinks": False,
        "ignore_paths": list(ignore),
    }
    if shard:
        serialization_["shard_size"] = shard
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "forged", "digest": {"sha256": root}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {"resources": list(listed), "serialization": serialization_},
    }


def about(files: Mapping[str, bytes], **options: Any) -> dict[str, Any]:
    """A statement about these files, hashed as wholes with SHA-256."""
    return statement(resources(files), **options)


# Envelopes and bundles


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def encoded(payload: bytes, kind: str = PAYLOAD_TYPE) -> bytes:
    """DSSE's encoding of what is signed."""
    return b"DSSEv1 %d %s %d " % (len(kind), kind.encode(), len(payload)) + payload


def envelope(payload: bytes, signature: bytes) -> dict[str, Any]:
    return {
        "payload": b64(payload),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": b64(signature), "keyid": ""}],
    }


def message(data: bytes, signature: bytes, algorithm: str = "sha256") -> dict[str, Any]:
    """What a bundle over one file holds beside its key."""
    digest = hashlib.new(algorithm, data).digest()
    name = algorithm.upper().replace("SHA", "SHA2_")
    return {
        "messageDigest": {"algorithm": name, "digest": b64(digest)},
        "signature": b64(signature),
    }


def provenance(files: Mapping[str, bytes], **changes: Any) -> dict[str, Any]:
    """A statement by a builder about the files that it made, SLSA v1."""
    subjects = [
        {"name": name, "digest": {"sha256": hashlib.sha256(data).hexdigest()}}
        for name, data in files.items()
    ]
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"runDetails": {"builder": {"id": "https://builds.example.org/1"}}},
        **changes,
    }


def dumped(stated: Mapping[str, Any] | bytes) -> bytes:
    return stated if isinstance(stated, bytes) else json.dumps(stated, indent=2).encode()


class Signer:
    """A key pair that signs models with the method `key`."""

    def __init__(self, curve: str = "P-256") -> None:
        self.curve, self.digest = CURVES[curve]
        self.private = ec.generate_private_key(self.curve)

    @property
    def pem(self) -> bytes:
        """The public half."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def private_pem(self) -> bytes:
        return self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def hint(self) -> str:
        return hashlib.sha256(self.pem).hexdigest()

    def sign(self, data: bytes) -> bytes:
        return self.private.sign(data, ec.ECDSA(self.digest))

    def material(self) -> dict[str, Any]:
        return {"publicKey": {"hint": self.hint}, "tlogEntries": []}

    def message(self, data: bytes) -> dict[str, Any]:
        """A bundle over the bytes of one file."""
        return {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": self.material(),
            "messageSignature": message(data, self.sign(data), self.digest.name),
        }

    def bundle(self, stated: Mapping[str, Any] | bytes | None = None) -> dict[str, Any]:
        """A signed statement."""
        payload = dumped(statement() if stated is None else stated)
        return {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": self.material(),
            "dsseEnvelope": envelope(payload, self.sign(encoded(payload))),
        }


class Authority:
    """A certificate authority with an intermediate one."""

    def __init__(
        self, name: str = "Forged Root", *, now: datetime = NOW, middle_issues: bool = True
    ) -> None:
        self.now = now
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._middle_key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._issue(name, self._key, name, self._key, authority=True)
        self.middle = self._issue(
            f"{name} Intermediate",
            self._middle_key,
            name,
            self._key,
            authority=True,
            issues=middle_issues,
        )

    @property
    def pem(self) -> bytes:
        return self.root.public_bytes(serialization.Encoding.PEM)

    def signer(
        self,
        identity: str = "release@example.org",
        *,
        purpose: ObjectIdentifier | None = ExtendedKeyUsageOID.CODE_SIGNING,
        days: tuple[int, int] = (-1, 30),
        curve: str = "P-384",
        signs: bool = True,
    ) -> CertificateSigner:
        """Somebody with a certificate of this authority.

        Args:
            identity: e-mail address in the certificate.
            purpose: extended key usage; none for a certificate that does not say.
            days: validity, from and to, relative to now.
            curve: of the key.
            signs: whether the certificate is for signatures.
        """
        key = ec.generate_private_key(CURVES[curve][0])
        leaf = self._issue(
            "Release",
            key,
            self.middle.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value,
            self._middle_key,
            identity=identity,
            purpose=purpose,
            days=days,
            signs=signs,
        )
        return CertificateSigner(key, curve, [leaf, self.middle])

    def named(self, names: Sequence[x509.GeneralName], common: str) -> CertificateSigner:
        """Somebody with these alternative names, and this common name."""
        key = ec.generate_private_key(ec.SECP256R1())
        return CertificateSigner(
            key, "P-256", [self.plain_leaf(key, common or "Plain", names), self.middle]
        )

    def plain_leaf(
        self,
        key: ec.EllipticCurvePrivateKey,
        common: str = "Plain",
        names: Sequence[x509.GeneralName] = (),
    ) -> x509.Certificate:
        """A certificate for signing code that says nothing else of its key."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(common))
            .issuer_name(self.middle.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - timedelta(days=1))
            .not_valid_after(self.now + timedelta(days=1))
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False
            )
        )
        if names:
            alternative = x509.SubjectAlternativeName(list(names))
            builder = builder.add_extension(alternative, critical=False)
        return builder.sign(self._middle_key, hashes.SHA256())

    def _issue(  # noqa: PLR0913  # a certificate has many fields
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: str | bytes,
        issuer_key: ec.EllipticCurvePrivateKey,
        *,
        authority: bool = False,
        issues: bool = True,
        identity: str = "",
        purpose: ObjectIdentifier | None = None,
        days: tuple[int, int] = (-400, 400),
        signs: bool = True,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(str(issuer)))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now + timedelta(days=days[0]))
            .not_valid_after(self.now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
                critical=False,
            )
            .add_extension(
                usage(issues=authority and issues, signs=signs and not authority), critical=True
            )
        )
        if identity:
            names = [x509.RFC822Name(identity)]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if purpose is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())


class CertificateSigner(Signer):
    """A key with a chain of certificates; signs with the method `certificate`."""

    def __init__(
        self, key: ec.EllipticCurvePrivateKey, curve: str, chain: list[x509.Certificate]
    ) -> None:
        super().__init__(curve)
        self.private = key
        self.chain = chain

    @property
    def chain_pem(self) -> bytes:
        return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in self.chain)

    @property
    def pin(self) -> str:
        key = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return "sha256:" + hashlib.sha256(key).hexdigest()

    def material(self) -> dict[str, Any]:
        chain = [
            {"rawBytes": b64(one.public_bytes(serialization.Encoding.DER))} for one in self.chain
        ]
        return {"x509CertificateChain": {"certificates": chain}, "tlogEntries": []}


def usage(*, issues: bool = False, signs: bool = True) -> x509.KeyUsage:
    """What a key may do."""
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=issues,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@cache
def signer() -> Signer:
    """One key pair for tests that do not care which."""
    return Signer()


@cache
def authority() -> Authority:
    """One authority for tests that do not care which."""
    return Authority()
