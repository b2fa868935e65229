"""Python that a command of a script carries, in quotes or up to a mark, looked at as Python.

Invariant: what is not closed, too long or no Python says nothing here; the command itself is looked
at as a command all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError

_CARRIED: Final = re.compile(
    r"\bpython[\d.]*\s+(?:-[A-Zbdiqsuv]+\s+)*(?:-c\s+(?P<quote>[\"'])"
    r"|-?\s*<<-?\s*[\"']?(?P<mark>\w+)[\"']?[^\n]*\n)"
)
"""How a command begins that carries Python."""
_CODE: Final = 1 << 16
"""Characters of Python that one command may carry."""
_MOST: Final = 50
"""Commands of one script that are looked into."""


def attacks(text: str, wanted: frozenset[str], budget: Budget) -> Iterator[tuple[int, Any, str]]:
    """Lines with the attacks of the Python that they carry.

    Args:
        text: the script.
        wanted: the behaviours that are stated.
        budget: pays for it.

    Raises:
        BudgetError: it takes too long.
    """
    for count, start in enumerate(_CARRIED.finditer(text)):
        if count >= _MOST:
            return
        if start["mark"]:
            end = re.compile(rf"^\s*{re.escape(start['mark'])}\s*$", re.MULTILINE)
        else:
            end = re.compile(rf"(?<!\\){start['quote']}")
        closed = end.search(text, start.end(), start.end() + _CODE)
        code = text[start.end() : closed.start()] if closed else ""
        if "(" not in code:
            continue
        if start["quote"] == '"':
            code = code.replace('\\"', '"')
        from modelscan.formats.python_code.analysis import (
            Analysis,
        )  # lazy: scripts seldom carry any

        try:
            behaviours = Analysis(code.strip(), budget).run()
        except BudgetError:
            raise
        except ReadError:
            continue
        for one in behaviours:
            if one.judged.behaviour in wanted:
                line = text.count("\n", 0, start.start()) + 1
                yield line, one.judged.behaviour, f"{one.judged.call} {one.judged.argument}"
