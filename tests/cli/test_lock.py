from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.cli.conftest import Command
from tests.forge import codebases, locks, models

SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = locks.application(tmp_path / "app")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return locks.hub_cache(tmp_path / "cache")


@pytest.mark.usefixtures("app")
def test_write_then_check(modelassay: Command, cache: Path) -> None:
    ran = modelassay("lock", "write", "--offline", "--cache", cache)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "./models/mini: new: at sha256:306e3c6e880c, 3 files, licence apache-2.0,\n"
        "unsigned.\n"
        "  low       model-added\n"
        "            Fix: Read what the summary says of it: its licence, its base, who\n"
        "            signed it, whether it holds code.\n"
        "\n"
        "hf:acme/chat-7b: new: at 1110a243fdf4, 3 files, licence apache-2.0, unsigned.\n"
        "  low       model-added\n"
        "            Fix: Read what the summary says of it: its licence, its base, who\n"
        "            signed it, whether it holds code.\n"
        "\n"
        "2 added, 0 unchanged.\n"
        "models.lock written.\n"
    )
    ran = modelassay("lock", "write", "--offline", "--cache", cache)
    assert ran.out.splitlines()[-1] == "models.lock is up to date."
    ran = modelassay("lock", "check")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "2 references held against 2 locked models (1 lock), no findings.\n"
        "Policy: pass.                                                           (exit 0)\n"
    )


def test_check_says_what_is_wrong_and_where(modelassay: Command, app: Path, cache: Path) -> None:
    modelassay("lock", "write", "--offline", "--cache", cache)
    text = (app / "app/main.py").read_text()
    more = "".join(f'AutoModel.from_pretrained("acme/new-{n}b")\n' for n in range(9))
    (app / "app/main.py").write_text(text + more)
    (app / "broken.ipynb").write_text("from_pretrained")
    ran = modelassay("lock", "check")
    assert ran.code == 1
    assert (
        "high      model-not-locked\n          Code uses a model that nobody locked.\n" in ran.out
    )
    assert "app/main.py:5  hf:acme/new-0b" in ran.out
    assert ran.out.count("and 3 more (-v shows them)") == 2
    assert ran.out.count("Fix:") == 2
    assert "not looked at: broken.ipynb" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    verbose = modelassay("lock", "check", "-v")
    assert "hf:acme/new-8b" in verbose.out
    assert "(-v shows them)" not in verbose.out
    quiet = modelassay("lock", "check", "-q")
    assert len(quiet.out.splitlines()) == 3


def test_check_in_every_format(modelassay: Command, app: Path) -> None:
    ran = modelassay("lock", "check", "-f", "json", "-f", f"sarif={app}/out.sarif")
    report = json.loads(ran.out)
    schema = json.loads((SCHEMAS / "report-1.json").read_text())
    jsonschema_rs.validator_for(schema).validate(report)
    assert report["decision"]["exit_code"] == ran.code == 1
    (run,) = json.loads((app / "out.sarif").read_text())["runs"]
    (place,) = [
        result["locations"][0]["physicalLocation"]
        for result in run["results"]
        if result["ruleId"] == "model-not-locked" and "chat-7b" in result["message"]["text"]
    ]
    assert place["artifactLocation"]["uri"] == "app/main.py"
    assert place["region"]["startLine"] == 3
    for form in ("markdown", "html", "junit", "gitlab", "github"):
        assert modelassay("lock", "check", "-f", form).code == 1


