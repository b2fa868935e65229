"""Signing a model: a statement about all of its files, and a bundle with the signature.

The other direction of `statement` and `bundle`, and read by them before it is given out. Source:
OpenSSF Model Signing specification v1.0.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from modelscan.errors import SourceError, UsageError
from modelscan.verifier.dsse import encoded, envelope
from modelscan.verifier.hashing import available, new_hash
from modelscan.verifier.oms.bundle import parse_bundle
from modelscan.verifier.oms.curves import allowed_key, fits, signature_algorithm
from modelscan.verifier.oms.failures import BrokenSignatureError
from modelscan.verifier.oms.shards import ShardDigests
from modelscan.verifier.oms.statement import (
    ALGORITHMS,
    PREDICATE_TYPE,
    SIGNED,
    STATEMENT_TYPE,
    parse_statement,
    stamp,
)
from modelscan.verifier.whole import Sink, pour, whole_snapshot
from modelscan.vocabulary.snapshot import SourceFile

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_OWN = ".git"
"""Git's folder. Its objects are not read, so none of it is signed; verifying names the rest."""


class Serialization(NamedTuple):
    """How files become digests."""

    algorithm: str = "sha256"
    shard_size: int = 0
    """Bytes; 0 for files as wholes."""


class SigningKey(NamedTuple):
    """A private key, with certificates for the method `certificate`."""

    private: EllipticCurvePrivateKey
    chain: tuple[bytes, ...] = ()
    """DER, the holder's own first; empty for the method `key`."""


def state(target: str, how: Serialization, *, leave_out: Sequence[str] = ()) -> bytes:
    """Hash a model and state what it is.

    Args:
        target: a folder, a file or a hub cache folder.
        how: digests.
        leave_out: names of files that are not signed: the signature itself.

    Returns:
        An in-toto statement as JSON.

    Raises:
        SourceError: something of the model cannot be read, or there is nothing to sign.
        UsageError: the model cannot be signed, or not in this way.
    """
    if how.algorithm not in ALGORITHMS or not available(ALGORITHMS[how.algorithm]):
        raise UsageError(f"no digests by {how.algorithm} in this installation")
    with closing(whole_snapshot(target)) as snapshot:
        resources = [
            resource
            for file in snapshot.files
            if file.name not in leave_out and not file.name.startswith(_OWN + "/")
            for resource in _resources(file, how)
        ]
    if not resources:
        raise SourceError("no files to sign", "check the path")
    resources.sort(key=lambda item: item["name"])
    serialization: dict[str, Any] = {
        "method": "shards" if how.shard_size else "files",
        "hash_type": how.algorithm,
        "allow_symlinks": False,
        "ignore_paths": sorted({_OWN, *leave_out}),
    }
    if how.shard_size:
        serialization["shard_size"] = how.shard_size
    root = hashlib.sha256(b"".join(bytes.fromhex(item["digest"]) for item in resources))
    subject = {
        "name": snapshot.ref,
        "digest": {"sha256": root.hexdigest()},
        "annotations": {SIGNED: stamp(datetime.now(UTC))},
    }
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [subject],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"resources": resources, "serialization": serialization},
    }
    payload = json.dumps(statement, indent=1).encode()
    try:
        parse_statement(payload)
    except BrokenSignatureError as error:
        raise UsageError(f"this model cannot be signed: {error.message}") from None
    return payload


def sign(payload: bytes, key: SigningKey) -> bytes:
    """Sign a statement: of a model's files, or any other in-toto statement.

    Returns:
        The bundle, as JSON.
    """
    algorithm = signature_algorithm(key.private.curve.name)
    if algorithm is None:
        raise UsageError("models are signed with P-256, P-384 or P-521 keys")
    signature = key.private.sign(encoded(payload), algorithm)
    bundle = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": _material(key),
        "dsseEnvelope": envelope(payload, signature),
    }
    data = json.dumps(bundle, indent=1).encode() + b"\n"
    parse_bundle(data)
    return data


def load_signing_key(
    name: str, pem: bytes, password: bytes | None = None, chain: bytes = b""
) -> SigningKey:
    """A private key that the user named.

    Args:
        name: what errors call it.
        pem: the text of its file.
        password: for a key that is encrypted.
        chain: certificates in PEM form, the key's own first; empty for none.

    Raises:
        UsageError: it is none, or the certificates are not for it.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # lazy: verifying needs none of it
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        private = serialization.load_pem_private_key(pem, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{name} holds no private key that can be read: {error}") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not allowed_key(private.public_key()):
        raise UsageError(f"{name}: models are signed with P-256, P-384 or P-521 keys")
    if not chain:
        return SigningKey(private)
    from modelscan.verifier.oms.certificate import load_authorities  # lazy: the same

    certificates = load_authorities(chain, "the certificates' file")
    own = allowed_key(certificates[0].public_key())
    test = b"is this the certificate of this key?"
    algorithm = signature_algorithm(private.curve.name)
    if own is None or algorithm is None or not fits(own, private.sign(test, algorithm), test):
        raise UsageError("the first certificate is not this key's", "put the key's own one first")
    encoding = serialization.Encoding.DER
    return SigningKey(private, tuple(found.public_bytes(encoding) for found in certificates))


def _resources(file: SourceFile, how: Serialization) -> list[dict[str, str]]:
    algorithm = ALGORITHMS[how.algorithm]
    if not how.shard_size:
        whole = new_hash(algorithm)
        pour(file, lambda _: (whole,))
        return [{"name": file.name, "digest": whole.hexdigest(), "algorithm": how.algorithm}]
    found: list[dict[str, str]] = []
    watched: list[tuple[list[int], ShardDigests]] = []

    def sinks(size: int) -> tuple[Sink, ...]:
        if not size:  # a file without bytes has no shards
            return ()
        ends = [*range(how.shard_size, size, how.shard_size), size]
        watched.append((ends, ShardDigests(algorithm, ends)))
        return (watched[0][1],)

    pour(file, sinks)
    for ends, digests in watched:
        for start, end, digest in zip([0, *ends], ends, digests.result() or (), strict=False):
            name = f"{file.name}:{start}:{end}"
            found.append({"name": name, "digest": digest, "algorithm": how.algorithm})
    return found


def _material(key: SigningKey) -> Mapping[str, Any]:
    from cryptography.hazmat.primitives import serialization  # lazy: as above

    if key.chain:
        certificates = [{"rawBytes": _b64(certificate)} for certificate in key.chain]
        return {"x509CertificateChain": {"certificates": certificates}, "tlogEntries": []}
    pem = key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {"publicKey": {"hint": hashlib.sha256(pem).hexdigest()}, "tlogEntries": []}


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
