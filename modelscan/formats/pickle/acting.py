"""The opcodes that act: they import, call, set state, or ask the loader for an object.

Each goes to the ledger the moment it is met, so that neither a later POP nor a broken end hides it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from modelscan.formats.outside import problem
from modelscan.formats.pickle import literals
from modelscan.formats.pickle.calls import called, set_class
from modelscan.formats.pickle.code_objects import describes
from modelscan.formats.pickle.given import given_again, given_slots, slots_in
from modelscan.formats.pickle.handed import filled_from
from modelscan.formats.pickle.hooks import arms, replaces_method
from modelscan.formats.pickle.literals import BrokenError
from modelscan.formats.pickle.memo import EscalateError
from modelscan.formats.pickle.nested import nested_artifact
from modelscan.formats.pickle.numpy_arrays import UnknownArrayError, described_array
from modelscan.formats.pickle.numpy_types import TYPE, contradiction
from modelscan.formats.pickle.shown import abbreviated
from modelscan.formats.pickle.special import HOLDERS, PICKLED, SHARED, UNPICKLING
from modelscan.formats.pickle.state import HandlerTable, State, is_wrapper, names_file
from modelscan.formats.pickle.templates import runs_template
from modelscan.formats.pickle.tensors import storage_of
from modelscan.formats.pickle.values import (
    BUFFER,
    PLAIN,
    SKIPPED,
    STORAGE,
    Call,
    Container,
    Global,
    Literal,
    Opaque,
    Skipped,
    Unknown,
    Value,
    Written,
    imports_in,
    sets_hook,
    tuple_items,
)
from modelscan.formats.pickle.window import Argument, Blob

_MAPPED_BELOW: Final = 3
"""Protocols below this one name modules as Python 2 did."""
_STACK_GLOBAL_SINCE: Final = 4
_NEWOBJ_SINCE: Final = 2
_STORAGE: Final = b"storage"
_MODULE: Final = b"module"
"""First items of the persistent ids that torch writes (`torch.serialization.persistent_id`)."""
_REDUCE: Final = b"reduce_package"
"""The same of `torch.package`, whose importer calls the function before the last item with itself
and the arguments that are the last item (`PackageImporter.load_pickle`)."""
_REDUCE_ARGUMENTS: Final = 2


def _import_lines(state: State, names: Argument, at: int) -> Global | Unknown:
    """Import a module and a qualified name, given on two lines."""
    if isinstance(names, Blob):  # attributes reached in circles, to be too long to look at
        return _computed(state, f"a name of {names.length:,} characters", at)
    module, _, name = names.partition(b"\n")
    return _import(state, module, name, at)


def _import(state: State, module: bytes, name: bytes, at: int) -> Global:
    """Import a name from a module."""
    state.acted = True
    pair = literals.name_pair(module, name, at)
    if state.declared < _MAPPED_BELOW:
        pair = literals.python3_name(*pair)
    found = state.ledger.imported(*pair, at)
    if state.lean and not (found.trusted and found.disposition != "nested" and not found.hashes):
        raise EscalateError
    return found


def _computed(state: State, what: str, at: int) -> Unknown:
    if state.lean:
        raise EscalateError
    state.ledger.oddity("computed-name", what, at)
    return Unknown("a computed name", reported=True)


def _global(state: State, argument: Argument, at: int) -> None:
    state.stack.append(_import_lines(state, argument, at))


def _stack_global(state: State, _argument: Argument, at: int) -> None:
    state.protocol = max(state.protocol, _STACK_GLOBAL_SINCE)
    name = state.stack.pop()
    module = state.stack.pop()
    if isinstance(module, bytes) and isinstance(name, bytes):
        state.stack.append(_import(state, module, name, at))
    elif _may_be_text(module) and _may_be_text(name):
        state.stack.append(_computed(state, abbreviated([module, name]), at))
    else:
        raise BrokenError("a name that is no text", offset=at)


def _may_be_text(value: Value) -> bool:
    if isinstance(value, Literal):
        return value.text
    return isinstance(value, bytes | Call | Unknown)


def _extension(state: State, argument: Argument, at: int) -> None:
    state.acted = True
    number = int.from_bytes(argument, "little")
    state.ledger.oddity("extension-code", str(number), at)
    state.stack.append(Unknown(f"extension {number}", reported=True))


def _persistent(state: State, _argument: Argument, at: int) -> None:
    _refer(state, state.stack.pop(), at)


def _written_persistent(state: State, argument: Argument, at: int) -> None:
    _refer(state, argument if isinstance(argument, bytes) else None, at)


def _refer(state: State, key: Value, at: int) -> None:
    """Ask the loader for an object: a storage, in torch's layouts."""
    state.acted = True
    if isinstance(key, Skipped) or key is PLAIN["tuple"]:  # who knows what is in it
        raise EscalateError
    tag = key[0] if isinstance(key, tuple | Container) and key else None
    if isinstance(key, tuple | Container) and tag == _MODULE and isinstance(key[1], Global):
        state.stack.append(key[1])  # a class, with its source beside it
        return
    if isinstance(tag, bytes) and tag in {_STORAGE, _MODULE}:
        storage = storage_of(key)
        if storage is not None:
            state.ledger.storage(storage, at)
        state.stack.append(storage or STORAGE)
        return
    if tag == _REDUCE and isinstance(key, tuple | Container) and len(key) > _REDUCE_ARGUMENTS:
        _, *_, function, arguments = key
        items = (Unknown("the importer", reported=False), *tuple_items(arguments))
        _call(state, function, items, "BINPERSID", at)
        return
    # What a loader does with these is not in the file; a call that made the key was judged.
    for value in imports_in(key if isinstance(key, tuple | Container) else ()):
        if value is not None and not value.trusted and value.disposition != "denied":
            value.called = True
            state.ledger.oddity("callable-argument", f"{value.callable} to the loader", at)
    state.ledger.oddity("persistent-id", abbreviated([key]), at)
    state.stack.append(Unknown("a persistent object", reported=False))


