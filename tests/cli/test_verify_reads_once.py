"""Read once: the bytes that a signature is checked over are those that are scanned, in one pass."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from modelscan.fetcher import local
from tests.cli.conftest import Command
from tests.cli.signed import METHODS, Setting, signed_model
from tests.forge import safetensors, signing

SIZE = 12 << 20


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """Bytes that were asked of the system, by the length of the file."""
    counted: Counter[int] = Counter()
    original = local._pread

    def counting(descriptor: int, length: int, offset: int) -> bytes:
        data = original(descriptor, length, offset)
        counted[os.fstat(descriptor).st_size] += len(data)
        return data

    monkeypatch.setattr(local, "_pread", counting)
    return counted


@pytest.mark.parametrize("shard", [0, 5 << 20], ids=["files", "shards"])
@pytest.mark.parametrize("command", ["verify", "scan"])
@pytest.mark.parametrize("method", METHODS)
def test_every_byte_is_read_once(
    modelassay: Command,
    tmp_path: Path,
    read: Counter[int],
    method: str,
    command: str,
    shard: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    setting: Setting = signed_model(method, tmp_path)
    weights = safetensors.assemble(safetensors.header({"w": ("U8", [SIZE])}))
    files = {**signing.MODEL, "model.safetensors": weights}
    signing.write(setting.model, files)
    stated = signing.statement(signing.resources(files, shard=shard), shard=shard)
    setting.write(setting.sign(stated))
    root = 'root = "root.json"\n' if (tmp_path / "root.json").exists() else ""
    (tmp_path / "modelassay.toml").write_text(
        f'[trust]\n{root}[[trust.signer]]\nname = "acme"\n{setting.rule}\n'
        '[[trust.rule]]\nmodels = ["*"]\nsigners = ["acme"]\n'
    )
    ran = modelassay(command, setting.model, "-f", "json")
    answers = json.loads(ran.out)["models"][0]["answers"]
    assert (ran.code, answers["signed"]["status"]) == (0, "signed-trusted")
    # Once, and the header again by its reader: not a second time for the digests of shards.
    assert len(weights) <= read[len(weights)] < len(weights) + (1 << 20)
