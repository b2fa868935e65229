"""The methods of a class that a pickle can have run beside those that make and fill an instance.

An instance may be a key (`__hash__`, `__eq__`), may be given items (`append`, `extend`, `add`,
`__setitem__`), slots (`__setattr__`, setters of properties), or be asked for a name it has not
(`__getattr__`). Of each such method this tells what it reaches outside, as `effects` does, and what
it calls of its own instance: a state may put anything in the place of that, and so `special.CALLED`
must name it, or `given` must keep the method from being run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, NamedTuple

from tools.review.effects import reached
from tools.review.sources import Found, Sources

RUN: Final = frozenset({
    "__hash__", "__eq__", "__getattr__", "__getattribute__", "__setattr__", "__setitem__",
    "append", "extend", "add", "__contains__", "__len__", "__iter__",
})  # fmt: skip
"""Run by what a pickle does to an instance; the last three, by methods of a state's owner."""


class Method(NamedTuple):
    """A method, or the setter of a property."""

    module: str
    cls: str
    name: str
    """With `=` behind it for a setter."""
    words: tuple[str, ...]
    """What it reaches (see `effects`)."""
    own: tuple[str, ...]
    """What it calls of its instance, `self.x` as `x` and `self.x.y` as `x.y`."""


def others(sources: Sources, found: Found) -> Iterator[Method]:
    """The methods of a class, and of its bases where it has none of the name."""
    seen = set[str]()
    for place, node in sources.mro(found):
        for child in node.body if node is not None else ():
            if not isinstance(child, ast.FunctionDef):
                continue
            setter = _is_setter(child)
            name = f"{child.name}=" if setter else child.name
            if name in seen or not (setter or name in RUN):
                continue
            seen.add(name)
            words = tuple(sorted(reached(sources, place._replace(node=child), found)))
            yield Method(place.module, node.name if node else "", name, words, _own_calls(child))


def _is_setter(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(mark, ast.Attribute) and mark.attr == "setter"
        for mark in function.decorator_list
    )


def _own_calls(function: ast.FunctionDef) -> tuple[str, ...]:
    if not function.args.args:
        return ()
    prefix = f"{function.args.args[0].arg}."
    called = (ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call))
    own = {name.removeprefix(prefix) for name in called if name.startswith(prefix)}
    return tuple(sorted(name for name in own if name.replace(".", "").isidentifier()))
