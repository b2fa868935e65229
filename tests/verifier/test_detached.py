"""Bare signatures beside files: whose key fits, over what, and what nobody can tell."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import UsageError
from modelscan.fetcher.local import LocalFile
from modelscan.verifier.attested import detached
from modelscan.verifier.attested.detached import Room, detached_in
from modelscan.verifier.signature_files import find_signatures
from modelscan.verifier.signed import Scope, SignatureFile, Verdict
from modelscan.verifier.trust import Party, Trust, TrustedKey
from modelscan.vocabulary.result import FileEntry
from tests.forge.releases import entries

DATA = b"weights" * 100
NAME = "model.bin"


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


ED = ed25519.Ed25519PrivateKey.generate()
P256, P384 = (ec.generate_private_key(curve()) for curve in (ec.SECP256R1, ec.SECP384R1))
SIGN: Mapping[str, tuple[Any, Callable[[bytes], bytes]]] = {
    "ed25519": (ED, ED.sign),
    "p256": (P256, lambda data: P256.sign(data, ec.ECDSA(hashes.SHA256()))),
    "p384 over sha256": (P384, lambda data: P384.sign(data, ec.ECDSA(hashes.SHA256()))),
    "p384": (P384, lambda data: P384.sign(data, ec.ECDSA(hashes.SHA384()))),
    "p256 over sha512": (P256, lambda data: P256.sign(data, ec.ECDSA(hashes.SHA512()))),
    "rsa": (None, lambda data: rsa_key().sign(data, padding.PKCS1v15(), hashes.SHA256())),
    "rsa over sha512": (
        None,
        lambda data: rsa_key().sign(data, padding.PKCS1v15(), hashes.SHA512()),
    ),
    "rsa pss": (
        None,
        lambda data: rsa_key().sign(
            data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()
        ),
    ),
}


def pem(key: Any) -> bytes:
    found: bytes = (
        (key or rsa_key())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return found


def trust(*kinds: str) -> Trust:
    return Trust(keys=tuple(TrustedKey(kind, pem(SIGN[kind][0])) for kind in kinds))


def judged(
    signature: bytes,
    trusted: Trust,
    files: Mapping[str, bytes] | None = None,
    *,
    data: bytes = DATA,
    keep: bool = True,
    lone: bool = False,
) -> Verdict:
    files = {NAME: data} if files is None else files
    (read,) = detached_in(SignatureFile(NAME + ".sig", signature, inside=not lone), Room())
    for path, content in files.items() if keep else ():
        watcher = read.watch(path, len(content))
        if watcher is not None:
            watcher.update(content)
    scope = Scope(entries(files), (), frozenset(), lambda _: True, lone=lone)
    return read.judge(scope, trusted)


@pytest.mark.parametrize("kind", SIGN)
@pytest.mark.parametrize("form", [lambda raw: raw, lambda raw: base64.b64encode(raw) + b"\n"])
def test_a_named_key(kind: str, form: Callable[[bytes], bytes]) -> None:
    signature = form(SIGN[kind][1](DATA))
    found = judged(signature, trust("rsa", "ed25519", "p256", "p384"))
    assert found.outcome == "valid-trusted"
    assert found.covers == {NAME}
    assert found.anchor.startswith("sha256:")
    assert judged(signature, trust(kind), data=DATA + b"!").outcome == "unknown-key"
    others = [other for other in SIGN if SIGN[other][0] is not SIGN[kind][0]]
    assert judged(signature, trust(*others)).outcome == "unknown-key"
    assert judged(signature, Trust()).outcome == "not-checked"


def test_large_files_are_known_by_their_digest() -> None:
    for kind in ("p256", "p384 over sha256", "rsa", "rsa pss"):
        assert judged(SIGN[kind][1](DATA), trust(kind), keep=False).outcome == "valid-trusted"
    for kind in ("ed25519", "p384", "rsa over sha512"):
        assert judged(SIGN[kind][1](DATA), trust(kind), keep=False).outcome == "unknown-key"


def test_a_signer_of_a_rule_and_one_who_was_revoked() -> None:
    signature = SIGN["ed25519"][1](DATA)
    party = Party("acme", trust("ed25519"))
    found = judged(signature, Trust(parties=(party,)))
    assert (found.outcome, found.party) == ("valid-trusted", "acme")
    gone = msgspec.structs.replace(party, reason="leaked")
    found = judged(signature, msgspec.structs.replace(trust("ed25519"), revoked=(gone,)))
    assert (found.outcome, "revoked: leaked" in found.note) == ("invalid", True)


def test_what_it_is_over() -> None:
    signature = SIGN["ed25519"][1](DATA)
    assert "is not here" in judged(signature, trust("ed25519"), {"other": DATA}).note
    assert judged(signature, trust("ed25519"), {"x": DATA}, keep=False, lone=True).outcome == (
        "unknown-key"  # the bytes of a file of another name were not kept
    )
    p256 = SIGN["p256"][1](DATA)
    assert judged(p256, trust("p256"), {"x": DATA}, lone=True).outcome == "valid-trusted"
    (read,) = detached_in(SignatureFile(NAME + ".sig", signature, inside=True), Room())
    unread = FileEntry(path=NAME, size=1, digests={}, format="unknown")
    scope = Scope([unread], (), frozenset(), lambda _: True, lone=False)
    assert "was not read" in read.judge(scope, trust("ed25519")).note


def test_half_of_a_file_is_not_the_file() -> None:
    (read,) = detached_in(SignatureFile(NAME + ".sig", ED.sign(DATA[:9]), inside=True), Room())
    watcher = read.watch(NAME, 9)
    assert watcher is not None
    watcher.update(DATA[:9])
    scope = Scope(entries({NAME: DATA}), (), frozenset(), lambda _: True, lone=False)
    assert read.judge(scope, trust("ed25519")).outcome == "unknown-key"


def test_what_is_kept_is_bounded() -> None:
    room = Room(10)
    assert (room.take(6), room.take(6), room.take(4)) == (True, False, True)
    assert not Room().take(detached._KEPT + 1)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.bin.sig", b"short"),
        ("model.bin.sig", bytes(3_000)),
        ("model.bin.asc", bytes(64)),
        ("model.bin.sig", b"-----BEGIN PGP SIGNATURE-----" + bytes(64)),
        ("model.bin.sig", b"untrusted comment: x\n" + bytes(64)),
    ],
)
def test_what_is_no_bare_signature(name: str, data: bytes) -> None:
    assert detached_in(SignatureFile(name, data, inside=True), Room()) == ()


def test_keys_that_are_too_weak_or_of_another_kind() -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505  # too weak is what it is for
    for key, why in (
        (weak, "1,024 bits is too weak"),
        (ec.generate_private_key(ec.SECP256K1()), "P-256"),
    ):
        with pytest.raises(UsageError, match=why):
            judged(bytes(64), Trust(keys=(TrustedKey("k", pem(key)),)))


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=60, max_size=600))
def test_any_bytes_are_nobodys_signature(data: bytes) -> None:
    for read in detached_in(SignatureFile(NAME + ".sig", data, inside=True), Room()):
        scope = Scope(entries({NAME: DATA}), (), frozenset(), lambda _: True, lone=False)
        verdict = read.judge(scope, trust("rsa", "ed25519", "p256", "p384"))
        assert verdict.outcome == "unknown-key"


def test_bare_signatures_are_found(tmp_path: Path) -> None:
    path = tmp_path / "a.sig"
    path.write_bytes(bytes(64))
    (only,) = find_signatures([LocalFile("a.sig", path, 64)]).signatures
    assert only.method == "detached signature"
    assert only.algorithm_for("a") == ""
    assert only.watch("b", 1) is None


def test_a_prehashed_key_is_what_openssl_makes() -> None:
    """Over a digest, as `openssl dgst -sign` computes it."""
    value = hashlib.sha256(DATA).digest()
    signature = P256.sign(value, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    assert judged(signature, trust("p256"), keep=False).outcome == "valid-trusted"
