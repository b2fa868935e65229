from __future__ import annotations

import base64

import pytest

from modelscan.verifier import kinds
from modelscan.verifier.signature_files import find_signatures, read_signatures
from modelscan.verifier.signed import SignatureFile
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import signing

DER = b"\x30\x44" + b"\x02" * 0x44


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"-----BEGIN PGP SIGNATURE-----\n", "OpenPGP"),
        (b"-----BEGIN PGP SIGNED MESSAGE-----\n", "OpenPGP"),
        (b"\x88\x75\x04\x00", "OpenPGP"),
        (b"\x89\x01\x33\x04\x00", "OpenPGP"),
        (b"\xc2\x75\x04\x00", "OpenPGP"),
        (b"untrusted comment: signature from minisign secret key\n", "minisign"),
        (b"-----BEGIN SSH SIGNATURE-----\n", "SSH"),
        (b"-----BEGIN PKCS7-----\n", "PKCS #7"),
        (b"\x30\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", "PKCS #7"),
        (b'{"base64Signature":"x","cert":"y"}', "cosign"),
        (base64.b64encode(DER) + b"\n", "cosign"),
        (base64.b64encode(b"\x30"), ""),
        (base64.b64encode(b"\x31" + DER[1:]), ""),
        (b"", ""),
        (b"prose about signatures", ""),
    ],
)
def test_kinds_by_content(head: bytes, kind: str) -> None:
    assert kinds.kind_by_content(head) == kind


class Held:
    """A file in memory, as the pass over a model's files meets it."""

    access = "local"

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.data = data
        self.size = len(data)

    def open(self) -> Held:
        return self

    def __enter__(self) -> BytesArtifact:
        return BytesArtifact(self.name, self.data)

    def __exit__(self, *_: object) -> None:
        pass


def others(name: str, data: bytes) -> dict[str, str]:
    return dict(find_signatures([Held(name, data)]).others)  # type: ignore[list-item]  # enough of one


def test_content_says_more_than_a_name() -> None:
    assert others("x.sig", b"-----BEGIN PGP SIGNATURE-----") == {"x.sig": "OpenPGP"}
    assert others("x.sig", b"something") == {"x.sig": "detached signature"}
    assert others("model.sig", b"something") == {"model.sig": "OpenSSF Model Signing"}
    assert others("KEYS.asc", b"-----BEGIN PGP PUBLIC KEY BLOCK-----") == {"KEYS.asc": ""}
    assert others("model.bin", b"-----BEGIN PGP SIGNATURE-----") == {}
    assert kinds.kind_by_name("model.bin") == ""


def test_what_is_not_verified_here_is_read_by_nobody() -> None:
    assert read_signatures(SignatureFile("x.minisig", b"untrusted comment:", inside=True)) == ()
    read = read_signatures(
        SignatureFile("x.sigstore", signing.dumped(signing.signer().bundle()), inside=True)
    )
    assert [each.partial for each in read] == [False]
