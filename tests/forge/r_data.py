"""Builds R's serialised data in its three spellings: honest models, and promises that run.

Source: R Internals, section 1.8, "Serialization Formats".
"""

from __future__ import annotations

from collections.abc import Callable

_SYMBOL, _PAIR, _CLOSURE, _ENVIRONMENT, _PROMISE, _CALL = 1, 2, 3, 4, 5, 6
_TEXT, _REAL, _TEXTS, _VECTOR, _BYTECODE, _POINTER = 9, 14, 16, 19, 21, 22
_NOTHING, _GLOBAL, _UNBOUND, _REFERENCE, _ALTREP = 254, 253, 252, 255, 238
_NAMESPACE, _BUILTIN, _RAW, _S4, _INTEGER = 249, 8, 24, 25, 13
_ATTRIBUTES, _TAG = 0x200, 0x400


class Xdr:
    """Numbers with the most significant byte first."""

    mark = b"X\n"

    def integer(self, value: int) -> bytes:
        """A number."""
        return value.to_bytes(4, "big", signed=True)

    def text(self, value: str) -> bytes:
        """A text with its length."""
        return self.integer(len(value)) + value.encode()

    def reals(self, count: int) -> bytes:
        """Real numbers."""
        return bytes(8 * count)

    def head(self, version: int) -> bytes:
        """What a stream begins with."""
        head = self.mark + self.integer(version) + self.integer(0x40400) + self.integer(0x20300)
        return head + (self.text("UTF-8") if version == 3 else b"")


class Native(Xdr):
    """Numbers with the least significant byte first."""

    mark = b"B\n"

    def integer(self, value: int) -> bytes:
        """A number."""
        return value.to_bytes(4, "little", signed=True)


class Ascii(Xdr):
    """Numbers as text, one in each line."""

    mark = b"A\n"

    def integer(self, value: int) -> bytes:
        """A number."""
        return b"%d\n" % value

    def text(self, value: str) -> bytes:
        """A text with its length; nothing stands for an empty one."""
        return self.integer(len(value)) + (value.encode() + b"\n" if value else b"")

    def reals(self, count: int) -> bytes:
        """Real numbers."""
        return b"1.5\n" * count


SPELLINGS: dict[str, Callable[[], Xdr]] = {"xdr": Xdr, "native": Native, "ascii": Ascii}


def _symbol(stream: Xdr, name: str) -> bytes:
    return stream.integer(_SYMBOL) + stream.integer(_TEXT | 0x40000) + stream.text(name)


def _call(stream: Xdr, name: str) -> bytes:
    argument = stream.integer(_TEXTS) + stream.integer(1) + stream.integer(_TEXT)
    argument += stream.text("id")
    rest = stream.integer(_PAIR) + argument + stream.integer(_NOTHING)
    return stream.integer(_CALL) + _symbol(stream, name) + rest


def promise_item(stream: Xdr, name: str = "system", *, evaluated: bool = False) -> bytes:
    """A promise to call a function."""
    value = stream.integer(_NOTHING if evaluated else _UNBOUND)
    environment = stream.integer(_GLOBAL)
    return stream.integer(_PROMISE | _TAG) + environment + value + _call(stream, name)


def promise(stream: Xdr, version: int, *, evaluated: bool = False) -> bytes:
    """A stream with nothing but a promise."""
    return stream.head(version) + promise_item(stream, evaluated=evaluated)


def in_environment(stream: Xdr, name: str) -> bytes:
    """A function whose environment holds a promise."""
    frame = stream.integer(_PAIR | _TAG) + _symbol(stream, "x") + promise_item(stream, name)
    frame += stream.integer(_NOTHING)
    environment = stream.integer(_ENVIRONMENT) + stream.integer(0) + stream.integer(_GLOBAL)
    environment += frame + stream.integer(_NOTHING) * 2
    closure = stream.integer(_CLOSURE | _TAG) + environment + stream.integer(_NOTHING)
    return stream.head(2) + closure + _call(stream, "sum")


def model(stream: Xdr) -> bytes:
    """A list of all that honest models consist of."""
    name = stream.integer(_TEXT) + stream.text("coefficients")
    empty = stream.integer(_TEXT) + stream.text("")
    missing = stream.integer(_TEXT) + stream.integer(-1)
    texts = stream.integer(_TEXTS) + stream.integer(3) + name + empty + missing
    names = stream.integer(_PAIR | _TAG) + _symbol(stream, "names") + texts
    attributes = names + stream.integer(_NOTHING)
    namespace = stream.integer(_NAMESPACE) + stream.integer(0) + stream.integer(1)
    namespace += stream.integer(_TEXT) + stream.text("stats")
    values = [
        stream.integer(_REAL | _ATTRIBUTES) + stream.integer(3) + stream.reals(3) + attributes,
        stream.integer(_REFERENCE | 1 << 8),
        stream.integer(_REFERENCE) + stream.integer(7),
        namespace,
        stream.integer(_BUILTIN) + stream.text("sum"),
        stream.integer(_ALTREP) + stream.integer(_NOTHING) * 3,
        stream.integer(_POINTER) + stream.integer(_NOTHING) * 2,
        stream.integer(_S4 | _ATTRIBUTES) + attributes,
        _call(stream, "~"),
    ]
    return stream.head(3) + stream.integer(_VECTOR) + stream.integer(len(values)) + b"".join(values)


def compiled(stream: Xdr, after: Callable[[Xdr], bytes] | None = None) -> bytes:
    """A compiled function with every kind of constant, and something behind it."""
    code = stream.integer(_INTEGER) + stream.integer(2) + bytes(8)
    symbol = _symbol(stream, "x")
    nothing = stream.integer(_NOTHING)
    plain = stream.integer(_NOTHING) + nothing
    call = (
        stream.integer(_CALL) + nothing + stream.integer(0) + symbol + stream.integer(0) + nothing
    )
    repeated = stream.integer(244) + stream.integer(0) + stream.integer(239) + nothing * 2
    repeated += stream.integer(0) + symbol + stream.integer(243) + stream.integer(0)
    inner = stream.integer(_BYTECODE) + code + stream.integer(0)
    constants = [plain, call, repeated, stream.integer(243) + stream.integer(0), inner]
    body = stream.integer(1) + code + stream.integer(len(constants)) + b"".join(constants)
    attributes = stream.integer(_PAIR) + nothing * 2
    item = stream.integer(_BYTECODE | _ATTRIBUTES) + body + attributes
    last = after(stream) if after else nothing
    return stream.head(2) + stream.integer(_VECTOR) + stream.integer(2) + item + last