def _next_buffer(state: State, _argument: Argument, _at: int) -> None:
    state.acted = True
    state.stack.append(BUFFER)


def _read_only(state: State, _argument: Argument, at: int) -> None:
    if not state.stack:
        raise BrokenError("there is no buffer on the stack", offset=at)


def _call(state: State, function: Value, items: Sequence[Value], opcode: str, at: int) -> None:
    state.acted = True
    if function is None or isinstance(function, int | bytes | tuple | Opaque | Literal | Container):
        raise BrokenError("what is called is no function", offset=at)
    made = opcode.startswith("NEWOBJ")
    state.kept += 1
    state.stack.append(called(state, function, items, opcode, at, instantiates=made))


def _call_with_tuple(opcode: str, state: State, _argument: Argument, at: int) -> None:
    given = state.stack.pop()
    if given is PLAIN["tuple"]:  # a long one, of which the quicker ways keep nothing
        raise EscalateError
    items = tuple_items(given)
    if opcode == "NEWOBJ":
        state.protocol = max(state.protocol, _NEWOBJ_SINCE)
    _call(state, state.stack.pop(), items, opcode, at)


def _new_object_ex(state: State, _argument: Argument, at: int) -> None:
    state.protocol = max(state.protocol, _STACK_GLOBAL_SINCE)
    keywords = state.stack.pop()
    items = [*tuple_items(state.stack.pop()), *tuple_items(keywords)]
    _call(state, state.stack.pop(), items, "NEWOBJ_EX", at)


def _instance(state: State, argument: Argument, at: int) -> None:
    items = state.pop_mark(at)
    _call(state, _import_lines(state, argument, at), items, "INST", at)


def _object(state: State, _argument: Argument, at: int) -> None:
    items = state.pop_mark(at)
    if isinstance(items[0], Skipped):  # any of the items may be the first one above the mark
        raise EscalateError
    _call(state, items.pop(0), items, "OBJ", at)


def _build(state: State, _argument: Argument, at: int) -> bool:
    """BUILD: set the state of an instance; a module, class or function must not be one."""
    state.acted = True
    value = state.stack.pop()
    target = state.stack[-1]
    state.resume = at + 1
    if state.lean and (sets_hook(value) or (state.hides_holder and isinstance(value, Skipped))):
        raise EscalateError
    if isinstance(target, Skipped):
        _check_hidden(state, value)
    elif isinstance(target, Global):
        if not (isinstance(target, Written) and describes(value)):
            state.ledger.oddity("overwritten-state", target.callable, at)
    elif isinstance(target, Call):
        if value is SKIPPED or isinstance(value, Call):
            filled_from(state, target, value, at)
        function = target.function
        special = function.__class__ is not Global or not getattr(function, "simple", False)
        _set_state(state, target, value, at, special=special)
        if special and state.arrays and is_wrapper(target):
            _excuse_class(value)
            try:
                state.array = described_array(value, at)
            except UnknownArrayError as error:
                state.doubt = error  # follow it as a plain pickle, which is another reading
            return state.array is not None
    return False


def _check_hidden(state: State, value: Value) -> None:
    """A state is set, and of what it is the quicker ways cannot tell; it must not matter."""
    if state.hides_name or state.hides_array or state.ledger.templated:
        raise EscalateError
    if isinstance(value, Call) or (value is SKIPPED and state.hides_special):
        raise EscalateError
    if state.hides_special and slots_in(value) is not None:
        raise EscalateError


