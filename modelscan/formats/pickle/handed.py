"""What a call is handed that makes it do more than its name says.

* Built-in functions run methods of their arguments: `list(x)` runs `x.__iter__`, `str(x)` runs
  `x.__str__`. A class on the list was read for what runs when an instance is made and filled. Its
  other methods were not, and with a state that the file chooses they may open what it names: a
  corpus of gensim that is iterated over reads from any address. So does the `__setstate__` of a
  class that takes its state apart, when the state is no container but an instance.
* The `__new__` of a class runs on what it is handed. That of a class that nobody has read may take
  a text for an expression and evaluate it, as those of SymPy do.

Invariant: only instances and texts count. Containers, numbers, and what built-in functions return
have no methods but Python's own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from modelscan.formats.pickle.memo import EscalateError
from modelscan.formats.pickle.special import ARRAYS, HOLLOW, OUTPUTS
from modelscan.formats.pickle.state import State
from modelscan.formats.pickle.values import (
    Call,
    Container,
    Global,
    Literal,
    Skipped,
    Storage,
    Unknown,
    Value,
)
from modelscan.vocabulary.fact import Disposition

_TEXTS: Final = frozenset({
    "builtins.str", "collections.UserString", "numpy.str_", "numpy._core.multiarray.scalar",
    "numpy.core.multiarray.scalar",
})  # fmt: skip
"""What returns a text, or may do so."""
_MADE: Final = 3
"""`Global.stated` of an unknown class of which instances were made, and that nobody called."""
_WORD: Final = re.compile(rb"[\w+-]{0,64}")
"""Text that evaluates to nothing but what has that name: a level, a kind, a unit."""
_MOST: Final = 4096
"""Values that are looked at."""


def consumed(state: State, runner: str, arguments: Sequence[Value], at: int) -> None:
    """State that a built-in function, or a `__setstate__`, runs methods of an instance.

    Args:
        state: where the machine is.
        runner: what runs them.
        arguments: what it is handed.
        at: where.

    Raises:
        EscalateError: the quicker ways cannot tell what it is given.
    """
    for value in arguments:
        if isinstance(value, Skipped):
            if state.hides_special:
                raise EscalateError
        elif isinstance(value, Call) and _has_methods(value) and not _belongs(value, runner):
            name = getattr(value.function, "callable", "something computed")
            state.ledger.oddity("method-run", f"{runner} on an instance of {name}", at)


def handed_over(state: State, function: Global, arguments: Sequence[Value], at: int) -> None:
    """State that a call of a function which runs methods is handed an instance.

    Raises:
        EscalateError: as for `consumed`.
    """
    if function.module in OUTPUTS:
        arguments = arguments[:1]
    consumed(state, function.callable, arguments, at)


def indexed(state: State, function: Global, arguments: Sequence[Value], at: int) -> None:
    """State that an index of pandas is made of an instance: its keywords are in a dictionary."""
    for given in arguments[1:2]:
        if isinstance(given, Container) and given.kind == "dict":
            consumed(state, function.callable, list(given.mapping().values()), at)


def filled_from(state: State, target: Call, given: Value, at: int) -> None:
    """State that a state is an instance, which the `__setstate__` that takes it apart runs.

    A dictionary may be its own state: that is how a class lets its keys be read as attributes.

    Raises:
        EscalateError: the quicker ways cannot tell what it is; all instances of a class are one
            value there.
    """
    if given is target:
        if state.lean:
            raise EscalateError
        return
    name = getattr(target.function, "callable", "something computed")
    consumed(state, f"{name}.__setstate__", [given], at)


def evaluates(function: Global, disposition: Disposition, arguments: Sequence[Value]) -> bool:
    """True for a text to a library's class that nobody has read: its `__new__` may evaluate it."""
    return disposition == "unknown" and not function.own and _has_text(arguments)


def _has_text(arguments: Sequence[Value]) -> bool:
    """True when there is more than a word among these values, or what may turn out to be more."""
    waiting: list[Value] = [arguments] if isinstance(arguments, Container) else [*arguments]
    seen = set[int]()
    while waiting and len(seen) < _MOST:
        value = waiting.pop()
        if isinstance(value, bytes) and not _WORD.fullmatch(value):
            return True
        if isinstance(value, Literal) and value.text:
            return True
        if isinstance(value, Unknown) and not isinstance(value, Storage):
            return True
        if isinstance(value, Call):
            if getattr(value.function, "callable", "") in _TEXTS:
                return True
        elif isinstance(value, Container) and value.worded:
            return True
        elif isinstance(value, tuple | Container) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(value)
    return bool(waiting)


def _belongs(value: Call, runner: str) -> bool:
    """True for an instance of pandas' own, which its indexes are made of."""
    of = "pandas."
    return runner.startswith(of) and getattr(value.function, "callable", "").startswith(of)


def _has_methods(value: Call) -> bool:
    """True for an instance of a class whose methods nobody has read."""
    function = value.function
    if not isinstance(function, Global):
        return False  # called, it was told as such
    if function.callable in ARRAYS:
        return False
    if function.callable in HOLLOW or function.disposition == "data-class":
        return True
    return function.disposition == "unknown" and not (function.own or function.stated > _MADE)
