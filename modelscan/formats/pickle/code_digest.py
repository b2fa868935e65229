"""The digest of a code object: what the list of known ones is made of and asked for.

Two that differ in anything that the interpreter ever looks at have different digests: bytecode,
constants and their types, names, flags, the table of exceptions, the table of lines. The name of
the file and the number of the first line differ from one installation to the next and are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

_LEFT_OUT: Final = {15: (9, 11), 16: (10, 12), 17: (11, 13), 18: (10, 13), 19: (11, 14)}
"""Where the name of the file and the number of the first line are among the arguments, by how many
arguments there are: of `types.CodeType` before Python 3.8, since it, and since 3.11, and with the
old table of lines before them, as dill writes (`_code_reduce` of cloudpickle, `save_code` of dill).
"""


class Digest(NamedTuple):
    """Stands for a code object inside another one."""

    of: str


Constant = None | bool | int | str | bytes | Digest | tuple["Constant", ...]
"""What a code object may be made of: other constants, such as floats, are in no listed one."""


def code_digest(arguments: Sequence[Constant]) -> str:
    """The digest of a code object by its arguments; empty when they are no code object's.

    Args:
        arguments: of `types.CodeType`, or the same behind an old table of lines.
    """
    left_out = _LEFT_OUT.get(len(arguments))
    if left_out is None:
        return ""
    file, line = (arguments[index] for index in left_out)
    if not isinstance(file, str) or type(line) is not int:
        return ""
    rest = tuple(value for index, value in enumerate(arguments) if index not in left_out)
    return hashlib.sha256(_encoded(rest)).hexdigest()


def _encoded(value: Constant) -> bytes:
    """One way to write each value, with its type and its length before it."""
    if value is None or isinstance(value, bool):
        return {None: b"N", True: b"T", False: b"F"}[value]
    if isinstance(value, int):
        return b"i%d;" % value
    if isinstance(value, Digest):
        return b"c" + value.of.encode()
    if isinstance(value, tuple):
        return b"(%d:" % len(value) + b"".join(map(_encoded, value))
    if isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        return b"s%d:" % len(text) + text
    return b"b%d:" % len(value) + value
