from __future__ import annotations

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.verifier.oms.shards import ShardDigests


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=30)), st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_the_ranges_are_hashed_however_the_bytes_arrive(
    pieces: list[bytes], lengths: list[int]
) -> None:
    data = b"".join(pieces)
    ends = [sum(lengths[: count + 1]) for count in range(len(lengths))]
    watcher = ShardDigests("blake2b", ends)
    for piece in pieces:
        watcher.update(piece)
    if len(data) == ends[-1]:
        starts = [0, *ends[:-1]]
        expected = [data[start:end] for start, end in zip(starts, ends, strict=True)]
        assert watcher.result() == tuple(hashlib.blake2b(part).hexdigest() for part in expected)
    else:
        assert watcher.result() is None


def test_what_comes_after_the_last_range_is_counted() -> None:
    watcher = ShardDigests("sha256", [2])
    watcher.update(b"abc")
    watcher.update(b"d")
    assert watcher.result() is None
