"""What a call amounts to: its name decides, and for a few names its arguments.

The names here are those whose *meaning* the pickle protocol itself gives (`copyreg`, `getattr`);
what is trusted is in the list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from modelscan.formats.pickle.ledger import Ledger
from modelscan.formats.pickle.nested import PLAIN_CODECS, nested_artifact
from modelscan.formats.pickle.values import Call, Global, Literal, Value

Arguments = Sequence[Value]

_KEEP_ARGUMENTS: Final = frozenset({"numpy.dtype", "_codecs.encode"})
"""Callables whose arguments are needed later: an array's item size, encoded bytes."""
_SINGLETONS: Final = frozenset({"builtins.Ellipsis", "builtins.NotImplemented"})


def called(
    ledger: Ledger,
    function: Value,
    arguments: Arguments,
    opcode: str,
    at: int,
    *,
    instantiates: bool = False,
) -> Value:
    """Record a call; returns what stands for its result."""
    if not isinstance(function, Global):
        if not getattr(function, "reported", False):
            ledger.state_computed_call(function, arguments, opcode, at)
        return Call(None, reported=True)
    pattern = None if instantiates else _PATTERNS.get(function.callable)
    result = pattern(ledger, function, arguments, opcode, at) if pattern is not None else None
    if result is not None:
        return result
    disposition = function.disposition
    if disposition == "nested":
        nested = nested_artifact(ledger, arguments, at)
        if nested is None:
            disposition = "denied"  # it unpickles bytes that nobody can see
        else:
            ledger.record(nested)
    reported = disposition in {"denied", "unknown"}
    if arguments:
        ledger.check_arguments(function, arguments, opcode, at)
    ledger.state_call(function, disposition, arguments, opcode, at, instantiates=instantiates)
    kept = arguments if function.callable in _KEEP_ARGUMENTS else ()
    return Call(function, kept, reported=reported)


def _instance_of(
    ledger: Ledger, function: Global, arguments: Arguments, opcode: str, at: int
) -> Value:
    """`copyreg._reconstructor(cls, base, state)` and `copyreg.__newobj__(cls, …)`.

    They only make an instance of `cls`, and count as that. What else they are handed must be
    listed, since the `__init__` of `base` runs.
    """
    if not arguments or not isinstance(arguments[0], Global):
        return None
    cls, *rest = arguments
    ledger.state_call(function, function.disposition, arguments, opcode, at)
    ledger.check_arguments(function, rest, opcode, at)
    return called(ledger, cls, rest, opcode, at, instantiates=True)


def _attribute_of(
    ledger: Ledger, function: Global, arguments: Arguments, _opcode: str, at: int
) -> Value:
    """`getattr(cls, "name")`: how nested classes and members of enumerations are written.

    Reading an attribute of a listed or an own class is harmless; calling it is judged under its own
    dotted name. For anything else the attribute counts as an import.
    """
    if len(arguments) != 2:  # noqa: PLR2004  # an object and a name
        return None
    cls, name = arguments
    if not (isinstance(cls, Global) and isinstance(name, bytes)) or cls.disposition == "denied":
        return None
    attribute = name.decode("utf-8", "replace")
    if attribute.startswith("_") or "." in attribute:
        return None
    function.called = True
    qualified = f"{cls.name}.{attribute}"
    if not (cls.trusted or cls.own):
        return ledger.imported(cls.module, qualified, at)
    disposition = ledger.disposition(cls.module, qualified)
    return Global(cls.module, qualified, at, disposition, own=cls.own)


def _type_of(
    _ledger: Ledger, function: Global, arguments: Arguments, _opcode: str, _at: int
) -> Value:
    """`type(None)`: how the types of the singletons are written."""
    if len(arguments) != 1:
        return None
    value = arguments[0]
    if value is None or (isinstance(value, Global) and value.callable in _SINGLETONS):
        function.called = True
        return Call(function)
    return None


def _encoded(ledger: Ledger, function: Global, arguments: Arguments, opcode: str, at: int) -> Value:
    """`_codecs.encode(text, "latin1")`: how protocols 0 to 2 write bytes.

    Other encodings (rot13, hex, zip) compute, and computing hides names.
    """
    text = arguments[0] if arguments else None
    literal = isinstance(text, bytes) or (isinstance(text, Literal) and text.text)
    if literal and (len(arguments) == 1 or arguments[1] in PLAIN_CODECS):
        return None
    ledger.state_call(function, "unknown", arguments, opcode, at)
    return Call(function, reported=True)


_Pattern = Callable[[Ledger, Global, Arguments, str, int], Value]
_PATTERNS: Final[dict[str, _Pattern]] = {
    "copyreg._reconstructor": _instance_of,
    "copyreg.__newobj__": _instance_of,
    "copyreg.__newobj_ex__": _instance_of,
    "builtins.getattr": _attribute_of,
    "builtins.type": _type_of,
    "_codecs.encode": _encoded,
}
"""Callables whose arguments decide. `None` leaves the decision to the list."""
