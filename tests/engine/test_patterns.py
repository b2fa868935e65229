from __future__ import annotations

import pytest

from modelscan.engine.patterns import problem


@pytest.mark.parametrize(
    "pattern",
    [
        "abc",
        r"^[a-z]+\.(?:json|yaml)$",
        r"(?i)foo.*bar",
        r"[*+(]+",
        r"\(a+\)+",
        "(?:ab)+",
        "(ab){3}c?",
        "a|b|c",
        "[]a]+x",
    ],
)
def test_plain_patterns_are_fine(pattern: str) -> None:
    assert problem(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(a+)+", "repeated group"),
        ("(a*)*b", "repeated group"),
        ("(?:a|a)*b", "repeated group"),
        ("(a?){30}", "repeated group"),
        ("((?:x(a+))y)*", "repeated group"),
        ("(?P<n>a{1,9})+", "repeated group"),
        (r"(a)\1", "backreference"),
        ("(?P<n>a)(?P=n)", "backreference"),
        (".*a.*b.*c", "repetitions"),
        ("(", "unterminated"),
        ("a" * 500, "longer"),
    ],
)
def test_slow_and_broken_patterns_are_refused(pattern: str, says: str) -> None:
    assert says in problem(pattern)
