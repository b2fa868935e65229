from __future__ import annotations

from collections.abc import Callable

import pytest

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError


@pytest.mark.parametrize(
    ("limits", "spend", "says"),
    [
        (Limits(members=2), lambda budget: budget.member(3), "more than 2 archive members"),
        (Limits(inflated_bytes=10), lambda budget: budget.inflate(11), "more than 10 bytes"),
        (
            Limits(ratio=10, ratio_floor=5),
            lambda budget: budget.inflate(1, total=60, compressed=5),
            "more than 10 times its size",
        ),
        (Limits(steps=5), lambda budget: budget.step(6), "more than 5 steps"),
        (Limits(header_bytes=5), lambda budget: budget.header(6), "a header of 6 bytes"),
        (Limits(depth=1), lambda budget: budget.depth(2), "nested more than 1 deep"),
    ],
)
def test_each_limit_says_what_it_was(
    limits: Limits, spend: Callable[[Budget], None], says: str
) -> None:
    with pytest.raises(BudgetError, match=says):
        spend(Budget(limits))


def test_facts_are_counted_one_by_one() -> None:
    budget = Budget(Limits(facts=2))
    budget.fact()
    budget.fact()
    with pytest.raises(BudgetError, match="more than 2 facts"):
        budget.fact()


def test_a_small_stream_may_have_any_ratio() -> None:
    Budget(Limits(ratio=10, ratio_floor=1000)).inflate(1, total=999, compressed=1)


def test_time_is_a_limit() -> None:
    now = 0.0
    budget = Budget(Limits(seconds=5), clock=lambda: now)
    budget.step()
    now = 6.0
    with pytest.raises(BudgetError, match="more than 5 seconds"):
        budget.step()


def test_what_is_inflated_goes_by_the_size_of_the_file() -> None:
    limits = Limits(ratio_total=10, total_floor=50, inflated_bytes=500)
    for size, most in ((1, 50), (20, 200), (1000, 500)):
        budget = Budget(limits)
        budget.of(size)
        budget.inflate(most)
        with pytest.raises(BudgetError, match=f"more than {most} bytes"):
            budget.inflate(1)
