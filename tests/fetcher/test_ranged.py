from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import BudgetError
from modelscan.fetcher.ranged import FIRST, RangedArtifact, RangedFile
from modelscan.fetcher.whole import WholeFile, wanted_whole


class _Parts:
    """Bytes, and a note of each request for them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: list[tuple[int, int]] = []
        self.changed = False

    def part(self, offset: int, length: int) -> bytes:
        assert length > 0
        self.asked.append((offset, length))
        return self.data[offset : offset + length]


_DATA = bytes(index * 7 % 251 for index in range(700_000))
_READS = st.lists(
    st.tuples(st.integers(-10, len(_DATA) + 10), st.integers(-5, 300_000)), max_size=12
)


@settings(max_examples=100, deadline=None)
@given(_READS)
def test_a_ranged_artifact_reads_like_bytes(reads: list[tuple[int, int]]) -> None:
    parts = _Parts(_DATA)
    artifact = RangedArtifact("a", len(_DATA), parts)
    for offset, length in reads:
        expected = _DATA[offset : offset + length] if offset >= 0 and length > 0 else b""
        assert artifact.read_at(offset, length) == expected
    assert artifact.fetched == sum(length for _, length in parts.asked)
    ends: list[tuple[int, int]] = sorted((start, start + length) for start, length in parts.asked)
    assert all(end <= start for (_, end), (start, _) in pairwise(ends))


def test_small_reads_share_a_request() -> None:
    parts = _Parts(_DATA)
    artifact = RangedArtifact("a", len(_DATA), parts)
    for offset in range(0, FIRST, 1000):
        artifact.read_at(offset, 1000)
    assert len(parts.asked) == 2  # the last of them reaches beyond the first request


def test_reading_forwards_asks_for_more_each_time() -> None:
    parts = _Parts(bytes(20 << 20))
    artifact = RangedArtifact("a", 20 << 20, parts)
    for offset in range(0, 20 << 20, 1 << 14):
        assert len(artifact.read_at(offset, 1 << 14)) == 1 << 14
    assert len(parts.asked) < 12


def test_the_end_of_a_file_comes_with_a_little_before_it() -> None:
    parts = _Parts(_DATA)
    artifact = RangedArtifact("a", len(_DATA), parts)
    artifact.read_at(0, 10)
    artifact.read_at(len(_DATA) - 65_557, 65_557)
    artifact.read_at(len(_DATA) - 72_000, 72_000)
    assert len(parts.asked) == 2


def test_memory_is_bounded() -> None:
    parts = _Parts(bytes(80 << 20))
    artifact = RangedArtifact("a", 80 << 20, parts)
    for offset in range(0, 80 << 20, 4 << 20):
        artifact.read_at(offset, 4 << 20)
    assert sum(map(len, artifact._held.values())) <= 32 << 20


def test_too_many_bytes_or_requests_are_a_gap() -> None:
    artifact = RangedArtifact("a", len(_DATA), _Parts(_DATA), most_bytes=FIRST + 10)
    artifact.read_at(0, 10)
    with pytest.raises(BudgetError, match="--full"):
        artifact.read_at(FIRST, 11)
    artifact = RangedArtifact("a", len(_DATA), _Parts(_DATA), most_requests=1)
    artifact.read_at(0, 10)
    with pytest.raises(BudgetError, match="--full"):
        artifact.read_at(500_000, 1)


def test_what_is_short_ends_the_read() -> None:
    parts = _Parts(b"abc")
    assert RangedArtifact("a", 10, parts).read_at(0, 10) == b"abc"


def test_a_file_is_opened_and_closed() -> None:
    parts = _Parts(_DATA)
    file = RangedFile("a", len(_DATA), parts)
    assert file.access == "ranges"
    with file.open() as artifact:
        assert artifact.read_at(5, 5) == _DATA[5:10]
        assert not artifact.changed()
        parts.changed = True
        assert artifact.changed()


def test_a_whole_file_is_fetched_once() -> None:
    parts = _Parts(b"abc")
    seen: list[int] = []
    with WholeFile("a", 3, parts, seen.append).open() as artifact:
        assert artifact.read_at(0, 3) == b"abc"
        assert artifact.read_at(1, 1) == b"b"
        assert not artifact.changed()
    assert parts.asked == [(0, 3)]
    assert seen == [3]


@pytest.mark.parametrize(
    ("name", "size", "whole"),
    [
        ("model.safetensors", 1 << 20, True),
        ("model.safetensors", (1 << 20) + 1, False),
        ("tokenizer.json", 40 << 20, True),
        ("TOKENIZER.MODEL", 4 << 20, True),
        ("data.json", 65 << 20, False),
        ("modeling.py", 2 << 20, True),
        ("weights.bin", 2 << 20, False),
    ],
)
def test_what_is_fetched_whole(name: str, size: int, *, whole: bool) -> None:
    assert wanted_whole(name, size) is whole
