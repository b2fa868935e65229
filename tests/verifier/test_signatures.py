from __future__ import annotations

import pytest

from modelscan.verifier.signatures import check_signatures
from modelscan.vocabulary.fact import SignatureCheck
from tests.forge.releases import entries


def test_no_signature_file_is_unsigned() -> None:
    evidence = check_signatures(entries({"model.bin": b"1", "signature.txt": b"2"}), ())
    assert evidence.signed is not None
    assert evidence.signed.status == "unsigned"
    assert evidence.facts == (SignatureCheck(outcome="unsigned", status="absent"),)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("model.sig", "OpenSSF Model Signing"),
        ("sub/weights.bin.sig", "detached signature"),
        ("x.sigstore", "sigstore bundle"),
        ("x.SIGSTORE.JSON", "sigstore bundle"),
        ("x.asc", "OpenPGP"),
        ("x.minisig", "minisign"),
        ("x.p7s", "PKCS #7"),
    ],
)
def test_a_signature_that_is_not_verified_is_an_error(name: str, method: str) -> None:
    evidence = check_signatures(entries({"model.bin": b"1", name: b""}), ())
    assert evidence.signed is not None
    assert evidence.signed.status == "error"
    assert name in evidence.signed.reason
    (fact,) = evidence.facts
    assert isinstance(fact, SignatureCheck)
    assert (fact.outcome, fact.method, fact.location.file) == ("not-checked", method, name)


def test_every_signature_file_is_a_fact() -> None:
    evidence = check_signatures(entries({"a.sig": b"", "b.asc": b""}), ())
    assert [fact.location.file for fact in evidence.facts] == ["a.sig", "b.asc"]
    assert evidence.signed is not None
    assert "2 signatures" in evidence.signed.reason
