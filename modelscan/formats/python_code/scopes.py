"""Where names live: modules, functions and classes, and what each name may stand for.

Flow is not followed: a name stands for everything that is assigned to it anywhere in its scope.
That is sound for `f = os.system` in a branch, and costs no order of execution.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Final

from modelscan.formats.python_code.values import MAX_VALUES, NOTHING, Value, Values

_DEEP: Final = 20
"""Base classes that are followed upwards."""

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(eq=False, slots=True)
class Scope:
    """The names of a module, a function or a class."""

    parent: Scope | None = None
    function: Function | None = None
    """The function whose code this is; `None` when it runs as the module does."""
    cls: Class | None = None
    """The class whose body this is."""
    names: dict[str, Values] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    """Modules whose names were all imported."""
    globals: set[str] = field(default_factory=set)
    """Names that a `global` statement hands to the module."""

    def bind(self, name: str, values: Values) -> None:
        """Let a name stand for these values too."""
        scope = self.module() if name in self.globals else self
        known = scope.names.get(name, NOTHING)
        if len(known) < MAX_VALUES:
            fresh = tuple(value for value in values if value not in known)
            scope.names[name] = (known + fresh)[:MAX_VALUES]

    def lookup(self, name: str) -> Values | None:
        """What a name may stand for; `None` when nothing in sight is called that."""
        scope: Scope | None = self
        while scope is not None:
            if (scope is self or scope.cls is None) and name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def module(self) -> Scope:
        """The outermost scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope


@dataclass(eq=False, slots=True)
class Function:
    """A function, method or lambda of the module."""

    node: FunctionNode
    scope: Scope
    """Its own scope."""
    owner: Class | None
    """The class that it is a method of."""
    returns: Values = NOTHING
    """What its return statements may stand for, whatever it is called with."""

    @property
    def name(self) -> str:
        """Its name; empty for a lambda."""
        return "" if isinstance(self.node, ast.Lambda) else self.node.name


@dataclass(eq=False, slots=True)
class Class:
    """A class of the module. Attributes set through `self` count as the class's."""

    node: ast.ClassDef
    scope: Scope
    """The scope of its body, which also holds its attributes."""
    bases: list[Class] = field(default_factory=list)
    """Its base classes, as far as they stand in this module."""
    meta: bool = False
    """True for a metaclass: its methods run when a class is made."""

    def attribute(self, name: str) -> Values:
        """What an attribute may stand for, looked up through the bases."""
        pending, seen = [self], set[int]()
        while pending and len(seen) < _DEEP:
            cls = pending.pop(0)
            if id(cls) in seen:
                continue
            seen.add(id(cls))
            found = cls.scope.names.get(name)
            if found is not None:
                return found
            pending.extend(cls.bases)
        return NOTHING

    def method(self, name: str) -> Function | None:
        """A method of that name."""
        return next((v.function for v in self.attribute(name) if v.function is not None), None)


def add(known: Values, fresh: Values) -> Values:
    """Both, without repetition, as many as are kept."""
    if not known or not fresh:
        return (known or fresh)[:MAX_VALUES]
    return (known + tuple(value for value in fresh if value not in known))[:MAX_VALUES]


NO_VALUE: Final = (Value(),)
"""What stands for a value of which nothing is known."""
