"""The sigstore instance of `sigstore_instance`, served on loopback: what a signing client talks to.

Sources: Fulcio's API v2 (`signingCert`) and Rekor's API v1 (`log/entries`), as far as the client
uses them.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.forge.sigstore_instance import IDENTITY, ISSUER, Instance


def token(identity: str = IDENTITY, *, lifetime: int = 600, now: float = 0) -> str:
    """An identity token that nobody signed: the client only hands it on."""
    import time  # the present, for a token that has not expired

    begin = int(now or time.time())
    claims = {
        "iss": ISSUER,
        "sub": identity,
        "aud": "sigstore",
        "iat": begin,
        "exp": begin + lifetime,
    }
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(_b64url(part) for part in (*parts, b"signature"))


@contextmanager
def served(instance: Instance, *, broken: bool = False) -> Iterator[str]:
    """The instance on a port of its own; gives the client's trust configuration as JSON.

    Args:
        instance: whose keys.
        broken: every answer is an error.
    """

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """The identity provider's description, which some clients ask for and do not use."""
            self._send(200, {"authorization_endpoint": "/none", "token_endpoint": "/none"})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._send(*((500, {}) if broken else (201, self._answer(body))))

        def _send(self, code: int, answer: dict[str, Any]) -> None:
            data = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
            if self.path.endswith("/signingCert"):
                bearer = self.headers["Authorization"].removeprefix("Bearer ")
                return _certificate(instance, body, bearer)
            return _entry(instance, body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield json.dumps(_configuration(instance, f"http://127.0.0.1:{server.server_port}"))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _certificate(instance: Instance, body: dict[str, Any], bearer: str) -> dict[str, Any]:
    request = x509.load_pem_x509_csr(base64.b64decode(body["certificateSigningRequest"]))
    key = request.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    claims = bearer.split(".")[1]
    who = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    leaf = instance.issue(key, who["sub"], who["iss"])
    chain = [
        each.public_bytes(serialization.Encoding.PEM).decode() for each in (leaf, instance.root)
    ]
    return {"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}}


def _entry(instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """What Rekor makes of a proposed entry of kind `dsse`: it keeps digests, not the envelope."""
    entry = instance.logged_envelope(
        json.loads(body["spec"]["proposedContent"]["envelope"]),
        body["spec"]["proposedContent"]["verifiers"][0],
        instance.now + timedelta(seconds=30),
    )
    proof = entry["inclusionProof"]
    return {
        "0" * 80: {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logID": base64.b64decode(entry["logId"]["keyId"]).hex(),
            "logIndex": int(entry["logIndex"]),
            "verification": {
                "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
                "inclusionProof": {
                    "logIndex": int(proof["logIndex"]),
                    "treeSize": int(proof["treeSize"]),
                    "rootHash": base64.b64decode(proof["rootHash"]).hex(),
                    "hashes": [base64.b64decode(each).hex() for each in proof["hashes"]],
                    "checkpoint": proof["checkpoint"]["envelope"],
                },
            },
        }
    }


def _configuration(instance: Instance, url: str) -> dict[str, Any]:
    root = json.loads(instance.trusted_root())
    service = {
        "url": url,
        "majorApiVersion": 1,
        "validFor": root["certificateAuthorities"][0]["validFor"],
        "operator": "forged",
    }
    anything = {"selector": "ANY"}
    return {
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": root,
        "signingConfig": {
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [service],
            "oidcUrls": [service],
            "rekorTlogUrls": [service],
            "tsaUrls": [],
            "rekorTlogConfig": anything,
            "tsaConfig": anything,
        },
    }


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
