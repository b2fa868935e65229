"""Signatures over single files and statements about builds: what they cover, and what they do not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.verifier.attested.attestation import attestations_in
from modelscan.verifier.checksums import Checksums, List, parse_list
from modelscan.verifier.signature_files import read_signatures
from modelscan.verifier.signatures import Signatures
from modelscan.verifier.signed import SignatureFile
from modelscan.verifier.trust import SigstoreSigner, Trust, TrustedKey
from modelscan.vocabulary.evidence import Signed
from modelscan.vocabulary.fact import SignatureCheck
from tests.forge import signing
from tests.forge.releases import entries
from tests.forge.sigstore_instance import IDENTITY, ISSUER, Instance

OURS = Trust(keys=(TrustedKey("ours.pub", signing.signer().pem),))
FILES = {"model.bin": b"weights", "config.json": b"{}"}


def dumped(bundle: Mapping[str, Any] | bytes) -> bytes:
    return bundle if isinstance(bundle, bytes) else json.dumps(bundle).encode()


def judged(
    files: Mapping[str, bytes],
    bundles: Mapping[str, Mapping[str, Any] | bytes],
    trust: Trust = OURS,
    *,
    lone: bool = False,
    named: SignatureFile | None = None,
    lists: Sequence[List] = (),
) -> tuple[Signed, tuple[SignatureCheck, ...]]:
    written = {name: dumped(bundle) for name, bundle in bundles.items()}
    inside = [
        signature
        for name, data in written.items()
        for signature in read_signatures(SignatureFile(name, data, inside=True))
    ]
    check = Signatures(
        inside,
        trust,
        read_signatures(named) if named else (),
        lone=lone,
        lists=Checksums(lists),
    )
    wanted = {
        name: ("sha256", *filter(None, (s.algorithm_for(name) for s in inside))) for name in files
    }
    found = [
        entry
        for name, data in {**files, **written}.items()
        for entry in entries({name: data}, algorithms=wanted.get(name, ("sha256",)))
    ]
    evidence = check.run(found, (), "")
    assert evidence.signed is not None
    return evidence.signed, tuple(f for f in evidence.facts if isinstance(f, SignatureCheck))


# One file


def test_a_signature_over_one_file_is_none_over_the_model() -> None:
    bundle = signing.signer().message(FILES["model.bin"])
    answer, (fact,) = judged(FILES, {"model.bin.sigstore.json": bundle})
    assert answer.status == "signed-untrusted"
    assert answer.reason.startswith("only model.bin is signed: a key that you gave")
    assert (fact.outcome, fact.part) == ("valid-trusted", True)
    assert fact.method == "sigstore bundle (key)"


def test_signatures_over_every_file_are_one_over_the_model() -> None:
    bundles = {f"{name}.sigstore": signing.signer().message(data) for name, data in FILES.items()}
    answer, _ = judged(FILES, bundles)
    assert (answer.status, answer.signer) == ("signed-trusted", "ours.pub")
    assert "2 files are as signed" in answer.reason
    answer, _ = judged(FILES | {"added.py": b"1"}, bundles)
    assert answer.status == "signed-untrusted"
    answer, _ = judged(FILES, bundles, Trust())
    assert answer.status == "signed-untrusted"


@pytest.mark.parametrize("curve", signing.CURVES)
def test_every_curve(curve: str) -> None:
    signer = signing.Signer(curve)
    trust = Trust(keys=(TrustedKey("k", signer.pem),))
    bundle = signer.message(b"weights")
    answer, _ = judged({"model.bin": b"weights"}, {"model.bin.sigstore": bundle}, trust)
    assert answer.status == "signed-trusted"


def certificate() -> tuple[Trust, dict[str, Any]]:
    authority = signing.authority()
    trust = Trust(authorities=(authority.pem,), identities=("release@example.org",))
    return trust, authority.signer().message(FILES["model.bin"])


def keyless(tmp_path: Path) -> tuple[Trust, dict[str, Any]]:
    instance = Instance()
    root = tmp_path / "root.json"
    root.write_bytes(instance.trusted_root())
    trust = Trust(sigstore=(SigstoreSigner(IDENTITY, ISSUER),), trusted_root=root)
    return trust, instance.message(FILES["model.bin"])


@pytest.mark.parametrize("method", ["key", "certificate", "sigstore"])
def test_each_method_and_what_it_refuses(method: str, tmp_path: Path) -> None:
    trust, bundle = OURS, signing.signer().message(FILES["model.bin"])
    if method == "certificate":
        trust, bundle = certificate()
    elif method == "sigstore":
        trust, bundle = keyless(tmp_path)
    name = "model.bin.sigstore.json"
    model = {"model.bin": FILES["model.bin"]}
    answer, _ = judged(model, {name: bundle}, trust)
    assert answer.status == "signed-trusted", answer.reason
    for changed, why in (
        ({"model.bin": b"Weights"}, "model.bin differs"),
        ({"other.bin": FILES["model.bin"]}, "model.bin is missing"),
    ):
        answer, _ = judged(changed, {name: bundle}, trust)
        assert answer.status == "invalid-signature"
        assert why in answer.reason
    # The digest in the bundle is only a claim: the signature must fit the file itself.
    lying = json.loads(json.dumps(bundle))
    lying["messageSignature"]["messageDigest"] = signing.message(b"Weights", b"1")["messageDigest"]
    answer, _ = judged({"model.bin": b"Weights"}, {name: lying}, trust)
    assert answer.status == "invalid-signature"


def test_a_named_signature_finds_its_file_by_name_or_digest() -> None:
    data = json.dumps(signing.signer().message(FILES["model.bin"])).encode()
    for name, files, lone in (
        ("model.bin.sigstore", {"model.bin": FILES["model.bin"]}, True),
        ("downloaded.json", {"model.bin": FILES["model.bin"]}, True),
        ("downloaded.json", {"sub/model.bin": FILES["model.bin"]}, False),
    ):
        answer, _ = judged(files, {}, lone=lone, named=SignatureFile(name, data, inside=False))
        assert answer.status == "signed-trusted", answer.reason
    other = SignatureFile("downloaded.json", data, inside=False)
    answer, _ = judged({"a": b"1", "b": b"2"}, {}, named=other)
    assert answer.status == "invalid-signature"


def test_a_key_of_another_kind_is_not_checked() -> None:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([])
    leaf = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(signing.NOW)
        .not_valid_after(signing.NOW.replace(year=signing.NOW.year + 1, day=1))
        .sign(key, hashes.SHA256())
    )
    raw = signing.b64(leaf.public_bytes(serialization.Encoding.DER))
    bundle = signing.signer().message(b"weights")
    bundle["verificationMaterial"] = {"x509CertificateChain": {"certificates": [{"rawBytes": raw}]}}
    answer, (fact,) = judged({"model.bin": b"weights"}, {"model.bin.sigstore": bundle})
    assert (answer.status, fact.outcome) == ("error", "not-checked")
    assert "P-256" in fact.note
    # Where a trusted signature covers everything, it does no harm.
    sound = signing.signer().message(b"weights")
    bundles = {"model.bin.sigstore": bundle, "model.bin.sig": sound}
    assert judged({"model.bin": b"weights"}, bundles)[0].status == "signed-trusted"


# Statements


def build(files: Mapping[str, bytes] = FILES, **changes: Any) -> dict[str, Any]:
    return signing.signer().bundle(signing.provenance(files, **changes))


def test_a_provenance_of_all_files() -> None:
    answer, (fact,) = judged(FILES, {"build.intoto.jsonl": build()})
    assert answer.status == "signed-trusted", answer.reason
    assert fact.method == "SLSA provenance (key)"
    assert "built by https://builds.example.org/1" in fact.note


def test_a_provenance_of_some_files() -> None:
    some = {"model.bin": FILES["model.bin"]}
    answer, _ = judged(FILES, {"build.sigstore.json": build(some)})
    assert answer.status == "signed-untrusted"
    assert "only model.bin is signed" in answer.reason


@pytest.mark.parametrize(
    ("files", "status", "why"),
    [
        (FILES | {"model.bin": b"changed"}, "invalid-signature", "model.bin differs"),
        ({"config.json": b"{}"}, "signed-untrusted", "model.bin is missing"),
        ({"other.bin": b"1"}, "signed-untrusted", "none of its files is here"),
        (FILES | {"added.py": b"1"}, "signed-untrusted", "only model.bin, config.json is signed"),
    ],
)
def test_a_provenance_that_does_not_fit(files: Mapping[str, bytes], status: str, why: str) -> None:
    answer, (fact,) = judged(files, {"build.sigstore.json": build()})
    assert answer.status == status
    assert why in answer.reason or why in fact.note


def test_a_statement_of_another_kind_says_nothing_of_origin() -> None:
    bundle = build(predicateType="https://in-toto.io/attestation/test-result/v0.1")
    answer, (fact,) = judged(FILES, {"tests.intoto.jsonl": bundle})
    assert (answer.status, fact.outcome) == ("signed-untrusted", "valid-untrusted")
    assert "not about origin" in fact.note


def test_an_altered_payload_or_predicate() -> None:
    bundle = build()
    payload = signing.dumped(signing.provenance(FILES, predicate={}))
    bundle["dsseEnvelope"]["payload"] = signing.b64(payload)
    answer, _ = judged(FILES, {"build.sigstore.json": bundle})
    assert answer.status == "invalid-signature"


def test_bare_envelopes_line_by_line() -> None:
    lines = [build({name: data})["dsseEnvelope"] for name, data in FILES.items()]
    data = b"\n".join(json.dumps(line).encode() for line in lines)
    answer, facts = judged(FILES, {"all.intoto.jsonl": data})
    assert (answer.status, len(facts)) == ("signed-trusted", 2)
    with_certificate = json.loads(json.dumps(lines[0]))
    with_certificate["signatures"][0]["cert"] = "-----BEGIN CERTIFICATE-----"
    answer, (fact,) = judged(FILES, {"a.intoto.jsonl": with_certificate})
    assert (answer.status, fact.outcome) == ("error", "not-checked")
    stranger = signing.Signer().bundle(signing.provenance(FILES))["dsseEnvelope"]
    answer, (fact,) = judged(FILES, {"a.intoto.jsonl": stranger})
    assert (answer.status, fact.outcome) == ("signed-untrusted", "unknown-key")


def test_other_digests_are_asked_for() -> None:
    subject = {"name": "model.bin", "digest": {"sha512": "0" * 128, "md5": "0" * 32}}
    bundle = build(subject=[subject])
    (found,) = attestations_in(SignatureFile("b.sigstore", dumped(bundle), inside=True))
    assert found.algorithm_for("model.bin") == "sha512"
    assert judged(FILES, {"b.sigstore": bundle})[0].status == "invalid-signature"


@pytest.mark.parametrize(
    "data",
    [
        b'{"payloadType": 1',
        b'{"payloadType": "x", "payload": "", "signatures": []}',
        json.dumps(signing.signer().bundle(b'{"_type": 1}')).encode(),
        json.dumps(signing.signer().bundle(b"[]")).encode(),
        b'{"payloadType":1}\n' * 1_001,
    ],
)
def test_what_is_broken(data: bytes) -> None:
    answer, _ = judged(FILES, {"x.intoto.jsonl": data})
    assert answer.status == "invalid-signature"


# Lists that are signed carry the trust


def test_a_signed_list_of_checksums() -> None:
    listed = b"".join(
        f"{signing._resource(n, d, 'sha256')['digest']}  {n}\n".encode() for n, d in FILES.items()
    )
    lists = [
        List(
            "SHA256SUMS",
            parse_list(listed, "SHA256SUMS"),
            signing.resources({"": listed})[0]["digest"],
        )
    ]
    bundles = {"SHA256SUMS.sigstore": signing.signer().message(listed)}
    files = FILES | {"SHA256SUMS": listed}
    assert judged(files, bundles, lists=lists)[0].status == "signed-trusted"
    assert judged(files, bundles)[0].status == "signed-untrusted"
    changed = files | {"model.bin": b"changed"}
    assert judged(changed, bundles, lists=lists)[0].status == "signed-untrusted"
    assert judged(files, bundles, Trust(), lists=lists)[0].status == "signed-untrusted"


# Hostile bytes


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "_type",
                        "subject",
                        "digest",
                        "sha256",
                        "predicateType",
                        "predicate",
                        "name",
                        "messageSignature",
                        "messageDigest",
                        "algorithm",
                        "signature",
                        "payloadType",
                        "payload",
                        "signatures",
                        "sig",
                        "runDetails",
                        "builder",
                        "id",
                    ]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    ),
    st.booleans(),
)
def test_any_json_is_judged(value: Any, wrapped: bool) -> None:
    bundle = (
        signing.signer().bundle(json.dumps(value).encode())
        if wrapped
        else {**signing.signer().message(b"1"), "messageSignature": value}
    )
    answer, _ = judged(FILES, {"x.sigstore": bundle})
    assert answer.status != "signed-trusted"


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_judged(data: bytes) -> None:
    for each in attestations_in(SignatureFile("x", b'{"payloadType":' + data, inside=True)):
        assert each.problem or each.method


# What cannot be said


def test_files_that_nobody_read() -> None:
    unread = [
        entry if entry.path != "model.bin" else msgspec.structs.replace(entry, digests={})
        for entry in entries(FILES)
    ]
    for name, bundle in (
        ("model.bin.sigstore", signing.signer().message(FILES["model.bin"])),
        ("x.intoto.jsonl", build({"model.bin": FILES["model.bin"]})),
    ):
        inside = read_signatures(SignatureFile(name, dumped(bundle), inside=True))
        evidence = Signatures(inside, OURS).run(unread, (), "")
        assert evidence.signed is not None
        assert (evidence.signed.status, evidence.signed.method) == (
            "error",
            inside[0].method,
        )


def test_a_file_that_is_left_out_is_not_missing() -> None:
    bundle = signing.signer().message(b"gone")
    inside = read_signatures(SignatureFile("gone.bin.sigstore", dumped(bundle), inside=True))
    check = Signatures(inside, OURS, asked=lambda path: path != "gone.bin")
    evidence = check.run(entries(FILES), (), "")
    assert evidence.signed is not None
    assert evidence.signed.status == "error"
    assert inside[0].watch("gone.bin", 4) is None


def test_a_statement_about_a_folder_is_about_nothing_outside() -> None:
    files = {"sub/model.bin": b"1", "model.bin": b"1"}
    answer, (fact,) = judged(files, {"sub/build.sigstore": build({"model.bin": b"1"})})
    assert answer.status == "signed-untrusted"
    assert "only sub/model.bin is signed" in answer.reason
    assert fact.outcome == "valid-trusted"


def test_subjects_that_say_nothing() -> None:
    subjects = [{"name": "a"}, {"digest": {"md5": "0" * 32}}, {"name": 1, "digest": {"sha256": 1}}]
    answer, _ = judged(FILES, {"b.sigstore": build(subject=subjects)})
    assert "none of its files is here" in answer.reason
    one = {"digest": {"sha256": signing.resources({"": b"weights"})[0]["digest"]}}
    answer, _ = judged({"model.bin": b"weights"}, {"b.sigstore": build(subject=[one])})
    assert answer.status == "signed-trusted"
    half = json.loads(json.dumps(signing.provenance({"model.bin": b"weights"})))
    half["subject"].append({"name": "gone.bin", "digest": {"sha256": "0" * 64}})
    answer, (fact,) = judged(
        {"model.bin": b"weights"}, {"b.sigstore": signing.signer().bundle(half)}
    )
    assert (answer.status, fact.missing) == ("signed-untrusted", ("gone.bin",))


def test_what_is_too_much() -> None:
    huge = b'{"payloadType":' + b" " * (17 << 20)
    (found,) = attestations_in(SignatureFile("x.intoto.jsonl", huge, inside=True))
    assert found.problem.startswith("a signature of 17,")
    assert found.method == "detached signature"
    assert found.algorithm_for("x") == ""


def test_an_envelope_on_several_lines() -> None:
    data = json.dumps(build()["dsseEnvelope"], indent=1).encode()
    assert judged(FILES, {"b.intoto.json": data})[0].status == "signed-trusted"
    stated = signing.provenance(FILES, predicateType="https://slsa.dev/provenance/v0.2")
    stated["predicate"] = {"builder": {"id": "https://old.example.org"}}
    answer, (fact,) = judged(FILES, {"b.sigstore": signing.signer().bundle(stated)})
    assert (answer.status, "built by https://old.example.org" in fact.note) == (
        "signed-trusted",
        True,
    )
    stated["predicate"] = {"builder": 1}
    assert (
        judged(FILES, {"b.sigstore": signing.signer().bundle(stated)})[0].status == "signed-trusted"
    )
