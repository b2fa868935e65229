"""Values that are few bytes in a pickle and no end of them when loaded: counters, huge ranges.

`itertools.count()` is harmless as a value. Handed to anything that fills itself from it (a list, a
deque, a set), it fills memory until the process ends; so does the product of a few dozen pairs. A
length is the same thing said as a number: `bytearray(2**45)`. And a text of a dozen characters may
be a number of a billion digits, `1e999999999`, which a float or a `Decimal` keeps as it is written
and a fraction or an integer writes out.

Invariant: only what is *filled* counts. Keeping such an iterator, or handing it to another one that
is as lazy, is what real objects do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from modelscan.formats.pickle.memo import EscalateError
from modelscan.formats.pickle.state import State
from modelscan.formats.pickle.values import Call, Global, Value

_MOST: Final = 1 << 33
"""Values, or bytes, that nobody makes from one number: a list of so many takes 64 GiB."""
_FACTORS: Final = 8
"""What a product may have: of ten values each, these make a hundred million."""
_DECIMAL: Final = "decimal.Decimal"
_POWER: Final = re.compile(rb"[0-9._][eE]\+?[0-9_]{4,}")
"""`float` takes no more than 308, and no integer is written like that."""
_LAZY: Final = frozenset({
    "builtins.enumerate", "builtins.filter", "builtins.iter", "builtins.map", "builtins.reversed",
    "builtins.zip", "functools.partial", "itertools.chain", "itertools.cycle",
})  # fmt: skip
"""They take an iterator and do not run through it."""


def repeats(
    state: State, function: Global, arguments: Sequence[Value], opcode: str, at: int
) -> Value:
    """`itertools.count`, `cycle`, `product` and `repeat`, and `range`: what may never end.

    Raises:
        EscalateError: it does not, and the quicker ways would not see where it goes.
    """
    if not _endless(function, arguments):
        return None
    if state.lean:
        raise EscalateError
    state.ledger.state_call(function, function.disposition, arguments, opcode, at)
    state.ledger.endless = True
    made = Call(function)
    made.endless = True
    return made


def sized(
    state: State, _function: Global, arguments: Sequence[Value], _opcode: str, at: int
) -> Value:
    """`bytes` and `bytearray`: a number is how many zeros they are made of."""
    if len(arguments) == 1 and isinstance(arguments[0], int) and arguments[0] > _MOST:
        state.ledger.oddity("reference-bomb", f"{arguments[0]:,} bytes are made from a number", at)
    return None


def exact(
    state: State, function: Global, arguments: Sequence[Value], _opcode: str, at: int
) -> Value:
    """`int` and `Fraction`: the number that they are given has a power of ten in it.

    Picklers write integers in digits, and fractions as two integers.
    """
    for value in arguments:
        decimal = isinstance(value, Call) and getattr(value.function, "callable", "") == _DECIMAL
        if decimal or (isinstance(value, bytes) and _POWER.search(value)):
            detail = f"{function.callable} writes out every digit of a power of ten"
            state.ledger.oddity("reference-bomb", detail, at)
    return None


def matched(
    state: State, function: Global, _arguments: Sequence[Value], _opcode: str, at: int
) -> Value:
    """A regular expression is run on a text while the pickle is loaded."""
    function.called = True
    detail = f"{function.callable} is run on a text, which an expression may never get through"
    state.ledger.oddity("reference-bomb", detail, at)
    return Call(function, reported=True)


def passed_on(
    state: State, function: Global, arguments: Sequence[Value], made: Value, at: int
) -> None:
    """Follow an endless iterator into a call: it makes another one of it, or is filled by it."""
    if not any(isinstance(value, Call) and value.endless for value in arguments):
        return
    if function.callable in _LAZY and isinstance(made, Call):
        made.endless = True
    else:
        detail = f"{function.callable} is filled from something that never ends"
        state.ledger.oddity("reference-bomb", detail, at)


def _endless(function: Global, arguments: Sequence[Value]) -> bool:
    name = function.name
    if name == "product":
        return len(arguments) > _FACTORS or any(
            isinstance(value, int) and value > _FACTORS for value in arguments
        )
    if name == "repeat":
        return len(arguments) == 1 or _span(arguments[1:]) > _MOST
    return name in {"count", "cycle"} or _span(arguments) > _MOST


def _span(arguments: Sequence[Value]) -> int:
    """How many numbers a range of these arguments has."""
    numbers = [value for value in arguments if isinstance(value, int)]
    if len(numbers) != len(arguments) or not numbers:
        return 0
    start, stop, step = (0, numbers[0], 1) if len(numbers) == 1 else (*numbers, 1)[:3]
    return abs(stop - start) // max(abs(step), 1)
