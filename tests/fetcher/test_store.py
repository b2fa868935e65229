from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from modelscan.errors import ReadError
from modelscan.fetcher import store as store_module
from modelscan.fetcher.store import Expected, Store
from tests.hub.scanning import fake_hub, gaps, scan
from tests.hub.server import FakeHub

_DATA = b"\x80\x04B" + (9 << 20).to_bytes(4, "little") + os.urandom(9 << 20) + b"."
_SHA256 = hashlib.sha256(_DATA).hexdigest()
_EXPECTED = Expected(_SHA256, len(_DATA))


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as server:
        server.add("acme/model", {"model.pkl": _DATA})
        yield server


def _files(cache: Path) -> dict[str, int]:
    return {
        str(path.relative_to(cache)): path.stat().st_size
        for path in cache.rglob("*")
        if path.is_file()
    }


def _downloads(hub: FakeHub) -> list[str]:
    return [request.range for request in hub.log if request.path.startswith("/cdn/")]


def test_all_bytes_are_hashed_and_kept(hub: FakeHub, tmp_path: Path) -> None:
    model = scan(hub, cache=tmp_path)
    assert model.files[0].digests["sha256"] == _SHA256
    assert model.digest is not None
    assert model.answers.official_bytes.status == "hub-consistent"
    assert _files(tmp_path) == {f"sha256/{_SHA256}": len(_DATA)}
    assert (tmp_path / "sha256").stat().st_mode & 0o077 == 0


def test_what_is_there_is_hashed_again_and_not_fetched(hub: FakeHub, tmp_path: Path) -> None:
    scan(hub, cache=tmp_path)
    hub.log.clear()
    assert scan(hub, cache=tmp_path).files[0].digests["sha256"] == _SHA256
    assert _downloads(hub) == []


def test_what_was_damaged_on_the_disk_is_fetched_again(hub: FakeHub, tmp_path: Path) -> None:
    scan(hub, cache=tmp_path)
    kept = tmp_path / "sha256" / _SHA256
    kept.write_bytes(_DATA[:-1] + b"!")
    model = scan(hub, cache=tmp_path)
    assert model.answers.official_bytes.status == "hub-consistent"
    assert kept.read_bytes() == _DATA


def test_a_download_goes_on_where_the_connection_broke(hub: FakeHub, tmp_path: Path) -> None:
    hub.break_after += [3 << 20, 4 << 20]
    assert scan(hub, cache=tmp_path).files[0].digests["sha256"] == _SHA256
    ranges = _downloads(hub)
    assert ranges[0] == ""
    starts = [int(text.removeprefix("bytes=").removesuffix("-")) for text in ranges[1:]]
    assert len(starts) == 2
    assert 0 < starts[0] < starts[1]


def test_a_download_goes_on_where_an_earlier_run_was_interrupted(
    hub: FakeHub, tmp_path: Path
) -> None:
    hub.break_after += [5 << 20] + [0] * 50
    model = scan(hub, cache=tmp_path)
    assert "connection" in gaps(model)["model.pkl"]
    (left,) = _files(tmp_path).values()
    assert 0 < left <= 5 << 20
    hub.break_after.clear()
    hub.log.clear()
    assert scan(hub, cache=tmp_path).files[0].digests["sha256"] == _SHA256
    assert _downloads(hub) == [f"bytes={left}-"]
    assert _files(tmp_path) == {f"sha256/{_SHA256}": len(_DATA)}


@pytest.mark.parametrize(
    "left", [b"garbage" * 1000, bytes(len(_DATA)), bytes(len(_DATA) + 5), _DATA[:-1] + b"!", b""]
)
def test_what_an_interrupted_run_has_left_is_never_trusted(
    hub: FakeHub, tmp_path: Path, left: bytes
) -> None:
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / _SHA256).write_bytes(left)
    model = scan(hub, cache=tmp_path)
    assert model.answers.official_bytes.status == "hub-consistent"
    assert _files(tmp_path) == {f"sha256/{_SHA256}": len(_DATA)}


def test_a_complete_download_that_was_not_moved_needs_no_request(
    hub: FakeHub, tmp_path: Path
) -> None:
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / _SHA256).write_bytes(_DATA)
    assert scan(hub, cache=tmp_path).files[0].digests["sha256"] == _SHA256
    assert _downloads(hub) == []


def test_a_server_that_cannot_resume_is_asked_from_the_start(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / _SHA256).write_bytes(_DATA[: 1 << 20])
    hub.ignores_ranges = True
    assert scan(hub, cache=tmp_path).files[0].digests["sha256"] == _SHA256


