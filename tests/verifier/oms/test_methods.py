"""Who signed: each method against each way in which that can be wrong."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sigstore
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import UsageError
from modelscan.verifier.oms import curves, keyless
from modelscan.verifier.oms.authority import Authority
from modelscan.verifier.oms.bundle import parse_bundle
from modelscan.verifier.oms.failures import BrokenSignatureError
from modelscan.verifier.oms.methods import authenticate
from modelscan.verifier.trust import SigstoreSigner, Trust, TrustedKey
from tests.forge import signing
from tests.forge.sigstore_instance import IDENTITY, ISSUER, Instance

NOBODY = Trust()


def ask(bundle: dict[str, Any], trust: Trust = NOBODY) -> Authority:
    return authenticate(parse_bundle(json.dumps(bundle).encode()), trust)


def forged(bundle: dict[str, Any]) -> dict[str, Any]:
    """The same signature over another statement."""
    payload = signing.dumped(signing.about({"config.json": b"other"}))
    return bundle | {"dsseEnvelope": bundle["dsseEnvelope"] | {"payload": signing.b64(payload)}}


# Keys


@pytest.mark.parametrize("curve", signing.CURVES)
def test_a_given_key_is_trusted(curve: str) -> None:
    signer = signing.Signer(curve)
    trust = Trust(keys=(TrustedKey("other", signing.signer().pem), TrustedKey("ours", signer.pem)))
    found = ask(signer.bundle(), trust)
    assert (found.signer, found.trusted, found.checked) == ("ours", True, True)


def test_a_key_that_nobody_gave_is_not_checked() -> None:
    found = ask(signing.signer().bundle())
    assert (found.signer, found.trusted, found.checked) == ("", False, False)
    assert signing.signer().hint[:16] in found.reason
    bundle = signing.signer().bundle()
    bundle["verificationMaterial"]["publicKey"] = {}
    assert ask(bundle).reason == "signed with a key that nobody gave"


def test_another_key_than_the_given_one_is_not_checked() -> None:
    found = ask(signing.signer().bundle(), Trust(keys=(TrustedKey("k", signing.Signer().pem),)))
    assert not found.checked
    assert "other than the given one" in found.reason


@pytest.mark.parametrize("signature", [b"", b"\x30\x00", bytes(70)])
def test_a_bundle_that_names_the_key_and_does_not_fit_it_is_broken(signature: bytes) -> None:
    signer = signing.signer()
    trust = Trust(keys=(TrustedKey("k", signer.pem),))
    bundle = forged(signer.bundle())
    if signature:
        bundle["dsseEnvelope"]["signatures"][0]["sig"] = signing.b64(signature)
    with pytest.raises(BrokenSignatureError, match="names the key k"):
        ask(bundle, trust)


# Certificates

AUTHORITY = signing.authority()
CA = Trust(authorities=(AUTHORITY.pem,), identities=("*@example.org",))


def test_a_certificate_of_a_named_authority_and_identity_is_trusted() -> None:
    found = ask(AUTHORITY.signer().bundle(), CA)
    assert (found.signer, found.trusted) == ("release@example.org", True)


def test_a_key_can_be_pinned_instead_of_a_name() -> None:
    signer = AUTHORITY.signer()
    assert ask(signer.bundle(), msgspec.structs.replace(CA, identities=(signer.pin,))).trusted
    assert ask(
        signer.bundle(), msgspec.structs.replace(CA, identities=(signer.pin.upper(),))
    ).trusted
    assert not ask(
        AUTHORITY.signer().bundle(), msgspec.structs.replace(CA, identities=(signer.pin,))
    ).trusted


def test_a_subject_stands_in_for_a_missing_alternative_name() -> None:
    signer = AUTHORITY.signer(identity="")
    assert ask(signer.bundle(), msgspec.structs.replace(CA, identities=("CN=Release",))).trusted


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"days": (-30, -1)}, "expired on"),
        ({"days": (5, 9)}, "not valid before"),
        ({"purpose": ExtendedKeyUsageOID.SERVER_AUTH}, "not for signing code"),
        ({"purpose": None}, "does not say that it is for signing code"),
        ({"signs": False}, "not for signatures"),
        ({"identity": "release@example.com"}, "to somebody else than *@example.org"),
    ],
)
def test_what_takes_the_trust_away(options: dict[str, Any], reason: str) -> None:
    found = ask(AUTHORITY.signer(**options).bundle(), CA)
    assert not found.trusted
    assert found.checked
    assert reason in found.reason


@pytest.mark.parametrize(
    ("names", "common", "pattern", "trusted"),
    [
        # What an authority checked is the e-mail address; the common name it may let anybody choose.
        ([x509.RFC822Name("eve@example.com")], "release@example.org", "*@example.org", False),
        ([x509.RFC822Name("eve@example.com")], "Acme", "CN=Acme", True),
        ([], "release@example.org", "*release@example.org", True),
        # A branch in somebody's repository may be called like an e-mail address.
        (
            [x509.UniformResourceIdentifier("https://example.com/r@refs/heads/a@example.org")],
            "Acme",
            "*@example.org",
            False,
        ),
        (
            [x509.UniformResourceIdentifier("https://example.com/r@refs/heads/a@example.org")],
            "Acme",
            "https://example.com/r@*",
            True,
        ),
        ([x509.UniformResourceIdentifier("https://example.com/r")], "Acme", "*", True),
        ([x509.DNSName("example.org")], "Acme", "*@example.org", False),
        ([x509.RFC822Name("eve@example.com"), x509.RFC822Name("a@example.org")], "", "a@*", True),
    ],
)
def test_which_name_of_a_certificate_counts(
    names: list[x509.GeneralName], common: str, pattern: str, trusted: bool
) -> None:
    signer = AUTHORITY.named(names, common)
    assert (
        ask(signer.bundle(), msgspec.structs.replace(CA, identities=(pattern,))).trusted is trusted
    )


def test_an_expired_certificate_was_valid_in_its_time() -> None:
    bundle = AUTHORITY.signer(days=(-30, -1)).bundle()
    assert ask(bundle, msgspec.structs.replace(CA, now=signing.NOW - timedelta(days=9))).trusted


@pytest.mark.parametrize("name", ["Forged Root", "Another Root"])
def test_a_certificate_of_another_authority_is_not_trusted(name: str) -> None:
    found = ask(signing.Authority(name).signer().bundle(), CA)
    assert not found.trusted
    assert "does not lead to the authority" in found.reason
    assert "Certificate(" not in found.reason


def test_a_chain_that_lacks_its_middle_is_not_trusted() -> None:
    signer = AUTHORITY.signer()
    signer.chain = signer.chain[:1]
    assert "does not lead" in ask(signer.bundle(), CA).reason


def test_a_holder_of_a_certificate_is_no_authority() -> None:
    issuer = AUTHORITY.signer()
    pretender = signing.Authority("Pretender")
    pretender._middle_key = issuer.private
    pretender.middle = issuer.chain[0]
    signer = pretender.signer()
    signer.chain = [signer.chain[0], *issuer.chain]
    assert "does not lead" in ask(signer.bundle(), CA).reason


def test_an_issuer_that_may_not_issue_is_none() -> None:
    authority = signing.Authority(middle_issues=False)
    trust = msgspec.structs.replace(CA, authorities=(authority.pem,))
    assert "not for issuing others" in ask(authority.signer().bundle(), trust).reason


def test_a_certificate_without_key_usage_is_for_its_purpose() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = AUTHORITY.plain_leaf(key)
    signer = signing.CertificateSigner(key, "P-256", [leaf, AUTHORITY.middle])
    assert ask(signer.bundle(), msgspec.structs.replace(CA, identities=("CN=Plain",))).trusted


def test_a_curve_that_is_not_allowed_fits_nothing() -> None:
    key = ec.generate_private_key(ec.SECP256K1())
    signature = key.sign(b"x", ec.ECDSA(hashes.SHA256()))
    assert not curves.fits(key.public_key(), signature, b"x")


def test_without_an_authority_nobody_is_trusted() -> None:
    found = ask(AUTHORITY.signer().bundle())
    assert not found.trusted
    assert found.reason == "no certificate authority was named"


def test_a_signature_that_the_certificate_does_not_fit_is_broken() -> None:
    with pytest.raises(BrokenSignatureError, match="certificate's key"):
        ask(forged(AUTHORITY.signer().bundle()), CA)


def test_bytes_that_are_no_certificate_are_broken() -> None:
    bundle = AUTHORITY.signer().bundle()
    chain = bundle["verificationMaterial"]["x509CertificateChain"]["certificates"]
    chain[1]["rawBytes"] = signing.b64(b"\x30\x03\x02\x01\x01")
    with pytest.raises(BrokenSignatureError, match="cannot be read"):
        ask(bundle, CA)


def test_keys_of_other_kinds_are_broken() -> None:
    signer = AUTHORITY.signer()
    signer.chain[0] = AUTHORITY._issue(
        "x",
        ec.generate_private_key(ec.SECP256K1()),
        "Forged Root",
        AUTHORITY._key,
    )
    with pytest.raises(BrokenSignatureError, match="P-256, P-384 or P-521"):
        ask(signer.bundle(), CA)


HOLDER = AUTHORITY.signer()


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 1), st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_certificate_is_refused_or_not_trusted(which: int, at: int, change: int) -> None:
    signed = HOLDER.chain[which].tbs_certificate_bytes
    bundle = HOLDER.bundle()
    chain = bundle["verificationMaterial"]["x509CertificateChain"]["certificates"]
    der = bytearray(base64.b64decode(chain[which]["rawBytes"]))
    der[der.index(signed) + at % len(signed)] ^= change
    chain[which]["rawBytes"] = signing.b64(bytes(der))
    with contextlib.suppress(BrokenSignatureError):
        assert not ask(bundle, CA).trusted


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_as_a_certificate_are_broken(data: bytes) -> None:
    bundle = HOLDER.bundle()
    chain = bundle["verificationMaterial"]["x509CertificateChain"]["certificates"]
    chain[0]["rawBytes"] = signing.b64(data + b"\0")
    with pytest.raises(BrokenSignatureError):
        ask(bundle, CA)


# Sigstore


@pytest.fixture(scope="module")
def instance() -> Instance:
    found = Instance()
    found.bundle(signing.about({"an earlier": b"entry"}))
    return found


@pytest.fixture(scope="module")
def root(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("root") / "trusted_root.json"
    path.write_bytes(instance.trusted_root())
    return path


@pytest.fixture(scope="module")
def sigstore_trust(root: Path) -> Trust:
    return Trust(sigstore=(SigstoreSigner(IDENTITY, ISSUER),), trusted_root=root)


def test_a_named_identity_is_trusted(instance: Instance, sigstore_trust: Trust) -> None:
    found = ask(instance.bundle(signing.statement()), sigstore_trust)
    assert (found.signer, found.trusted) == (IDENTITY, True)
    assert found.root.startswith("sha256:")
    assert "newest entry of 20" in found.root


@pytest.mark.parametrize(
    "options",
    [
        {"identity": "somebody@example.org"},
        {"identity": "https://github.com/example/repo/.github/workflows/x.yml@refs/heads/main"},
        {"issuer": "https://accounts.example.com"},
    ],
)
def test_another_identity_is_not_trusted(
    options: dict[str, Any], instance: Instance, sigstore_trust: Trust
) -> None:
    found = ask(instance.bundle(signing.statement(), **options), sigstore_trust)
    assert not found.trusted
    assert found.checked
    assert found.reason == f"not {IDENTITY} (by {ISSUER})"


def test_the_owner_of_a_repository_is_told_by_number(instance: Instance, root: Path) -> None:
    trust = Trust(sigstore=(SigstoreSigner(IDENTITY, ISSUER, "77"),), trusted_root=root)
    assert ask(instance.bundle(signing.statement(), owner_id="77"), trust).trusted
    assert not ask(instance.bundle(signing.statement(), owner_id="78"), trust).trusted
    assert not ask(instance.bundle(signing.statement()), trust).trusted


def test_without_an_identity_nobody_is_trusted(instance: Instance, root: Path) -> None:
    found = ask(instance.bundle(signing.statement()), Trust(trusted_root=root))
    assert not found.trusted
    assert found.reason == "nobody was named who may sign"


def entry(bundle: dict[str, Any]) -> dict[str, Any]:
    (found,) = bundle["verificationMaterial"]["tlogEntries"]
    assert isinstance(found, dict)
    return found


def broken_bundles(instance: Instance) -> Iterator[tuple[str, dict[str, Any]]]:
    fine = instance.bundle(signing.statement())
    yield "expired when logged", instance.bundle(signing.statement(), logged=timedelta(hours=2))
    yield "not in the certificate log", instance.bundle(signing.statement(), timestamped=False)
    yield "another statement", forged(fine)
    swapped = instance.bundle(signing.statement())
    swapped["verificationMaterial"]["tlogEntries"] = [entry(fine)]
    yield "entry of another signature", swapped
    flipped = instance.bundle(signing.statement())
    entry(flipped)["inclusionProof"]["hashes"][0] = signing.b64(bytes(32))
    yield "proof of nothing", flipped
    unproven = instance.bundle(signing.statement())
    del entry(unproven)["inclusionProof"]
    yield "no proof", unproven
    undated = instance.bundle(signing.statement())
    entry(undated)["inclusionPromise"] = {"signedEntryTimestamp": signing.b64(bytes(70))}
    yield "promise of nobody", undated
    unreadable = instance.bundle(signing.statement())
    entry(unreadable)["logIndex"] = "x"
    yield "unreadable entry", unreadable


def test_what_breaks_a_signature(instance: Instance, sigstore_trust: Trust) -> None:
    for what, bundle in broken_bundles(instance):
        with pytest.raises(BrokenSignatureError) as caught:
            ask(bundle, sigstore_trust)
        assert caught.value.message, what


def test_another_instance_is_nobody_here(instance: Instance) -> None:
    found = ask(instance.bundle(signing.statement()), NOBODY)
    assert not found.trusted
    assert "another sigstore instance" in found.reason


def test_an_instance_that_takes_the_name_of_ours_is_broken(sigstore_trust: Trust) -> None:
    with pytest.raises(BrokenSignatureError, match="sigstore: failed to build"):
        ask(Instance().bundle(signing.statement()), sigstore_trust)


def test_two_readers_must_read_the_same(
    instance: Instance, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = keyless.load_root(root)
    monkeypatch.setattr(loaded.verifier, "verify_dsse", lambda *_: ("text/plain", b"other"))
    with pytest.raises(BrokenSignatureError, match="two readers"):
        ask(instance.bundle(signing.statement()), Trust(trusted_root=root))


def test_whatever_the_library_raises_is_a_reason(
    instance: Instance, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr(keyless.load_root(root).verifier, "verify_dsse", fail)
    with pytest.raises(BrokenSignatureError, match="ZeroDivisionError: deep inside"):
        ask(instance.bundle(signing.statement()), Trust(trusted_root=root))


def test_the_cache_in_the_users_home_is_not_trusted(
    instance: Instance, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's own offline mode would accept this bundle (measured)."""
    for variable in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    folder = tmp_path / "sigstore-python" / "tuf" / "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev"
    folder.mkdir(parents=True)
    (folder / "trusted_root.json").write_bytes(root.read_bytes())
    found = ask(
        instance.bundle(signing.statement()), Trust(sigstore=(SigstoreSigner(IDENTITY, ISSUER),))
    )
    assert not found.trusted
    embedded = Path(str(sigstore.__file__)).parent / keyless._EMBEDDED
    assert keyless.load_root(None).description == keyless.load_root(embedded).description


