from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelscan import api, passing, pipeline
from modelscan.fetcher import local, sources
from modelscan.fetcher.options import FetchOptions
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.result import ModelReport
from modelscan.vocabulary.snapshot import Snapshot
from tests.forge import models


def _scan(path: Path) -> ModelReport:
    (model,) = api.scan(path).models
    return model


def test_the_digests_are_those_of_the_bytes(tmp_path: Path) -> None:
    report = _scan(models.plain(tmp_path / "model"))
    for entry in report.files:
        data = (tmp_path / "model" / entry.path).read_bytes()
        assert entry.size == len(data)
        assert entry.digests["sha256"] == hashlib.sha256(data).hexdigest()
        blob = b"blob %d\0" % len(data) + data
        assert entry.digests["git-blob"] == hashlib.sha1(blob, usedforsecurity=False).hexdigest()


def test_the_models_digest_binds_names_to_bytes(tmp_path: Path) -> None:
    first = _scan(models.plain(tmp_path / "a")).digest
    assert first is not None
    assert first == _scan(models.plain(tmp_path / "b")).digest
    (tmp_path / "b" / "README.md").rename(tmp_path / "b" / "OTHER.md")
    assert first != _scan(tmp_path / "b").digest


@pytest.mark.parametrize("small", [0, 1 << 20])
@pytest.mark.parametrize("threads", [1, 4])
def test_large_and_small_files_are_read_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int, threads: int
) -> None:
    expected = _scan(models.plain(tmp_path / "model"))
    monkeypatch.setattr(passing, "SMALL", small)
    monkeypatch.setattr(passing, "_THREADED", 1)
    with ThreadPoolExecutor(threads) as executor:
        (found,) = api.scan(tmp_path / "model", executor=executor).models
    assert found == expected


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_a_file_that_changes_while_it_is_read_is_a_needed_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    model = models.plain(tmp_path / "model")
    inode = (model / "model.safetensors").stat().st_ino
    pread = local._pread

    def meddling(descriptor: int, length: int, offset: int) -> bytes:
        data = pread(descriptor, length, offset)
        if os.fstat(descriptor).st_ino == inode:
            os.utime(model / "model.safetensors", ns=(1, 1))
        return data

    monkeypatch.setattr(local, "_pread", meddling)
    monkeypatch.setattr(passing, "SMALL", small)
    report = _scan(model)
    assert [(gap.file, gap.reason) for gap in report.coverage if gap.needed] == [
        ("model.safetensors", "changed while it was being read")
    ]
    assert report.digest is None
    assert report.answers.load_hazards.status == "incomplete"


def test_a_file_that_vanishes_is_a_needed_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models.plain(tmp_path / "model")
    take = sources.take

    def take_and_remove(ref: ModelRef, options: FetchOptions) -> Snapshot:
        snapshot = take(ref, options)
        (model / "model.safetensors").unlink()
        return snapshot

    monkeypatch.setattr(pipeline, "take", take_and_remove)
    report = _scan(model)
    assert [gap.file for gap in report.coverage if gap.needed] == ["model.safetensors"]
    assert report.answers.allowed.status == "incomplete"


def test_a_model_without_model_files_answers_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("words")
    report = api.scan(tmp_path)
    assert report.decision.status == "nothing"
    assert report.models[0].answers.load_hazards.status == "incomplete"
    assert "no model or code among 1 files" in report.models[0].answers.allowed.reason


def test_random_bytes_are_never_called_clean(tmp_path: Path) -> None:
    for name in ("model.safetensors", "model.pkl", "model.pt", "model.bin", "model.gguf", "a.zip"):
        path = tmp_path / name
        path.write_bytes(os.urandom(5000))
        assert api.scan(path).decision.exit_code != 0, name
        path.write_bytes(b"")
        assert api.scan(path).decision.exit_code != 0, name


def test_the_report_is_stamped_by_source_date_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    model = models.plain(tmp_path / "model")
    assert api.scan(model).created == "1970-01-01T00:00:00Z"
    assert api.scan(model) == api.scan(model)
