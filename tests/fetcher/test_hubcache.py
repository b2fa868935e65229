from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.errors import SourceError
from modelscan.fetcher.sources import take
from modelscan.vocabulary.fact import SourceDigest, SpecialFile
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


OTHER = "1110a24" + "0" * 33
THIRD = "f" * 40


@pytest.mark.parametrize(
    ("revision", "commit"),
    [
        ("main", COMMIT),
        ("refs/pr/1", THIRD),
        (COMMIT, COMMIT),
        (COMMIT[:8], COMMIT),
        (THIRD[:7], THIRD),
    ],
)
def test_a_revision_can_be_chosen(tmp_path: Path, revision: str, commit: str) -> None:
    repository = _cache(tmp_path, commits=(COMMIT, OTHER, THIRD))
    (repository / "refs" / "refs" / "pr").mkdir(parents=True)
    (repository / "refs" / "refs" / "pr" / "1").write_text(THIRD)
    snapshot = _take(Path(f"{repository}@{revision}"))
    assert snapshot.ref == f"hf:org/name@{commit}"
    assert snapshot.source.asked_revision == revision


@pytest.mark.parametrize("revision", ["1110a24", "111", "dev", "../../outside", "..", "a b"])
def test_a_revision_that_is_not_there_or_not_one_alone(tmp_path: Path, revision: str) -> None:
    repository = _cache(tmp_path, commits=(COMMIT, OTHER))
    with pytest.raises(SourceError, match="revision not found") as error:
        _take(Path(f"{repository}@{revision}"))
    assert COMMIT in error.value.hint


def test_a_folder_with_an_at_in_its_name_is_that_folder(tmp_path: Path) -> None:
    repository = _cache(tmp_path)
    (tmp_path / "models--org--name@main").mkdir()
    assert _take(Path(f"{repository}@main")).source.kind == "directory"


def test_blobs_are_held_against_their_names(tmp_path: Path) -> None:
    repository = _cache(tmp_path)
    snapshot = repository / "snapshots" / COMMIT
    for name in ("a" * 64, "b" * 40, "c" * 50):
        (repository / "blobs" / name).write_text("x")
        (snapshot / name[:1]).symlink_to(f"../../blobs/{name}")
    (snapshot / "plain").write_text("x")
    stated = [fact for fact in _take(snapshot).facts if isinstance(fact, SourceDigest)]
    assert [(fact.location.file, fact.algorithm) for fact in stated] == [
        ("a", "sha256"), ("b", "git-blob"),
    ]  # fmt: skip


def test_files_beside_the_folders_of_a_cache_are_needed_gaps(tmp_path: Path) -> None:
    repository = _cache(tmp_path)
    assert not [gap for gap in _take(repository).coverage if gap.file == "pytorch_model.bin"]
    (repository / "pytorch_model.bin").write_bytes(b"x")
    (gap,) = (gap for gap in _take(repository).coverage if gap.file == "pytorch_model.bin")
    assert gap.needed
    snapshot = repository / "snapshots" / COMMIT
    assert not [gap for gap in _take(snapshot).coverage if gap.file == "pytorch_model.bin"]
