"""Regular expressions that end soon.

Rules run over text that a hostile model chose. A backtracking engine can be made to take
exponential time where a repeated group holds a repetition or an alternative of its own, so such
patterns are refused when a rule is loaded, and the text is cut before it is searched.
"""

from __future__ import annotations

import re

TEXT = 512
"""Characters of a value that a regular expression sees: its first ones."""
_PATTERN = 400
_REPEATS = 2
"""Repetitions in one pattern: n of them can cost TEXT to the power of n + 1 steps."""

_PARTS = r"""
      \\(?P<back>[1-9])  | \(\?P=(?P<named>\w+)\)         # a backreference
    | \\.                | \[\^?\]?(?:\\.|[^\]\\])*\]     # an escape, a class
    | (?P<open>\((?:\?(?:P<\w+>|<?[=!]|[aiLmsux-]*:|[aiLmsux]+\)|>))?)
    | (?P<close>\))      | (?P<or>\|)
    | (?P<repeat>[*+] | \{\d*,\d*\} | \{\d+\}) [?+]?
    | (?P<maybe>\?) [?+]?
    | .
    """
"""Compiled when a rule is loaded from its text: shipped ones were checked before."""


def problem(pattern: str) -> str:
    """Why a pattern is refused; empty when it is fine."""
    if len(pattern) > _PATTERN:
        return f"longer than {_PATTERN} characters"
    try:
        re.compile(pattern)
    except re.error as error:
        return str(error)
    return _backtracking(pattern)


def _backtracking(pattern: str) -> str:
    """Why matching could take very long; empty when it cannot."""
    flexible = [False]  # for each open group: could its text be split in more than one way?
    closed = False  # the group that has just been closed was flexible
    repeats = 0
    for token in re.finditer(_PARTS, pattern, re.VERBOSE | re.DOTALL):
        group = token.lastgroup
        if group in ("back", "named"):
            return "a backreference"
        if group == "repeat":
            if closed:
                return "a repeated group that holds a repetition or an alternative"
            repeats += not re.fullmatch(r"\{\d+\}", token["repeat"])
        if group in ("repeat", "maybe", "or"):
            flexible[-1] = True
        if group == "open" and not token["open"].endswith(")"):
            flexible.append(False)
        closed = group == "close" and flexible.pop()
        if closed:
            flexible[-1] = True
    return f"more than {_REPEATS} repetitions" if repeats > _REPEATS else ""
