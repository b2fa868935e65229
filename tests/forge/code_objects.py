"""Functions that pickles hold as code, as cloudpickle and dill write them, and changed by one thing.

The code itself is made up: nothing here is ever run.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from modelscan.formats.pickle.code_digest import code_digest
from modelscan.vocabulary.lists import PickleGlobals

MODULE: Final = "library.saving"
FUNCTION: Final = "Saveable._restore"
CODE: Final = b"\x97\x00d\x01d\x00l\x00|\x01\x53\x00" * 30
"""Longer than what is kept of a literal."""
LINES: Final = b"\x80\x00\xe0\x08\x38"
CONSTANTS: Final = (None, 0, True, "1", b"1", (1, ("safe_mode",)))


class Name(NamedTuple):
    """An imported name."""

    module: str
    name: str


class Made(NamedTuple):
    """What a call returns."""

    function: Any
    arguments: tuple[Any, ...]


class Set(NamedTuple):
    """Something whose state is set."""

    value: Any
    state: Any


class Then(NamedTuple):
    """A value, and calls that come after it is made, whose results are dropped."""

    value: Any
    calls: tuple[Made, ...]


def pickled(value: Any) -> bytes:
    """The pickle of a value, which may hold any of the above."""
    return b"\x80\x04" + b"".join(_emitted(value)) + b"."


def _emitted(value: Any) -> Iterator[bytes]:  # noqa: C901, PLR0912  # one branch for each class
    if value is None or isinstance(value, bool):
        yield {None: b"N", True: b"\x88", False: b"\x89"}[value]
    elif isinstance(value, int):
        yield b"J" + struct.pack("<i", value)
    elif isinstance(value, float):
        yield b"G" + struct.pack(">d", value)
    elif isinstance(value, str):
        stored = value.encode()
        yield b"X" + struct.pack("<I", len(stored)) + stored
    elif isinstance(value, bytes):
        yield b"B" + struct.pack("<I", len(value)) + value
    elif isinstance(value, Name):
        yield from (*_emitted(value.module), *_emitted(value.name), b"\x93")
    elif isinstance(value, Made):
        yield from (*_emitted(value.function), *_emitted(value.arguments), b"R")
    elif isinstance(value, Set):
        yield from (*_emitted(value.value), *_emitted(value.state), b"b")
    elif isinstance(value, Then):
        yield from (*_emitted(value.value), b"r\xe7\x03\x00\x00")
        for call in value.calls:
            yield from (*_emitted(call), b"0")
    elif isinstance(value, Again):
        yield b"j\xe7\x03\x00\x00"
    elif isinstance(value, dict):
        yield b"}("
        for key, item in value.items():
            yield from (*_emitted(key), *_emitted(item))
        yield b"u"
    elif isinstance(value, list):
        yield b"]("
        for item in value:
            yield from _emitted(item)
        yield b"e"
    else:
        yield b"("
        for item in value:
            yield from _emitted(item)
        yield b"t"


class Again:
    """The value of the `Then` around it."""


def arguments(**changed: Any) -> tuple[Any, ...]:
    """The arguments of a code object, as of Python 3.11."""
    parts: dict[str, Any] = {
        "argcount": 2, "posonly": 0, "kwonly": 0, "nlocals": 3, "stacksize": 6, "flags": 3,
        "code": CODE, "consts": CONSTANTS, "names": tuple(f"part{n}" for n in range(20)),
        "varnames": ("cls", "file", "lib"), "filename": "/home/someone/saving.py",
        "name": "_restore", "qualname": FUNCTION, "line": 16, "lines": LINES, "exceptions": b"",
        "freevars": (), "cellvars": (),
    }  # fmt: skip
    assert changed.keys() <= parts.keys()
    return tuple((parts | changed).values())


def names(disposition: str = "nested") -> PickleGlobals:
    """A list that knows the code, as both write it."""
    listed = f"{MODULE}:{FUNCTION}"
    modules = {
        MODULE: {FUNCTION: disposition},
        "library.models": {"Model": "data-class"},
        "types": {"*": "denied", "MethodType": "constructor"},
        "cloudpickle": {"*": "denied"},
        "dill": {"*": "denied"},
        "os": {"*": "denied"},
        "_codecs": {"encode": "constructor"},
        "builtins": {"bytes": "constructor", "getattr": "denied"},
        "collections": {"OrderedDict": "inert"},
        "_io": {"BytesIO": "constructor"},
    }
    digests = [code_digest(arguments()), code_digest((b"\x02\x02", *arguments()))]
    return PickleGlobals(modules=modules, code_objects=dict.fromkeys(digests, listed))  # type: ignore[arg-type]  # dispositions


METHOD: Final = Made(Name("cloudpickle.cloudpickle", "_builtin_type"), ("MethodType",))
MODEL: Final = Name("library.models", "Model")
SCOPE: Final = {"__package__": "library", "__name__": MODULE, "__file__": "/home/a/saving.py"}


def cloud_state(**changed: Any) -> dict[str, Any]:
    """The attributes that cloudpickle sets."""
    return {
        "__name__": "_restore", "__qualname__": FUNCTION, "__annotations__": {},
        "__kwdefaults__": None, "__defaults__": None, "__module__": MODULE, "__doc__": None,
        "__closure__": None, "_cloudpickle_submodules": [], "__globals__": {},
    } | changed  # fmt: skip


def cloud(
    code: tuple[Any, ...] | None = None,
    *,
    scope: Any = SCOPE,
    rest: tuple[Any, ...] = (None, None, None),
    attributes: Any = None,
    slots: dict[str, Any] | None = None,
    instance: Any = MODEL,
    type_: Any = None,
) -> bytes:
    """A method of known code that is called with bytes, by cloudpickle."""
    kind = type_ or Made(Name("cloudpickle.cloudpickle", "_builtin_type"), ("CodeType",))
    maker = Name("cloudpickle.cloudpickle", "_make_function")
    function = Made(maker, (Made(kind, code or arguments()), scope, *rest))
    setter = Name("cloudpickle.cloudpickle", "_function_setstate")
    state = ({} if attributes is None else attributes, cloud_state() if slots is None else slots)
    made = Then(function, (Made(setter, (Again(), state)),))
    return pickled(Made(Made(METHOD, (made, instance)), (b"\x80\x04N.",)))


def cell(*value: Any) -> Made:
    """What a function is closed over, by cloudpickle."""
    maker = "_make_cell" if value else "_make_empty_cell"
    return Made(Name("cloudpickle.cloudpickle", maker), value)


def older(closure: tuple[Any, ...] = (), **changed: Any) -> bytes:
    """A function of known code, by cloudpickle before its version 2.1."""
    kind = Made(Name("cloudpickle.cloudpickle", "_builtin_type"), ("LambdaType",))
    code = Made(
        Made(Name("cloudpickle.cloudpickle", "_builtin_type"), ("CodeType",)), arguments(**changed)
    )
    made = Made(kind, (code, SCOPE, None, None, closure))
    setter = Name("cloudpickle.cloudpickle_fast", "_function_setstate")
    return pickled(
        Then(
            made,
            (
                Made(
                    setter,
                    (Again(), ({}, cloud_state())),
                ),
            ),
        )
    )


def dilled(
    code: tuple[Any, ...] | None = None,
    *,
    scope: Any = Name(MODULE, "__dict__"),  # noqa: B008  # it cannot be changed
    rest: tuple[Any, ...] = ("_restore", None, None),
    state: Any = ({}, {"__annotations__": {}, "__qualname__": FUNCTION}),
) -> bytes:
    """The same by dill."""
    made = Made(Name("dill._dill", "_create_code"), (b"\x02\x02", *(code or arguments())))
    function = Set(Made(Name("dill._dill", "_create_function"), (made, scope, *rest)), state)
    method = Made(Name("dill._dill", "_load_type"), ("MethodType",))
    return pickled(Made(Made(method, (function, MODEL)), (b"\x80\x04N.",)))