@pytest.mark.usefixtures("app")
def test_what_cannot_be_looked_at(modelassay: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = modelassay("lock", "write", "--offline", "--cache", tmp_path / "empty")
    assert ran.code == 3
    flat = " ".join(ran.out.split())
    assert (
        f"not looked at: hf:acme/chat-7b@{locks.COMMIT}: offline, and not in the hub's cache"
        in flat
    )
    assert "models.lock written." in flat


def test_what_the_policy_refuses(modelassay: Command, app: Path, cache: Path) -> None:
    (app / "models/mini/pytorch_model.bin").write_bytes(models.ECHO)
    ran = modelassay("lock", "write", "--offline", "--cache", cache)
    assert ran.code == 1
    assert "./models/mini is not locked, the policy refuses it" in ran.err
    assert "models.lock stays as it was" in ran.out
    assert modelassay("lock", "write", "--offline", "--cache", cache, "--force").code == 0


def test_nothing_to_lock(modelassay: Command, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert modelassay("lock", "write", tmp_path, "--offline").code == 4
    assert not (tmp_path / "models.lock").exists()
    ran = modelassay("lock", "check", tmp_path)
    assert ran.code == 4
    assert ran.out.startswith("0 references held against 0 locked models (no models.lock)")


def test_update_shows_the_difference(modelassay: Command, app: Path, cache: Path) -> None:
    modelassay("lock", "write", "--offline", "--cache", cache)
    locks.remote_code(app / "models/mini")
    ran = modelassay("lock", "update", "--offline", "--cache", cache, "-f", "json")
    assert ran.code == 0
    document = json.loads(ran.out)
    schema = json.loads((SCHEMAS / "diff-1.json").read_text())
    jsonschema_rs.validator_for(schema).validate(document)
    (entry,) = document["models"]
    assert "new file modeling_own.py" in entry["summary"]
    ran = modelassay("lock", "update", "hf:none/none", "--offline")
    assert ran.code == 2
    assert "lock it first: modelassay lock write --add hf:none/none" in ran.err


def test_outdated_needs_the_network(modelassay: Command, app: Path, cache: Path) -> None:
    modelassay("lock", "write", "--offline", "--cache", cache)
    ran = modelassay("lock", "outdated", "--offline")
    assert ran.code == 3
    assert "offline" in ran.out
    assert modelassay("lock", "outdated", "--offline", "--lock", app / "none.lock").code == 3


def test_conflicts_and_broken_locks(modelassay: Command, app: Path) -> None:
    for text, words in (
        ("<<<<<<< HEAD\n=======\n>>>>>>> x\n", "models.lock:1: a merge conflict is not resolved"),
        ("\x00\x01", "not TOML"),
    ):
        (app / "models.lock").write_text(text)
        for command in ("check", "write", "update", "outdated"):
            ran = modelassay("lock", command, "--offline")
            assert ran.code == 2
            assert words in ran.err or command == "write"
            assert "Traceback" not in ran.err
        assert (app / "models.lock").read_text() == text


def test_hostile_text_stays_inert(modelassay: Command, app: Path, cache: Path) -> None:
    evil = "models/[bold]\x1b[31m\u202e"
    models.plain(app / evil)
    codebases.write(app, "b\x1b[0m.py", "import torch\ntorch.load('\\x1b[31m\\u202e<b>.pt')\n")
    for command in (
        ["check"], ["check", "-f", "markdown"], ["check", "-f", "json"],
        ["write", "--offline", "--cache", cache], ["check", "-v"],
    ):  # fmt: skip
        ran = modelassay("lock", *command)
        assert "\x1b" not in ran.out + ran.err
        assert "\u202e" not in ran.out + ran.err
    data = (app / "models.lock").read_text()
    assert "\x1b" not in data
    assert "\u202e" not in data


def test_unknown_options(modelassay: Command) -> None:
    for wrong in (["lock", "check", "--what"], ["lock", "check", "-q", "-v"], ["lock", "nothing"]):
        assert modelassay(*wrong).code == 2


def differing(tmp_path: Path, **new: Any) -> list[object]:
    before = locks.model()
    locks.write(tmp_path / "old", before)
    locks.write(tmp_path / "new", locks.other(before, **new))
    return ["diff", tmp_path / "old", tmp_path / "new"]


def test_a_difference_on_a_terminal(modelassay: Command, tmp_path: Path) -> None:
    arguments = differing(tmp_path, revision=locks.NEWER, licence=("other",))
    ran = modelassay(*arguments)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "hf:acme/chat-7b: commit 1110a243fdf4 → 9f21b2a01c44, of the same day; licence\n"
        "apache-2.0 → other.\n"
        "  medium    model-licence-changed\n"
        "            Fix: Have somebody read the new licence before the update; until\n"
        "            then stay on the locked commit.\n"
        "\n"
        "1 changed, 0 unchanged.\n"
        "Policy: pass.                                                           (exit 0)\n"
    )
    assert modelassay(*arguments, "-v").out.count("model-changed") == 1
    assert "Fix" not in modelassay(*arguments, "-q").out


def test_a_difference_for_a_pull_request(modelassay: Command, tmp_path: Path) -> None:
    arguments = differing(tmp_path, licence=("other @everybody <b>",), signer="#1")
    ran = modelassay(*arguments, "-f", "markdown")
    assert ran.out.startswith("<!-- modelassay-diff -->\n## Models: 1 changed, 0 unchanged.\n")
    assert (
        "**medium** `hf:acme/chat-7b`: licence `apache-2.0 →` other `@everybody <b>`; " in ran.out
    )
    assert "<details><summary>1 point to look at</summary>" in ran.out
    assert "now signed by `#1`." in ran.out


def test_a_comment_is_never_too_long(modelassay: Command, tmp_path: Path) -> None:
    many = [locks.model(f"hf:acme/model-{number}") for number in range(200)]
    locks.write(tmp_path / "old", *many)
    worse = [locks.other(each, licence=("x" * 900,), author="b" * 900) for each in many]
    locks.write(tmp_path / "new", *worse)
    ran = modelassay("diff", tmp_path / "old", tmp_path / "new", "-f", "markdown")
    assert ran.code == 1
    assert len(ran.out) < 65_536
    assert "more models; the format" in ran.out
    terminal = modelassay("diff", tmp_path / "old", tmp_path / "new")
    assert "and 150 more (-v shows them)" in terminal.out


def test_a_difference_as_json_and_sarif(modelassay: Command, tmp_path: Path) -> None:
    arguments = differing(tmp_path, author="mallory")
    ran = modelassay(*arguments, "-f", "json", "-f", f"sarif={tmp_path}/out.sarif")
    assert ran.code == 1
    schema = json.loads((SCHEMAS / "diff-1.json").read_text())
    jsonschema_rs.validator_for(schema).validate(json.loads(ran.out))
    (run,) = json.loads((tmp_path / "out.sarif").read_text())["runs"]
    (result,) = run["results"]
    assert result["ruleId"] == "model-owner-changed"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("new/models.lock")
    assert place["region"]["startLine"] == 6


def test_no_difference(modelassay: Command, tmp_path: Path) -> None:
    ran = modelassay(*differing(tmp_path))
    assert ran.code == 0
    assert ran.out.startswith("No model changed (1 model).\n")
    assert modelassay("diff", tmp_path / "none.lock", tmp_path / "new").code == 3
    assert modelassay("diff", tmp_path / "new").code == 2


def test_a_check_for_a_pull_request(modelassay: Command, app: Path, cache: Path) -> None:
    modelassay("lock", "write", "--offline", "--cache", cache)
    more = "".join(f'AutoModel.from_pretrained("acme/new-{n}b")\n' for n in range(40))
    (app / "app/main.py").write_text("from transformers import AutoModel\n" + more)
    (app / "broken.ipynb").write_text("from_pretrained")
    ran = modelassay("lock", "check", "-f", "markdown")
    assert ran.out.startswith("<!-- modelassay-lock-check -->\n## Lock: fail\n")
    assert "**high** `model-not-locked`: Code uses a model that nobody locked." in ran.out
    assert "<details><summary>40 places</summary>" in ran.out
    assert "- `app/main.py:2` `hf:acme/new-0b`\n" in ran.out
    assert "- and 10 more\n" in ran.out
    assert "Not looked at: 1 part." in ran.out


def test_a_comment_about_a_check_is_never_too_long(
    modelassay: Command, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelscan.dependencies.checkpages.MOST_CHARACTERS", 1_000)
    models.plain(app / "other")
    ran = modelassay("lock", "check", "-f", "markdown")
    assert (
        "more rule broken; the format" in ran.out.replace("`json`", "json")
        or "more rules" in ran.out
    )
    assert len(ran.out) < 1_200
