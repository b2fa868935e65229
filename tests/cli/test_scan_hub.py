from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.forge import pickles, safetensors
from tests.hub import giants
from tests.hub.scanning import fake_hub
from tests.hub.server import FakeHub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """A hub that the command finds as it finds any other: by the usual variable."""
    with fake_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv("MODELASSAY_CONFIG", "")
        monkeypatch.delenv("MODELASSAY_CONFIG")
        yield server


def test_a_light_scan_of_a_good_model_passes_and_says_what_comes_next(
    hub: FakeHub, modelassay: Command
) -> None:
    commit = hub.add("acme/model", giants.model(2))
    ran = modelassay("scan", "hf:acme/model")
    assert ran.code == 0
    assert f"modelassay scan --full hf:acme/model@{commit}" in ran.out
    assert f"modelassay lock write --add hf:acme/model@{commit}" in ran.out
    assert ran.out.count("\ninfo ") + ran.out.count("\nlow ") + ran.out.count("\nmedium ") <= 3
    assert ran.err == ""


def test_full_hashes_every_byte(hub: FakeHub, modelassay: Command, tmp_path: Path) -> None:
    hub.add("acme/model", {"config.json": b"{}", "model.pkl": b"\x80\x04N." + bytes(9 << 20)})
    ran = modelassay("scan", "--full", "-f", "json", "hf:acme/model")
    (model,) = json.loads(ran.out)["models"]
    assert all(file["digests"]["sha256"] for file in model["files"])
    assert list((tmp_path / "cache").rglob("sha256/*"))


def test_a_bad_model_fails_without_being_downloaded(hub: FakeHub, modelassay: Command) -> None:
    files = giants.model(2) | {"evil.pkl": pickles.malicious()["reduce"]}
    hub.add("acme/model", files)
    ran = modelassay("scan", "hf:acme/model")
    assert ran.code == 1
    assert "evil.pkl" in ran.out
    assert "Next:" not in ran.out
    assert hub.sent < 1_000_000


def test_a_page_of_the_hub_is_a_reference(hub: FakeHub, modelassay: Command) -> None:
    commit = hub.add("acme/model", {"config.json": b"{}", "weights.pkl": b"\x80\x04N."})
    ran = modelassay("scan", f"https://huggingface.co/acme/model/tree/{commit}")
    assert ran.code == 0
    assert f"hf:acme/model@{commit}" in ran.out


def test_a_gated_model_is_read_with_the_token_that_is_offered(
    hub: FakeHub, modelassay: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("acme/model", {"weights.pkl": b"\x80\x04N."}, gated="auto", members={"hf_member"})
    monkeypatch.setenv("HF_TOKEN", "hf_member")
    without = modelassay("scan", "hf:acme/model")
    assert without.code == 3
    assert "gated" in without.out
    assert "--token" in without.out
    offered = modelassay("scan", "--token", "-f", "json", "hf:acme/model")
    assert offered.code == 0
    assert "hf_member" not in offered.out + offered.err


def test_a_token_that_is_not_there_is_a_mistake(
    hub: FakeHub, modelassay: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    ran = modelassay("scan", "--token", "hf:acme/model")
    assert ran.code == 2
    assert "HF_TOKEN" in ran.err
    assert hub.log == []


def test_verify_fetches_and_hashes_all_of_it(hub: FakeHub, modelassay: Command) -> None:
    hub.add("acme/model", {"config.json": b"{}", "model.pkl": b"\x80\x04N." + bytes(9 << 20)})
    ran = modelassay("verify", "-f", "json", "hf:acme/model")
    (model,) = json.loads(ran.out)["models"]
    assert all(file["digests"]["sha256"] for file in model["files"])
    assert model["answers"]["official_bytes"]["status"] == "hub-consistent"
    assert ran.code == 1  # that a hub agrees with itself is no good news


def test_an_endpoint_with_a_password_is_refused_without_showing_it(
    hub: FakeHub, modelassay: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://me:geheim@hub.example.org")
    ran = modelassay("scan", "hf:acme/model")
    assert ran.code == 2
    assert "geheim" not in ran.out + ran.err
    assert hub.log == []


def test_several_targets_have_their_entries_in_order(hub: FakeHub, modelassay: Command) -> None:
    hub.add("acme/model", {"weights.pkl": b"\x80\x04N."})
    ran = modelassay("scan", "-f", "json", "hf:acme/nothing", "hf:acme/model")
    first, second = json.loads(ran.out)["models"]
    assert first["ref"] == "hf:acme/nothing"
    assert "not found or private" in first["error"]
    assert second["error"] is None
    assert ran.code == 3


def test_lineage_is_asked_of_a_remote_model(hub: FakeHub, modelassay: Command) -> None:
    files = {
        "config.json": b'{"_name_or_path": "org/base"}',
        "model.safetensors": safetensors.small(),
    }
    hub.add("acme/model", files)
    ran = modelassay("lineage", "-f", "json", "hf:acme/model")
    (model,) = json.loads(ran.out)["models"]
    assert model["error"] is None
    assert model["answers"]["descends_from"]["base"] == "org/base"


@pytest.mark.parametrize("command", ["scan", "verify", "lineage"])
def test_a_token_is_in_nothing_that_is_printed_however_much_that_is(
    hub: FakeHub, command: str, tmp_path: Path
) -> None:
    """In a process of its own, in which the hub's library is told to log all that it does."""
    token = "hf_secretsecretsecret"  # noqa: S105  # a token of the test
    hub.add("acme/model", {"config.json": b"{}", "weights.pkl": b"\x80\x04N."})
    told = {"HF_TOKEN": token, "HF_DEBUG": "1", "HF_HUB_VERBOSITY": "debug"}
    ran = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "modelscan", command, "--token", "-v", "hf:acme/model"],
        env=os.environ | told | {"HOME": str(tmp_path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert "acme/model" in ran.stdout
    assert token not in ran.stdout + ran.stderr
    assert any(request.authorization == f"Bearer {token}" for request in hub.log)
