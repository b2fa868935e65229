from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.formats import repeated
from modelscan.formats.repeated import every

BODIES = (r"ab?c", r".(?!D)", r'[^"\\]++|\\.', r"a[^b]*+b|c")


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("count", ["*", "+", "?", "{0,3}"])
@given(text=st.text(st.sampled_from('abcD"\\ \n'), max_size=12))
@settings(max_examples=40, deadline=None)
def test_an_atomic_group_takes_what_is_meant(body: str, count: str, text: str) -> None:
    taken = re.match(f"(?:{body}){count}", text)  # greedy: the first try takes the most
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeated, "sound", lambda: False)
        atomic = re.match(every(body, count), text)
    here = re.match(every(body, count), text)
    assert (taken and taken[0]) == (atomic and atomic[0]) == (here and here[0])


def test_nothing_is_given_back() -> None:
    assert re.match(every("a") + "a", "aaa") is None
    assert re.match(every(b"a|b", "+") + b"b", b"abab") is None
