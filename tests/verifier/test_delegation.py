"""Publishers who sign their own lists in a repository of many: who is believed for which name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from modelscan.errors import SourceError, UsageError
from modelscan.verifier import delegation
from modelscan.verifier.fetched_set import FetchedSet, open_set
from modelscan.verifier.updating import update
from tests.forge import releases
from tests.forge.tuf_repository import Delegated, Repository, new_key, served, tuf

ACME, OTHER = new_key(), new_key()


def manifest(name: str) -> bytes:
    return json.dumps(releases.document({**releases.pinned(), "id": name})).encode()


def acme(**changes: Any) -> Delegated:
    made = Delegated("acme", {"acme/a.json": manifest("acme/a")}, ACME, ("acme/*.json",))
    return made._replace(**changes)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def fetch(repository: Repository, tmp_path: Path) -> FetchedSet:
    with served(repository.folder) as address:
        return update(address, repository.root, tmp_path / "store")


def ids(found: FetchedSet) -> set[str]:
    return {release.id for each in found.manifests for release in each.releases}


def test_a_publisher_signs_their_own(repository: Repository, tmp_path: Path) -> None:
    deeper = Delegated("team", {"acme/t.json": manifest("team/t")}, OTHER, ("acme/t*",), "acme")
    repository.publish({"all.json": manifest("all")}, delegated=[acme(), deeper])
    found = fetch(repository, tmp_path)
    assert ids(found) == {"all", "acme/a", "team/t"}
    assert open_set(repository.root, tmp_path / "store") == found
    # Who is delegated to no more says nothing any more.
    repository.publish({"all.json": manifest("all")}, delegated=[acme()])
    assert ids(fetch(repository, tmp_path)) == {"all", "acme/a"}


def test_a_role_is_believed_for_its_names_alone(repository: Repository, tmp_path: Path) -> None:
    files = {"acme/a.json": manifest("acme/a"), "other/o.json": manifest("taken")}
    repository.publish({}, delegated=[acme(files=files)])
    assert ids(fetch(repository, tmp_path)) == {"acme/a"}


@pytest.mark.parametrize(("terminating", "found"), [(False, {"a", "b"}), (True, {"a"})])
def test_the_first_role_is_believed(
    repository: Repository, tmp_path: Path, terminating: bool, found: set[str]
) -> None:
    first = Delegated(
        "first", {"x/1.json": manifest("a")}, ACME, ("x/[!m]*.json", "x/m.json"),
        terminating=terminating,
    )  # fmt: skip
    second = Delegated(
        "second", {"x/1.json": manifest("hidden"), "x/2.json": manifest("b")}, OTHER,
        ("x/*.json",),
    )  # fmt: skip
    repository.publish({}, delegated=[first, second])
    assert ids(fetch(repository, tmp_path)) == found


def test_two_roles_that_delegate_to_each_other_end(repository: Repository, tmp_path: Path) -> None:
    there = Delegated("back", {"acme/b.json": manifest("b")}, OTHER, ("acme/*.json",), "acme")
    back = acme(parent="back")
    repository.publish({}, delegated=[acme(), there, back])
    assert ids(fetch(repository, tmp_path)) == {"acme/a", "b"}


@pytest.mark.parametrize("prefixes", [("0", "1", "2", "3", "4", "5", "6", "7"), "89abcdef"])
def test_names_may_be_delegated_by_their_digests(
    repository: Repository, tmp_path: Path, prefixes: tuple[str, ...]
) -> None:
    names = [f"acme/{number}.json" for number in range(8)]
    files = {name: manifest(name) for name in names}
    repository.publish({}, delegated=[acme(files=files, prefixes=tuple(prefixes))])
    believed = {n for n in names if hashlib.sha256(n.encode()).hexdigest()[0] in prefixes}
    assert ids(fetch(repository, tmp_path)) == believed
    assert 0 < len(believed) < len(names)


def test_bins_of_names_without_a_list_of_them(repository: Repository, tmp_path: Path) -> None:
    name = "acme/a.json"
    number = int(hashlib.sha256(name.encode()).hexdigest()[0], 16) >> 3  # of two bins
    bins = [
        Delegated(f"bin-{each}", {name: manifest("acme/a")} if each == number else {}, ACME)
        for each in range(2)
    ]
    repository.publish({}, delegated=bins, succinct=True)
    assert ids(fetch(repository, tmp_path)) == {"acme/a"}


def missing(repository: Repository) -> None:
    (repository.folder / "metadata" / "1.acme.json").unlink()


def unsnapped(repository: Repository) -> None:
    repository.publish({}, delegated=[acme()], version=1, forget=("acme",))


def altered(repository: Repository) -> None:
    path = repository.folder / "metadata" / "1.acme.json"
    path.write_bytes(path.read_bytes().replace(b"acme/a.json", b"acme/b.json"))


def stranger(repository: Repository) -> None:
    repository.publish({}, delegated=[acme(signed_with=OTHER)], version=1)


def expired(repository: Repository) -> None:
    repository.publish({}, delegated=[acme(days=-1)], version=1)


def other_kind(repository: Repository) -> None:
    repository.keys["snapshot"] = ACME  # signs as the delegated role would
    folder = repository.folder / "metadata"
    stated: Any = tuf.Snapshot(version=1, expires=repository.now + timedelta(days=1))
    repository.write("acme", stated)
    assert (folder / "1.acme.json").is_file()


@pytest.mark.parametrize(
    ("attack", "why"),
    [
        (missing, "could not fetch"),
        (unsnapped, "snapshot does not have the delegated list 'acme'"),
        (altered, "UnsignedMetadataError"),
        (stranger, "UnsignedMetadataError"),
        (expired, "ExpiredMetadataError"),
        (other_kind, "no list, although it was delegated to"),
    ],
)
def test_a_delegated_list_that_is_refused(
    repository: Repository, tmp_path: Path, attack: Callable[[Repository], None], why: str
) -> None:
    repository.publish({}, delegated=[acme()])
    attack(repository)
    with pytest.raises(SourceError, match=why):
        fetch(repository, tmp_path)
    assert not (tmp_path / "store").exists()


def test_too_many_roles(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = [
        Delegated(f"r{number}", {}, ACME, (f"{number}/*",), parent)
        for number, parent in enumerate(["targets"] * 5)
    ]
    repository.publish({}, delegated=roles)
    fetch(repository, tmp_path)
    monkeypatch.setattr(delegation, "MOST_ROLES", 3)
    with pytest.raises(UsageError, match="more than 3 lists"):
        open_set(repository.root, tmp_path / "store")
    with pytest.raises(SourceError, match="more than 3 lists"):
        fetch(repository, tmp_path)


def test_a_stored_list_that_somebody_changed(repository: Repository, tmp_path: Path) -> None:
    repository.publish({}, delegated=[acme()])
    fetch(repository, tmp_path)
    metadata = tmp_path / "store" / "metadata"
    old = (metadata / "acme.json").read_bytes()
    (metadata / "acme.json").write_bytes(old.replace(b"acme/a.json", b"acme/b.json"))
    with pytest.raises(UsageError, match="does not verify"):
        open_set(repository.root, tmp_path / "store")
    # One of another version, signed all the same, is not the snapshot's.
    repository.publish({}, delegated=[acme(files={"acme/n.json": manifest("n")})])
    (metadata / "acme.json").write_bytes(old)
    assert ids(fetch(repository, tmp_path)) == {"n"}
    (metadata / "acme.json").write_bytes(old)
    with pytest.raises(UsageError, match="not the snapshot's version"):
        open_set(repository.root, tmp_path / "store")
    # And one of another kind is no list at all.
    (metadata / "acme.json").write_bytes((metadata / "snapshot.json").read_bytes())
    with pytest.raises(UsageError):
        open_set(repository.root, tmp_path / "store")
