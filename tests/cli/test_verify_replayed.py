"""An older release with its own valid signature: refused wherever somebody can know of a newer one.

Nothing in such a model is altered, so that each row names what tells: lists of releases, what was
written down of the signer, or the day since when a signature will do. Without any of them the
report says that nobody could tell.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.cli.signed import METHODS, Setting, answer, instance, signed_model
from tests.forge import models, releases, signing
from tests.forge.sigstore_instance import IDENTITY
from tests.forge.tuf_repository import Repository

OLDER = dict(signing.MODEL) | {"model.bin": b"release 1, with the flaw"}
NEWER = signing.MODEL
EARLIER, LATER = "2026-01-05T10:00:00Z", "2026-04-07T10:00:00Z"


@pytest.fixture(params=METHODS)
def setting(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Setting:
    """The newer release, signed; the working directory is where its configuration may lie."""
    monkeypatch.chdir(tmp_path)
    return signed_model(request.param, tmp_path)


@pytest.fixture(params=["files", "shards"])
def shard(request: pytest.FixtureRequest) -> int:
    return 1000 if request.param == "shards" else 0


def stated(files: Any, shard: int, signed: str = "") -> dict[str, Any]:
    """A statement, with the signer's word when it was signed."""
    found = signing.statement(signing.resources(files, shard=shard), shard=shard)
    if signed:
        found["subject"][0]["annotations"] = {"modelassay.signed": signed}
    return found


def serve(setting: Setting, files: Any, shard: int, signed: str = "") -> None:
    """Put a release of the same signer into the model's place."""
    signing.write(setting.model, files)
    setting.write(setting.sign(stated(files, shard, signed)))


def listed(folder: Path, **old: Any) -> Path:
    """A list of both releases."""
    described = [
        releases.release(
            f"acme/m@{number}",
            [releases.listed(path, data) for path, data in files.items()],
            locations=["hf:acme/m"],
            **more,
        )
        for number, files, more in (
            (1, OLDER, old),
            (2, NEWER, {} if old else {"supersedes": ["acme/m@1"]}),
        )
    ]
    path = folder / "sets" / "acme.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(releases.document(*described)))
    return path


def rules(model: dict[str, Any]) -> set[str]:
    return {finding["rule"] for finding in model["findings"]}


def configure(folder: Path, text: str) -> None:
    (folder / "modelassay.toml").write_text(text)


# Lists of releases


def test_a_release_that_a_list_replaced(
    modelassay: Command, setting: Setting, shard: int, tmp_path: Path
) -> None:
    listed(tmp_path)
    configure(tmp_path, '[manifests]\nsets = ["sets"]\n')
    serve(setting, NEWER, shard)
    assert answer(modelassay, setting.model, *setting.trust)[0] == 0
    serve(setting, OLDER, shard)
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert (code, rules(model)) == (1, {"release-replaced"})
    assert model["answers"]["signed"]["status"] == "signed-trusted"  # that much is true
    reason = model["answers"]["allowed"]["reason"]
    assert reason == "acme/m@1 is an older release, which acme/m@2 replaced; by sets"
    # Who means the older one says so.
    exactly = ("--expect", "acme/m@1", "--manifest", tmp_path / "sets")
    assert answer(modelassay, setting.model, *setting.trust, *exactly)[0] == 0


def test_a_release_that_was_withdrawn(
    modelassay: Command, setting: Setting, tmp_path: Path
) -> None:
    listed(tmp_path, status="withdrawn", reason="it runs code")
    configure(tmp_path, '[manifests]\nsets = ["sets"]\n')
    serve(setting, OLDER, 0)
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert code == 1
    assert model["answers"]["allowed"]["reason"].startswith("acme/m@1 was withdrawn: it runs code")


