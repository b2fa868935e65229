"""`[trust]` and `[manifests]` in a configuration, as a person writes them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.forge import models, releases, signing
from tests.forge.sigstore_instance import ISSUER, Instance
from tests.forge.tuf_repository import Repository, served

KEY_RULE = """
[[trust.signer]]
name = "acme"
key = "acme.pub"

[[trust.rule]]
models = ["file:model*", "hf:acme/*"]
signers = ["acme"]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a signed model and the signer's key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    model = signing.write(tmp_path / "model")
    sign(model)
    (tmp_path / "acme.pub").write_bytes(signing.signer().pem)
    return tmp_path


def sign(model: Path, bundle: Mapping[str, Any] | None = None, name: str = "model.sig") -> None:
    (model / name).write_text(json.dumps(bundle or signing.signer().bundle()))


def configure(home: Path, text: str) -> None:
    (home / "modelassay.toml").write_text(text)


def findings(text: str) -> set[str]:
    return {each["rule"] for each in json.loads(text)["models"][0]["findings"]}


# Who may speak for which model


def test_a_signer_speaks_for_the_models_of_its_rule(modelassay: Command, home: Path) -> None:
    assert modelassay("verify", home / "model").code == 1
    configure(home, KEY_RULE)
    ran = modelassay("verify", home / "model", "-f", "json")
    signed = json.loads(ran.out)["models"][0]["answers"]["signed"]
    assert (ran.code, signed["status"]) == (0, "signed-trusted")
    assert "acme: a key that you gave" in signed["reason"]
    configure(home, KEY_RULE.replace("file:model*", "file:other*"))
    assert modelassay("verify", home / "model").code == 1
    shutil.copytree(home / "model", home / "modelo")
    assert (
        modelassay("verify", home / "modelo", "--expect", "hf:acme/m").code == 1
    )  # unknown release


def test_the_configuration_that_is_named(modelassay: Command, home: Path) -> None:
    (home / "ours").mkdir()
    (home / "ours" / "trust.toml").write_text(KEY_RULE)
    shutil.copy(home / "acme.pub", home / "ours")
    named = ("--config", home / "ours" / "trust.toml")
    assert modelassay("verify", home / "model", *named).code == 0
    # What lies in the model configures nothing.
    configure(home / "model", KEY_RULE)
    shutil.copy(home / "acme.pub", home / "model")
    assert modelassay("verify", home / "model").code == 1


def test_scan_trusts_the_same(modelassay: Command, home: Path) -> None:
    configure(home, KEY_RULE)
    ran = modelassay("scan", home / "model", "-f", "json")
    assert json.loads(ran.out)["models"][0]["answers"]["signed"]["status"] == "signed-trusted"


def test_a_required_signature_that_is_missing_fails_a_scan(modelassay: Command, home: Path) -> None:
    configure(home, KEY_RULE + "required = true\n")
    assert modelassay("scan", home / "model").code == 0
    (home / "model" / "model.sig").unlink()
    ran = modelassay("scan", home / "model", "-f", "json")
    assert (ran.code, "signature-missing" in findings(ran.out)) == (1, True)
    sign(home / "model", signing.Signer().bundle())
    ran = modelassay("scan", home / "model", "-f", "json")
    assert (ran.code, "signature-missing" in findings(ran.out)) == (1, True)
    assert modelassay("verify", home / "model").code == 1


def test_a_threshold_counts_signers(modelassay: Command, home: Path) -> None:
    second = signing.Signer()
    (home / "audit.pub").write_bytes(second.pem)
    rule = KEY_RULE.replace('signers = ["acme"]', 'signers = ["acme", "audit"]\nthreshold = 2')
    configure(home, rule + '[[trust.signer]]\nname = "audit"\nkey = "audit.pub"\n')
    ran = modelassay("verify", home / "model", "-f", "json")
    signed = json.loads(ran.out)["models"][0]["answers"]["signed"]
    assert (ran.code, signed["status"]) == (1, "signed-untrusted")
    assert "1 of 2 needed signatures; not by audit" in signed["reason"]
    sign(home / "model", signing.signer().bundle(), "again.sig")  # the same one twice
    assert modelassay("verify", home / "model").code == 1
    sign(home / "model", second.bundle(), "again.sig")
    assert modelassay("verify", home / "model").code == 0


