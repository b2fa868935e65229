"""What an expression is known to be, for the evaluator."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from modelscan.discovery.python.modules import Module
from modelscan.formats.python_code.scopes import Class, Function, Scope

Plain = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Nodes:
    """The elements of a list, or the pairs of a dictionary, not yet looked at."""

    keys: tuple[ast.expr | None, ...]
    """Empty for a list; `None` stands for `**other`."""
    values: tuple[ast.expr, ...]
    context: Context


@dataclass(frozen=True, slots=True)
class Made:
    """An instance of a class of the code base."""

    cls: Class
    call: ast.Call | None
    context: Context
    """Where it is made."""
    home: Context
    """Where its class stands."""


@dataclass(frozen=True, slots=True)
class Callable:
    """A function of the code base."""

    function: Function
    home: Context


@dataclass(frozen=True, slots=True)
class Context:
    """Where an expression stands."""

    module: Module
    scope: Scope


@dataclass(frozen=True, slots=True)
class Known:
    """One thing that an expression may be."""

    value: Plain | Nodes | Made | Callable
    sure: bool = True
    """False when it is a default, or one of several alternatives."""

    def unsure(self) -> Known:
        """The same, as one of several."""
        return Known(self.value, sure=False)


def texts(known: list[Known]) -> list[tuple[str, bool]]:
    """The texts among them, with whether each is sure; without repetition."""
    found: dict[str, bool] = {}
    for each in known:
        if isinstance(each.value, str):
            found[each.value] = found.get(each.value, False) or each.sure
    return list(found.items())
