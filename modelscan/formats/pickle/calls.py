"""What a call amounts to: its name decides, and for a few names its arguments.

The names here are those whose *meaning* the pickle protocol itself gives (`copyreg`, `getattr`);
what is trusted is in the list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from modelscan.formats.pickle.by_name import (
    attribute,
    member,
    named,
    namedtuple,
    subscripted,
    type_of,
    zone_of_file,
)
from modelscan.formats.pickle.code_objects import (
    made_cell,
    made_code,
    made_function,
    set_function,
)
from modelscan.formats.pickle.endless import exact, matched, passed_on, repeats, sized
from modelscan.formats.pickle.given import given_slots, hashed
from modelscan.formats.pickle.handed import consumed, evaluates, handed_over, indexed
from modelscan.formats.pickle.hooks import makes_instance
from modelscan.formats.pickle.memo import EscalateError
from modelscan.formats.pickle.nested import PLAIN_CODECS, nested_artifact
from modelscan.formats.pickle.numpy_types import TYPE, has_fields, laid_over
from modelscan.formats.pickle.shown import abbreviated
from modelscan.formats.pickle.special import (
    ARRAY_MAKER,
    BASES,
    BUFFERED,
    BY_NAME,
    CALLERS,
    CELL_MAKERS,
    CODE_MAKERS,
    DELEGATES,
    ENDLESS,
    EXACT,
    FACTORIES,
    FUNCTION_MAKERS,
    FUNCTION_SETTERS,
    INDEXES,
    KEEP_ARGUMENTS,
    MATCHERS,
    REBUILDERS,
    RECONSTRUCTORS,
    RETURNERS,
    SIZED,
    STATE_AT,
)
from modelscan.formats.pickle.state import State, opened
from modelscan.formats.pickle.tensors import check_geometry
from modelscan.formats.pickle.values import (
    FIELD_ITEMS,
    SKIPPED,
    Call,
    Container,
    Global,
    Literal,
    LongTuple,
    Skipped,
    Tensor,
    Value,
    Written,
    sets_hook,
    tuple_items,
)
from modelscan.vocabulary.fact import Disposition

Arguments = Sequence[Value]


def called(
    state: State,
    function: Value,
    arguments: Arguments,
    opcode: str,
    at: int,
    *,
    instantiates: bool = False,
) -> Value:
    """Record a call; returns what stands for its result.

    Raises:
        EscalateError: the quick way cannot tell what is called, or with what.
    """
    if not isinstance(function, Global):
        return _unnamed(state, function, arguments, opcode, at)
    if state.lean:
        known = function.instance if instantiates else function.result
        if known is not None and not (arguments and function.consumes):
            return known
        if not function.simple and any(isinstance(value, Skipped) for value in arguments):
            raise EscalateError
    if state.ledger.parts is not None:
        _note_parts(state, function, arguments, at)
    pattern = (_MAKERS if instantiates else _PATTERNS).get(function.callable)
    result = pattern(state, function, arguments, opcode, at) if pattern is not None else None
    if result is not None:
        return result
    disposition = _disposition(state, function, arguments, opcode, at, instantiates=instantiates)
    instantiates = instantiates and not evaluates(function, disposition, arguments)
    if arguments:
        state.ledger.check_arguments(function, arguments, opcode, at)
    state.ledger.state_call(function, disposition, arguments, opcode, at, instantiates=instantiates)
    reported = disposition in {"denied", "unknown"}
    made = _result(function, arguments, reported=reported, lean=state.lean)
    _effects(state, function, arguments, made, at)
    if state.lean and function.simple and not reported and not function.reacts:
        if instantiates:
            function.instance = made
        else:
            function.result = made
    return made


def _note_parts(state: State, function: Global, arguments: Arguments, at: int) -> None:
    """In the table of a distributed checkpoint: places among the arguments."""
    from modelscan.formats.pickle import parts  # late: only such tables need it

    parts.note(state.ledger, arguments, at)
    if function.disposition == "nested":
        parts.note_nested(state.ledger, function, at)


def _effects(state: State, function: Global, arguments: Arguments, made: Call, at: int) -> None:
    """What a function does with its arguments, beyond making something of them.

    Raises:
        EscalateError: the quick way cannot tell.
    """
    if state.ledger.endless:
        passed_on(state, function, arguments, made, at)
    if arguments and function.consumes:
        handed_over(state, function, arguments, at)
        hashed(state, arguments, at)
    elif function.module.startswith(INDEXES[0]) and function.name.startswith(INDEXES[1]):
        indexed(state, function, arguments, at)
    if function.callable in BUFFERED and (detail := laid_over(arguments)):
        state.ledger.oddity("array-of-addresses", detail, at)
    elif function.callable == TYPE and has_fields(arguments):
        state.ledger.room = FIELD_ITEMS
    if (place := STATE_AT.get(function.callable)) is not None and len(arguments) > place:
        _set_state(state, function, arguments, made, at)
    for index in CALLERS.get(function.callable, DELEGATES.get(function.callable, ())[:1]):
        callee = arguments[index] if len(arguments) > index else None
        if isinstance(callee, Call) or (
            getattr(callee, "unread", False) and function.callable in CALLERS
        ):
            detail = f"{abbreviated([callee])} to {function.callable}"
            state.ledger.oddity("callable-argument", detail, at)
    if function.callable in FACTORIES and any(map(makes_instance, arguments[:1])):
        detail = f"{abbreviated(arguments[:1])} to {function.callable}"
        state.ledger.oddity("callable-argument", detail, at)


def _set_state(state: State, function: Global, arguments: Arguments, made: Call, at: int) -> None:
    """A function sets a state: one dictionary, or one and the slots."""
    given = arguments[STATE_AT[function.callable]]
    parts = tuple_items(given) if isinstance(given, tuple | LongTuple) else (given,)
    consumed(state, function.callable, parts, at)
    types = [value for value in arguments[:2] if isinstance(value, Global)]
    given_slots(state, made, given, at, types[-1] if types else None)
    if sets_hook(given):
        if state.lean:
            raise EscalateError
        made.hooked = True
        set_class(state, given, at)


def set_class(state: State, given: Value, at: int) -> None:
    """A state whose slots name a class makes an instance of that class out of any other."""
    items = tuple_items(given)
    slots = items[1] if len(items) == 2 else None  # noqa: PLR2004  # attributes and slots
    cls = slots.mapping().get(b"__class__") if isinstance(slots, Container) else None
    if isinstance(cls, Global):
        if cls.disposition == "data-class":  # its own __setstate__ will not have seen the instance
            state.ledger.oddity("overwritten-state", cls.callable, at)
        called(state, cls, (), "BUILD", at, instantiates=True)


def _disposition(
    state: State,
    function: Global,
    arguments: Arguments,
    opcode: str,
    at: int,
    *,
    instantiates: bool,
) -> Disposition:
    """What the list says of a call, after a look at how it is made and what it is given."""
    if function.disposition == "data-class":
        # to be made and filled: nobody has said that its own __init__ may run
        runs = not instantiates and (opcode == "REDUCE" or len(arguments) > 0)
        return "unknown" if runs else "data-class"
    if function.disposition == "nested":
        nested = nested_artifact(state.ledger, function.callable, arguments, at)
        if nested is None:
            return "denied"  # it unpickles bytes that nobody can see
        state.ledger.nested(nested, at)
    return function.disposition


def _unnamed(state: State, function: Value, arguments: Arguments, opcode: str, at: int) -> Value:
    """Record a call of something that is not simply an imported name."""
    if state.lean:
        if not isinstance(function, Skipped) or state.hides_special:
            raise EscalateError
        if state.hides_consumer and any(isinstance(value, Call) for value in opened(arguments)):
            raise EscalateError
        if not opcode.startswith("NEWOBJ") and any(name.unread for name in state.hidden):
            raise EscalateError
        for name in state.hidden:
            name.called = True
        if len(state.hidden) == 1:
            [name] = state.hidden
            state.ledger.state_call(name, name.disposition, arguments, opcode, at)
        return SKIPPED
    if not getattr(function, "reported", False):
        state.ledger.state_computed_call(function, arguments, opcode, at)
    return _result(None, arguments, reported=True)


def _result(
    function: Global | None, arguments: Arguments, *, reported: bool = False, lean: bool = False
) -> Call:
    keep = function is not None and function.callable in KEEP_ARGUMENTS
    tensor = function is not None and function.callable in REBUILDERS
    kind = Tensor if tensor else Call
    made = kind(function, tuple(arguments) if keep else (), reported=reported)
    made.kept = keep
    if not lean:
        made.give(arguments)
        if function is not None and function.hashes and made.links is None:
            made.links = Container()  # so that it matters wherever it is put
    return made


def _instance_of(
    state: State, function: Global, arguments: Arguments, opcode: str, at: int
) -> Value:
    """`copyreg._reconstructor(cls, base, state)` and `copyreg.__newobj__(cls, …)`.

    They only make an instance of `cls`, and count as that. What else they are handed must be
    listed, since the `__init__` of `base` runs: of a class that may only be made and filled, that
    is a call. Picklers write a built-in type there (`copyreg._reduce_ex`).
    """
    if not arguments or not isinstance(arguments[0], Global):
        return None
    cls, *rest = arguments
    if function.name == "__newobj_ex__":
        rest = [item for given in rest for item in tuple_items(given)]
    base = rest[0] if rest and function.name == "_reconstructor" else None
    if isinstance(base, Global) and base.disposition == "data-class":
        state.ledger.state_call(base, "unknown", rest[1:], opcode, at)
    elif isinstance(base, Global) and base.consumes:
        consumed(state, base.callable, rest[1:], at)
    state.ledger.state_call(function, function.disposition, arguments, opcode, at)
    listed = isinstance(cls, Global) and cls.trusted
    if listed and isinstance(base, Global) and base.callable in BASES:
        rest = rest[:1]  # what the instance is filled with is only kept
    state.ledger.check_arguments(function, rest, opcode, at)
    return called(state, cls, rest, opcode, at, instantiates=True)


def _encoded(state: State, function: Global, arguments: Arguments, opcode: str, at: int) -> Value:
    """`_codecs.encode(text, "latin1")`: how protocols 0 to 2 write bytes.

    Other encodings (rot13, hex, zip) compute, and computing hides names.
    """
    text = arguments[0] if arguments else None
    literal = isinstance(text, bytes) or (isinstance(text, Literal) and text.text)
    if literal and (len(arguments) == 1 or _is_plain(arguments[1])):
        return None
    state.ledger.state_call(function, "unknown", arguments, opcode, at)
    return Call(function, reported=True)


def _delegated(state: State, function: Global, arguments: Arguments, opcode: str, at: int) -> Value:
    """A function that calls the one it is given."""
    callee, given = DELEGATES[function.callable]
    if len(arguments) <= max(callee, given) or not isinstance(arguments[callee], Global):
        return None
    state.ledger.state_call(function, function.disposition, arguments, opcode, at)
    consumed(state, function.callable, [arguments[given]], at)
    called(state, arguments[callee], tuple_items(arguments[given]), opcode, at)
    handed = arguments[:2] if function.callable == ARRAY_MAKER else arguments
    state.ledger.check_arguments(function, handed, opcode, at)
    made = _result(function, arguments, lean=state.lean)
    _effects(state, function, arguments, made, at)
    return made


def _returned(state: State, function: Global, arguments: Arguments, opcode: str, at: int) -> Value:
    """A function that returns what it is given, and does nothing else."""
    if not arguments:
        return None
    state.ledger.state_call(function, function.disposition, arguments, opcode, at)
    state.ledger.check_arguments(function, arguments, opcode, at)
    return arguments[0]


def _method(state: State, function: Global, arguments: Arguments, _opcode: str, _at: int) -> Value:
    """`types.MethodType(function, instance)`: a method of a library's class, bound, not called."""
    bound = arguments[0] if len(arguments) == 2 else None  # noqa: PLR2004  # what, and to what
    if not isinstance(bound, Global):
        return None
    if isinstance(bound, Written):
        instance = arguments[1]
        if not (isinstance(instance, Global) and instance.trusted):
            return None
        function.called = True
        return bound  # to be called as the listed function would be
    if not (bound.trusted or state.ledger.names.is_kept(bound)):
        return None
    function.called = bound.called = True
    made = Call(function)
    if state.ledger.names.class_of(bound) == "unknown":
        made.give([bound])  # not to be handed to what may call it
    return made


