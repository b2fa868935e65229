"""Which kinds of facts the code of a reader or relator can state, read from its source.

A kind counts when a module makes one (`TensorHeader(…)` stands in it); importing a kind to look at
other people's facts does not count.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from modelscan.engine.fields import KINDS

HOUSE = "modelscan.formats."
"""What the names of the readers' modules begin with."""

_QUESTIONS = frozenset({"modelscan.formats.pickle.probe"})
"""Modules that only answer whether bytes are something; whoever asks states nothing of theirs."""
_KIND_OF = {struct.__name__: kind for kind, struct in KINDS.items()}


def module_of(room: object) -> ModuleType:
    """The module that the class of a reader or relator stands in."""
    return sys.modules[type(room).__module__]


def kinds(room: object, others: Iterable[object]) -> list[str]:
    """The kinds of facts that a room can state, sorted.

    Helpers that rooms share count for each of them, other rooms' modules do not.

    Args:
        room: a reader or relator.
        others: all rooms of the house, this one may be among them.
    """
    foreign = {module_of(other).__name__ for other in others} | _QUESTIONS
    waiting = [module_of(room).__name__]
    seen: set[str] = set()
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        found |= _made(sys.modules[name])
        waiting += _used(sys.modules[name]) - seen - foreign
    return sorted(found)


@cache
def _made(module: ModuleType) -> frozenset[str]:
    """The kinds of facts that a module makes."""
    found: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Call):
            maker = node.func
            name = getattr(maker, "id", None) or getattr(maker, "attr", "")  # Kind(), fact.Kind()
            found.update({_KIND_OF[name]} if name in _KIND_OF else ())
    return frozenset(found)


@cache
def _used(module: ModuleType) -> frozenset[str]:
    """The modules of the readers' floor that a module imports or takes something from."""
    found: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return frozenset(name for name in found if name.startswith(HOUSE) and _is_module(name))


def _is_module(name: str) -> bool:
    """True for a module, which is imported if it has not been: rooms do that when they need one."""
    if name not in sys.modules and _file(name).exists():
        import_module(name)
    return name in sys.modules


def _file(name: str) -> Path:
    floor = import_module(HOUSE.rstrip("."))
    return Path(floor.__path__[0], *name.removeprefix(HOUSE).split(".")).with_suffix(".py")


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
