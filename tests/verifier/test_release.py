from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelscan.errors import UsageError
from modelscan.verifier.release import parse_manifest, read_manifest
from tests.forge import releases

ROOT = Path(__file__).parents[2] / "manifests"


def parse(document: Any) -> None:
    parse_manifest(msgspec.json.encode(document), "test.json")


def test_a_good_document() -> None:
    parse(releases.document(releases.pinned()))


def test_every_shipped_manifest_is_valid_and_small() -> None:
    paths = sorted(ROOT.rglob("*.json"))
    assert len(paths) > 10
    for path in paths:
        assert path.stat().st_size < 1_000_000
        assert read_manifest(path).releases


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/etc/passwd", "plain relative"),
        ("../x", "plain relative"),
        ("a/../x", "plain relative"),
        ("a//x", "plain relative"),
        ("./x", "plain relative"),
        ("x/", "plain relative"),
        ("C:/x", "plain relative"),
        ("a\\x", "backslash"),
        ("a\0x", "control"),
        ("a\nx", "control"),
        ("*.bin", "pattern"),
    ],
)
def test_unsafe_paths_are_refused(path: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        parse(releases.document(releases.release("x", [releases.listed(path, b"1")])))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"schema": "modelassay-manifest/2"}, r"\$\.schema"),
        ({"surprise": 1}, "unknown field"),
        ({"assurance": "hearsay"}, r"\$\.assurance"),
        ({"evidence": []}, r"\$\.evidence"),
        ({"serial": 0}, r"\$\.serial"),
        ({"issued": "yesterday"}, r"\$\.issued"),
    ],
)
def test_broken_documents_name_the_place(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        parse({**releases.document(releases.pinned()), **change})
    assert caught.value.message.startswith("test.json: ")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"files": []}, r"\$\.releases\[0\]\.files"),
        ({"status": "denied"}, "needs a reason"),
        ({"status": "withdrawn"}, "needs a reason"),
        ({"revision": "main"}, "40 hexadecimal"),
        ({"surprise": 1}, "unknown field"),
        ({"files": [{"path": "x", "digests": {}}]}, "no digest"),
        ({"files": [{"path": "x", "digests": {"crc32": "00"}}]}, "crc32"),
        ({"files": [{"path": "x", "digests": {"sha256": "00"}}]}, "64 digits"),
        ({"files": [{"path": "x", "digests": {"sha256": "Z" * 64}}]}, "pattern|regex"),
        ({"files": [releases.listed("x", b"1", header_sha256="00")]}, "header_sha256"),
        ({"files": [releases.listed("x", b"1"), releases.listed("x", b"2")]}, "twice"),
    ],
)
def test_broken_releases_name_the_place(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        parse(releases.document({**releases.pinned(), **change}))


def test_a_missing_schema_is_refused() -> None:
    document = releases.document()
    del document["schema"]
    with pytest.raises(UsageError, match="schema"):
        parse(document)


def test_an_id_occurs_once() -> None:
    with pytest.raises(UsageError, match="occurs twice"):
        parse(releases.document(releases.pinned(), releases.pinned()))


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_document_is_an_error(data: bytes) -> None:
    with pytest.raises(UsageError, match=r"test\.json"):
        parse_manifest(data, "test.json")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.json"):
        read_manifest(tmp_path / "absent.json")
