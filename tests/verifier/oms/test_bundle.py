from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.verifier.oms import shape
from modelscan.verifier.oms.bundle import looks_like_bundle, parse_bundle
from modelscan.verifier.oms.failures import BrokenSignatureError
from modelscan.verifier.signed import LIMIT
from tests.forge import signing


def key_bundle() -> dict[str, Any]:
    return signing.signer().bundle()


def parsed(bundle: Any) -> Any:
    return parse_bundle(json.dumps(bundle).encode())


def test_a_bundle_comes_apart() -> None:
    found = parsed(key_bundle())
    assert found.method == "key"
    assert found.hint == signing.signer().hint
    assert json.loads(found.payload)["subject"][0]["name"] == "forged"
    assert found.signed_bytes().startswith(b"DSSEv1 28 application/vnd.in-toto+json ")


def test_the_chain_of_certificates_comes_along() -> None:
    signer = signing.authority().signer()
    found = parsed(signer.bundle())
    assert (found.method, len(found.certificates)) == ("certificate", 2)


def test_a_key_without_a_hint_is_accepted() -> None:
    bundle = key_bundle()
    bundle["verificationMaterial"] = {"publicKey": {"rawBytes": "AAAA"}}
    assert parsed(bundle).hint == ""


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.dev.sigstore.bundle.v0.3+json",
    ],
)
def test_versions_of_the_bundle(media_type: str) -> None:
    assert parsed(key_bundle() | {"mediaType": media_type}).method == "key"


CHANGES: list[tuple[str, tuple[str | int, ...], Any]] = [
    ("unknown type", ("mediaType",), "application/vnd.dev.sigstore.bundle.v0.9+json"),
    ("mediaType", ("mediaType",), None),
    ("unknown name 'media_type'", ("media_type",), "x"),
    ("both a file and a statement", ("messageSignature",), {}),
    ("dsseEnvelope is not an object", ("dsseEnvelope",), []),
    ("dsseEnvelope has an unknown name", ("dsseEnvelope", "payload_type"), "x"),
    ("not of type", ("dsseEnvelope", "payloadType"), "text/plain"),
    ("payload is not a text", ("dsseEnvelope", "payload"), 7),
    ("payload is not base64", ("dsseEnvelope", "payload"), "***"),
    ("payload is not base64", ("dsseEnvelope", "payload"), "\xe9"),
    ("payload is not Unicode", ("dsseEnvelope", "payload"), "\ud800"),
    ("signatures has 0 items", ("dsseEnvelope", "signatures"), []),
    ("signatures has 2 items", ("dsseEnvelope", "signatures"), [{"sig": "AA=="}] * 2),
    ("signatures is not an array", ("dsseEnvelope", "signatures"), {}),
    ("the signature is not an object", ("dsseEnvelope", "signatures", 0), "AA=="),
    ("unknown name 'cert'", ("dsseEnvelope", "signatures", 0, "cert"), "AA=="),
    ("sig is not a text", ("dsseEnvelope", "signatures", 0, "sig"), ""),
    ("verificationMaterial is not an object", ("verificationMaterial",), None),
    ("neither a key nor a certificate", ("verificationMaterial",), {}),
    ("unknown name 'public_key'", ("verificationMaterial", "public_key"), {}),
    ("key and sigstore", ("verificationMaterial", "certificate"), {"rawBytes": "AA=="}),
    ("publicKey is not an object", ("verificationMaterial", "publicKey"), "x"),
    ("hint is not a text", ("verificationMaterial", "publicKey", "hint"), 5),
    (
        "certificates has 0 items",
        ("verificationMaterial",),
        {"x509CertificateChain": {"certificates": []}},
    ),
    (
        "certificates has 11 items",
        ("verificationMaterial",),
        {"x509CertificateChain": {"certificates": [{"rawBytes": "AA=="}] * 11}},
    ),
    (
        "a certificate is not an object",
        ("verificationMaterial",),
        {"x509CertificateChain": {"certificates": ["AA=="]}},
    ),
    ("tlogEntries", ("verificationMaterial",), {"certificate": {"rawBytes": "AA=="}}),
    (
        "tlogEntries has 0 items",
        ("verificationMaterial",),
        {"certificate": {"rawBytes": "AA=="}, "tlogEntries": []},
    ),
]


@pytest.mark.parametrize(("message", "path", "value"), CHANGES)
def test_what_is_refused(message: str, path: tuple[str | int, ...], value: Any) -> None:
    bundle: Any = json.loads(json.dumps(key_bundle()))
    inner = bundle
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    with pytest.raises(BrokenSignatureError, match=message):
        parsed(bundle)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[]", "not an object"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": 1, "a": 2}', "'a' twice"),
        (b'{"b": {"c": 1, "c": 1}}', "'c' twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "not JSON"),
        (b" " * (LIMIT + 1), "bytes"),
    ],
)
def test_bytes_that_are_no_bundle(data: bytes, message: str) -> None:
    with pytest.raises(BrokenSignatureError, match=message):
        parse_bundle(data)


def test_what_looks_like_a_bundle_is_judged_as_one() -> None:
    data = json.dumps(key_bundle()).encode()
    assert looks_like_bundle(data)
    assert looks_like_bundle(b"\n " + data[:200])
    assert not looks_like_bundle(b"-----BEGIN PGP SIGNATURE-----")
    assert not looks_like_bundle(b"")
    assert not looks_like_bundle(b'{"a": 1}')


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a document."""
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += places(item, (*path, index))
    return found


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_value_at_any_place_is_refused_or_read(data: st.DataObject) -> None:
    bundle: Any = json.loads(json.dumps(signing.authority().signer().bundle()))
    path = data.draw(st.sampled_from(places(bundle)))
    value = data.draw(json_values)
    if not path:
        bundle = value
    else:
        inner = bundle
        for part in path[:-1]:
            inner = inner[part]
        inner[path[-1]] = value
    with contextlib.suppress(BrokenSignatureError):
        assert parsed(bundle).signature


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    with pytest.raises(BrokenSignatureError):
        parse_bundle(data)


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_a_document_is_an_object(value: Any) -> None:
    with contextlib.suppress(BrokenSignatureError):
        assert shape.document(json.dumps(value).encode(), "it") == value
