from __future__ import annotations

import re

import pytest

from modelscan.formats.archive import Window, after_zeros, find, hidden
from modelscan.formats.archive_names import Links, link_escapes, name_problem
from modelscan.vocabulary.artifact import CHUNK, BytesArtifact


class Counting(BytesArtifact):
    """Counts the reads."""

    reads = 0

    def read_at(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return super().read_at(offset, length)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("archive/data.pkl", None),
        ("a b/ü…/x", None),
        ("..a/b..", "reserved-name"),
        ("aux.npy/../x", "traversal"),
        ("a/NUL.txt", "reserved-name"),
        ("a /b", "reserved-name"),
        ("./a/./b", None),
        ("console/auxiliary.nul", None),
        ("com10/aux_loss", None),
        ("a\0b", "name-mismatch"),
        ("w:0", None),
        ("dir\\file", None),
        ("", None),
        ("..", "traversal"),
        ("a/..", "traversal"),
        ("a\\..\\b", "traversal"),
        ("/", "traversal"),
        ("\\\\server\\share", "traversal"),
        ("Z:/x", "traversal"),
        ("a\nb", "deceptive-name"),
        ("a\x9bb", "deceptive-name"),
        ("a\u2067b", "deceptive-name"),
    ],
)
def test_names(name: str, problem: str | None) -> None:
    assert name_problem(name) == problem


@pytest.mark.parametrize(
    ("member", "target", "from_root", "escapes"),
    [
        ("a/b/link", "../c", False, False),
        ("a/link", "../..", False, True),
        ("link", "..", False, True),
        ("link", "/etc", False, True),
        ("link", "C:\\x", False, True),
        ("link", "..\\x", False, True),
        ("a/link", "b/c", True, False),
        ("a/link", "../c", True, True),
        ("a/link", "..c", False, False),
    ],
)
def test_links(member: str, target: str, *, from_root: bool, escapes: bool) -> None:
    assert link_escapes(member, target, from_root=from_root) is escapes


def test_window_reads_neighbours_once() -> None:
    artifact = Counting("f", bytes(range(256)) * 400)
    window = Window(artifact)
    pieces = [window.at(offset, 30) for offset in range(0, 60_000, 100)]
    assert pieces[7] == (bytes(range(256)) * 4)[700:730]
    assert artifact.reads < 5


def test_window_at_the_end() -> None:
    window = Window(BytesArtifact("f", b"abc"))
    assert window.at(1, 10) == b"bc"
    assert window.at(1 << 70, 10) == b""


def test_find_across_pieces() -> None:
    data = b"\0" * (CHUNK - 2) + b"mark" + b"\0" * 10
    artifact = BytesArtifact("f", data)
    window = Window(artifact)
    assert find(artifact, window, b"mark", 0, len(data)) == CHUNK - 2
    assert find(artifact, window, b"mark", CHUNK, len(data)) == len(data)
    assert find(artifact, window, re.compile(b"m[a-z]rk"), 0, CHUNK) == CHUNK - 2
    assert find(artifact, window, b"mark", 0, CHUNK - 2) == CHUNK - 2
    assert find(artifact, window, b"mark", 9, 9) == 9


def test_after_zeros() -> None:
    artifact = BytesArtifact("f", b"\0" * (CHUNK + 9) + b"x\0")
    assert after_zeros(artifact, 0, CHUNK + 11) == CHUNK + 9
    assert after_zeros(artifact, 0, CHUNK) >= CHUNK
    assert after_zeros(artifact, CHUNK + 10, CHUNK + 11) == CHUNK + 11
    assert after_zeros(artifact, 0, 3 * CHUNK) == CHUNK + 9


def test_links_behind_links() -> None:
    links = Links()
    assert not links.passes("a/b")
    assert not links.add("a/b/l", "../..")
    assert links.passes("a/b/l/x")
    assert not links.passes("a/b/lx")
    assert links.add("m", "a/b/l/..")
    assert not links.add("n", "a/b/../c")


def test_hidden_bytes_are_a_member() -> None:
    found = hidden(BytesArtifact("f", b"0123456789"), 2, 5)
    assert (found.member, found.depth, found.read_at(0, 99)) == ("@2", 1, b"234")