def _excuse_class(value: Value) -> None:
    """The class of an array: joblib notes it, and makes no map of it (`NumpyArrayWrapper.read`)."""
    noted = value.mapping().get(b"subclass") if isinstance(value, Container) else None
    if isinstance(noted, Global) and noted.callable == "numpy.memmap":
        noted.called = True


def _set_state(state: State, target: Call, value: Value, at: int, *, special: bool) -> None:
    if state.lean and _is_hidden(value) and (state.hides_name or target.kept):
        raise EscalateError
    if state.ledger.parts is not None:
        from modelscan.formats.pickle.parts import note_state  # late: only tables need it

        note_state(state.ledger, value, at)
    if state.ledger.templated and runs_template(target, value, state.ledger.artifact):
        _run_template(state, target, value, at)
    function = target.function
    if special and isinstance(function, Global):
        _look_closer(state, target, function, value, at)
    given_slots(state, target, value, at)
    given_again(state, target, at)
    if target.hooked or (special and getattr(function, "callable", "") in SHARED):
        state.ledger.oddity("overwritten-state", abbreviated([target]), at)
    if not state.lean:  # the quicker ways have escalated
        target.armed |= arms(value)
        if replaces_method(value):
            state.ledger.oddity("overwritten-state", abbreviated([target]), at)
        if sets_hook(value):
            target.hooked = True
            set_class(state, value, at)
        target.give([value])
    if target.kept:
        _keep_state(state, target, value, at)


def _look_closer(state: State, target: Call, function: Global, value: Value, at: int) -> None:
    """What setting a state does with it, for the classes of which that is known."""
    if function.callable in HOLDERS:
        state.ledger.check_arguments(function, [value], "BUILD", at)
    elif function.callable in UNPICKLING:
        _unpickle_state(state, function, value, at)
    elif names_file(target):
        _name_file(state, value, at)


def _unpickle_state(state: State, function: Global, value: Value, at: int) -> None:
    """The state holds bytes that are unpickled in their turn."""
    if state.lean:
        raise EscalateError
    inner = value.mapping().get(PICKLED) if isinstance(value, Container) else None
    nested = nested_artifact(state.ledger, function.callable, [inner], at)
    if nested is None:
        state.ledger.state_call(function, "denied", [value], "BUILD", at)
    else:
        state.ledger.nested(nested, at)


def _keep_state(state: State, target: Call, value: Value, at: int) -> None:
    """Keep a state that is needed later; that of a numpy type must be true to the type."""
    target.state = value
    if getattr(target.function, "callable", "") == TYPE and (detail := contradiction(target)):
        state.ledger.oddity("array-of-addresses", detail, at)


def _run_template(state: State, target: Call, value: Value, at: int) -> None:
    """The state holds text that is run."""
    if state.lean:
        raise EscalateError
    if isinstance(target.function, Global):
        state.ledger.state_call(target.function, "denied", [value], "BUILD", at)


def _name_file(state: State, value: Value, at: int) -> None:
    """The state names a file, which joblib looks for in the folder of the pickle and unpickles."""
    name = value.mapping().get(b"filename") if isinstance(value, Container) else None
    if isinstance(name, bytes) and (text := name.decode("utf-8", "replace")):
        if problem(text):
            state.ledger.oddity("outside-file", abbreviated([name]), at)
    elif state.lean:
        raise EscalateError
    else:
        state.ledger.oddity("outside-file", "a computed name", at)


def _is_hidden(value: Value) -> bool:
    """True for a state that a stretch which was not followed may have made, or added to."""
    if isinstance(value, tuple):
        return any(isinstance(item, Skipped | Call) for item in value)
    return isinstance(value, Skipped | Call)


def _stop(state: State, _argument: Argument, at: int) -> bool:
    state.stack.pop()
    if state.frame > at + 1:
        state.misframed(at)
    state.resume = at + 1
    state.stopped = True
    return True


ACTING: Final[HandlerTable] = {
    "GLOBAL": _global, "STACK_GLOBAL": _stack_global, "EXT1": _extension, "EXT2": _extension,
    "EXT4": _extension, "PERSID": _written_persistent, "BINPERSID": _persistent,
    "NEXT_BUFFER": _next_buffer, "READONLY_BUFFER": _read_only,
    "REDUCE": partial(_call_with_tuple, "REDUCE"), "NEWOBJ": partial(_call_with_tuple, "NEWOBJ"),
    "NEWOBJ_EX": _new_object_ex, "INST": _instance, "OBJ": _object, "BUILD": _build,
    "STOP": _stop,
}  # fmt: skip
"""What each of these opcodes does."""
