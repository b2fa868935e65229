"""What the source says about itself: docstrings, also those under the fields of a struct.

Python keeps no docstring of a field, so the source is parsed; it is never imported for this.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from functools import cache
from types import ModuleType

_SECTION = re.compile(r"\n\n(?:Args|Raises|Returns|Yields):\n")


def of(thing: object) -> str:
    """The prose of a docstring: without its indentation and without its sections for callers.

    Args:
        thing: a module, class, method or property; empty text when it has no docstring.
    """
    return _SECTION.split(inspect.cleandoc(thing.__doc__ or ""))[0]


def of_fields(struct: type) -> Mapping[str, str]:
    """The text under each documented field of a class, its bases' fields first.

    Raises:
        OSError: the source of the class is not there.
    """
    found: dict[str, str] = {}
    for part in reversed(struct.__mro__):
        module = inspect.getmodule(part)
        if module is not None and part.__module__.startswith("modelscan."):
            found.update(_classes(module).get(part.__name__, {}))
    return found


@cache
def _classes(module: ModuleType) -> Mapping[str, Mapping[str, str]]:
    """The documented fields of every class of a module."""
    tree = ast.parse(inspect.getsource(module))
    return {node.name: _fields(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _fields(node: ast.ClassDef) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for field, text in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            found[field.target.id] = inspect.cleandoc(text.value.value)
    return found
