from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any

import fsspec  # type: ignore[import-untyped]
import pytest

from modelscan import api
from modelscan.errors import ReadError, SourceError
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.sources import take
from modelscan.vocabulary.fact import SourceDefect
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot
from tests.forge import gguf

EVIL = b"cposix\nsystem\n(S'id'\ntR."
LARGE = gguf.small() + bytes(9 << 20)


@pytest.fixture
def store() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    for path, data in {
        "/bucket/model/config.json": b'{"model_type": "bert"}',
        "/bucket/model/sub/weights.pkl": EVIL,
        "/bucket/model/model.gguf": LARGE,
    }.items():
        system.pipe_file(path, data)
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def _take(address: str, **options: Any) -> Snapshot:
    return take(ModelRef.parse(address), FetchOptions(**options))


def test_a_folder_of_a_store_is_a_model(store: Any) -> None:
    snapshot = _take("memory://bucket/model/")
    assert [(file.name, file.size) for file in snapshot.files] == [
        ("config.json", 22), ("model.gguf", len(LARGE)), ("sub/weights.pkl", len(EVIL)),
    ]  # fmt: skip
    assert [file.access for file in snapshot.files] == ["whole", "ranges", "whole"]
    assert snapshot.ref == "memory://bucket/model"
    assert (snapshot.source.kind, snapshot.source.endpoint) == ("directory", "memory://bucket")
    report = api.scan("memory://bucket/model").models[0]
    assert [f.location.file for f in report.findings if f.severity == "critical"] == [
        "sub/weights.pkl"
    ]
    assert store


def test_a_single_file(store: Any) -> None:
    snapshot = _take("memory://bucket/model/model.gguf")
    assert [file.name for file in snapshot.files] == ["model.gguf"]
    assert snapshot.source.kind == "url"
    with snapshot.files[0].open() as artifact:
        assert artifact.read_at(0, 4) == b"GGUF"
        assert not artifact.changed()
        store.pipe_file("/bucket/model/model.gguf", LARGE + b"x")
        assert artifact.changed()
        store.rm("/bucket/model/model.gguf")
        assert artifact.changed()
        with pytest.raises(ReadError, match="the store fails: FileNotFoundError"):
            artifact.read_at(8 << 20, 10)


def test_full_hashes_every_byte_and_leaves_nothing_behind(
    store: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    arrived: list[int] = []
    fetch = FetchOptions(full=True, arrived=arrived.append)
    report = api.scan("memory://bucket/model", fetch=fetch).models[0]
    assert all(file.digests for file in report.files)
    assert sum(arrived) == sum(file.size for file in report.files)
    assert not list(tmp_path.iterdir())
    assert store


def test_full_notices_a_change(store: Any) -> None:
    (file,) = _take("memory://bucket/model/model.gguf", full=True).files
    store.pipe_file("/bucket/model/model.gguf", LARGE + b"x")
    with pytest.raises(ReadError, match="changed"), file.open():
        pass
    store.pipe_file("/bucket/model/model.gguf", b"short")
    with pytest.raises(ReadError, match="another part"), file.open():
        pass


def test_a_disk_without_room(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store
    (file,) = _take("memory://bucket/model/model.gguf", full=True).files
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 5}))
    with pytest.raises(ReadError, match="do not fit"), file.open():
        pass


def test_names_that_escape_are_stated_and_not_used(store: Any) -> None:
    store.pipe_file("/bucket/model/a\\..\\b.pkl", b"x")
    snapshot = _take("memory://bucket/model")
    assert len(snapshot.files) == 3
    (defect,) = (fact for fact in snapshot.facts if isinstance(fact, SourceDefect))
    assert (defect.kind, defect.value) == ("name-escapes", "a\\..\\b.pkl")
    assert any(gap.needed for gap in snapshot.coverage)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("file:///etc/passwd", "not an address of an object store"),
        ("zip://x::memory://bucket", "not an address of an object store"),
        ("s3://user:geheim@bucket/x", "not an address of an object store"),
        ("s3://[", "not an address of an object store"),
        ("nosuch://bucket/x", "no store is known"),
        ("memory://bucket/nothing", "not found or private"),
    ],
)
def test_what_is_refused(store: Any, address: str, says: str) -> None:
    assert store
    with pytest.raises(SourceError, match=says) as error:
        _take(address)
    assert "geheim" not in str(error.value)


def test_an_empty_folder(store: Any) -> None:
    store.mkdir("/bucket/empty")
    with pytest.raises(SourceError, match="not found"):
        _take("memory://bucket/empty")


def test_offline(store: Any) -> None:
    assert store
    with pytest.raises(SourceError, match="offline"):
        _take("memory://bucket/model", offline=True)


def test_a_driver_or_the_extra_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    with pytest.raises(SourceError, match="need s3fs") as error:
        _take("s3://bucket/model")
    assert "modelassay[stores]" in error.value.hint
    real = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name == "fsspec":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SourceError, match="need the extra"):
        _take("s3://bucket/model")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (PermissionError("geheim"), "gated"),
        (RuntimeError("geheim"), "the store fails: RuntimeError"),
    ],
)
def test_what_a_driver_says_gets_into_no_report(
    store: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(type(store), "info", fail)
    with pytest.raises(SourceError, match=says) as raised:
        _take("memory://bucket/model")
    assert "geheim" not in f"{raised.value} {raised.value.hint}"


def test_a_store_without_end(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelscan.fetcher.stores._MOST_FILES", 2)
    assert store
    with pytest.raises(SourceError, match="more than 2 files"):
        _take("memory://bucket/model")


def test_an_object_of_unknown_length_is_a_needed_gap(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(*_: Any, **__: Any) -> dict[str, Any]:
        return {"/bucket/model/a.pkl": {"size": None}, "/bucket/model/": {"size": 0}}

    monkeypatch.setattr(type(store), "find", find)
    snapshot = _take("memory://bucket/model")
    assert [(gap.file, gap.needed) for gap in snapshot.coverage] == [("a.pkl", True)]
