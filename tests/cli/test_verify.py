"""`modelassay verify` as a person runs it: clean models of every kind pass, altered ones do not."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import blake3
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.cli.conftest import Command
from tests.cli.signed import METHODS, Setting, Sign, answer, instance, signed_model
from tests.forge import models, releases, signing
from tests.forge.sigstore_instance import Instance


@pytest.fixture
def setting(request: pytest.FixtureRequest, tmp_path: Path) -> Setting:
    """A model, signed by the method that the test names."""
    return signed_model(getattr(request, "param", "key"), tmp_path)


each_method = pytest.mark.parametrize("setting", METHODS, indirect=True)
SERIALIZED: dict[str, Mapping[str, Any]] = {
    "files": signing.statement(),
    "shards": signing.statement(signing.resources(shard=1000), shard=1000),
}
each_serialization = pytest.mark.parametrize("serialization", SERIALIZED)


# Clean models


@each_method
def test_a_signed_model_passes(modelassay: Command, setting: Setting) -> None:
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert model["answers"]["signed"]["status"] == "signed-trusted"
    assert model["answers"]["allowed"]["status"] == "pass"
    assert code == 0


def statements() -> dict[str, Mapping[str, Any]]:
    by_blake3 = [
        {"name": name, "algorithm": "blake3", "digest": blake3.blake3(data).hexdigest()}
        for name, data in signing.MODEL.items()
    ]
    return {
        "sha256": signing.statement(),
        "blake2b": signing.statement(signing.resources(algorithm="blake2b"), algorithm="blake2b"),
        "blake3": signing.statement(by_blake3, algorithm="blake3"),
        "shards": signing.statement(signing.resources(shard=1000), shard=1000),
        "shards as written by others": signing.statement(
            signing.resources(shard=1000), shard=1000.0
        ),
        "blake2b shards": signing.statement(
            signing.resources(algorithm="blake2b", shard=7), algorithm="blake2b", shard=7
        ),
    }


@pytest.mark.parametrize("kind", statements())
@each_method
def test_every_digest_and_serialization(modelassay: Command, setting: Setting, kind: str) -> None:
    setting.write(setting.sign(statements()[kind]))
    assert modelassay("verify", setting.model, *setting.trust).code == 0
    (setting.model / "model.bin").write_bytes(signing.MODEL["model.bin"][:-1] + b"!")
    assert modelassay("verify", setting.model, *setting.trust).code == 1


def test_a_large_file_is_hashed_in_pieces(modelassay: Command, setting: Setting) -> None:
    size, shard = 3_000_001, 1_500_000
    files = {"weights.bin": bytes(range(251)) * (size // 251) + b"tail"}
    shutil.rmtree(setting.model)
    signing.write(setting.model, files)
    stated = signing.statement(signing.resources(files, shard=shard), shard=shard)
    setting.write(setting.sign(stated))
    assert modelassay("verify", setting.model, *setting.trust).code == 0


def test_the_signature_may_lie_elsewhere(
    modelassay: Command, setting: Setting, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "release.sig"
    (setting.model / "model.sig").rename(elsewhere)
    code, model = answer(modelassay, setting.model, *setting.trust, "--signature", elsewhere)
    assert code == 0
    assert model["answers"]["signed"]["reason"].startswith("release.sig: ")


def test_a_file_out_of_the_model_is_verified_alone(modelassay: Command, setting: Setting) -> None:
    file, bundle = setting.model / "model.bin", setting.model / "model.sig"
    options = (*setting.trust, "--signature", bundle)
    assert modelassay("verify", file, *options).code == 0
    file.write_bytes(b"other")
    assert modelassay("verify", file, *options).code == 1


def test_some_of_the_files_are_verified_and_the_rest_is_named(
    modelassay: Command, setting: Setting
) -> None:
    (setting.model / "config.json").write_bytes(b"{}")
    options = (*setting.trust, "--include", "*.bin")
    code, model = answer(modelassay, setting.model, *options)
    assert code == 0
    assert "1 file is as signed" in model["answers"]["signed"]["reason"]
    assert {gap["file"] for gap in model["coverage"]} == {
        "config.json",
        "model.sig",
        "sub/vocab.txt",
    }
    (setting.model / "model.bin").unlink()
    assert modelassay("verify", setting.model, *options).code != 0


# Altered models


def modify(model: Path) -> None:
    (model / "config.json").write_bytes(b'{"model_type": "other!"}')


def add(model: Path) -> None:
    (model / "extra.pkl").write_bytes(b"N.")


def delete(model: Path) -> None:
    (model / "sub" / "vocab.txt").unlink()


def rename(model: Path) -> None:
    (model / "config.json").rename(model / "confih.json")


def swap(model: Path) -> None:
    (model / "config.json").write_bytes(signing.MODEL["model.bin"])
    (model / "model.bin").write_bytes(signing.MODEL["config.json"])


def truncate(model: Path) -> None:
    (model / "model.bin").write_bytes(signing.MODEL["model.bin"][:-1])


def empty(model: Path) -> None:
    (model / "model.bin").write_bytes(b"")


def link(model: Path) -> None:
    outside = model.parent / "outside.json"
    outside.write_bytes(signing.MODEL["config.json"])
    (model / "config.json").unlink()
    (model / "config.json").symlink_to(outside)


def add_link(model: Path) -> None:
    (model / "more.json").symlink_to("/dev/null")


def collide(model: Path) -> None:
    (model / "Config.json").write_bytes(b"{}")


def add_folder(model: Path) -> None:
    (model / "sub" / "deeper").mkdir()
    (model / "sub" / "deeper" / "run.py").write_text("print(1)")


def add_hook(model: Path) -> None:
    (model / ".git" / "hooks").mkdir(parents=True)
    (model / ".git" / "hooks" / "post-checkout").write_text("#!/bin/sh\n")


def strip(model: Path) -> None:
    (model / "model.sig").unlink()


def blank(model: Path) -> None:
    (model / "model.sig").write_bytes(b"{}")


def hollow(model: Path) -> None:
    (model / "model.sig").write_bytes(b"")


TAMPERING: dict[Callable[[Path], None], str] = {
    modify: "config.json differs",
    add: "extra.pkl is not signed",
    delete: "sub/vocab.txt is missing",
    rename: "config.json is missing; confih.json is not signed",
    swap: "config.json, model.bin differ",
    truncate: "model.bin differs",
    empty: "model.bin differs",
    link: "config.json is missing",
    add_link: "more.json is not signed",
    collide: "Config.json is not signed",
    add_folder: "sub/deeper/run.py is not signed",
    add_hook: ".git/hooks/post-checkout was left out by the signer",
    strip: "no signature file",
    blank: "mediaType is not a text",
    hollow: "is not JSON",
}


@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda tamper: tamper.__name__)
@each_serialization
@each_method
def test_tampering_fails_and_is_named(
    modelassay: Command, setting: Setting, serialization: str, tamper: Callable[[Path], None]
) -> None:
    setting.write(setting.sign(SERIALIZED[serialization]))
    tamper(setting.model)
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert TAMPERING[tamper] in model["answers"]["signed"]["reason"]
    assert model["answers"]["allowed"]["status"] == "fail"
    assert code == 1


def altered_payload(bundle: dict[str, Any]) -> None:
    payload = signing.dumped(signing.about({"config.json": b"{}"}))
    bundle["dsseEnvelope"]["payload"] = signing.b64(payload)


def altered_predicate(bundle: dict[str, Any]) -> None:
    stated = signing.statement(ignore=["extra.pkl"])
    bundle["dsseEnvelope"]["payload"] = signing.b64(signing.dumped(stated))


def second_signature(bundle: dict[str, Any]) -> None:
    bundle["dsseEnvelope"]["signatures"] *= 2


def no_material(bundle: dict[str, Any]) -> None:
    bundle["verificationMaterial"] = {}


@pytest.mark.parametrize(
    "change",
    [altered_payload, altered_predicate, second_signature, no_material],
    ids=lambda change: change.__name__,
)
@each_serialization
@each_method
def test_a_bundle_that_was_changed_fails(
    modelassay: Command,
    setting: Setting,
    serialization: str,
    change: Callable[[dict[str, Any]], None],
) -> None:
    setting.write(setting.sign(SERIALIZED[serialization]))
    bundle = json.loads((setting.model / "model.sig").read_text())
    change(bundle)
    setting.write(bundle)
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert model["answers"]["signed"]["status"] == "invalid-signature"
    assert [finding["rule"] for finding in model["findings"]] == ["signature-invalid"]
    assert code == 1


@each_serialization
@each_method
def test_the_signature_of_another_model_fails(
    modelassay: Command, setting: Setting, serialization: str
) -> None:
    shard = 1000 if serialization == "shards" else 0
    listed = signing.resources({"config.json": b"another model's"}, shard=shard)
    setting.write(setting.sign(signing.statement(listed, shard=shard)))
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert (code, model["answers"]["signed"]["status"]) == (1, "invalid-signature")
    assert "config.json differs; model.bin" in model["answers"]["signed"]["reason"]


@each_method
def test_an_older_release_with_the_newer_signature_fails(
    modelassay: Command, setting: Setting
) -> None:
    older = dict(signing.MODEL) | {"model.bin": b"release 1"}
    newer = (setting.model / "model.sig").read_text()
    signing.write(setting.model, older)
    assert modelassay("verify", setting.model, *setting.trust).code == 1
    setting.write(setting.sign(signing.about(older)))
    assert modelassay("verify", setting.model, *setting.trust).code == 0
    (setting.model / "model.sig").write_text(newer)
    assert modelassay("verify", setting.model, *setting.trust).code == 1


@each_method
def test_a_whole_older_release_is_not_the_expected_one(
    modelassay: Command, setting: Setting, tmp_path: Path
) -> None:
    older = dict(signing.MODEL) | {"model.bin": b"release 1"}
    listed = tmp_path / "acme.json"
    described = [
        releases.release(
            f"acme/m@{number}",
            [releases.listed(path, data) for path, data in files.items()],
            locations=["hf:acme/m"],
            **more,
        )
        for number, files, more in (
            (1, older, {}),
            (2, signing.MODEL, {"supersedes": ["acme/m@1"]}),
        )
    ]
    listed.write_text(json.dumps(releases.document(*described)))
    meant = ("--manifest", listed, "--expect", "hf:acme/m")
    assert modelassay("verify", setting.model, *setting.trust, *meant).code == 0
    signing.write(setting.model, older)
    setting.write(setting.sign(signing.about(older)))  # by the same signer, once
    assert modelassay("verify", setting.model, *setting.trust).code == 0
    code, model = answer(modelassay, setting.model, *setting.trust, *meant)
    assert code == 1
    reason = model["answers"]["official_bytes"]["reason"]
    assert "not acme/m@2: an older release, which this one replaced: model.bin differs" in reason
    by_id = ("--manifest", listed, "--expect", "acme/m@1")
    assert modelassay("verify", setting.model, *setting.trust, *by_id).code == 0


@each_serialization
@each_method
def test_another_signer_fails_and_is_a_note_for_a_scan(
    modelassay: Command, setting: Setting, serialization: str
) -> None:
    setting.write(setting.stranger(SERIALIZED[serialization]))
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert model["answers"]["signed"]["status"] == "signed-untrusted"
    assert code == 1
    models.plain(setting.model)
    assert modelassay("scan", setting.model).code == 1  # files were added


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"days": (-30, -1)}, "expired on"),
        ({"purpose": ExtendedKeyUsageOID.SERVER_AUTH}, "not for signing code"),
    ],
)
@pytest.mark.parametrize("setting", ["certificate"], indirect=True)
def test_a_certificate_that_will_not_do_fails(
    modelassay: Command, setting: Setting, options: dict[str, Any], reason: str
) -> None:
    setting.write(signing.authority().signer(**options).bundle())
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert reason in model["answers"]["signed"]["reason"]
    assert code == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"logged": timedelta(hours=2)}, "not valid at"),
        ({"purpose": ExtendedKeyUsageOID.SERVER_AUTH}, "sigstore: "),
        ({"timestamped": False}, "sigstore: "),
        ({"issuer": "https://accounts.example.com"}, "not release@example.org (by "),
        ({"identity": "Release@example.org"}, "not release@example.org (by "),
    ],
)
@pytest.mark.parametrize("setting", ["sigstore"], indirect=True)
def test_a_sigstore_certificate_that_will_not_do_fails(
    modelassay: Command, setting: Setting, options: dict[str, Any], reason: str
) -> None:
    setting.write(instance().bundle(signing.statement(), **options))
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert reason in model["answers"]["signed"]["reason"]
    assert code == 1


@pytest.mark.parametrize("name", ["Forged Root", "Somebody"])
@pytest.mark.parametrize("setting", ["certificate"], indirect=True)
def test_another_authority_fails(modelassay: Command, setting: Setting, name: str) -> None:
    setting.write(signing.Authority(name).signer().bundle())
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert "does not lead to the authority" in model["answers"]["signed"]["reason"]
    assert code == 1


@pytest.mark.parametrize("setting", ["sigstore"], indirect=True)
def test_another_sigstore_fails(modelassay: Command, setting: Setting) -> None:
    setting.write(Instance().bundle(signing.statement()))
    assert modelassay("verify", setting.model, *setting.trust).code == 1


# Scans


def plain_model(folder: Path, sign: Sign) -> Path:
    model = models.plain(folder)
    files = {path.name: path.read_bytes() for path in model.iterdir()}
    (model / "model.sig").write_text(json.dumps(sign(signing.about(files))))
    return model


@each_method
def test_a_scan_does_not_punish_signing(
    modelassay: Command, setting: Setting, tmp_path: Path
) -> None:
    model = plain_model(tmp_path / "signed", setting.sign)
    ran = modelassay("scan", model, "-f", "json")
    report = json.loads(ran.out)["models"][0]
    assert report["answers"]["signed"]["status"] == "signed-untrusted"
    assert [f for f in report["findings"] if f["severity"] != "info"] == []
    assert ran.code == 0
    (signature,) = report["facts"]["provenance"]["signatures"]
    assert signature["file"] == "model.sig"
    (model / "config.json").write_bytes(b"{}")
    assert modelassay("scan", model).code == 1


# Manifests and expectations


def manifest(folder: Path, **more: Any) -> Path:
    listed = [releases.listed(name, data) for name, data in signing.MODEL.items()]
    described = releases.release("acme/model@1", listed, complete=True, **more)
    path = folder / "manifest.json"
    path.write_text(json.dumps(releases.document(described, assurance="self-pinned")))
    return path


def test_a_manifest_of_ones_own(modelassay: Command, tmp_path: Path) -> None:
    model = signing.write(tmp_path / "model")
    path = manifest(tmp_path, locations=["hf:acme/model"])
    code, found = answer(modelassay, model, "--manifest", path)
    assert found["answers"]["official_bytes"]["status"] == "pinned-match"
    assert code == 0
    assert modelassay("verify", model, "--manifest", path, "--expect", "hf:acme/model").code == 0
    assert modelassay("verify", model, "--manifest", path, "--expect", "hf:acme/other").code == 1
    (model / "run.py").write_text("1")
    (model / "config.json").write_text("{}")
    code, found = answer(modelassay, model, "--manifest", path)
    (finding,) = (f for f in found["findings"] if f["rule"] == "not-as-expected")
    assert finding["evidence"]["extra"] == ["run.py"]
    assert finding["evidence"]["differing"] == ["config.json"]
    assert code == 1


def test_an_expectation_that_nobody_knows_fails(modelassay: Command, tmp_path: Path) -> None:
    model = signing.write(tmp_path / "model")
    assert modelassay("verify", model, "--expect", "hf:nobody/nothing").code == 1


# The command itself


def test_nothing_known_is_no_pass(modelassay: Command, tmp_path: Path) -> None:
    code, found = answer(modelassay, signing.write(tmp_path / "model"))
    assert found["answers"]["load_hazards"]["reason"].startswith("not asked")
    assert found["answers"]["descends_from"]["reason"].startswith("not asked")
    assert "no good news" in found["answers"]["allowed"]["reason"]
    assert code == 1


def test_exit_codes(modelassay: Command, setting: Setting, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    broken = tmp_path / "broken.pub"
    broken.write_text("no key")
    assert modelassay("verify", tmp_path / "empty").code == 4
    assert modelassay("verify", tmp_path / "missing").code == 3
    for wrong in (
        ("--key", broken),
        ("--key", tmp_path / "missing"),
        ("--ca", broken),
        ("--identity", "*"),
        ("--sigstore-identity", "x"),
        ("--sigstore-issuer", "x"),
        ("--sigstore-owner-id", "1"),
        ("--signature", tmp_path / "missing"),
        ("--manifest", broken),
        ("--trusted-root", broken),
        ("-q", "-v"),
    ):
        assert modelassay("verify", setting.model, *wrong).code == 2, wrong


def test_a_signature_of_an_unknown_kind_is_no_pass(
    modelassay: Command, setting: Setting, tmp_path: Path
) -> None:
    (setting.model / "model.sig").write_bytes(b"\x89 something else")
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert model["answers"]["signed"]["status"] == "error"
    assert code == 3
    text = tmp_path / "text.sig"
    text.write_bytes(b"not a bundle")
    assert modelassay("verify", setting.model, *setting.trust, "--signature", text).code == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_a_files_place_fails(modelassay: Command, setting: Setting) -> None:
    (setting.model / "config.json").unlink()
    os.mkfifo(setting.model / "config.json")
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert "config.json is missing" in model["answers"]["signed"]["reason"]
    assert code == 1


HEAVY = ("sigstore", "cryptography", "pydantic", "requests", "blake3")


def imported(*arguments: object) -> str:
    code = (
        "import sys; from modelscan._cli.main import run; "
        f"run({[str(argument) for argument in arguments]!r}); "
        f"sys.exit(repr([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return ran.stderr.strip().splitlines()[-1]


def test_only_signed_models_cost_the_cryptographic_libraries(
    setting: Setting, tmp_path: Path
) -> None:
    plain = models.plain(tmp_path / "plain")
    assert imported("scan", plain, "-f", "json") == "[]"
    assert imported("verify", plain) == "[]"
    assert imported("verify", setting.model, *setting.trust) == "['cryptography']"


# Lists of checksums


def test_a_file_that_differs_from_a_list_of_checksums(modelassay: Command, tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    sums = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in model.iterdir()
    )
    (model / "SHA256SUMS").write_text(sums)
    assert modelassay("scan", model).code == 0
    assert modelassay("verify", model).code == 1  # the packer's word is nobody's
    (model / "config.json").write_text('{"changed": true}')
    ran = modelassay("scan", model, "-f", "json")
    findings = json.loads(ran.out)["models"][0]["findings"]
    (finding,) = [each for each in findings if each["rule"] == "checksum-differs"]
    assert "config.json" in finding["message"]
    assert ran.code == 1