def test_an_interrupted_download_is_no_file_of_the_cache(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store_module._Download, "_took", interrupt)
    with pytest.raises(KeyboardInterrupt):
        scan(hub, cache=tmp_path)
    assert not any(name.startswith("sha256/") for name in _files(tmp_path))
    monkeypatch.undo()


def test_two_runs_do_not_write_to_the_same_file(hub: FakeHub, tmp_path: Path) -> None:
    with Store(tmp_path).incoming(_EXPECTED) as (_, path):
        assert path.name == _SHA256
        assert scan(hub, cache=tmp_path).files[0].digests["sha256"] == _SHA256
        assert path.stat().st_size == 0  # the other run's own
    assert Store(tmp_path).find(_EXPECTED) is not None


def test_a_file_that_another_run_has_moved_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = store_module._locked

    def moved(file: Any) -> bool:
        (tmp_path / "incoming" / _SHA256).replace(tmp_path / "moved")
        return locked(file)

    monkeypatch.setattr(store_module, "_locked", moved)
    with Store(tmp_path).incoming(_EXPECTED) as (_, path):
        assert path.name != _SHA256


def test_another_run_may_be_faster(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.incoming(_EXPECTED) as (_, path):
        pass
    kept = store.keep(path, _EXPECTED)
    assert store.keep(path, _EXPECTED) == kept
    kept.unlink()
    with pytest.raises(FileNotFoundError):
        store.keep(path, _EXPECTED)


def test_what_nobody_can_resume_is_not_left_behind(tmp_path: Path) -> None:
    def interrupted() -> None:
        with Store(tmp_path).incoming(Expected("", 5)) as (file, path):
            file.write(b"half")
            assert path.exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert _files(tmp_path) == {}


def test_a_link_in_the_place_of_a_download_is_not_followed(hub: FakeHub, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    cache = tmp_path / "cache"
    (cache / "incoming").mkdir(parents=True)
    (cache / "incoming" / _SHA256).symlink_to(victim)
    assert "cannot be kept" in gaps(scan(hub, cache=cache))["model.pkl"]
    assert victim.read_bytes() == b"precious"


def test_a_cache_that_cannot_be_written_is_a_gap(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file")
    assert "cannot be kept" in gaps(scan(hub, cache=tmp_path / "cache"))["model.pkl"]


def test_a_full_disk_is_known_before_anything_is_fetched(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert "do not fit" in gaps(scan(hub, cache=tmp_path))["model.pkl"]
    assert _downloads(hub) == []


def test_progress_is_told_every_byte_once(hub: FakeHub, tmp_path: Path) -> None:
    for _ in range(2):  # fetched, then found
        seen: list[int] = []
        model = scan(hub, cache=tmp_path, arrived=seen.append)
        assert model.error is None
        assert sum(seen) == len(_DATA)


@pytest.mark.parametrize("digest", ["", "x", "../../x"])
def test_a_digest_that_is_none_finds_nothing(tmp_path: Path, digest: str) -> None:
    assert Store(tmp_path).find(Expected(digest, 1)) is None


def test_a_server_that_sends_more_than_the_file_has(tmp_path: Path) -> None:
    with Store(tmp_path).incoming(_EXPECTED) as (file, path):

        class Generous:
            patience = None

            def body(self, _: int) -> Any:
                return nullcontext(iter([_DATA, b"more"]))

        generous: Any = Generous()
        download = store_module._Download(generous, file, _EXPECTED, lambda _: None)
        with pytest.raises(ReadError, match="more than the file has"):
            download.run(path.parent)


# -- the cache of the hub's own client -----------------------------------------------------------


@pytest.fixture
def blob(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where that client keeps the file, if it does."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    folder = tmp_path / "hf" / "models--acme--model" / "blobs"
    folder.mkdir(parents=True)
    return folder / _SHA256


def test_what_the_hubs_client_has_is_hashed_and_not_fetched(
    hub: FakeHub, tmp_path: Path, blob: Path
) -> None:
    blob.write_bytes(_DATA)
    model = scan(hub, cache=tmp_path / "own")
    assert model.answers.official_bytes.status == "hub-consistent"
    assert _downloads(hub) == []
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize("content", [b"\x80\x04N.", _DATA[:-1] + b"!", None])
def test_what_lies_there_under_a_wrong_name_is_neither_used_nor_touched(
    hub: FakeHub, tmp_path: Path, blob: Path, content: bytes | None
) -> None:
    if content is None:
        (tmp_path / "elsewhere").write_bytes(_DATA)
        blob.symlink_to(tmp_path / "elsewhere")
    else:
        blob.write_bytes(content)
    model = scan(hub, cache=tmp_path / "own")
    assert model.files[0].digests["sha256"] == _SHA256
    assert len(_downloads(hub)) == 1
    assert blob.read_bytes() == (content or _DATA)
