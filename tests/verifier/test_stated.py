from __future__ import annotations

import hashlib
from pathlib import Path

from modelscan import api
from modelscan.verifier.stated import StatedDigests
from modelscan.vocabulary.fact import SourceCheck, SourceDigest
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import FileEntry

COMMIT = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"


def _stated(file: str, expected: str, algorithm: str = "sha256") -> SourceDigest:
    return SourceDigest(
        location=Location(file),
        status="declared",
        algorithm="sha512" if algorithm == "sha512" else "sha256",
        expected=expected,
        stated_by="manifest",
    )


def _entry(path: str, **digests: str) -> FileEntry:
    return FileEntry(path=path, size=1, digests=digests, format="unknown")


def test_bytes_are_held_against_what_is_stated() -> None:
    check = StatedDigests([_stated("a", "11"), _stated("b", "11"), _stated("unread", "11")])
    files = [_entry("a", sha256="11"), _entry("b", sha256="22"), _entry("unread"), _entry("other")]
    evidence = check.run(files, (), "")
    found = {fact.location.file: fact for fact in evidence.facts if isinstance(fact, SourceCheck)}
    assert {file: fact.outcome for file, fact in found.items()} == {"a": "matches", "b": "differs"}
    assert (found["b"].expected, found["b"].found) == ("11", "22")
    assert evidence.official is None
    assert evidence.signed is None


def test_a_model_that_is_all_that_its_registry_states() -> None:
    check = StatedDigests([_stated("a", "11"), _stated("b", "22")])
    manifest = _entry("package.manifest.json", sha256="00")
    good = [_entry("a", sha256="11"), _entry("b", sha256="22"), manifest]
    official = check.run(good, (), "oci:h/m@sha256:00").official
    assert official is not None
    assert (official.status, "manifest" in official.reason) == ("hub-consistent", True)
    for files, claimed in (
        (good, "ollama:m"),
        ([*good, _entry("c", sha256="33")], "oci:h/m"),
        ([_entry("a", sha256="11"), _entry("b"), manifest], "oci:h/m"),
        ([_entry("a", sha256="11"), _entry("b", sha256="21"), manifest], "oci:h/m"),
        ([manifest], "oci:h/m"),
    ):
        assert check.run(files, (), claimed).official is None


def test_only_what_is_stated_is_computed() -> None:
    check = StatedDigests([_stated("a", "11", "sha512"), _stated("b", "11")])
    assert check.algorithms_for("a") == ("sha512",)
    assert check.algorithms_for("b") == check.algorithms_for("c") == ()
    found = check.run([_entry("a", sha256="x", sha512="11")], (), "").facts
    assert [fact.outcome for fact in found if isinstance(fact, SourceCheck)] == ["matches"]


def test_a_hub_cache_whose_blob_is_not_what_it_is_named_after(tmp_path: Path) -> None:
    repository = tmp_path / "models--org--name"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    small = b'{"model_type": "bert"}'
    blob = hashlib.sha1(b"blob %d\0" % len(small) + small, usedforsecurity=False).hexdigest()
    for name, data, named in (
        ("config.json", small, blob),
        ("good.txt", b"x", hashlib.sha256(b"x").hexdigest()),
        ("swapped.txt", b"y", hashlib.sha256(b"x").hexdigest()[::-1]),
        ("edited.json", b"{}", blob[::-1]),
    ):
        (repository / "blobs" / named).write_bytes(data)
        (snapshot / name).symlink_to(f"../../blobs/{named}")
    (snapshot / "copied.txt").write_bytes(b"no link")
    report = api.scan(snapshot).models[0]
    found = [f.location.file for f in report.findings if f.rule == "source-digest-differs"]
    assert sorted(found) == ["edited.json", "swapped.txt"]
