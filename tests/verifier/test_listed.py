from __future__ import annotations

import pytest

from modelscan.verifier.listed import ListedBytes
from modelscan.vocabulary.fact import SourceDigest
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import FileEntry


def _file(path: str, **digests: str) -> FileEntry:
    return FileEntry(path=path, size=1, digests=digests, format="text")


def _stated(path: str, expected: str, by: str = "listing") -> SourceDigest:
    return SourceDigest(
        location=Location(path),
        algorithm="sha256",
        expected=expected,
        stated_by=by,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("files", "stated", "status"),
    [
        ([_file("a", sha256="1")], [_stated("a", "1")], "hub-consistent"),
        ([_file("a", sha256="2")], [_stated("a", "1")], None),
        ([_file("a", sha256="1")], [], None),
        ([_file("a", sha256="1")], [_stated("a", "1", "blob-name")], None),
        ([_file("a", sha256="1"), _file("b", sha256="1")], [_stated("a", "1")], None),
        (
            [_file("a", sha256="1"), _file("b")],
            [_stated("a", "1"), _stated("b", "1")],
            "not-hashed",
        ),
        ([_file("a", md5="1")], [_stated("a", "1")], None),
        ([], [], None),
    ],
)
def test_what_agreement_with_a_listing_is_worth(
    files: list[FileEntry], stated: list[SourceDigest], status: str | None
) -> None:
    official = ListedBytes("https://hub.example.org", stated).run(files, (), "").official
    assert (official and official.status) == status
    if official:
        assert "hub.example.org" in official.reason
