from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.cli.conftest import Command
from tests.forge import git, models, releases, safetensors, signing, sigstore_service
from tests.forge.sigstore_instance import IDENTITY, ISSUER, Instance
from tests.hub.content import Content
from tests.hub.git_server import GitServer
from tests.hub.scanning import fake_hub

# create, show, check


def test_a_pinned_model_is_found_again(modelassay: Command, tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    path = tmp_path / "pin.json"
    assert modelassay("manifest", "create", model, "-o", path).code == 0
    assert modelassay("verify", model, "--manifest", path).code == 0
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    ran = modelassay("verify", model, "--manifest", path, "-f", "json")
    found = json.loads(ran.out)["models"][0]["answers"]["official_bytes"]
    assert found["status"] == "modified"
    assert "model.safetensors differs" in found["reason"]
    assert ran.code == 1


def test_what_is_stated(modelassay: Command, tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    options = ("--id", "acme/m@1", "--location", "hf:acme/m", "--publisher", "Acme")
    stated = json.loads(modelassay("manifest", "create", model, *options).out)
    (release,) = stated["releases"]
    assert (stated["assurance"], stated["publisher"]["name"]) == ("self-pinned", "Acme")
    assert (release["id"], release["locations"], release["complete"]) == (
        "acme/m@1",
        ["hf:acme/m"],
        True,
    )
    listed = {file["path"]: file for file in release["files"]}
    assert set(listed) == {"README.md", "config.json", "model.safetensors"}
    assert "header_sha256" in listed["model.safetensors"]
    assert "header_sha256" not in listed["config.json"]
    assert listed["README.md"]["size"] == len(models.CARD)


def test_a_part_is_not_complete(modelassay: Command, tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    stated = json.loads(modelassay("manifest", "create", model, "--include", "*.json").out)
    (release,) = stated["releases"]
    assert [file["path"] for file in release["files"]] == ["config.json"]
    assert "complete" not in release


def test_a_hub_cache_says_where_it_is_from(modelassay: Command, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--acme--m" / "snapshots" / ("a" * 40)
    models.plain(snapshot)
    (release,) = json.loads(modelassay("manifest", "create", snapshot).out)["releases"]
    assert (release["locations"], release["revision"]) == (["hf:acme/m"], "a" * 40)


@pytest.mark.parametrize("header", [b"", b"\x02", (1 << 60).to_bytes(8, "little") + b"{}"])
def test_weights_without_a_header_are_listed_all_the_same(
    modelassay: Command, tmp_path: Path, header: bytes
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "x.safetensors").write_bytes(header)
    (release,) = json.loads(modelassay("manifest", "create", tmp_path / "model").out)["releases"]
    assert "header_sha256" not in release["files"][0]


def test_all_or_nothing(modelassay: Command, tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    (model / "outside").symlink_to("/dev/null")
    ran = modelassay("manifest", "create", model)
    assert (ran.code, ran.out) == (3, "")
    assert "outside" in ran.err
    (tmp_path / "empty").mkdir()
    assert modelassay("manifest", "create", tmp_path / "empty").code == 3
    assert modelassay("manifest", "create", tmp_path / "missing").code == 3


def test_names_that_cannot_be_listed(modelassay: Command, tmp_path: Path) -> None:
    for name in (os.fsdecode(b"bad\xff"), "back\\slash"):
        model = models.plain(tmp_path / "model")
        (model / name).write_bytes(b"1")
        assert modelassay("manifest", "create", model).code == 2
        (model / name).unlink()


def test_show_and_check(modelassay: Command, tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    described = releases.pinned(status="withdrawn", reason="leaked \x1b[31m", revision="a" * 40)
    path.write_text(json.dumps(releases.document(described)))
    shown = modelassay("manifest", "show", path).out
    assert "acme/model@1" in shown
    assert "withdrawn: leaked" in shown
    assert "commit " + "a" * 40 in shown
    assert "\x1b" not in shown
    assert modelassay("manifest", "check", path).out == "1 manifest, 1 release, no errors\n"
    assert modelassay("manifest", "check", path, path).code == 2
    path.write_text("{}")
    assert modelassay("manifest", "check", path).code == 2
    assert modelassay("manifest", "show", path).code == 2


# sign


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "release.key"
    path.write_bytes(signing.signer().private_pem)
    return path


@pytest.fixture
def public(tmp_path: Path) -> Path:
    path = tmp_path / "release.pub"
    path.write_bytes(signing.signer().pem)
    return path


@pytest.mark.parametrize("algorithm", ["sha256", "blake2b", "blake3"])
@pytest.mark.parametrize("shard", [(), ("--shard-size", "1000")])
def test_what_is_signed_here_verifies_here(
    modelassay: Command,
    tmp_path: Path,
    key: Path,
    public: Path,
    algorithm: str,
    shard: tuple[str, ...],
) -> None:
    model = signing.write(tmp_path / "model")
    (model / "empty.txt").touch()
    options = ("--key", key, "--hash", algorithm, *shard)
    assert modelassay("manifest", "sign", model, *options).code == 0
    assert modelassay("verify", model, "--key", public).code == 0
    assert modelassay("manifest", "sign", model, *options).code == 0  # again, in its place
    assert modelassay("verify", model, "--key", public).code == 0
    (model / "model.bin").write_bytes(b"other")
    assert modelassay("verify", model, "--key", public).code == 1


def test_a_certificate_signs_with_its_chain(modelassay: Command, tmp_path: Path) -> None:
    model = signing.write(tmp_path / "model")
    signer = signing.authority().signer()
    paths = {name: tmp_path / name for name in ("key", "chain", "ca")}
    paths["key"].write_bytes(signer.private_pem)
    paths["chain"].write_bytes(signer.chain_pem)
    paths["ca"].write_bytes(signing.authority().pem)
    output = tmp_path / "m.sig"
    options = ("--key", paths["key"], "--certificates", paths["chain"], "-o", output)
    assert modelassay("manifest", "sign", model, *options).code == 0
    trust = ("--ca", paths["ca"], "--identity", "release@example.org", "--signature", output)
    assert modelassay("verify", model, *trust).code == 0
    paths["chain"].write_bytes(signing.authority().signer().chain_pem)
    assert modelassay("manifest", "sign", model, *options).code == 2


def test_an_encrypted_key_needs_its_password(
    modelassay: Command, tmp_path: Path, public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = signing.write(tmp_path / "model")
    path = tmp_path / "locked.key"
    path.write_bytes(
        signing.signer().private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open"),
        )
    )
    assert modelassay("manifest", "sign", model, "--key", path).code == 2
    monkeypatch.setenv("MODELASSAY_KEY_PASSWORD", "open")
    assert modelassay("manifest", "sign", model, "--key", path).code == 0
    assert modelassay("verify", model, "--key", public).code == 0


def test_a_single_file_is_signed_beside_it(
    modelassay: Command, tmp_path: Path, key: Path, public: Path
) -> None:
    model = signing.write(tmp_path / "model") / "model.bin"
    assert modelassay("manifest", "sign", model, "--key", key).code == 2
    output = tmp_path / "model.bin.sig"
    assert modelassay("manifest", "sign", model, "--key", key, "-o", output).code == 0
    assert modelassay("verify", model, "--key", public, "--signature", output).code == 0


def test_keys_that_do_not_sign(modelassay: Command, tmp_path: Path, public: Path) -> None:
    model = signing.write(tmp_path / "model")
    rsa_key = tmp_path / "rsa.key"
    rsa_key.write_bytes(
        rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    for wrong in (public, rsa_key, tmp_path / "missing"):
        assert modelassay("manifest", "sign", model, "--key", wrong).code == 2
    assert not (model / "model.sig").exists()


def test_models_that_cannot_be_signed(modelassay: Command, tmp_path: Path, key: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert modelassay("manifest", "sign", tmp_path / "empty", "--key", key).code == 3
    model = signing.write(tmp_path / "model", {"a.bin": b"1", "A.bin": b"2"})
    ran = modelassay("manifest", "sign", model, "--key", key)
    assert ran.code == 2
    assert "one name to file systems" in ran.err


def test_git_is_not_signed_and_its_hooks_are_named(
    modelassay: Command, tmp_path: Path, key: Path, public: Path
) -> None:
    model = signing.write(tmp_path / "model")
    (model / ".git" / "objects").mkdir(parents=True)
    (model / ".git" / "objects" / "pack").write_bytes(b"1")
    assert modelassay("manifest", "sign", model, "--key", key).code == 0
    assert modelassay("verify", model, "--key", public).code == 0
    (model / ".git" / "hooks").mkdir()
    (model / ".git" / "hooks" / "post-checkout").write_text("#!/bin/sh\n")
    assert modelassay("verify", model, "--key", public).code == 1


# sign with sigstore


@pytest.fixture(scope="module")
def instance() -> Instance:
    return Instance()


def test_what_a_token_signs_verifies(
    modelassay: Command, tmp_path: Path, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = signing.write(tmp_path / "model")
    root, trust = tmp_path / "root.json", tmp_path / "trust.json"
    root.write_bytes(instance.trusted_root())
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", sigstore_service.token())
    with sigstore_service.served(instance) as configuration:
        trust.write_text(configuration)
        ran = modelassay("manifest", "sign", model, "--sigstore", "--trust-config", trust)
    assert (ran.code, ran.out) == (0, ""), ran.err
    who = ("--sigstore-identity", IDENTITY, "--sigstore-issuer", ISSUER, "--trusted-root", root)
    assert modelassay("verify", model, *who).code == 0
    (model / "config.json").write_bytes(b"changed")
    assert modelassay("verify", model, *who).code == 1


def test_sigstore_that_does_not_sign(
    modelassay: Command, tmp_path: Path, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = signing.write(tmp_path / "model")
    trust = tmp_path / "trust.json"
    options = ("manifest", "sign", model, "--sigstore", "--trust-config", trust)
    for token, code in (
        ("", 2),
        ("no token", 2),
        (sigstore_service.token(now=1000), 2),
        (sigstore_service.token(), 3),
    ):
        monkeypatch.setenv("SIGSTORE_ID_TOKEN", token)
        with sigstore_service.served(instance, broken=True) as configuration:
            trust.write_text(configuration)
            ran = modelassay(*options)
        assert ran.code == code, ran.err
        assert not token or token not in ran.err
    trust.write_text("{}")
    assert modelassay(*options).code == 2
    assert not (model / "model.sig").exists()


@pytest.mark.parametrize(
    "options",
    [(), ("--key", "k", "--sigstore"), ("--sigstore", "--certificates", "c"),
     ("--key", "k", "--trust-config", "t")],
)  # fmt: skip
def test_one_way_to_sign(modelassay: Command, tmp_path: Path, options: tuple[str, ...]) -> None:
    assert modelassay("manifest", "sign", tmp_path, *options).code == 2


# check and merge


def test_contradictions_are_named_and_not_settled(modelassay: Command, tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    described = releases.pinned()
    one.write_text(json.dumps(releases.document(described)))
    changed = releases.pinned()
    changed["files"][1] = releases.listed("config.json", b"other")
    other.write_text(json.dumps(releases.document(changed)))
    for command in ("check", "merge"):
        ran = modelassay("manifest", command, one, other)
        assert ran.code == 2
        assert "config.json: two sha256 digests" in ran.out + ran.err
    more = releases.release("acme/other@1", [releases.listed("x.bin", b"x")])
    other.write_text(json.dumps(releases.document(more, assurance="self-pinned")))
    merged = json.loads(modelassay("manifest", "merge", tmp_path).out)
    assert [each["id"] for each in merged["releases"]] == ["acme/model@1", "acme/other@1"]
    assert merged["assurance"] == "self-pinned"
    assert modelassay("manifest", "check", tmp_path).out == "2 manifests, 2 releases, no errors\n"


def test_a_hub_s_commit_is_proved_by_the_objects_in_the_manifest(
    modelassay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, weights = b'{"model_type": "forged"}', Content.of(safetensors.small())
    files: dict[str, bytes | Content] = {"config.json": config, "model.safetensors": weights}
    commit = git.commit({"config.json": config, "model.safetensors": weights.pointer})
    with fake_hub() as hub:
        hub.add("acme/model", files)
        hub["acme/model"].commits[-1].sha = commit.id
        hub["acme/model"].branches["main"] = commit.id
        hub.git["acme/model"] = GitServer(commit)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        ref, path = f"hf:acme/model@{commit.id}", tmp_path / "pin.json"
        assert modelassay("manifest", "create", ref, "-o", path).code == 0
        assert modelassay("manifest", "check", path).code == 0
        assert "git anchor: proves 2 of 2 files" in modelassay("manifest", "show", path).out
        assert modelassay("verify", ref, "--manifest", path).code == 0
    stated = json.loads(path.read_text())
    (release,) = stated["releases"]
    assert release["git_anchor"]["commit"] == commit.id
    assert len(release["git_anchor"]["objects"]) == len(commit.objects)
    release["files"][0]["digests"]["sha256"] = "0" * 64
    path.write_text(json.dumps(stated))
    shown = modelassay("manifest", "check", path)
    assert (shown.code, "config.json" in shown.out) == (2, True)
