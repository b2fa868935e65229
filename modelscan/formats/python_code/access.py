"""Attributes and items: how Python gets from one thing to another, also by way of a text."""

from __future__ import annotations

import re
from typing import Final

from modelscan.formats.python_code.names import SENSITIVE_MODULES, canonical
from modelscan.formats.python_code.scopes import NO_VALUE, Scope
from modelscan.formats.python_code.values import MAX_VALUES, Value, Values, tainted

INSTALLED: Final = "site-packages"
"""The folder that packages are installed in, wherever it is."""
PATHS: Final = "pathlib."
"""What the names of paths begin with; their text is the path."""
ENVIRONMENT: Final = frozenset({"os.environ", "os.environb"})
_NAMESPACES: Final = frozenset({"globals()", "locals()", "vars()", "sys.modules"})
_NAMESPACE_ATTRIBUTES: Final = frozenset({"__globals__", "f_globals", "f_builtins", "f_locals"})
_PLACES: Final = frozenset({"__file__", "__path__"})
_IMPORTED: Final = re.compile(r"[a-z_]\w*(?:\.\w+)*")
"""A module by its name: no result of a call, nothing of the repository's own."""
_ONE_VARIABLE: Final = frozenset({"get", "setdefault", "pop", "update"})


def named(name: str) -> Value:
    """What is imported by that name; the environment as a whole holds secrets."""
    return Value(name=name, secret=canonical(name) in ENVIRONMENT)


def attribute(base: Value, name: str) -> Values:
    """What an attribute of a value may stand for.

    The dictionary of a module is taken for the module, and any function's globals for `globals()`.
    """
    if name in _NAMESPACE_ATTRIBUTES:
        return (Value(name="globals()"),)
    if base.cls is not None:
        return base.cls.attribute(name) or NO_VALUE
    if name == "__dict__":
        return (base,)
    if name in _PLACES and _IMPORTED.fullmatch(base.name):
        return (tainted((base,), text=_installed(base.name), name=f"{base.name}.{name}"),)
    if not base.name:
        return NO_VALUE if base == NO_VALUE[0] else (tainted((base,)),)
    if name in _ONE_VARIABLE and canonical(base.name) in ENVIRONMENT:
        return (Value(name=f"{base.name}.{name}"),)
    path = base.text if base.name.startswith(PATHS) else None
    found = tainted((base,), text=path, name=f"{base.name}.{name}")
    return (named(found.name),) if canonical(found.name) in ENVIRONMENT else (found,)


def _installed(module: str) -> str:
    """Where an installed module lies."""
    return f"{INSTALLED}/{module.replace('.', '/')}/__init__.py"


def item(base: Value, key: Value, scope: Scope) -> Values:
    """What an item of a value may stand for; the dictionary of a module holds its attributes.

    One variable of the environment is not the environment.
    """
    if base.items is not None:
        if isinstance(key.text, int) and -len(base.items) <= key.text < len(base.items):
            return (base.items[key.text],)
        return base.items[:MAX_VALUES] or NO_VALUE
    if base.name in _NAMESPACES and key.known:
        found = scope.lookup(key.known) if base.name != "sys.modules" else None
        return found or (named(key.known),)
    if isinstance(base.text, str | bytes) and isinstance(key.text, int) and not base.name:
        end = key.text + 1 if key.text != -1 else None
        return (tainted((base,), text=base.text[key.text : end]),)
    module = canonical(base.name) in SENSITIVE_MODULES or base.name in _NAMESPACES
    if module and not key.known:
        return (tainted((base, key), name=f"{base.name}.?"),)
    if module:
        return attribute(base, key.known)
    found_one = tainted((base, key), name=f"{base.name}[]" if base.name else "")
    return (_without_secret(found_one) if isinstance(key.text, str) else found_one,)


def _without_secret(value: Value) -> Value:
    return Value(name=value.name, decoded=value.decoded, downloads=value.downloads)
