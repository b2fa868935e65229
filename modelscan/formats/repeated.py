"""Repetitions in regular expressions that are never given back, on every release of Python.

Possessive repetitions (`(?:…)*+`) take hardly any memory, however long the run. Those of a group
go wrong in Python 3.11.0 to 3.11.4, which Debian 12 has: where the last round fails halfway, they
match beyond the end of the round before (CPython issues 100061 and 106052). An atomic group means
the same and is right there, at the cost of some time and memory.
"""

from __future__ import annotations

import re
from functools import cache
from typing import AnyStr


def every(body: AnyStr, count: str = "*") -> AnyStr:
    """As many rounds of an expression as there are, of which none is given back.

    Args:
        body: the expression, in which all groups are closed.
        count: how many rounds may be: `*`, `+`, `?` or `{0,9}`.
    """
    start, end = ("(?:", f"){count}+") if sound() else ("(?>(?:", f"){count})")
    if isinstance(body, bytes):
        return start.encode() + body + end.encode()
    return start + body + end


@cache
def sound() -> bool:
    """True when possessive repetitions of groups end where they should."""
    followed = re.match(b"(?:.(?!D))++", b"ABCDE")
    inside = re.match(b"(?:ab?c)++", b"aca")
    return all(found is not None and found.end() == 2 for found in (followed, inside))  # noqa: PLR2004  # two letters
