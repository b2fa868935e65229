"""Both ways with the reference implementation of OpenSSF Model Signing, as it is published.

It does not name pyOpenSSL among its requirements, so that it is installed beside it. What it cannot
verify of its own (BLAKE2b, shards: see its issues) is asked of it in one direction only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from modelscan._cli.main import run
from tests.forge import signing, sigstore_service
from tests.forge.sigstore_instance import IDENTITY, ISSUER, Instance

pytestmark = pytest.mark.interop

REFERENCE = ("model-signing==1.1.1", "pyOpenSSL")
BY_API = """
import sys
from pathlib import Path
from model_signing import hashing, signing
model, key, place, how = sys.argv[1:]
config = hashing.Config().set_ignored_paths(paths=[place], ignore_git_paths=True)
if how == "shards":
    config = config.use_shard_serialization(hashing_algorithm="sha256", shard_size=1000)
else:
    config = config.use_file_serialization(hashing_algorithm=how)
signer = signing.Config().use_elliptic_key_signer(private_key=Path(key))
signer.set_hashing_config(config).sign(model, place)
"""

Reference = Callable[..., int]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the reference implementation."""
    folder = tmp_path_factory.mktemp("reference")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    made = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [str(made), "-m", "pip", "install", "--quiet", *REFERENCE]
    done = subprocess.run(install, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip("the reference implementation cannot be installed from here")
    return made


@pytest.fixture
def reference(python: Path, tmp_path: Path) -> Reference:
    """Run the reference implementation; returns its exit code."""

    def call(*arguments: object) -> int:
        words = [str(python), "-m", "model_signing", *map(str, arguments)]
        home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
        return subprocess.run(words, check=False, capture_output=True, env=home).returncode

    return call


class Means(NamedTuple):
    """How one method signs and verifies, on both sides."""

    method: str
    their_sign: tuple[object, ...]
    their_verify: tuple[object, ...]
    our_sign: tuple[object, ...]
    our_verify: tuple[object, ...]


def means(method: str, folder: Path, instance: Instance) -> Means:
    files = {name: folder / name for name in ("key", "pub", "leaf", "chain", "ca", "root", "trust")}
    if method == "key":
        files["key"].write_bytes(signing.signer().private_pem)
        files["pub"].write_bytes(signing.signer().pem)
        return Means(
            method,
            ("--private_key", files["key"]),
            ("--public_key", files["pub"]),
            ("--key", files["key"]),
            ("--key", files["pub"]),
        )
    if method == "certificate":
        authority = signing.authority()
        signer = authority.signer(curve="P-256")
        chain = signer.chain_pem
        end = b"-----END CERTIFICATE-----\n"
        leaf = chain[: chain.index(end) + len(end)]
        files["key"].write_bytes(signer.private_pem)
        files["leaf"].write_bytes(leaf)
        files["chain"].write_bytes(chain)
        middle = folder / "middle"
        middle.write_bytes(chain[len(leaf) :])
        files["ca"].write_bytes(authority.pem)
        return Means(
            method,
            ("--private_key", files["key"], "--signing_certificate", files["leaf"],
             "--certificate_chain", middle, "--certificate_chain", files["ca"]),
            ("--certificate_chain", files["ca"]),
            ("--key", files["key"], "--certificates", files["chain"]),
            ("--ca", files["ca"], "--identity", "release@example.org"),
        )  # fmt: skip
    files["root"].write_bytes(instance.trusted_root())
    return Means(
        method,
        ("--trust_config", files["trust"], "--identity_token", sigstore_service.token()),
        ("--trust_config", files["trust"], "--identity", IDENTITY, "--identity_provider", ISSUER),
        ("--sigstore", "--trust-config", files["trust"]),
        ("--sigstore-identity", IDENTITY, "--sigstore-issuer", ISSUER,
         "--trusted-root", files["root"]),
    )  # fmt: skip


def ours(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


@pytest.mark.parametrize("method", ["key", "certificate", "sigstore"])
def test_both_ways(
    method: str, reference: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = Instance()
    how = means(method, tmp_path, instance)
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", sigstore_service.token())
    model = signing.write(tmp_path / "model")
    place = model / "model.sig"
    signature = ("--signature", place)
    with sigstore_service.served(instance) as configuration:
        (tmp_path / "trust").write_text(configuration)
        # Theirs signs, ours verifies.
        assert reference("sign", method, model, *signature, *how.their_sign) == 0
        assert ours("verify", model, *how.our_verify) == 0
        place.unlink()
        # Ours signs, theirs verifies.
        assert ours("manifest", "sign", model, *how.our_sign) == 0
        assert reference("verify", method, model, *signature, *how.their_verify) == 0
        assert ours("verify", model, *how.our_verify) == 0
        # Both refuse the same change.
        (model / "config.json").write_bytes(b"changed")
        assert ours("verify", model, *how.our_verify) == 1
        assert reference("verify", method, model, *signature, *how.their_verify) != 0


@pytest.mark.parametrize("serialization", ["sha256", "blake2", "blake3", "shards"])
def test_every_way_in_which_theirs_hashes(serialization: str, python: Path, tmp_path: Path) -> None:
    how = means("key", tmp_path, Instance())
    model = signing.write(tmp_path / "model")
    place = model / "model.sig"
    script = [python, "-c", BY_API, model, tmp_path / "key", place, serialization]
    done = subprocess.run(
        [str(word) for word in script], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert ours("verify", model, *how.our_verify) == 0
    (model / "config.json").write_bytes(b"changed")
    assert ours("verify", model, *how.our_verify) == 1


def test_a_single_file(reference: Reference, tmp_path: Path) -> None:
    how = means("key", tmp_path, Instance())
    file = signing.write(tmp_path / "model") / "model.bin"
    place = tmp_path / "model.bin.sig"
    assert reference("sign", "key", file, "--signature", place, *how.their_sign) == 0
    assert ours("verify", file, *how.our_verify, "--signature", place) == 0
    file.write_bytes(b"changed")
    assert ours("verify", file, *how.our_verify, "--signature", place) == 1
