"""Functions whose code is in the pickle: a few are known, to the last byte; all others are denied.

cloudpickle and dill write a function that they cannot import again as its bytecode: the arguments
of `types.CodeType`, then a function around that. Bytecode cannot be proved harmless: it may call
anything, and crafted one reads and writes memory (`docs/adr/0017-code-in-pickles.md`). But a few
libraries have such functions in every object that they save, and those never differ. The list has
the digests of their code.

Invariants:

* the digest covers every argument of the code object but the name of its file and the number of
  its first line, with the type of each constant, and the code objects inside it by their digests;
* a listed function looks no name up among its globals but a few builtins (`tools/harvest_code.py`
  lists no other), so that only the builtins that it is given matter, and these must be the true
  ones;
* what it is closed over is a constant, or another such function;
* whatever is not recognised is judged as before: the call is denied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from modelscan.formats.pickle.code_digest import Constant, Digest, code_digest
from modelscan.formats.pickle.literals import unescaped_text
from modelscan.formats.pickle.nested import encoded
from modelscan.formats.pickle.state import State
from modelscan.formats.pickle.values import (
    CODE_ITEMS,
    FLOAT,
    Call,
    Container,
    Global,
    Literal,
    Value,
    Written,
)
from modelscan.formats.pickle.window import Blob

Arguments = Sequence[Value]

_LONGEST: Final = 64 << 10
"""Bytes of the longest constant that is looked at."""
_MOST: Final = 2048
"""Constants in one code object."""
_DEEP: Final = 8
_GLOBALS: Final = frozenset({b"__package__", b"__name__", b"__file__"})
"""What cloudpickle takes over from the globals of the function's module, as text."""
_TEXTS: Final = frozenset({b"__name__", b"__qualname__", b"__module__", b"__doc__"})
"""Attributes of a function that only describe it."""
_EMPTY: Final = frozenset({
    b"__kwdefaults__", b"__defaults__", b"__globals__", b"__type_params__",
    b"_cloudpickle_submodules",
})  # fmt: skip
"""Those that must be empty."""
_TYPES: Final = b"__annotations__"
_CLOSURE: Final = b"__closure__"
_DEFAULTS_AT: Final = 3
"""From this argument on, a maker of functions takes what must be empty: defaults, …"""
_CLOSURE_AT: Final = 4
"""But for this one, its cells."""


class _UnlistedError(Exception):
    """Something that no listed code object has."""


class Code(Call):
    """A code object that the list knows."""

    __slots__ = ("digest", "names")

    def __init__(self, function: Global, digest: str, names: tuple[str, str]) -> None:
        super().__init__(function)
        self.digest = digest
        self.names = names
        """Module and qualified name of the function that it is of."""


class Cell(Call):
    """What a function is closed over: a constant, or nothing yet."""

    __slots__ = ()


def made_code(state: State, function: Global, arguments: Arguments, opcode: str, at: int) -> Value:
    """`types.CodeType(…)`, `dill._dill._create_code(…)`: known by its digest, or denied."""
    if isinstance(arguments, Container) and arguments.kind != "tuple":
        return None
    left = [_MOST]
    try:
        digest = code_digest([_constant(state, value, left, _DEEP) for value in arguments])
    except (_UnlistedError, UnicodeDecodeError):
        return None
    listed = state.ledger.names.code(digest) if digest else None
    if listed is None:
        return None
    _vetted(state, function, arguments, opcode, at)
    return Code(function, digest, listed)


def made_function(
    state: State, function: Global, arguments: Arguments, opcode: str, at: int
) -> Value:
    """`cloudpickle._make_function(…)`, `dill._create_function(…)`: a function of known code.

    Nothing of it may be the file's own: no defaults, no builtins, and no closure but constants.
    """
    if len(arguments) < _DEFAULTS_AT:
        return None
    code, scope, name, *rest = arguments
    cells = rest.pop(_CLOSURE_AT - _DEFAULTS_AT) if len(rest) > _CLOSURE_AT - _DEFAULTS_AT else None
    if not isinstance(code, Code) or not _is_text(name) or not _is_closure(cells):
        return None
    if not all(map(_is_empty, rest)):
        return None
    module, qualified = code.names
    if not _harmless_globals(scope, module):
        return None
    if isinstance(scope, Global):
        scope.called = True  # it is used as what it is
    _vetted(state, function, arguments, opcode, at)
    disposition = state.ledger.names.disposition(module, qualified)
    return Written(module, qualified, at, disposition, own=False)