def test_who_was_revoked_is_refused_everywhere(modelassay: Command, home: Path) -> None:
    configure(home, KEY_RULE.replace('name = "acme"', 'name = "acme"\nrevoked = "key leaked"'))
    ran = modelassay("scan", home / "model", "-f", "json")
    signed = json.loads(ran.out)["models"][0]["answers"]["signed"]
    assert (ran.code, signed["status"]) == (1, "invalid-signature")
    assert "acme, who was revoked: key leaked" in signed["reason"]
    # Also for who names the key on the command line.
    assert modelassay("verify", home / "model", "--key", home / "acme.pub").code == 1


def certificate_rule(home: Path, *, pin: bool) -> str:
    authority = signing.authority()
    signer = authority.signer()
    sign(home / "model", signer.bundle())
    (home / "ca.pem").write_bytes(authority.pem)
    who = f'pin = "{signer.pin}"' if pin else 'ca = "ca.pem"\nidentity = "release@*"'
    return KEY_RULE.replace('key = "acme.pub"', who)


@pytest.mark.parametrize("pin", [False, True])
def test_certificates(modelassay: Command, home: Path, pin: bool) -> None:
    configure(home, certificate_rule(home, pin=pin))
    assert modelassay("verify", home / "model").code == 0
    stranger = signing.authority().signer(identity="somebody@example.org")
    sign(home / "model", stranger.bundle())
    assert modelassay("verify", home / "model").code == 1


def sigstore_rule(home: Path, instance: Instance, identity: str) -> str:
    (home / "root.json").write_bytes(instance.trusted_root())
    who = f'sigstore = {{identity = "{identity}", issuer = "{ISSUER}"}}'
    return '[trust]\nroot = "root.json"\n' + KEY_RULE.replace('key = "acme.pub"', who)


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("https://code.example.org/acme/*", 0),
        ("https://code.example.org/acme/build[bot]@refs/heads/main", 0),
        ("https://code.example.org/other/*", 1),
    ],
)
def test_sigstore_identities_by_pattern(
    modelassay: Command, home: Path, pattern: str, code: int
) -> None:
    instance = Instance()
    identity = "https://code.example.org/acme/build[bot]@refs/heads/main"
    sign(home / "model", instance.bundle(signing.statement(), identity=identity))
    configure(home, sigstore_rule(home, instance, pattern))
    assert modelassay("verify", home / "model").code == code
    configure(home, sigstore_rule(home, instance, pattern).replace(ISSUER, "https://other.org"))
    assert modelassay("verify", home / "model").code == 1


# Who signed it first


def test_the_first_signer_is_written_down(modelassay: Command, home: Path) -> None:
    configure(home, '[trust]\npins = "signers.json"\n')
    authority = signing.authority()
    signer = authority.signer()
    sign(home / "model", signer.bundle())
    assert modelassay("verify", home / "model").code == 1
    ran = modelassay("verify", home / "model", "--pin-signer")
    assert ran.code == 0
    assert "signers.json: file:model is signed by sha256:" in ran.err
    (written,) = json.loads((home / "signers.json").read_text()).values()
    assert written["signer"] == signer.pin
    assert modelassay("verify", home / "model").code == 0
    assert "no signer was written down" in modelassay("verify", home / "model", "--pin-signer").err
    sign(home / "model", authority.signer().bundle())  # another key of the same name
    for command in ("scan", "verify"):
        ran = modelassay(command, home / "model", "-f", "json")
        assert (ran.code, "signer-changed" in findings(ran.out)) == (1, True)
    (home / "model" / "model.sig").unlink()
    ran = modelassay("scan", home / "model", "-f", "json")
    assert (ran.code, "signature-missing" in findings(ran.out)) == (1, True)


def test_there_must_be_a_place_for_it(modelassay: Command, home: Path) -> None:
    sign(home / "model", signing.authority().signer().bundle())
    assert modelassay("verify", home / "model", "--pin-signer").code == 2
    configure(home, '[trust]\npins = "signers.json"\n')
    (home / "signers.json").write_text("[]")
    assert modelassay("verify", home / "model").code == 2


