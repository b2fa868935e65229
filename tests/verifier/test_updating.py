"""Sets of manifests over the network: what the client refuses, and what a stored set still says."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from modelscan.errors import SourceError, UsageError
from modelscan.verifier.fetched_set import FetchedSet, member, open_set, read_root, store_for
from modelscan.verifier.updating import update
from tests.forge import releases
from tests.forge.tuf_repository import Repository, new_key, served, tuf


def manifest(name: str = "acme/model@1") -> bytes:
    return json.dumps(releases.document({**releases.pinned(), "id": name})).encode()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.publish({"acme.json": manifest()})
    return made


def fetch(repository: Repository, store: Path) -> FetchedSet:
    """Over HTTP, as from a real server."""
    with served(repository.folder) as address:
        return update(address, repository.root, store)


def ids(found: FetchedSet) -> list[str]:
    return [release.id for each in found.manifests for release in each.releases]


def test_a_set_is_fetched_and_verified_again(repository: Repository, tmp_path: Path) -> None:
    found = fetch(repository, tmp_path / "store")
    assert (ids(found), found.version, found.age) == (["acme/model@1"], 1, 0)
    assert open_set(repository.root, tmp_path / "store") == found
    assert found.description == "the fetched set 1 of today"
    assert member(found, 1).void == ""


def test_a_newer_set_takes_its_place_and_what_is_gone_is_gone(
    repository: Repository, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    fetch(repository, store)
    repository.publish({"acme/new.json": manifest("acme/model@2"), "README.txt": b"x"})
    assert ids(fetch(repository, store)) == ["acme/model@2"]
    assert [path.name for path in (store / "targets").iterdir()] == ["acme%2Fnew.json"]


def test_an_offline_mirror_is_a_folder(repository: Repository, tmp_path: Path) -> None:
    found = update(str(repository.folder), repository.root, tmp_path / "store")
    assert ids(found) == ["acme/model@1"]


def test_keys_can_be_exchanged(repository: Repository, tmp_path: Path) -> None:
    store = tmp_path / "store"
    fetch(repository, store)
    repository.rotate()
    repository.publish({"acme.json": manifest("acme/model@2")})
    assert ids(fetch(repository, store)) == ["acme/model@2"]
    assert ids(open_set(repository.root, store)) == ["acme/model@2"]


def rollback(repository: Repository) -> None:
    old = tuf.Timestamp(version=1, expires=repository.now + timedelta(days=1))
    old.snapshot_meta.version = 1
    repository.write("timestamp", old)


def freeze(repository: Repository) -> None:
    repository.publish({"acme.json": manifest()}, days=-1)


def altered(repository: Repository) -> None:
    repository.publish({"acme.json": manifest("acme/model@3")})
    digest = hashlib.sha256(manifest("acme/model@3")).hexdigest()
    path = repository.folder / "targets" / f"{digest}.acme.json"
    path.write_bytes(path.read_bytes().replace(b"acme/model@3", b"acme/model@4"))


def wrong_key(repository: Repository) -> None:
    repository.keys["targets"] = new_key()
    repository.publish({"acme.json": manifest("acme/model@3")})


def mixed(repository: Repository) -> None:
    """The new snapshot names a list of targets that an attacker keeps at its old version."""
    repository.publish({"acme.json": manifest("acme/model@3")})
    folder = repository.folder / "metadata"
    (folder / "3.targets.json").write_bytes((folder / "2.targets.json").read_bytes())


def gone(repository: Repository) -> None:
    shutil.rmtree(repository.folder / "metadata")


def endless(repository: Repository) -> None:
    """Nothing of it is fetched: its length alone is too much."""
    repository.publish({"acme.json": manifest("acme/model@3")}, length=1 << 40)


def broken_manifest(repository: Repository) -> None:
    repository.publish({"acme.json": b"{}"})


@pytest.mark.parametrize(
    ("attack", "why"),
    [
        (rollback, "BadVersionNumberError"),
        (freeze, "ExpiredMetadataError"),
        (altered, "LengthOrHashMismatchError"),
        (wrong_key, "UnsignedMetadataError"),
        (mixed, "BadVersionNumberError"),
        (gone, "could not fetch"),
        (broken_manifest, "acme.json"),
        (endless, "too many for a manifest"),
    ],
)
def test_what_is_refused_and_the_old_set_stays(
    repository: Repository, tmp_path: Path, attack: Callable[[Repository], None], why: str
) -> None:
    store = tmp_path / "store"
    repository.publish({"acme.json": manifest("acme/model@2")})
    before = fetch(repository, store)
    attack(repository)
    with pytest.raises((SourceError, UsageError), match=why):
        fetch(repository, store)
    assert ids(open_set(repository.root, store)) == ids(before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["repository", "store"]


def test_another_root_is_another_store(repository: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    assert store_for(repository.root) != store_for(other.root)
    store = tmp_path / "store"
    fetch(repository, store)
    with pytest.raises(UsageError, match="does not verify"):
        open_set(other.root, store)


def drop_roles(store: Path) -> None:
    (store / "metadata" / "snapshot.json").unlink()


def change_manifest(store: Path) -> None:
    path = store / "targets" / "acme.json"
    path.write_bytes(path.read_bytes().replace(b"acme/model@1", b"acme/model@9"))


def change_list(store: Path) -> None:
    path = store / "metadata" / "targets.json"
    path.write_bytes(path.read_bytes().replace(b"acme.json", b"acmf.json"))


def change_note(store: Path) -> None:
    (store / "updated").write_text("yesterday")


def swell(store: Path) -> None:
    with (store / "targets" / "acme.json").open("ab") as file:
        file.truncate(65 << 20)


@pytest.mark.parametrize("change", [drop_roles, change_manifest, change_list, change_note, swell])
def test_a_store_that_somebody_changed_is_refused(
    repository: Repository, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    store = tmp_path / "store"
    fetch(repository, store)
    change(store)
    with pytest.raises(UsageError):
        open_set(repository.root, store)


def test_versions_that_do_not_belong_together(repository: Repository, tmp_path: Path) -> None:
    store = tmp_path / "store"
    fetch(repository, store)
    older = {
        name: (store / "metadata" / name).read_bytes() for name in ("snapshot.json", "targets.json")
    }
    repository.publish({"acme.json": manifest("acme/model@2")})
    fetch(repository, store)
    for name, data in older.items():
        kept = (store / "metadata" / name).read_bytes()
        (store / "metadata" / name).write_bytes(data)
        with pytest.raises(UsageError, match="mixes versions"):
            open_set(repository.root, store)
        (store / "metadata" / name).write_bytes(kept)


def test_an_old_set_still_speaks_and_says_its_age(repository: Repository, tmp_path: Path) -> None:
    store = tmp_path / "store"
    fetch(repository, store)
    then = repository.now - timedelta(days=40)
    (store / "updated").write_text(f"{then:%Y-%m-%dT%H:%M:%S%z}")
    found = open_set(repository.root, store)
    assert found.age == 40
    assert found.description == "the fetched set 1 of 40 days ago"
    assert member(found, None).void == ""
    assert "older than the 30 days" in member(found, 30).void


def test_what_cannot_be_asked(repository: Repository, tmp_path: Path) -> None:
    for address in ("http://manifests.example.org", str(tmp_path / "nowhere"), "ftp://x.org"):
        with pytest.raises(UsageError):
            update(address, repository.root, tmp_path / "store")
    with pytest.raises(UsageError, match="never fetched"):
        open_set(repository.root, tmp_path / "store")
    with pytest.raises(UsageError, match=r"o such file"):
        read_root(tmp_path / "root.json")
    (tmp_path / "root.json").write_bytes(b"{}")
    with pytest.raises(UsageError, match="no root metadata"):
        read_root(tmp_path / "root.json")
    (tmp_path / "root.json").write_bytes(repository.root)
    assert read_root(tmp_path / "root.json") == repository.root