@pytest.mark.parametrize(("data", "message"), [(b"{}", "no trusted root"), (b"x", "no trusted")])
def test_a_root_that_is_none(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "root.json"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=message):
        keyless.load_root(path)


def test_a_root_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        keyless.load_root(tmp_path / "none.json")
    large = tmp_path / "large.json"
    large.touch()
    os.truncate(large, keyless._LARGEST + 1)
    with pytest.raises(UsageError, match="too large"):
        keyless.load_root(large)


# The specification's own vectors, where they lie beside the checkout

VECTORS = Path(__file__).parents[4] / "shared" / "data" / "oms" / "test-vectors" / "v1.0"
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason="the vectors are not here")


@needs_vectors
def test_the_specifications_sigstore_bundle() -> None:
    data = (VECTORS / "valid" / "sigstore.bundle.json").read_bytes()
    signer = SigstoreSigner("stefanb@us.ibm.com", "https://sigstore.verify.ibm.com/oauth2")
    assert authenticate(parse_bundle(data), Trust(sigstore=(signer,))).trusted


@needs_vectors
@pytest.mark.parametrize("method", ["key", "certificate"])
def test_the_specifications_other_bundles(method: str) -> None:
    bundle = parse_bundle((VECTORS / "valid" / f"{method}.bundle.json").read_bytes())
    assert bundle.method == method
    assert not authenticate(bundle, NOBODY).trusted


def test_an_rsa_key_is_not_for_models() -> None:
    public = rsa.generate_private_key(65537, 2048).public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    found = ask(signing.signer().bundle(), Trust(keys=(TrustedKey("rsa.pem", pem),)))
    assert (found.trusted, found.checked) == (False, False)
