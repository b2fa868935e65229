"""Functions that return something by its name: what they return is judged as if it were imported.

Each of these could do more with other arguments. What is described here is exactly what the
library writes; anything else is left to the list, which denies these functions or knows none of
them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from modelscan.formats.pickle.memo import EscalateError
from modelscan.formats.pickle.special import ACTING_PROPERTIES, BY_NAME, EVALUATED
from modelscan.formats.pickle.state import State
from modelscan.formats.pickle.values import Call, Global, Value

Arguments = Sequence[Value]

_SINGLETONS: Final = frozenset({"builtins.Ellipsis", "builtins.NotImplemented"})
_PAIR: Final = 2
_NAMEDTUPLE: Final = (3, 4)
"""Arguments of `_create_namedtuple`: name, fields, module, and since 0.3.6 default values."""
_DESCRIBED: Final = re.compile(
    r"<(?:method|slot wrapper|attribute|member) '(\w+)' of '(\w+)' objects>\Z", re.ASCII
)
_PATH: Final = re.compile(rb"[A-Za-z_][\w.]*\Z", re.ASCII)


def attribute(state: State, function: Global, arguments: Arguments, _opcode: str, at: int) -> Value:
    """`getattr(cls, "name")`: how nested classes, members of enumerations and methods are written.

    Reading an attribute of a listed or an own class, or of an instance, is harmless; calling it is
    judged under its own dotted name. For anything else the attribute counts as an import.
    """
    if len(arguments) != _PAIR:
        return None
    cls, name = arguments
    if isinstance(cls, Call):
        if name in ACTING_PROPERTIES or cls.armed:
            return None  # no method is bound: a property runs, or may run what the state holds
        cls = cls.function
    if not (isinstance(cls, Global) and isinstance(name, bytes)) or cls.disposition == "denied":
        return None
    text = name.decode("utf-8", "replace")
    if text.startswith("__") or "." in text:
        return None
    if state.lean:
        raise EscalateError
    function.called = True
    qualified = f"{cls.name}.{text}"
    if not (cls.trusted or cls.own):
        return state.ledger.imported(cls.module, qualified, at)
    disposition = state.ledger.names.disposition(cls.module, qualified)
    return Global(cls.module, qualified, at, disposition, own=cls.own)


def type_of(_state: State, function: Global, arguments: Arguments, _opcode: str, _at: int) -> Value:
    """`type(None)`: how the types of the singletons are written."""
    if len(arguments) != 1:
        return None
    value = arguments[0]
    if value is None or (isinstance(value, Global) and value.callable in _SINGLETONS):
        function.called = True
        return Call(function)
    return None


def named(state: State, function: Global, arguments: Arguments, _opcode: str, at: int) -> Value:
    """A function that returns something by its name."""
    name = arguments[0] if len(arguments) == 1 else None
    if not isinstance(name, bytes):
        return None
    found = BY_NAME[function.callable].get(name)
    plain = name.decode("latin-1")
    if found is None and function.callable.endswith("._load_type"):
        listed = state.ledger.names.disposition("builtins", plain) == "inert"
        found = ("builtins", plain) if listed else None
    if found is None:
        if not (function.callable.endswith("_eval_repr") and EVALUATED.match(name)):
            return None
        function.called = True
        return Call(function)
    function.called = True
    imported = state.ledger.imported(*found, at)
    if state.lean and not imported.trusted:
        raise EscalateError
    return imported


def namedtuple(
    state: State, function: Global, arguments: Arguments, _opcode: str, at: int
) -> Value:
    """`_create_namedtuple(name, fields, module[, defaults])`: how dill writes such a class.

    It returns what the module has under the name, and makes the class anew when there is no such
    thing, which `collections.namedtuple` does after it has checked every name. So it imports, and
    a name with dots in it reaches into modules (dill 0.3 to 0.4, `_dill._import_module`).
    """
    if len(arguments) not in _NAMEDTUPLE:
        return None
    name, fields, module = arguments[:3]
    if not (isinstance(name, bytes) and _PATH.match(name)):
        return None
    if not (isinstance(module, bytes) and _PATH.match(module)):
        return None
    if isinstance(fields, Global | Call):
        return None
    return _found(state, function, b".".join((module, name)), at)


def member(state: State, function: Global, arguments: Arguments, _opcode: str, at: int) -> Value:
    """`_getattr(cls, name, repr)`: how dill writes methods of built-in classes, like `str.split`.

    It evaluates a word of the third argument, so that must be the description that Python gives of
    exactly this method (dill 0.2 to 0.4, `_dill._getattr`).
    """
    cls, name, text = arguments if len(arguments) == _PAIR + 1 else (None, None, None)
    if not (isinstance(cls, Global) and isinstance(name, bytes) and isinstance(text, bytes)):
        return None
    described = _DESCRIBED.match(text.decode("utf-8", "replace"))
    if described is None or cls.module != "builtins" or not cls.trusted:
        return None
    if described.groups() != (name.decode("utf-8", "replace"), cls.name):
        return None
    return _found(state, function, b"builtins." + b".".join((cls.name.encode(), name)), at, 1)


def subscripted(
    _state: State, function: Global, arguments: Arguments, _opcode: str, _at: int
) -> Value:
    """`operator.getitem(typing.Optional, int)`: how a type with parameters is written.

    Other things than types of `typing` may do anything when an item is asked for.
    """
    generic = arguments[0] if len(arguments) == _PAIR else None
    if not (isinstance(generic, Global) and generic.module == "typing" and generic.trusted):
        return None
    function.called = True
    return Call(function)


def zone_of_file(
    state: State, function: Global, arguments: Arguments, opcode: str, at: int
) -> Value:
    """`tzfile(None, name)`: an empty zone, filled by its state (python-dateutil 2, `tz.tz.tzfile`).

    With a name, or a file, in the first place it reads that file.
    """
    if len(arguments) == _PAIR and arguments[0] is None:
        return None
    state.ledger.state_call(function, "unknown", arguments, opcode, at)
    return Call(function, reported=True)


def _found(state: State, function: Global, path: bytes, at: int, hops: int = 0) -> Global:
    """What a dotted path leads to: the last part, or the last after `hops` more, is the name."""
    function.called = True
    parts = path.decode("ascii").split(".")
    split = len(parts) - 1 - hops
    return state.ledger.imported(".".join(parts[:split]), ".".join(parts[split:]), at)