def _iterator(state: State, function: Global, arguments: Arguments, opcode: str, at: int) -> Value:
    """`iter(values)` only iterates; `iter(function, end)` calls the function again and again."""
    if len(arguments) <= 1:
        return None
    state.ledger.check_arguments(function, arguments, opcode, at)
    state.ledger.state_call(function, "unknown", arguments, opcode, at)
    return Call(function, reported=True)


def _is_plain(codec: Value) -> bool:
    return isinstance(codec, bytes) and codec in PLAIN_CODECS


_Pattern = Callable[[State, Global, Arguments, str, int], Value]
_PATTERNS: Final[dict[str, _Pattern]] = {
    **dict.fromkeys(RECONSTRUCTORS, _instance_of),
    "builtins.getattr": attribute,
    "builtins.type": type_of,
    "builtins.iter": _iterator,
    **dict.fromkeys(ENDLESS, repeats),
    **dict.fromkeys(SIZED, sized),
    **dict.fromkeys(EXACT, exact),
    **dict.fromkeys(MATCHERS, matched),
    "types.MethodType": _method,
    "_codecs.encode": _encoded,
    **dict.fromkeys(REBUILDERS, check_geometry),
    **dict.fromkeys(DELEGATES, _delegated),
    **dict.fromkeys(BY_NAME, named),
    **dict.fromkeys(RETURNERS, _returned),
    "dill._dill._create_namedtuple": namedtuple,
    "dill._dill._getattr": member,
    "_operator.getitem": subscripted,
    "operator.getitem": subscripted,
    "dateutil.tz.tz.tzfile": zone_of_file,
    **dict.fromkeys(CODE_MAKERS, made_code),
    **dict.fromkeys(FUNCTION_MAKERS, made_function),
    **dict.fromkeys(CELL_MAKERS, made_cell),
    **dict.fromkeys(FUNCTION_SETTERS, set_function),
}
"""Callables whose arguments decide. `None` leaves the decision to the list."""
_MAKERS: Final = {name: _PATTERNS[name] for name in ENDLESS | SIZED | EXACT}
"""Those among them whose `__new__` does it all."""
