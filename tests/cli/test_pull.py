from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.forge import pickles, safetensors
from tests.forge.signing import Signer
from tests.hub.scanning import fake_hub
from tests.hub.server import FakeHub

FILES = {"config.json": b"{}", "model.safetensors": safetensors.small()}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    with fake_hub() as server:
        server.add("acme/model", FILES)
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv("MODELASSAY_CONFIG", "")
        monkeypatch.delenv("MODELASSAY_CONFIG")
        (tmp_path / "site").mkdir()
        monkeypatch.chdir(tmp_path / "site")
        yield server


@pytest.mark.usefixtures("hub")
def test_a_model_that_passes(modelassay: Command) -> None:
    ran = modelassay("pull", "hf:acme/model", "models/it")
    assert ran.code == 0
    assert "✓ pass" in ran.out
    assert ran.err == (
        "modelassay: models/it: 2 files, the very bytes that were scanned; locked in models.lock\n"
    )
    assert modelassay("lock", "check", ".").code == 0
    assert modelassay("pull", "hf:acme/model", "models/it").code == 2
    assert modelassay("scan", "models/it").code == 0


def test_a_model_that_does_not(hub: FakeHub, modelassay: Command) -> None:
    hub.add("acme/model", FILES | {"weights.pkl": pickles.malicious()["reduce"]})
    ran = modelassay("pull", "hf:acme/model", "it", "-f", "json")
    assert ran.code == 1
    (model,) = json.loads(ran.out)["models"]
    assert model["answers"]["allowed"]["status"] == "fail"
    assert "nothing was put into it" in ran.err
    assert list(Path().iterdir()) == []


@pytest.mark.usefixtures("hub")
def test_what_cannot_be_fetched(modelassay: Command) -> None:
    ran = modelassay("pull", "hf:acme/model", "it", "--offline", "-q")
    assert ran.code == 3
    assert "offline" in ran.out
    ran = modelassay("pull", "hf:acme/none", "it")
    assert ran.code == 3
    assert "not found or private" in ran.out


@pytest.mark.usefixtures("hub")
def test_through_an_air_gap(modelassay: Command) -> None:
    signer = Signer()
    Path("key.pem").write_bytes(signer.private_pem)
    Path("key.pub").write_bytes(signer.pem)
    Path("other.pub").write_bytes(Signer().pem)
    ran = modelassay(
        "pull", "hf:acme/model", "--export", "it.tar", "--key", "key.pem", "--trust", "key.pub"
    )
    assert ran.code == 0
    assert "it.tar: 2 files" in ran.err
    ran = modelassay("pull", "--import", "it.tar", "there", "--key", "key.pub")
    assert ran.code == 0
    assert "the receipt is signed by key.pub" in ran.err
    assert "there.records: " in ran.err
    assert Path("there.records/trust/key.pub").read_bytes() == signer.pem
    assert {path.name for path in Path("there").iterdir()} == FILES.keys()
    ran = modelassay("pull", "--import", "it.tar", "again", "--key", "other.pub")
    assert ran.code == 3
    assert "other than the given one" in ran.err
    assert not Path("again").exists()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("x",), "no folder"),
        (("x", "y", "--import", "--export", "z.tar"), "contradict"),
        (("x", "y", "--trust", "z"), "--export"),
        (("x", "y", "--manifest", "z"), "--export"),
        (("x", "y", "--key", "z"), "receipt"),
        (("x", "--export", "z.tar", "--key", "a", "--key", "b"), "one key"),
        (("x", "y", "--import", "--include", "*"), "taken in whole"),
        (("x", "y", "-f", "nonsense"), "no report format"),
    ],
)
def test_options_that_contradict_each_other(
    modelassay: Command, options: tuple[str, ...], why: str
) -> None:
    ran = modelassay("pull", *options)
    assert ran.code == 2
    assert why in ran.err


def test_an_unknown_configuration_is_said(
    modelassay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configuration inside what is pulled configures nothing, and that is said."""
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "source"
    source.mkdir()
    (source / "config.json").write_bytes(b"{}")
    (source / "modelassay.toml").write_text("")
    monkeypatch.chdir(source)
    ran = modelassay("pull", source, tmp_path / "it", "--lock", tmp_path / "models.lock")
    assert "modelassay.toml" in ran.err