def test_a_list_on_the_command_line(modelassay: Command, setting: Setting, tmp_path: Path) -> None:
    meant = ("--manifest", listed(tmp_path), "--expect", "hf:acme/m")
    assert answer(modelassay, setting.model, *setting.trust, *meant)[0] == 0
    serve(setting, OLDER, 0)
    code, model = answer(modelassay, setting.model, *setting.trust, *meant)
    assert code == 1
    reason = model["answers"]["official_bytes"]["reason"]
    assert reason.startswith("not acme/m@2: an older release, which this one replaced: model.bin")
    assert rules(model) == {"not-as-expected"}  # one finding for one cause


def test_lists_of_ones_own_say_what_replaced_what(modelassay: Command, tmp_path: Path) -> None:
    model, sets = models.plain(tmp_path / "model"), tmp_path / "sets"
    sets.mkdir()
    for number, more in (
        (1, ()),
        (2, ("--supersedes", "acme/m@1")),
        (3, ("--supersedes", "acme/m@2")),
    ):
        (model / "config.json").write_text(json.dumps({"model_type": "t", "release": number}))
        made = ("--id", f"acme/m@{number}", *more, "-o", sets / f"{number}.json")
        assert modelassay("manifest", "create", model, *made).code == 0
    assert "replaces acme/m@2" in modelassay("manifest", "show", sets / "3.json").out
    config = tmp_path / "modelassay.toml"
    config.write_text('[manifests]\nsets = ["sets"]\n')
    named = ("--config", config)
    assert modelassay("verify", model, *named).code == 0
    (model / "config.json").write_text(json.dumps({"model_type": "t", "release": 1}))
    code, found = answer(modelassay, model, *named)
    assert code == 1
    assert "an older release, which acme/m@3 replaced" in found["answers"]["allowed"]["reason"]
    assert modelassay("scan", model, *named).code == 0  # one medium finding, no violation


