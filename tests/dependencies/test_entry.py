"""What becomes of a report in the lock, and of the files of a model."""

from __future__ import annotations

import json
import os
from pathlib import Path
from unittest import mock

import msgspec
import pytest

from modelscan import api
from modelscan.dependencies import measure
from modelscan.dependencies.entry import entry
from modelscan.dependencies.stated import Stated, stated
from modelscan.errors import ReadError
from modelscan.fetcher.local import LocalFile
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import HubFile, SourceRevision
from tests.forge import locks, models


def test_a_file_that_nobody_knows_the_digest_of_is_left_out(tmp_path: Path) -> None:
    (report,) = api.scan(models.plain(tmp_path / "mini")).models
    (weights,) = [file for file in report.files if file.path == "model.safetensors"]
    unknown = msgspec.structs.replace(weights, digests={})
    files = (*(file for file in report.files if file != weights), unknown)
    partly = msgspec.structs.replace(report, files=files)
    made = entry("hf:acme/mini", partly)
    assert [file.path for file in made.files] == ["README.md", "config.json"]
    assert made.digest == ""
    said = Stated(digests={"model.safetensors": "0" * 64}, licence="mit")
    told = entry("hf:acme/mini", partly, said=said)
    assert [file.path for file in told.files if file.declared] == ["model.safetensors"]
    assert told.licence == ("apache-2.0",)  # what its own files say comes first


def test_what_the_files_are_silent_about_the_hub_may_say(tmp_path: Path) -> None:
    folder = models.plain(tmp_path / "mini")
    (folder / "README.md").unlink()
    (report,) = api.scan(folder).models
    assert entry("hf:acme/mini", report, said=Stated(licence="mit")).licence == ("mit",)
    assert entry("hf:acme/mini", report).licence == ()


def test_code_without_a_digest_has_no_fingerprint(tmp_path: Path) -> None:
    folder = models.plain(tmp_path / "mini")
    (folder / "modeling_x.py").write_text("class X: ...\n")
    (report,) = api.scan(folder).models
    assert entry("./mini", report).remote_code
    files = tuple(
        msgspec.structs.replace(file, digests={}) if file.path.endswith(".py") else file
        for file in report.files
    )
    assert not entry("./mini", msgspec.structs.replace(report, files=files)).remote_code


def test_code_has_the_fingerprint_that_consent_names(tmp_path: Path) -> None:
    folder = locks.remote_code(tmp_path / "own")
    config = {"auto_map": {"AutoModel": "modeling_own.Model", "AutoConfig": "acme/x--other.Config"}}
    (folder / "config.json").write_text(json.dumps(config))
    (report,) = api.scan(folder).models
    asked = report.facts.provenance["remote_code"]
    assert asked["elsewhere"]
    assert entry("./own", report).remote_code == asked["fingerprint"]


def test_what_a_registry_states() -> None:
    digest = "sha256:" + "ab" * 32
    facts = [
        SourceRevision(asked="latest", resolved=digest, pinned=False),
        SourceRevision(asked="latest", resolved="no digest", pinned=False),
        HubFile(size=1, verdict="caution"),
        HubFile(size=1, verdict="unsafe"),
    ]
    said = stated(facts)
    assert said.manifest == digest
    assert said.verdict == "unsafe"
    assert stated([HubFile(size=1, verdict="safe")]) == Stated()


def test_files_of_a_model_and_what_cannot_be_read(tmp_path: Path) -> None:
    folder = models.plain(tmp_path / "mini")
    (folder / "models.lock").write_text("no part of the model")
    os.mkfifo(folder / "pipe")
    found = list(measure.files(folder))
    assert [each.path for each in found if isinstance(each, measure.Measured)] == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    assert [each.file for each in found if isinstance(each, Coverage) and each.needed] == ["pipe"]


def test_files_that_change_while_they_are_read(tmp_path: Path) -> None:
    folder = models.plain(tmp_path / "mini")
    path = folder / "config.json"
    with mock.patch("modelscan.fetcher.local._OpenFile.changed", return_value=True):
        with pytest.raises(ReadError, match="changed while"):
            measure.measure(LocalFile("config.json", path, path.stat().st_size))
        gaps = [each for each in measure.files(folder) if isinstance(each, Coverage)]
    assert len(gaps) == 3
    assert all(gap.needed for gap in gaps)