# What cannot be


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (KEY_RULE + KEY_RULE, "named twice"),
        (KEY_RULE.replace('signers = ["acme"]', 'signers = ["amce"]'), "did you mean 'acme'"),
        (KEY_RULE.replace('key = "acme.pub"', ""), "nothing says who"),
        (KEY_RULE.replace("acme.pub", "gone.pub"), "gone.pub"),
        (KEY_RULE + "threshold = 2", "2 signatures by 1"),
        (KEY_RULE.replace("key =", "kye ="), "did you mean 'key'"),
        (KEY_RULE.replace('key = "acme.pub"', 'ca = "acme.pub"'), "--identity"),
        ("[trust]\nroot = 'gone.json'", "gone.json is not there"),
        ("[manifests]\nrepository = 'x'", "manifests.root"),
        ("[manifests]\nsets = ['gone']", "gone"),
        ("[manifests]\nmax_age = 1", "max-age"),
    ],
)
def test_a_table_that_cannot_be_used(modelassay: Command, home: Path, text: str, why: str) -> None:
    configure(home, text)
    ran = modelassay("verify", home / "model")
    assert (ran.code, ran.out) == (2, "")
    assert why in ran.err


def test_an_organisations_signers_cannot_be_exchanged(modelassay: Command, home: Path) -> None:
    (home / "base.toml").write_text(KEY_RULE)
    configure(home, 'extends = "base.toml"\n')
    assert modelassay("verify", home / "model").code == 0
    mine = signing.Signer()
    (home / "mine.pub").write_bytes(mine.pem)
    sign(home / "model", mine.bundle())
    own = KEY_RULE.replace("acme", "mine")
    configure(home, 'extends = "base.toml"\n' + own)
    assert modelassay("verify", home / "model").code == 1  # the organisation's rule is the first
    configure(home, 'extends = "base.toml"\n' + own.replace('name = "mine"', 'name = "acme"'))
    assert modelassay("verify", home / "model").code == 2


# Lists of releases beside the shipped ones


def pinned(home: Path, modelassay: Command, **changes: Any) -> dict[str, Any]:
    model = models.plain(home / "plain")
    made: dict[str, Any] = json.loads(modelassay("manifest", "create", model, "--id", "acme/p").out)
    made |= {key: value for key, value in changes.items() if key in {"expires", "assurance"}}
    made["releases"][0] |= {
        key: value for key, value in changes.items() if key not in {"expires", "assurance"}
    }
    (home / "sets").mkdir(exist_ok=True)
    (home / "sets" / "acme.json").write_text(json.dumps(made))
    return made


def official(
    modelassay: Command, home: Path, command: str = "verify"
) -> tuple[int, dict[str, Any]]:
    ran = modelassay(command, home / "plain", "-f", "json")
    answer: dict[str, Any] = json.loads(ran.out)["models"][0]["answers"]["official_bytes"]
    return ran.code, answer


def test_own_sets_are_asked_beside_ours(modelassay: Command, home: Path) -> None:
    pinned(home, modelassay, assurance="publisher-stated")
    assert official(modelassay, home)[0] == 1
    configure(home, '[manifests]\nsets = ["sets"]\n')
    code, answer = official(modelassay, home)
    assert (code, answer["status"], answer["release"]) == (0, "verified-official", "acme/p")
    assert "by sets" in answer["reason"]
    assert official(modelassay, home, "scan")[1]["status"] == "verified-official"
    weights = home / "plain" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    assert official(modelassay, home)[1]["status"] == "modified"


@pytest.mark.parametrize(
    ("changes", "status", "why"),
    [
        ({"expires": "2020-01-01"}, "unknown", "expired on 2020-01-01"),
        ({"expires": "2999-01-01"}, "matches-known-release", "all 3 files"),
        ({"status": "withdrawn", "reason": "bad"}, "unknown", "withdrawn: bad"),
        ({"status": "revoked", "reason": "leaked"}, "denied", "revoked: leaked"),
        ({"licence": "MIT", "fingerprints": {"weights": "x"}}, "matches-known-release", "all 3"),
    ],
)
def test_what_a_release_says_of_itself(
    modelassay: Command, home: Path, changes: dict[str, Any], status: str, why: str
) -> None:
    pinned(home, modelassay, **changes)
    configure(home, '[manifests]\nsets = ["sets"]\n')
    _, answer = official(modelassay, home)
    assert answer["status"] == status
    assert why in answer["reason"]
    shown = modelassay("manifest", "show", home / "sets" / "acme.json").out
    assert "acme/p" in shown


