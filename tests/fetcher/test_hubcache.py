from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.errors import SourceError
from modelscan.fetcher.sources import take
from modelscan.vocabulary.fact import SpecialFile
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot

COMMIT = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"


def _cache(root: Path, *, main: str | None = COMMIT, commits: tuple[str, ...] = (COMMIT,)) -> Path:
    repository = root / "models--org--name"
    (repository / "blobs").mkdir(parents=True)
    (repository / "blobs" / "abc").write_text("x")
    (root / "outside").write_text("x")
    for commit in commits:
        snapshot = repository / "snapshots" / commit
        snapshot.mkdir(parents=True)
        (snapshot / "config.json").symlink_to("../../blobs/abc")
        (snapshot / "evil").symlink_to("../../../outside")
    if main is not None:
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(main)
    return repository


def _take(path: Path) -> Snapshot:
    return take(ModelRef.parse(str(path)))


def test_links_into_the_blobs_are_followed_and_no_others(tmp_path: Path) -> None:
    snapshot = _take(_cache(tmp_path) / "snapshots" / COMMIT)
    assert [file.name for file in snapshot.files] == ["config.json"]
    (fact,) = snapshot.facts
    assert isinstance(fact, SpecialFile)
    assert (fact.location.file, fact.kind) == ("evil", "link-outside")


def test_the_folder_names_are_a_claim(tmp_path: Path) -> None:
    snapshot = _take(_cache(tmp_path))
    assert snapshot.ref == f"hf:org/name@{COMMIT}"
    assert snapshot.claimed == snapshot.ref
    assert (snapshot.source.kind, snapshot.source.revision) == ("hub-cache", COMMIT)
    assert snapshot.source.asked_revision == "main"


def test_the_only_snapshot_needs_no_main(tmp_path: Path) -> None:
    assert _take(_cache(tmp_path, main=None)).source.revision == COMMIT


@pytest.mark.parametrize(
    ("main", "commits", "says"),
    [
        (None, (COMMIT, COMMIT[::-1]), "several snapshots"),
        ("../../outside", (COMMIT, COMMIT[::-1]), "several snapshots"),
        (None, (), "no snapshot"),
    ],
)
def test_what_cannot_be_told_is_asked_for(
    tmp_path: Path, main: str | None, commits: tuple[str, ...], says: str
) -> None:
    repository = _cache(tmp_path, main=main, commits=commits)
    (repository / "snapshots").mkdir(exist_ok=True)
    with pytest.raises(SourceError, match=says):
        _take(repository)
