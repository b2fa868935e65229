"""Prints the digests of functions whose code real pickles hold: `code-objects` in the pickle list.

    PYTHONPATH=. python tools/harvest_code.py FOLDER…

Every FOLDER holds installed packages, of any version: nothing in them is imported or run, their
source is compiled. cloudpickle and dill write the code of a function when they do not find it under
its own name; `FUNCTIONS` are those of which that is known, and which somebody has read. A digest is
of one version of Python, that which runs this script.

Only functions that look no name up among their globals but a few builtins, and that have no
defaults, can be listed: all that such a function does is in its code, and in the constants that it
is closed over.
"""

from __future__ import annotations

import argparse
import dis
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Final

from modelscan.formats.pickle.code_digest import Constant, Digest, code_digest

FUNCTIONS: Final = (
    "keras.src.saving.keras_saveable:KerasSaveable._unpickle_model",
    "stable_baselines3.common.utils:constant_fn.<locals>.func",
    "stable_baselines3.common.utils:get_linear_fn.<locals>.func",
    "stable_baselines3.common.utils:get_schedule_fn.<locals>.<lambda>",
)
"""Functions that have been read, as in the list; what the list says of the name must hold for each
version. `__reduce__` of Keras's models names a class method bound to the class of the model, which
is not found under the name of the class that defines it. Agents of Stable-Baselines3 before 2.7
keep functions that are closed over numbers."""
_BUILTINS: Final = frozenset({"float"})
"""Names that a function may look up: they lead to the true builtins, since nothing else is among
the globals that it is given."""
_OF_GLOBALS: Final = frozenset({"LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_NAME"})


def arguments_of(code: CodeType) -> tuple[Constant, ...]:
    """The arguments with which cloudpickle and dill make a code object again (Python 3.11).

    Raises:
        TypeError: it has a constant that no digest is made of.
    """
    return (
        code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_nlocals,
        code.co_stacksize, code.co_flags, code.co_code, _constant(code.co_consts), code.co_names,
        code.co_varnames, code.co_filename, code.co_name, code.co_qualname, code.co_firstlineno,
        code.co_linetable, code.co_exceptiontable, code.co_freevars, code.co_cellvars,
    )  # fmt: skip


def digests(code: CodeType) -> tuple[str, str]:
    """As cloudpickle writes it, and as dill does: behind the table of lines of old versions."""
    arguments = arguments_of(code)
    return code_digest(arguments), code_digest((_old_lines(code), *arguments))


def refusal(code: CodeType) -> str:
    """Why a function cannot be listed; empty when it can."""
    if any(
        step.opname in _OF_GLOBALS and step.argval not in _BUILTINS
        for step in dis.get_instructions(code)
    ):
        return "it looks a name up among its globals"
    if any(isinstance(value, CodeType) for value in code.co_consts):
        return "it has functions of its own"
    return ""


def _constant(value: object) -> Constant:
    if value is None or isinstance(value, bool | int | str | bytes):
        return value
    if isinstance(value, tuple):
        return tuple(map(_constant, value))
    if isinstance(value, CodeType):
        return Digest(digests(value)[0])
    raise TypeError(f"a constant of type {type(value).__name__}")


def _old_lines(code: CodeType) -> bytes:
    """The table of lines as Python had it before 3.10, which dill writes as well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # as of Python 3.12
        return code.co_lnotab


def find(folder: Path, function: str) -> CodeType | None:
    """The code of a function, by the source in a folder of installed packages."""
    module, _, qualified = function.partition(":")
    source = folder / (module.replace(".", "/") + ".py")
    if not source.is_file():
        return None
    # compiled, never run
    code = compile(source.read_bytes(), source.name, "exec", dont_inherit=True, optimize=0)
    return next((inner for inner in _within(code) if inner.co_qualname == qualified), None)


def _within(code: CodeType) -> Iterator[CodeType]:
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield value
            yield from _within(value)


def main() -> None:
    """Print a line for each digest."""
    parser = argparse.ArgumentParser(description="Digests of functions that pickles hold as code.")
    parser.add_argument("folders", type=Path, nargs="+")
    version = ".".join(map(str, sys.version_info[:2]))
    seen = set[str]()
    for folder in parser.parse_args().folders:
        for function in FUNCTIONS:
            code = find(folder, function)
            if code is None:
                print(f"# {folder.name}: there is no {function}")
                continue
            if why := refusal(code):
                print(f"# {folder.name}: {function}: {why}")
                continue
            new = [digest for digest in digests(code) if digest not in seen]
            seen.update(new)
            print(f"# {folder.name}, Python {version}" + ("" if new else ": as above"))
            for digest in new:
                print(f"  {digest}: {function}")


if __name__ == "__main__":
    main()
