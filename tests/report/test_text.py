from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.report.text import cells, clip, clip_middle, counted, encodable, inert, size, wrap
from tests.forge.reports import HOSTILE

ANY_TEXT = st.text(st.characters(), max_size=60) | st.sampled_from(HOSTILE)  # surrogates, too


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("model.safetensors", "model.safetensors"),
        ("模型.bin", "模型.bin"),
        ("é ü ß → ✗", "é ü ß → ✗"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b31m\x7f\x00", r"\x9b31m\x7f\x00"),
        ("a\u202eb\u2066c\u200ed\u061ce", r"a\u202eb\u2066c\u200ed\u061ce"),
        ("zero\u200bwidth\ufeff\u2060", r"zero\u200bwidth\ufeff\u2060"),
        ("two\nlines\r\n\u2028\u2029\x85", r"two\nlines\r\n\u2028\u2029\x85"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
        ("no-break\xa0space", r"no-break\xa0space"),
        ("soft\xadhyphen", r"soft\xadhyphen"),
        ("filler\u3164, selector\ufe0f", r"filler\u3164, selector\ufe0f"),
    ],
)
def test_everything_that_is_not_plainly_visible_is_escaped(text: str, shown: str) -> None:
    assert inert(text) == shown


@given(ANY_TEXT)
@settings(max_examples=200, deadline=None)
def test_inert_text_is_printable_and_stays_as_it_is(text: str) -> None:
    shown = inert(text)
    assert shown.isprintable()
    assert inert(shown) == shown


@given(ANY_TEXT, st.integers(4, 40))
@settings(max_examples=200, deadline=None)
def test_a_cut_text_fits_and_is_marked(text: str, limit: int) -> None:
    for cut in (clip, clip_middle):
        shown = cut(text, limit)
        assert cells(shown) <= limit
        assert len(shown) <= 6 * limit + 1
        assert shown == text or "…" in shown


@given(ANY_TEXT, st.integers(4, 40), st.integers(1, 5))
@settings(max_examples=200, deadline=None)
def test_wrapped_text_fits_and_loses_nothing_unmarked(text: str, width: int, lines: int) -> None:
    done = wrap(text, width, lines)
    assert 1 <= len(done) <= lines
    assert all(cells(line) <= width for line in done)
    if "…" not in "".join(done):
        assert "".join(done).replace(" ", "") == text.replace(" ", "")


def test_wrapping_breaks_at_spaces_and_long_words_at_the_edge() -> None:
    assert wrap("one two three", 7, 9) == ["one two", "three"]
    assert wrap("abcdefghij kl", 4, 9) == ["abcd", "efgh", "ij", "kl"]
    assert wrap("宽宽宽 a", 4, 9) == ["宽宽", "宽 a"]
    assert wrap("one two three four", 7, 2) == ["one two", "three…"]
    assert wrap("", 7, 2) == [""]


def test_both_ends_of_a_long_path_stay_visible() -> None:
    assert clip_middle("folder/aaaaaaaaaaaaaaaaaaaa.bin @12", 20) == "folder/aaa…a.bin @12"


def test_what_an_encoding_lacks_is_escaped() -> None:
    assert encodable("– é 模", "cp1252") == r"– é \u6a21"  # noqa: RUF001  # cp1252 has a dash
    assert encodable("é", "ascii") == r"\xe9"


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (91_800_000, "91.8 MB"),
        (999_700, "1 MB"),
        (16_060_522_240, "16.1 GB"),
        (1_500_000_000_000_000, "1,500 TB"),
    ],
)
def test_sizes(count: int, shown: str) -> None:
    assert size(count) == shown


def test_counts() -> None:
    assert [counted(1, "file"), counted(10_000, "file")] == ["1 file", "10,000 files"]