def test_a_release_that_should_be_signed(modelassay: Command, home: Path) -> None:
    stated = {"expect": "model-signature", "signers": ["sha256:" + "0" * 64]}
    pinned(home, modelassay, signing=stated)
    configure(home, '[manifests]\nsets = ["sets"]\n')
    ran = modelassay("scan", home / "plain", "-f", "json")
    assert (ran.code, "signature-missing" in findings(ran.out)) == (1, True)
    assert modelassay("verify", home / "plain").code == 1
    pinned(home, modelassay, signing={"expect": "none"})
    assert modelassay("verify", home / "plain").code == 0


def test_a_folder_or_a_list_of_checksums_on_the_command_line(
    modelassay: Command, home: Path
) -> None:
    made = pinned(home, modelassay)
    assert modelassay("verify", home / "plain", "--manifest", home / "sets").code == 0
    sums = "".join(f"{f['digests']['sha256']}  {f['path']}\n" for f in made["releases"][0]["files"])
    (home / "SHA256SUMS").write_text(sums)
    listed = ("--manifest", home / "SHA256SUMS")
    assert modelassay("verify", home / "plain", *listed).code == 0
    (home / "plain" / "config.json").write_text("{}")
    assert modelassay("verify", home / "plain", *listed).code == 1
    (home / "SHA256SUMS").write_text("prose")
    assert modelassay("verify", home / "plain", *listed).code == 2
    (home / "empty").mkdir()
    assert modelassay("verify", home / "plain", "--manifest", home / "empty").code == 2


def test_what_no_list_vouches_for_is_no_pass(modelassay: Command, home: Path) -> None:
    made = pinned(home, modelassay)
    made["releases"][0].pop("complete")
    (home / "sets" / "acme.json").write_text(json.dumps(made))
    configure(home, '[manifests]\nsets = ["sets"]\n')
    for prose in ("LICENSE-MODEL", "notes.txt", "SHA256SUMS", "x.minisig", "empty.bin"):
        (home / "plain" / prose).write_text("" if prose == "empty.bin" else "prose")
    (home / "plain" / "x.minisig").unlink()
    named = ("--manifest", home / "sets")
    for options in ((), named):
        assert modelassay("verify", home / "plain", *options).code == 0
    for planted in ("pytorch_model.bin", "run.py"):
        (home / "plain" / planted).write_bytes(b"N.")
        for options in ((), named):
            ran = modelassay("verify", home / "plain", *options)
            assert (ran.code, f"nobody vouches for {planted}" in ran.out) == (1, True)
        (home / "plain" / planted).unlink()


# A set that is fetched


def test_update_and_what_age_takes_away(modelassay: Command, home: Path) -> None:
    repository = Repository(home / "repository")
    described = json.dumps(pinned(home, modelassay)).encode()
    repository.publish({"acme.json": described})
    (home / "root.json").write_bytes(repository.root)
    with served(repository.folder) as address:
        configure(home, f'[manifests]\nrepository = "{address}"\nroot = "root.json"\n')
        assert modelassay("verify", home / "plain").code == 2  # configured, and never fetched
        ran = modelassay("manifest", "update")
    assert (ran.code, ran.out) == (0, ""), ran.err
    assert "the fetched set 1 of today: 1 manifest, 1 release" in ran.err
    code, answer = official(modelassay, home)
    assert (code, answer["status"]) == (0, "matches-known-release")
    assert "by the fetched set 1 of today" in answer["reason"]
    (note,) = (home / "data").rglob("updated")
    then = datetime.now(UTC) - timedelta(days=40)
    note.write_text(f"{then:%Y-%m-%dT%H:%M:%S%z}")
    code, answer = official(modelassay, home)
    assert (code, "40 days ago" in answer["reason"]) == (0, True)
    ran = modelassay("verify", home / "plain", "--policy", "production")
    assert ran.code == 1
    assert "older than the 30" in " ".join(ran.out.split())
    assert "40 days ago" in modelassay("manifest", "update", "--offline").err
    assert modelassay("manifest", "update").code == 3  # nobody serves it any more


