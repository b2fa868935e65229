"""The pickle opcodes of protocols 0 to 5, how long each one is, and which of them can do something.

What CPython's C unpickler (`Modules/_pickle.c`) accepts is what counts here, not what a
disassembler prints. Names are those of the `pickletools` documentation.

Invariants:

* every byte value has exactly one shape, so a stream splits into opcodes in exactly one way;
* an opcode that imports, calls, sets state or asks the loader for an object is *hot*; a stream
  without a hot opcode only builds numbers, strings and plain containers, whatever else is in it.
"""

from __future__ import annotations

from typing import Final

TEXT: Final = -1
"""Shape: one argument up to a newline."""
TEXT_PAIR: Final = -2
"""Shape: two arguments, each up to a newline."""
COUNT1: Final = -3
"""Shape: a length of one byte, then that many bytes."""
COUNT4: Final = -4
"""Shape: a little-endian length of four bytes, then that many bytes."""
COUNT8: Final = -5
"""Shape: a little-endian length of eight bytes, then that many bytes."""
INVALID: Final = -9
"""Shape: no opcode."""

NAMES: Final[dict[int, str]] = {
    0x28: "MARK", 0x29: "EMPTY_TUPLE", 0x2E: "STOP", 0x30: "POP", 0x31: "POP_MARK", 0x32: "DUP",
    0x42: "BINBYTES", 0x43: "SHORT_BINBYTES", 0x46: "FLOAT", 0x47: "BINFLOAT", 0x49: "INT",
    0x4A: "BININT", 0x4B: "BININT1", 0x4C: "LONG", 0x4D: "BININT2", 0x4E: "NONE", 0x50: "PERSID",
    0x51: "BINPERSID", 0x52: "REDUCE", 0x53: "STRING", 0x54: "BINSTRING", 0x55: "SHORT_BINSTRING",
    0x56: "UNICODE", 0x58: "BINUNICODE", 0x5D: "EMPTY_LIST", 0x61: "APPEND", 0x62: "BUILD",
    0x63: "GLOBAL", 0x64: "DICT", 0x65: "APPENDS", 0x67: "GET", 0x68: "BINGET", 0x69: "INST",
    0x6A: "LONG_BINGET", 0x6C: "LIST", 0x6F: "OBJ", 0x70: "PUT", 0x71: "BINPUT",
    0x72: "LONG_BINPUT",
    0x73: "SETITEM", 0x74: "TUPLE", 0x75: "SETITEMS", 0x7D: "EMPTY_DICT", 0x80: "PROTO",
    0x81: "NEWOBJ", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x85: "TUPLE1", 0x86: "TUPLE2",
    0x87: "TUPLE3", 0x88: "NEWTRUE", 0x89: "NEWFALSE", 0x8A: "LONG1", 0x8B: "LONG4",
    0x8C: "SHORT_BINUNICODE", 0x8D: "BINUNICODE8", 0x8E: "BINBYTES8", 0x8F: "EMPTY_SET",
    0x90: "ADDITEMS", 0x91: "FROZENSET", 0x92: "NEWOBJ_EX", 0x93: "STACK_GLOBAL", 0x94: "MEMOIZE",
    0x95: "FRAME", 0x96: "BYTEARRAY8", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
}  # fmt: skip
"""Every opcode's name by its byte."""

CODES: Final[dict[str, int]] = {name: code for code, name in NAMES.items()}
"""Every opcode's byte by its name."""

_ARGUMENTS: Final[dict[int, str]] = {
    1: "BININT1 BINGET BINPUT PROTO EXT1",
    2: "BININT2 EXT2",
    4: "BININT LONG_BINGET LONG_BINPUT EXT4",
    8: "BINFLOAT FRAME",
    TEXT: "INT LONG FLOAT STRING UNICODE GET PUT PERSID",
    TEXT_PAIR: "GLOBAL INST",
    COUNT1: "SHORT_BINSTRING SHORT_BINBYTES SHORT_BINUNICODE LONG1",
    COUNT4: "BINSTRING BINBYTES BINUNICODE LONG4",
    COUNT8: "BINUNICODE8 BINBYTES8 BYTEARRAY8",
}
_HOT: Final = (
    "GLOBAL STACK_GLOBAL INST OBJ NEWOBJ NEWOBJ_EX REDUCE BUILD EXT1 EXT2 EXT4 PERSID BINPERSID "
    "NEXT_BUFFER READONLY_BUFFER"
)

STOP: Final = CODES["STOP"]
PROTO: Final = CODES["PROTO"]
FRAME: Final = CODES["FRAME"]
HIGHEST_PROTOCOL: Final = 5


def _shapes() -> tuple[int, ...]:
    shapes = [0 if code in NAMES else INVALID for code in range(256)]
    for shape, names in _ARGUMENTS.items():
        for name in names.split():
            shapes[CODES[name]] = shape
    return tuple(shapes)


SHAPES: Final = _shapes()
"""By opcode: the number of argument bytes when it is fixed, else one of the shapes above."""

HOT: Final = frozenset(CODES[name] for name in _HOT.split())
"""The opcodes that import, call, set state or ask the loader for an object."""

STARTS: Final = frozenset(
    code
    for code, name in NAMES.items()
    if name
    not in {
        "STOP", "POP", "POP_MARK", "DUP", "REDUCE", "APPEND", "BUILD", "DICT", "APPENDS", "GET",
        "BINGET", "INST", "LONG_BINGET", "LIST", "OBJ", "PUT", "BINPUT", "LONG_BINPUT", "SETITEM",
        "TUPLE", "SETITEMS", "NEWOBJ", "TUPLE1", "TUPLE2", "TUPLE3", "ADDITEMS", "FROZENSET",
        "NEWOBJ_EX", "STACK_GLOBAL", "MEMOIZE", "READONLY_BUFFER", "BINPERSID", "PERSID",
    }
)  # fmt: skip
"""The opcodes that a stream can begin with: all others need something on the stack. PERSID is left
out: a loader would need a meaning for it first, and every zip archive begins with it ("PK")."""
