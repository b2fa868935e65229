"""Bare signatures over lists of checksums, as a person signs a release and another checks it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.cli.conftest import Command
from tests.cli.signed import answer
from tests.forge import models, signing

ED = ed25519.Ed25519PrivateKey.generate()
PEM = ED.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    model = models.plain(tmp_path / "model")
    sums = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(model.iterdir())
    )
    (model / "SHA256SUMS").write_text(sums)
    (model / "SHA256SUMS.sig").write_bytes(ED.sign(sums.encode()))
    (tmp_path / "release.pub").write_bytes(PEM)
    return model


def test_a_signed_list_carries_its_trust(
    modelassay: Command, release: Path, tmp_path: Path
) -> None:
    named = ("--key", tmp_path / "release.pub")
    code, model = answer(modelassay, release, *named)
    assert (code, model["answers"]["signed"]["status"]) == (0, "signed-trusted")
    assert modelassay("verify", release).code == 3  # nobody can check it without the key
    assert modelassay("scan", release).code == 3


def modify(model: Path) -> None:
    (model / "config.json").write_text("{}")


def modify_list(model: Path) -> None:
    (model / "SHA256SUMS").write_text((model / "SHA256SUMS").read_text().replace("a", "b"))


def add(model: Path) -> None:
    (model / "extra.py").write_text("1")


def add_signature(model: Path) -> None:
    """Anything may be called a signature."""
    (model / "extra.sig").write_bytes(b"c" * 100)


def delete(model: Path) -> None:
    (model / "config.json").unlink()


def strip(model: Path) -> None:
    (model / "SHA256SUMS.sig").unlink()


def other_signer(model: Path) -> None:
    other = ed25519.Ed25519PrivateKey.generate()
    (model / "SHA256SUMS.sig").write_bytes(other.sign((model / "SHA256SUMS").read_bytes()))


@pytest.mark.parametrize(
    "tamper",
    [modify, modify_list, add, delete, strip, other_signer],
    ids=lambda each: each.__name__,
)
def test_tampering_with_a_signed_list(
    modelassay: Command, release: Path, tmp_path: Path, tamper: Callable[[Path], None]
) -> None:
    tamper(release)
    code, model = answer(modelassay, release, "--key", tmp_path / "release.pub")
    assert code == 1
    gone = (
        "config.json is missing, and a signed list names it" in model["answers"]["signed"]["reason"]
    )
    assert gone == (tamper is delete)


@pytest.mark.parametrize("tamper", [add_signature], ids=lambda each: each.__name__)
def test_what_is_called_a_signature_is_no_pass(
    modelassay: Command, release: Path, tmp_path: Path, tamper: Callable[[Path], None]
) -> None:
    tamper(release)
    assert modelassay("verify", release, "--key", tmp_path / "release.pub").code in {1, 3}


def test_a_bare_signature_is_covered_like_any_file(modelassay: Command, tmp_path: Path) -> None:
    """A signature over all files: what calls itself a signature beside it was added."""
    model = signing.write(tmp_path / "model")
    (tmp_path / "release.pub").write_bytes(signing.signer().pem)
    (model / "model.sig").write_text(json.dumps(signing.signer().bundle()))
    named = ("--key", tmp_path / "release.pub")
    assert modelassay("verify", model, *named).code == 0
    (model / "payload.sig").write_bytes(b"\x80\x04" + b"c" * 100)
    code, found = answer(modelassay, model, *named)
    assert (code, "payload.sig is not signed" in found["answers"]["signed"]["reason"]) == (1, True)
