"""Methods that a state puts others in the place of, and that are called while a pickle is loaded.

A state goes into `__dict__`, and what stands there comes before the methods of the class. The list
says of a class what its `__setstate__` and its `__del__` do; where these call methods of the
instance, such as `Optimizer.__setstate__` of torch does with `_patch_step_function`, a state may
have them call anything that it holds.

Invariant: only what does more than the list has read counts. Real objects keep functions that
compute, and classes without arguments, under any name.
"""

from __future__ import annotations

from typing import Final

from modelscan.formats.pickle.special import EMPTY, FILLERS, HOLDERS, is_called
from modelscan.formats.pickle.values import Call, Container, Global, Value, tuple_items

_DEPTH: Final = 16
"""Partial functions of partial functions that are looked through."""


def replaces_method(state: Value) -> bool:
    """True when this state puts what may do anything in the place of a method that is called."""
    if isinstance(state, tuple) or (isinstance(state, Container) and state.kind == "tuple"):
        return any(map(replaces_method, state))
    if not (isinstance(state, Container) and state.kind == "dict"):
        return False
    return any(
        isinstance(key, bytes) and is_called(key) and (holds_class(value) or _is_unread(value))
        for key, value in state.pairs()
    )


def arms(state: Value) -> bool:
    """True when a property that calls something of this state would run what nobody has read."""
    if isinstance(state, tuple) or (isinstance(state, Container) and state.kind == "tuple"):
        return any(map(arms, state))
    if not (isinstance(state, Container) and state.kind == "dict"):
        return False
    return any(holds_class(value) for _, value in state.pairs())


def makes_instance(factory: Value) -> bool:
    """True for a factory that runs the `__init__` of a class of which nobody has read it."""
    if getattr(factory, "callable", "") in EMPTY:
        return False
    return holds_class(factory) or getattr(factory, "disposition", "") == "data-class"


def holds_class(value: Value) -> bool:
    """True for a partial function that makes an instance in a way that nobody has read.

    Args:
        value: what will be called, maybe.
    """
    for _ in range(_DEPTH):
        if not isinstance(value, Call) or getattr(value.function, "callable", "") not in HOLDERS:
            return False
        given = [*value.arguments[:1], *tuple_items(value.state)[:1]]
        if given and getattr(given[-1], "callable", "") in FILLERS:
            return False
        if not given or any(map(_is_unread, given)):
            return True
        value = given[-1]
    return True


def _is_unread(value: Value) -> bool:
    return isinstance(value, Global) and value.disposition not in {"inert", "constructor"}
