from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import BudgetError
from modelscan.formats.pickle import indices
from modelscan.formats.pickle.indices import Indices

NUMBERS = st.sets(st.integers(0, 20_000) | st.integers(0, 1 << 40), max_size=60)


@settings(max_examples=200, deadline=None)
@given(NUMBERS, NUMBERS, st.integers(0, 21_000), st.integers(0, 9000))
def test_it_is_a_set_of_numbers(first: set[int], second: set[int], start: int, length: int) -> None:
    found = Indices(first)
    found.update(second)
    assert list(found) == sorted(first | second)
    within = range(start, start + length)
    assert list(found.within(within)) == sorted((first | second) & {*within})
    assert all(number in found for number in first | second)
    assert not any(number in found for number in range(100) if number not in first | second)


def test_what_lies_too_far_apart_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indices, "_PAGES", 3)
    found = Indices([0, 4096, 8192, 9000])
    with pytest.raises(BudgetError):
        found.update([1 << 30])
    assert list(found) == [0, 4096, 8192, 9000]