def test_a_fetched_list(
    modelassay: Command, setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Served by The Update Framework: the news comes by `manifest update`, and cannot be undone."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    repository = Repository(tmp_path / "repository")
    (tmp_path / "repository.json").write_bytes(repository.root)
    both: dict[str, Any] = json.loads(listed(tmp_path).read_text())
    first = json.dumps({**both, "releases": both["releases"][:1]}).encode()
    configure(tmp_path, '[manifests]\nrepository = "repository"\nroot = "repository.json"\n')
    serve(setting, OLDER, 0)
    repository.publish({"acme.json": first})
    assert modelassay("manifest", "update").code == 0
    assert modelassay("verify", setting.model, *setting.trust).code == 0
    repository.publish({"acme.json": json.dumps(both).encode()})
    assert modelassay("manifest", "update").code == 0
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert (code, rules(model)) == (1, {"release-replaced"})
    repository.publish({"acme.json": first}, version=1)  # the news taken back
    assert modelassay("manifest", "update").code != 0
    assert modelassay("verify", setting.model, *setting.trust).code == 1


# What was written down of the signer


def pin(modelassay: Command, setting: Setting) -> str:
    ran = modelassay("verify", setting.model, *setting.trust, "--pin-signer")
    assert ran.code == 0, ran.out
    return ran.err


def test_a_release_that_was_replaced_before_our_eyes(
    modelassay: Command, setting: Setting, shard: int, tmp_path: Path
) -> None:
    """Without a time: what was the newest once, and is not any more, is an older one."""
    configure(tmp_path, '[trust]\npins = "signers.json"\n')
    serve(setting, OLDER, shard)
    assert "file:model is signed by" in pin(modelassay, setting)
    serve(setting, NEWER, shard)
    assert "file:model is signed by" in pin(modelassay, setting)
    assert "no signer was written down" in pin(modelassay, setting)
    serve(setting, OLDER, shard)
    for more in ((), ("--pin-signer",)):
        code, model = answer_of(modelassay, setting, *more)
        assert (code, rules(model)) == (1, {"signature-replayed"})
        assert model["answers"]["signed"]["status"] == "invalid-signature"
        assert "an older release" in model["answers"]["signed"]["reason"]
        assert "replayed: one" in model["answers"]["signed"]["reason"]
    written = (tmp_path / "signers.json").read_text()
    assert json.loads(written)["file:model"]["statement"] != model_of(model)


def model_of(model: dict[str, Any]) -> str:
    """What the signature that is here states."""
    (signature,) = model["facts"]["provenance"]["signatures"]
    return str(signature["statement"])


def answer_of(modelassay: Command, setting: Setting, *more: str) -> tuple[int, dict[str, Any]]:
    ran = modelassay("verify", setting.model, *setting.trust, *more, "-f", "json")
    return ran.code, json.loads(ran.out)["models"][0]


@pytest.mark.parametrize("method", ["key", "certificate"])
def test_a_release_that_says_that_it_was_signed_earlier(
    modelassay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """One that was never seen here, told by the signer's own word."""
    monkeypatch.chdir(tmp_path)
    setting = signed_model(method, tmp_path)
    configure(tmp_path, '[trust]\npins = "signers.json"\n')
    serve(setting, NEWER, 0, LATER)
    pin(modelassay, setting)
    serve(setting, OLDER, 0, EARLIER)
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert (code, rules(model)) == (1, {"signature-replayed"})
    reason = model["answers"]["signed"]["reason"]
    assert f"an older release of {EARLIER}, replayed: one of {LATER}" in reason
    # Signed anew, it is the newest: the publisher went back to it.
    serve(setting, OLDER, 0, "2026-05-01T00:00:00Z")
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert code == 0
    (fresh,) = model["facts"]["provenance"]["freshness"]
    assert fresh["note"] == "newer than all that was written down of this signer"


def test_a_release_that_sigstore_says_was_signed_earlier(
    modelassay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    setting = signed_model("sigstore", tmp_path)
    configure(tmp_path, '[trust]\npins = "signers.json"\n')
    pin(modelassay, setting)
    ours = instance()
    now, ours.now = ours.now, ours.now - timedelta(days=40)
    try:
        # What the signer says of the time is nothing against what the authority says.
        serve(setting, OLDER, 0, f"{now:%Y-%m-%dT%H:%M:%SZ}")
    finally:
        ours.now = now
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert (code, rules(model)) == (1, {"signature-replayed"})


def test_a_scan_refuses_what_was_replayed(
    modelassay: Command, setting: Setting, tmp_path: Path
) -> None:
    root = 'root = "root.json"\n' if (tmp_path / "root.json").exists() else ""
    configure(
        tmp_path,
        f'[trust]\npins = "signers.json"\n{root}'
        f'[[trust.signer]]\nname = "acme"\n{setting.rule}\n'
        '[[trust.rule]]\nmodels = ["file:model"]\nsigners = ["acme"]\n',
    )
    for files in (OLDER, NEWER):
        serve(setting, files, 0)
        assert modelassay("verify", setting.model, "--pin-signer").code == 0
    assert modelassay("scan", setting.model).code == 0
    serve(setting, OLDER, 0)
    ran = modelassay("scan", setting.model, "-f", "json")
    assert (ran.code, "signature-replayed" in rules(json.loads(ran.out)["models"][0])) == (1, True)


def test_who_was_written_down_does_not_join_a_rule(
    modelassay: Command, setting: Setting, tmp_path: Path
) -> None:
    """A rule names who may sign: `--pin-signer` is no way around it."""
    (tmp_path / "other.pub").write_bytes(signing.Signer().pem)
    configure(
        tmp_path,
        '[trust]\npins = "signers.json"\n'
        '[[trust.signer]]\nname = "other"\nkey = "other.pub"\n'
        '[[trust.rule]]\nmodels = ["file:model"]\nsigners = ["other"]\n',
    )
    assert modelassay("verify", setting.model, "--pin-signer").code == 1
    assert not (tmp_path / "signers.json").exists()


# The lock


def test_what_was_locked_is_no_older_release(
    modelassay: Command, setting: Setting, tmp_path: Path
) -> None:
    models.plain(setting.model)
    newer = {path.name: path.read_bytes() for path in setting.model.iterdir() if path.is_file()}
    newer = {name: data for name, data in newer.items() if name != "model.sig"} | {
        "sub/vocab.txt": NEWER["sub/vocab.txt"]
    }
    serve(setting, newer, 0)
    (tmp_path / "use.py").write_text('from_pretrained("./model")\n')
    assert modelassay("lock", "write", "--add", "./model").code == 0
    assert modelassay("lock", "check").code == 0
    serve(setting, newer | {"model.bin": OLDER["model.bin"]}, 0)
    assert modelassay("verify", setting.model, *setting.trust).code == 0
    ran = modelassay("lock", "check", "-f", "json")
    assert (ran.code, "locked-file-differs" in ran.out) == (1, True)


# A day


def test_signatures_of_long_ago_will_not_do(
    modelassay: Command, setting: Setting, shard: int
) -> None:
    serve(setting, NEWER, shard, LATER)
    assert answer(modelassay, setting.model, *setting.trust, "--signed-since", "2026-02-01")[0] == 0
    code, model = answer(modelassay, setting.model, *setting.trust, "--signed-since", "2999-01-01")
    assert code == 1
    assert "a signature of 2999-01-01 or later is asked for" in model["answers"]["signed"]["reason"]
    assert model["answers"]["signed"]["status"] == "signed-untrusted"


@pytest.mark.parametrize("method", ["key", "certificate"])
@pytest.mark.parametrize(
    ("signed", "why"),
    [
        (EARLIER, "it was signed on 2026-01-05"),
        ("", "its signature does not say when it was made"),
        ("2999-01-01T00:00:00Z", "its signature does not say when it was made"),
    ],
)
def test_a_rule_asks_for_a_day(
    modelassay: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    signed: str,
    why: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    setting = signed_model(method, tmp_path)
    rule = (
        f'[[trust.signer]]\nname = "acme"\n{setting.rule}\n[[trust.rule]]\n'
        'models = ["file:model"]\nsigners = ["acme"]\nsigned-since = 2026-02-01\n'
    )
    configure(tmp_path, rule + "required = true\n")
    serve(setting, NEWER, 0, LATER)
    assert modelassay("verify", setting.model).code == 0
    assert modelassay("scan", setting.model).code == 0
    serve(setting, OLDER, 0, signed)
    code, model = answer(modelassay, setting.model)
    assert code == 1
    assert why in model["answers"]["signed"]["reason"]
    assert modelassay("scan", setting.model).code == 1


def test_a_time_that_is_none_breaks_the_signature(
    modelassay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    setting = signed_model("key", tmp_path)
    for wrong in ("yesterday", "0001-01-01T00:00:00+2359", 7):
        serve(setting, NEWER, 0, wrong)  # type: ignore[arg-type]  # a number is what is wrong
        assert answer(modelassay, setting.model, *setting.trust)[0] == 1


# Nobody knows


def test_without_any_knowledge_the_report_says_so(
    modelassay: Command, setting: Setting, shard: int
) -> None:
    serve(setting, OLDER, shard)
    code, model = answer(modelassay, setting.model, *setting.trust)
    assert code == 0
    said = "nothing here says whether a newer release exists"
    assert model["answers"]["signed"]["reason"].endswith(said)
    assert model["facts"]["provenance"]["freshness"] == [{"outcome": "unknown", "note": said}]
    assert said in " ".join(modelassay("verify", setting.model, *setting.trust).out.split())


def test_what_we_sign_says_when(modelassay: Command, tmp_path: Path) -> None:
    model = signing.write(tmp_path / "model")
    (tmp_path / "release.key").write_bytes(signing.signer().private_pem)
    (tmp_path / "release.pub").write_bytes(signing.signer().pem)
    assert modelassay("manifest", "sign", model, "--key", tmp_path / "release.key").code == 0
    trust = ("--key", tmp_path / "release.pub")
    assert modelassay("verify", model, *trust, "--signed-since", "2026-01-01").code == 0
    (signature,) = answer(modelassay, model, *trust)[1]["facts"]["provenance"]["signatures"]
    assert signature["signed"].endswith("Z")
    assert IDENTITY not in signature["anchor"]
