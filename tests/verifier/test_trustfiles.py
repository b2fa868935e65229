from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelscan.errors import UsageError
from modelscan.verifier.trust import SigstoreSigner, Trust
from modelscan.verifier.trustfiles import trust_from_files
from tests.forge import signing
from tests.forge.sigstore_instance import Instance

SIGNER = SigstoreSigner("a@example.org", "https://accounts.example.org")


def file(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_nobody_is_trusted_by_default() -> None:
    assert trust_from_files() == Trust()
    assert not Trust().asked


def test_what_the_user_names_is_read(tmp_path: Path) -> None:
    key = file(tmp_path, "k.pub", signing.signer().pem)
    authority = file(tmp_path, "ca.pem", signing.authority().pem)
    root = file(tmp_path, "root.json", Instance().trusted_root())
    found = trust_from_files(
        keys=[key],
        authorities=[authority],
        identities=["*"],
        sigstore=[SIGNER],
        trusted_root=root,
    )
    assert [one.name for one in found.keys] == ["k.pub"]
    assert found.authorities == (signing.authority().pem,)
    assert (found.identities, found.sigstore, found.trusted_root) == (("*",), (SIGNER,), root)
    assert found.asked


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no public key"),
        (b"ssh-ed25519 AAAA", "no public key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key"),
        (b"x" * (1 << 20) + b"x", "too large"),
    ],
)
def test_keys_that_are_none(data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        trust_from_files(keys=[file(tmp_path, "k", data)])


def test_a_private_key_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        trust_from_files(keys=[file(tmp_path, "k", signing.signer().private_pem)])
    assert "public half" in caught.value.hint


UNKNOWN_ALGORITHM = b"""-----BEGIN PUBLIC KEY-----
MBMwBwYFKgMEBQYDCAABAgMEBQYH
-----END PUBLIC KEY-----
"""


def test_a_key_of_a_kind_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="k: "):
        trust_from_files(keys=[file(tmp_path, "k", UNKNOWN_ALGORITHM)])


def test_an_authority_and_its_identities_belong_together(tmp_path: Path) -> None:
    authority = file(tmp_path, "ca.pem", signing.authority().pem)
    with pytest.raises(UsageError, match="issues certificates to many"):
        trust_from_files(authorities=[authority])
    with pytest.raises(UsageError, match="without --ca"):
        trust_from_files(identities=["*"])
    with pytest.raises(UsageError, match="no certificates"):
        trust_from_files(authorities=[file(tmp_path, "x", b"x")], identities=["*"])


def test_files_that_are_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    with pytest.raises(UsageError, match="no such file"):
        trust_from_files(keys=[missing])
    with pytest.raises(UsageError, match="no such file"):
        trust_from_files(sigstore=[SIGNER], trusted_root=missing)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_folder_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory"):
        trust_from_files(keys=[tmp_path])
