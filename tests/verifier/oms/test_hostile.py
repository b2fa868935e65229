"""Whatever a bundle holds: an answer, never another error, and never trust."""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.verifier.signature_files import read_signatures
from modelscan.verifier.signed import Scope, SignatureFile, Verdict
from modelscan.verifier.trust import SigstoreSigner, Trust, TrustedKey
from tests.forge import signing
from tests.forge.releases import entries
from tests.forge.sigstore_instance import IDENTITY, ISSUER, Instance

METHODS = ("key", "certificate", "sigstore")
PARTS: tuple[tuple[str | int, ...], ...] = (
    ("mediaType",),
    ("verificationMaterial",),
    ("verificationMaterial", "publicKey"),
    ("verificationMaterial", "x509CertificateChain", "certificates", 0, "rawBytes"),
    ("verificationMaterial", "certificate", "rawBytes"),
    ("verificationMaterial", "tlogEntries"),
    ("verificationMaterial", "tlogEntries", 0, "inclusionProof", "hashes"),
    ("verificationMaterial", "tlogEntries", 0, "canonicalizedBody"),
    ("dsseEnvelope",),
    ("dsseEnvelope", "payload"),
    ("dsseEnvelope", "signatures", 0, "sig"),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sigstore") / "root.json"
    path.write_bytes(instance().trusted_root())
    return path


@cache
def instance() -> Instance:
    return Instance()


@cache
def bundles() -> dict[str, str]:
    """A sound bundle of each method, as JSON."""
    authority = signing.authority()
    return {
        "key": json.dumps(signing.signer().bundle()),
        "certificate": json.dumps(authority.signer().bundle()),
        "sigstore": json.dumps(instance().bundle(signing.statement())),
    }


def judge(data: bytes, root: Path) -> list[Verdict]:
    trust = Trust(
        keys=(TrustedKey("k", signing.signer().pem),),
        authorities=(signing.authority().pem,),
        identities=("release@example.org",),
        sigstore=(SigstoreSigner(IDENTITY, ISSUER),),
        trusted_root=root,
    )
    scope = Scope(entries(signing.MODEL), (), frozenset(), lambda _: True, lone=False)
    read = read_signatures(SignatureFile("model.sig", data, inside=False))
    return [each.judge(scope, trust) for each in read]


@pytest.mark.parametrize("method", METHODS)
def test_the_sound_one_is_trusted(method: str, root: Path) -> None:
    (verdict,) = judge(bundles()[method].encode(), root)
    assert verdict.outcome == "valid-trusted"


@settings(max_examples=150, deadline=None)
@given(
    method=st.sampled_from(METHODS),
    part=st.sampled_from(PARTS),
    value=st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.lists(st.integers(), max_size=3)
    | st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)
def test_any_value_in_any_place(root: Path, method: str, part: tuple[Any, ...], value: Any) -> None:
    bundle = json.loads(bundles()[method])
    inner = bundle
    try:
        for step in part[:-1]:
            inner = inner[step]
        unchanged = inner[part[-1]] == value
    except (KeyError, IndexError):  # a bundle of another method has no such place
        return
    if unchanged:
        return
    inner[part[-1]] = value
    found = judge(json.dumps(bundle).encode(), root)
    # A hint which key it is, and log entries beside a key, authenticate nothing: nobody reads them.
    if part[0] == "dsseEnvelope" or method == "sigstore" or "certificates" in part:
        assert all(verdict.outcome != "valid-trusted" for verdict in found)


@settings(max_examples=120, deadline=None)
@given(
    method=st.sampled_from(("certificate", "sigstore")),
    at=st.floats(0, 1, exclude_max=True),
    change=st.integers(1, 255),
    cut=st.booleans(),
)
def test_any_damage_to_a_certificate(
    root: Path, method: str, at: float, change: int, cut: bool
) -> None:
    bundle = json.loads(bundles()[method])
    material = bundle["verificationMaterial"]
    holder = (
        material["certificate"]
        if method == "sigstore"
        else material["x509CertificateChain"]["certificates"][0]
    )
    der = bytearray(base64.b64decode(holder["rawBytes"]))
    place = int(at * len(der))
    der[place] ^= change
    holder["rawBytes"] = signing.b64(bytes(der[:place] if cut else der))
    for verdict in judge(json.dumps(bundle).encode(), root):
        assert verdict.outcome != "valid-trusted"


@settings(max_examples=100, deadline=None)
@given(
    method=st.sampled_from(METHODS), at=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255)
)
def test_any_byte_of_a_bundle(root: Path, method: str, at: float, byte: int) -> None:
    data = bytearray(bundles()[method].encode())
    place = int(at * len(data))
    data[place] = byte
    judge(bytes(data), root)
