"""Words that are looked for in every file."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.formats.words import Words

WORDS = (b"curl ", b"AKIA", b"e", b"\xff\0", b"--", b"ee")
SOME = st.lists(
    st.sampled_from(WORDS) | st.binary(max_size=4), max_size=8
).map(b"".join)  # fmt: skip


NAMES = (b'"a"', b'"ab"', b'"b"', b'"_"')
QUOTED = st.lists(
    st.sampled_from(NAMES) | st.sampled_from([b'"', b"a", b"b"]), max_size=8
).map(b"".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(QUOTED, st.sets(st.sampled_from(NAMES)))
def test_names_are_found_between_marks(text: bytes, names: set[bytes]) -> None:
    assert set(Words(names).found(text)) == {name for name in names if name in text}


@settings(max_examples=200, deadline=None)
@given(SOME, st.sets(st.sampled_from(WORDS)))
def test_what_is_found_is_what_is_there(text: bytes, words: set[bytes]) -> None:
    assert set(Words(words).found(text)) == {word for word in words if word in text}