def made_cell(state: State, function: Global, arguments: Arguments, opcode: str, at: int) -> Value:
    """`cloudpickle._make_empty_cell()` and `_make_cell(value)`."""
    if len(arguments) > 1 or not all(map(_is_constant, arguments)):
        return None
    _vetted(state, function, arguments, opcode, at)
    cell = Cell(function)
    cell.hooked = True  # a state that is set on it is what the function then sees
    return cell


def set_function(
    state: State, function: Global, arguments: Arguments, opcode: str, at: int
) -> Value:
    """`cloudpickle._function_setstate(function, state)`."""
    if len(arguments) != 2 or not isinstance(arguments[0], Written):  # noqa: PLR2004  # what, to what
        return None
    if not describes(arguments[1]):
        return None
    _vetted(state, function, arguments, opcode, at)
    return Call(function)


def describes(value: Value) -> bool:
    """True for a function's state that only describes it: two dictionaries, the first one empty."""
    if not isinstance(value, tuple | Container) or len(value) != 2:  # noqa: PLR2004  # a pair
        return False
    attributes, slots = value
    return (
        _is_empty(attributes)
        and isinstance(slots, Container)
        and _is_whole(slots)
        and all(
            isinstance(key, bytes)
            and (
                (key in _TEXTS and _is_text(item))
                or (key in _EMPTY and _is_empty(item))
                or (key == _TYPES and _are_types(item))
                or (key == _CLOSURE and _is_closure(item))
            )
            for key, item in slots.pairs()
        )
    )


def _vetted(state: State, function: Global, arguments: Arguments, opcode: str, at: int) -> None:
    """State a call that would be denied with any other arguments."""
    function.vetted = True
    state.ledger.state_call(function, "constructor", arguments, opcode, at)


def _harmless_globals(scope: Value, module: str) -> bool:
    """True for the globals of the function's own module, and for its names as text alone."""
    if isinstance(scope, Global):
        return scope.module == module and scope.name == "__dict__"
    return (
        isinstance(scope, Container)
        and _is_whole(scope)
        and all(key in _GLOBALS and isinstance(item, bytes) for key, item in scope.pairs())
    )


def _is_whole(value: Container) -> bool:
    """True for a dictionary that has kept all of its items."""
    return value.kind == "dict" and len(value) < value.room


def _is_empty(value: Value) -> bool:
    return value is None or (isinstance(value, tuple | Container) and not value)


def _is_closure(value: Value) -> bool:
    """True for nothing, and for cells that were looked at."""
    items = value if isinstance(value, tuple | Container) else (value,)
    return value is None or all(isinstance(item, Cell) for item in items)


def _are_types(value: Value) -> bool:
    """True for annotations that name trusted classes, or say nothing."""
    if not (isinstance(value, Container) and _is_whole(value)):
        return _is_empty(value)
    return all(isinstance(item, Global) and item.trusted for _, item in value.pairs())


def _is_constant(value: Value) -> bool:
    if isinstance(value, Global):
        return isinstance(value, Written)
    return value is FLOAT or isinstance(value, bool | int) or _is_text(value)


def _is_text(value: Value) -> bool:
    return value is None or isinstance(value, bytes) or (isinstance(value, Literal) and value.text)


def _constant(state: State, value: Value, left: list[int], depth: int) -> Constant:
    """What a value of the machine's stands for.

    Raises:
        _UnlistedError: it is no constant, or one that no listed code object has.
    """
    left[0] -= 1
    if left[0] < 0 or depth == 0:
        raise _UnlistedError
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogatepass")
    if isinstance(value, Literal):
        return _literal(state, value)
    if isinstance(value, Code):
        return Digest(value.digest)
    if isinstance(value, tuple) or (isinstance(value, Container) and value.kind == "tuple"):
        if len(value) >= CODE_ITEMS:
            raise _UnlistedError
        return tuple(_constant(state, item, left, depth - 1) for item in value)
    stored = encoded(state.ledger, value) if isinstance(value, Call) else None
    if stored is None:
        raise _UnlistedError
    return stored


def _literal(state: State, value: Literal) -> Constant:
    content = value.content
    if isinstance(content, Blob):
        if content.length > _LONGEST:
            raise _UnlistedError
        content = state.ledger.artifact.read_at(*content)
    if not value.text:
        return content
    text = unescaped_text(content) if value.escaped else content
    return text.decode("utf-8", "surrogatepass")
