"""DSSE envelopes: how statements are wrapped and signed, whatever they state.

One reader and one writer for all of them: model signatures, provenance and reports. Source: DSSE
v1.0 (`DSSEv1` pre-authentication encoding). Strict where the format leaves room: exactly one
signature, no unknown names, in-toto payloads alone. The `keyid` authenticates nothing; a bundle
without other material uses it to say which key is meant, and for nothing else.

Statements are verified by `attested.attestation`: `attestations_in` reads them, `authenticate`
holds them against the user's trust.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from modelscan.verifier.oms.failures import BrokenSignatureError
from modelscan.verifier.oms.shape import items, octets, table

if TYPE_CHECKING:
    from modelscan.verifier.oms.writing import SigningKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""What envelopes of in-toto statements say that they hold."""


class Envelope(NamedTuple):
    """An envelope whose shape is right. Nothing in it is authenticated yet."""

    payload: bytes
    signature: bytes
    keyid: str
    """A hint; anybody can write it."""
    certificate: str
    """Some builders put a certificate beside the signature, in PEM form; empty when there is
    none."""


def encoded(payload: bytes, kind: str = PAYLOAD_TYPE) -> bytes:
    """DSSE's pre-authentication encoding: the bytes that are signed."""
    name = kind.encode()
    return b"DSSEv1 %d %s %d " % (len(name), name, len(payload)) + payload


def parse_envelope(value: Any, *, alone: bool = False) -> Envelope:
    """An envelope with exactly one signature over an in-toto statement.

    Args:
        value: as parsed from JSON.
        alone: it is no part of a bundle, so that a certificate may stand in it.

    Raises:
        BrokenSignatureError: it is none.
    """
    envelope = table(value, "dsseEnvelope", ("payload", "payloadType", "signatures"))
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        raise BrokenSignatureError(f"the envelope's payload is not of type {PAYLOAD_TYPE}")
    (only,) = items(envelope.get("signatures"), "signatures", least=1, most=1)
    names = ("sig", "keyid", "cert") if alone else ("sig", "keyid")
    signature = table(only, "the signature", names)
    keyid, certificate = signature.get("keyid", ""), signature.get("cert", "")
    return Envelope(
        octets(envelope.get("payload"), "payload"),
        octets(signature.get("sig"), "sig"),
        keyid if isinstance(keyid, str) else "",
        certificate if isinstance(certificate, str) else "",
    )


def envelope(payload: bytes, signature: bytes) -> dict[str, Any]:
    """The JSON form of a signed in-toto statement."""
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
    }


def sign_statement(
    payload: bytes, key: SigningKey | None, *, token: str = "", config: Path | None = None
) -> bytes:
    """Sign an in-toto statement, whatever it states: a model's files, a scan, a bill of materials.

    Args:
        payload: the statement, as JSON.
        key: a key, with or without certificates; `None` for sigstore.
        token: for sigstore, an identity token; empty to ask the environment for one.
        config: for sigstore, a trust configuration; `None` for the public instance.

    Returns:
        A sigstore bundle, as JSON.

    Raises:
        UsageError: what is named cannot sign.
        SourceError: sigstore cannot be reached, or refuses.
    """
    # lazy: each brings the part of the cryptographic libraries that it needs
    if key is not None:
        from modelscan.verifier.oms.writing import sign

        return sign(payload, key)
    from modelscan.verifier.oms.keyless_signing import sign_keyless

    return sign_keyless(payload, token, config)
