"""Hands out tokens for the reference registry, as its "token authentication" wants them.

Source: the distribution project, "Token Authentication Specification" and "Token Authentication
Implementation": a JWT whose header has the certificate that signed it.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.hub.tls import Certificate

ISSUER, SERVICE, PASSWORD = "the token server", "the registry", "reader:secret"


class TokenServer:
    """What was asked for, and by whom."""

    def __init__(self) -> None:
        self.realm = ""
        self.scopes: list[str] = []
        self.authorizations: list[str] = []


@contextmanager
def running(certificate: Certificate) -> Iterator[TokenServer]:
    """A token server that gives everything to who knows the password, and nothing to others."""
    known = TokenServer()
    pem = certificate.chain.read_bytes()
    loaded = serialization.load_pem_private_key(pem, None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    key: ec.EllipticCurvePrivateKey = loaded
    leaf = x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            scope = query.get("scope", [""])[0]
            header = self.headers.get("Authorization", "")
            known.scopes.append(scope)
            known.authorizations.append(header)
            trusted = header == "Basic " + base64.b64encode(PASSWORD.encode()).decode()
            body = json.dumps({"token": _token(key, leaf, scope if trusted else "")}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known.realm = f"http://127.0.0.1:{server.server_port}/token"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _token(key: ec.EllipticCurvePrivateKey, leaf: bytes, scope: str) -> str:
    now = int(time.time())
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    access = [{"type": kind, "name": name, "actions": actions.split(",")}] if scope else []
    head = {"typ": "JWT", "alg": "ES256", "x5c": [base64.b64encode(leaf).decode()]}
    claims = {
        "iss": ISSUER, "aud": SERVICE, "sub": "reader", "jti": str(time.monotonic_ns()),
        "nbf": now - 60, "iat": now, "exp": now + 600, "access": access,
    }  # fmt: skip
    signed = ".".join(_text(json.dumps(part).encode()) for part in (head, claims))
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_text(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
