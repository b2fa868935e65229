from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from modelscan.vocabulary.artifact import (
    BytesArtifact,
    SliceArtifact,
    StreamArtifact,
    base_name,
    place,
    stream,
)

DATA = bytes(range(256)) * 40


def _streamed(data: bytes, piece: int) -> StreamArtifact:
    def open_stream() -> Iterator[bytes]:
        for start in range(0, len(data), piece):
            yield data[start : start + piece]

    return StreamArtifact(BytesArtifact("file", b""), "member", len(data), open_stream)


@given(
    piece=st.integers(1, 3000),
    reads=st.lists(st.tuples(st.integers(0, 12_000), st.integers(0, 12_000)), max_size=20),
)
def test_a_stream_reads_like_bytes_in_any_order(piece: int, reads: list[tuple[int, int]]) -> None:
    artifact = _streamed(DATA, piece)
    for offset, length in reads:
        assert artifact.read_at(offset, length) == DATA[offset : offset + length]


@given(start=st.integers(0, 11_000), size=st.integers(0, 11_000), offset=st.integers(0, 11_000))
def test_a_slice_never_reads_outside_itself(start: int, size: int, offset: int) -> None:
    window = SliceArtifact(BytesArtifact("file", DATA), start, size, "member")
    expected = DATA[start : start + size]
    assert window.size == len(expected)
    assert window.read_at(offset, 1 << 20) == expected[offset:]


def test_names_nest_with_an_exclamation_mark() -> None:
    outer = SliceArtifact(BytesArtifact("model.zip", DATA), 0, 100, "inner/data.zip")
    inner = SliceArtifact(outer, 0, 10, "a/data.pkl")
    assert str(place(inner, 7)) == "model.zip!inner/data.zip!a/data.pkl @7"
    assert base_name(inner) == "data.pkl"
    assert inner.depth == 2


def test_stream_yields_everything_once() -> None:
    assert b"".join(stream(BytesArtifact("file", DATA), chunk=1000)) == DATA