def test_update_needs_to_know_where(modelassay: Command, home: Path) -> None:
    assert modelassay("manifest", "update").code == 2
    assert modelassay("manifest", "update", "--repository", "x").code == 2
    repository = Repository(home / "repository")
    repository.publish({"a.json": json.dumps(releases.document(releases.pinned())).encode()})
    (home / "root.json").write_bytes(repository.root)
    options = ("--repository", home / "repository", "--root", home / "root.json")
    assert modelassay("manifest", "update", *options).code == 0


# A policy's lines on origin


def test_a_policy_asks_for_more(modelassay: Command, home: Path) -> None:
    pinned(home, modelassay)
    known = '[manifests]\nsets = ["sets"]\n'
    configure(home, known)
    assert official(modelassay, home)[0] == 0
    configure(home, 'require = ["signed"]\n' + known)
    ran = modelassay("verify", home / "plain")
    assert ran.code == 1
    assert "unsigned" in ran.out


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('[[trust.signer]]\nname = "acme"\nkey = "gone.pub"\n', 1, "gone.pub"),
        (KEY_RULE.replace('signers = ["acme"]', 'signers = ["acne"]'), 6, "did you mean"),
        (KEY_RULE + "threshold = 2\n", 6, "2 signatures by 1 signers"),
        (KEY_RULE + KEY_RULE, 10, "named twice"),
        ('[trust]\nroot = "gone.json"\n', 2, "gone.json is not there"),
        ('[manifests]\nsets = [\n "gone"]\n', 2, "gone"),
        ('[manifests]\nrepository = "gone"\n', 2, "without manifests.root"),
        ("[trust]\nrot = 1\n", 2, "root"),
    ],
)
def test_a_broken_table_is_found_without_a_model(
    modelassay: Command, home: Path, text: str, place: int, words: str
) -> None:
    configure(home, text)
    ran = modelassay("policy", "check")
    assert ran.code == 2
    assert f"modelassay.toml:{place}: " in ran.err
    assert words in ran.err
    configure(home, KEY_RULE)
    assert modelassay("policy", "check").code == 0


def test_advisories_come_with_the_set_and_name_what_is_bad(modelassay: Command, home: Path) -> None:
    signed = min((home / "model").iterdir())
    digest = hashlib.sha256(signed.read_bytes()).hexdigest()
    affected = [{"ecosystem_specific": {"sha256": [digest]}}]
    advisory = json.dumps({"id": "OSV-1", "summary": "reads files", "affected": affected})
    repository = Repository(home / "repository")
    document = json.dumps(releases.document(releases.pinned())).encode()
    repository.publish({"acme.json": document, "advisories/OSV-1.json": advisory.encode()})
    (home / "root.json").write_bytes(repository.root)
    table = '[manifests]\nrepository = "repository"\nroot = "root.json"\nmax-age = 3\n'
    configure(home, 'advisories = ["update"]\n' + table)
    assert modelassay("scan", home / "model").code == 2  # never fetched
    updated = modelassay("manifest", "update")
    assert (updated.code, "1 manifest, 1 release, 1 advisory, " in updated.err) == (0, True)
    configure(home, table)
    assert modelassay("scan", home / "model").code == 0  # they are there, and nobody asked
    configure(home, 'advisories = ["update"]\n' + table)
    ran = modelassay("scan", home / "model", "-f", "json")
    assert (ran.code, "advisory-affects-model" in findings(ran.out)) == (1, True)
    assert 'advisories = ["update"]' not in modelassay("policy", "show").out
    assert 'advisories = "update"' in modelassay("policy", "show").out
    noted = f"{datetime.now(UTC) - timedelta(days=9):%Y-%m-%dT%H:%M:%S+0000}\n"
    (found,) = (home / "data").rglob("updated")
    found.write_text(noted)
    old = modelassay("scan", home / "model")
    assert (old.code, "older than the 3 days" in old.err) == (1, True)
    configure(home, 'advisories = ["update"]\n')
    without = modelassay("scan", home / "model")
    assert (without.code, "no repository is configured" in without.err) == (2, True)
