from __future__ import annotations

import pytest

from modelscan.errors import BudgetError
from modelscan.formats.pickle import memo as module
from modelscan.formats.pickle.indices import Indices
from modelscan.formats.pickle.literals import BrokenError
from modelscan.formats.pickle.memo import EscalateError, Memo
from modelscan.formats.pickle.values import SKIPPED, DictValue


def filled(*values: bytes) -> Memo:
    memo = Memo()
    memo.recent.extend(values)
    return memo


def test_entries_are_fetched_by_their_index() -> None:
    memo = filled(b"a", b"b")
    memo.put(2, b"c")
    memo.put(0, b"x")
    assert [memo.get(n, 0) for n in range(3)] == [b"x", b"b", b"c"]
    assert memo.alive == 3


@pytest.mark.parametrize("index", [3, -1, 1 << 70])
def test_an_entry_that_was_never_set_breaks_the_pickle(index: int) -> None:
    with pytest.raises(BrokenError):
        filled(b"a").get(index, 0)


def test_python_2_counts_from_one() -> None:
    memo = Memo()
    memo.put(1, b"a")
    memo.put(2, b"b")
    assert (memo.get(1, 0), memo.get(2, 0), memo.ordered) == (b"a", b"b", True)
    memo.memoize(b"c")
    assert memo.get(2, 0) == b"c"


def test_memoize_counts_entries() -> None:
    memo = filled(b"a")
    memo.put(7, b"b")
    memo.memoize(b"c")
    assert (memo.get(2, 0), memo.get(7, 0), memo.get(0, 0)) == (b"c", b"b", b"a")
    assert not memo.ordered


def test_what_is_not_wanted_is_let_go_and_never_guessed() -> None:
    memo = filled(b"a", b"b")
    memo.wanted = Indices({1, 2})
    memo.retire()
    memo.put(2, b"c")
    assert (memo.get(1, 0), memo.get(2, 0), memo.alive) == (b"b", b"c", 2)
    with pytest.raises(BudgetError):
        memo.get(0, 0)
    memo.put(9, b"x")
    memo.memoize(b"y")  # the fifth entry, after 0, 1, 2 and 9
    assert [memo.get(index, 0) for index in (1, 2, 9, 4)] == [b"b", b"c", b"x", b"y"]
    with pytest.raises(BudgetError):
        memo.get(0, 0)
    with pytest.raises(BrokenError):
        memo.get(3, 0)


def test_what_a_stretch_sets_is_anything() -> None:
    memo = filled(b"a")
    memo.recent.append(DictValue())
    memo.skip(range(2, 5))
    assert (memo.get(0, 0), memo.get(1, 0), memo.get(4, 0)) == (b"a", SKIPPED, SKIPPED)
    assert memo.next == 5
    with pytest.raises(EscalateError):
        memo.put(3, b"x")


def test_a_blind_memo_knows_nothing() -> None:
    memo = filled(b"a")
    memo.forget()
    memo.put(0, b"x")
    memo.memoize(b"y")
    assert (memo.get(0, 0), memo.get(99, 0), memo.alive) == (SKIPPED, SKIPPED, 0)


def test_texts_that_are_wanted_are_kept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FEW", 1)
    texts = [b"%d" % number * (number % 5) for number in range(300)]
    memo = filled(*texts[:100])
    memo.wanted = Indices(range(0, 300, 3))
    memo.retire()
    memo.recent.extend([*texts[100:200], DictValue()])
    memo.retire()
    assert [memo.get(index, 0) for index in range(0, 200, 3)] == texts[:200:3]
    assert [memo.peek(index) for index in range(0, 200, 3)] == texts[:200:3]
    assert memo.alive < 20
    assert all(memo.peek(index) is None for index in (1, 2, 199, 201, 999))
    with pytest.raises(BudgetError):
        memo.get(1, 0)
    with pytest.raises(BrokenError):
        memo.get(999, 0)


def test_texts_are_counted_by_the_room_that_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FEW", -1)
    memo = filled(*[b"x" * 240] * 1000)
    memo.wanted = Indices(range(1000))
    memo.retire()
    assert memo.alive == 2000


def test_a_copy_goes_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FEW", -1)
    memo = filled(b"a", b"b")
    memo.wanted = Indices(range(9))
    memo.retire()
    memo.recent.append(b"c")
    other = memo.copy()
    memo.forget()
    other.recent.append(b"d")
    other.retire()
    assert [other.get(index, 0) for index in range(4)] == [b"a", b"b", b"c", b"d"]
    assert memo.get(0, 0) is SKIPPED
