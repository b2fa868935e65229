"""Pickles built opcode by opcode. Payloads only ever `echo`, and nothing here is unpickled."""

from __future__ import annotations

import struct
from typing import Self

TORCH_MAGIC = 0x1950A86A20F9469CFC6C


class Assembler:
    """Writes a pickle one opcode at a time; every method returns the assembler."""

    def __init__(self, protocol: int | None = None) -> None:
        self._out = bytearray()
        if protocol is not None:
            self.raw(b"\x80", bytes([protocol]))

    def raw(self, *pieces: bytes) -> Self:
        """Bytes as they are: for opcodes without an argument, and for damage."""
        self._out += b"".join(pieces)
        return self

    def mark(self) -> Self:
        return self.raw(b"(")

    def text(self, value: str) -> Self:
        """BINUNICODE."""
        data = value.encode()
        return self.raw(b"X", struct.pack("<I", len(data)), data)

    def short_text(self, value: str) -> Self:
        """SHORT_BINUNICODE."""
        data = value.encode()
        return self.raw(b"\x8c", bytes([len(data)]), data)

    def string(self, value: str) -> Self:
        """STRING, of protocol 0."""
        return self.raw(b"S", repr(value).encode(), b"\n")

    def binary(self, value: bytes) -> Self:
        """BINBYTES."""
        return self.raw(b"B", struct.pack("<I", len(value)), value)

    def number(self, value: int) -> Self:
        """BININT1, BININT or LONG1, whichever is shortest."""
        if 0 <= value < 256:
            return self.raw(b"K", bytes([value]))
        if -(2**31) <= value < 2**31:
            return self.raw(b"J", struct.pack("<i", value))
        data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        return self.raw(b"\x8a", bytes([len(data)]), data)

    def none(self) -> Self:
        return self.raw(b"N")

    def true(self) -> Self:
        return self.raw(b"\x88")

    def false(self) -> Self:
        return self.raw(b"\x89")

    def global_(self, module: str, name: str) -> Self:
        return self.raw(b"c", f"{module}\n{name}\n".encode())

    def stack_global(self, module: str, name: str) -> Self:
        return self.short_text(module).short_text(name).raw(b"\x93")

    def inst(self, module: str, name: str) -> Self:
        return self.raw(b"i", f"{module}\n{name}\n".encode())

    def obj(self) -> Self:
        return self.raw(b"o")

    def tuple_(self) -> Self:
        return self.raw(b"t")

    def tuple1(self) -> Self:
        return self.raw(b"\x85")

    def tuple2(self) -> Self:
        return self.raw(b"\x86")

    def empty_tuple(self) -> Self:
        return self.raw(b")")

    def empty_list(self) -> Self:
        return self.raw(b"]")

    def empty_dict(self) -> Self:
        return self.raw(b"}")

    def reduce(self) -> Self:
        return self.raw(b"R")

    def build(self) -> Self:
        return self.raw(b"b")

    def newobj(self) -> Self:
        return self.raw(b"\x81")

    def newobj_ex(self) -> Self:
        return self.raw(b"\x92")

    def pop(self) -> Self:
        return self.raw(b"0")

    def dup(self) -> Self:
        return self.raw(b"2")

    def put(self, index: int) -> Self:
        return self.raw(b"q", bytes([index]))

    def get(self, index: int) -> Self:
        return self.raw(b"h", bytes([index]))

    def memoize(self) -> Self:
        return self.raw(b"\x94")

    def setitem(self) -> Self:
        return self.raw(b"s")

    def setitems(self) -> Self:
        return self.raw(b"u")

    def binpersid(self) -> Self:
        return self.raw(b"Q")

    def stop(self) -> bytes:
        """STOP; returns the pickle."""
        return bytes(self.raw(b".")._out)

    def broken(self) -> bytes:
        """The pickle so far, without STOP."""
        return bytes(self._out)


def call(module: str, name: str, *arguments: str, protocol: int = 2) -> Assembler:
    """`module.name(*arguments)` by GLOBAL and REDUCE."""
    out = Assembler(protocol).global_(module, name).mark()
    for argument in arguments:
        out.text(argument)
    return out.tuple_().reduce()


def malicious() -> dict[str, bytes]:
    """Pickles that run `echo`, one for each way of naming and calling."""
    echo = "echo hi"
    return {
        "reduce": call("os", "system", echo).stop(),
        "python2-name": call("__builtin__", "eval", "1", protocol=2).stop(),
        "stack-global": Assembler(4).stack_global("posix", "system").short_text(echo).tuple1()
        .reduce().stop(),
        "inst": Assembler().mark().string(echo).inst("os", "system").stop(),
        "obj": Assembler(2).mark().global_("os", "system").text(echo).obj().stop(),
        "obj-popped": Assembler(2).none().mark().global_("os", "system").text(echo).obj().pop()
        .stop(),
        "newobj": Assembler(2).global_("subprocess", "Popen").text(echo).tuple1().newobj().stop(),
        "newobj-ex": Assembler(4).stack_global("subprocess", "Popen").short_text(echo).tuple1()
        .empty_dict().newobj_ex().stop(),
        "memo-operands": Assembler(4).short_text("os").memoize().short_text("system").memoize()
        .pop().pop().get(0).get(1).raw(b"\x93").short_text(echo).tuple1().reduce().stop(),
        "overwritten-memo": Assembler(2).text("math").put(0).pop().text("os").put(0).pop().get(0)
        .text("system").raw(b"\x93").text(echo).tuple1().reduce().stop(),
        "dotted": Assembler(4).stack_global("pathlib", "os.system").short_text(echo).tuple1()
        .reduce().stop(),
        "protocol0": b"cos\nsystem\n(S'echo hi'\ntR.",
        "broken": call("os", "system", echo).raw(b"\xff\xfe").broken(),
        "second": Assembler(2).none().stop() + call("os", "system", echo).stop(),
        "callable-argument": Assembler(2).global_("torch._tensor", "_rebuild_from_type_v2")
        .global_("os", "system").text(echo).raw(b"\x86").reduce().stop(),
        "getattr": Assembler(4).stack_global("builtins", "getattr").stack_global("os", "path")
        .short_text("system").tuple2().reduce().stop(),
        "below-denied": call("importlib.util", "find_spec", "x").stop(),
    }  # fmt: skip


def torch_legacy(obj: bytes = b"") -> bytes:
    """A checkpoint as torch before 1.6 wrote it: five pickles, then raw storages."""
    magic = Assembler(2).number(TORCH_MAGIC).stop()
    version = Assembler(2).number(1001).stop()
    system = Assembler(2).empty_dict().stop()
    keys = Assembler(2).empty_list().text("0").raw(b"a").stop()
    return (
        magic
        + version
        + system
        + (obj or torch_state_dict())
        + keys
        + storage(b"cos\nsystem\n" * 4)
    )


def storage(data: bytes, size: int = 4) -> bytes:
    """A raw storage: the number of elements of `size` bytes, then the elements."""
    return struct.pack("<Q", len(data) // size) + data


def torch_state_dict() -> bytes:
    """A state dict with one tensor, its storage by persistent id."""
    out = Assembler(2).global_("collections", "OrderedDict").empty_tuple().reduce().mark()
    out.text("weight").global_("torch._utils", "_rebuild_tensor_v2").mark().mark()
    out.text("storage").global_("torch", "FloatStorage").text("0").text("cpu").number(11).tuple_()
    out.binpersid().number(0).number(11).tuple1().number(1).tuple1().false()
    out.global_("collections", "OrderedDict").empty_tuple().reduce().tuple_().reduce()
    return out.setitems().stop()


def joblib_array(data: bytes = b"\0" * 32, *, alignment: bool = True) -> Assembler:
    """What joblib writes for an array of float64: the wrapper's state, then the bytes raw."""
    out = Assembler(4).stack_global("joblib.numpy_pickle", "NumpyArrayWrapper").empty_tuple()
    out.newobj().empty_dict().mark()
    out.short_text("subclass").stack_global("numpy", "ndarray")
    out.short_text("shape").number(len(data) // 8).tuple1()
    out.short_text("order").short_text("C")
    out.short_text("dtype").stack_global("numpy", "dtype").short_text("f8").false().true()
    out.raw(b"\x87").reduce()
    out.short_text("allow_mmap").true()
    if alignment:
        out.short_text("numpy_array_alignment_bytes").number(16)
    out.setitems().build()
    if alignment:
        out.raw(b"\x03\xff\xff\xff")
    return out.raw(data)


def framed(body: bytes, length: int | None = None) -> bytes:
    """A pickle of protocol 4 in one frame, whose length may be a lie."""
    size = len(body) if length is None else length
    return b"\x80\x04\x95" + struct.pack("<Q", size) + body


def straddled(hidden: bytes) -> bytes:
    """Two pickles in one: read from memory it is plain text, read from a file it runs `hidden`.

    The frame ends one byte into the length of a text. The unpickler that reads from a file without
    `peek` drops that byte, and takes the length from the next four.
    """
    # In the frame: BINUNICODE and one byte of its length. From memory, the length continues with
    # the next three bytes; from a file, it is the next four.
    behind = struct.pack("<I", 0) + b"0" + hidden
    length = len(behind) - 3
    inside = b"X" + struct.pack("<I", length)[:1]
    assert length < 256
    return framed(inside, len(inside)) + behind + b"."


def reference_bomb(levels: int = 40) -> bytes:
    """A tuple of two of the tuple before, forty times over."""
    out = Assembler(2).none().put(0)
    for level in range(levels):
        out.pop().get(level).get(level).tuple2().put(level + 1)
    return out.stop()


def tensor(size: int, stride: int, elements: int, offset: int = 0) -> bytes:
    """A state dict with one tensor of one dimension."""
    out = Assembler(2).empty_dict().mark().text("w")
    out.global_("torch._utils", "_rebuild_tensor_v2").mark().mark()
    out.text("storage").global_("torch", "FloatStorage").text("0").text("cpu").number(elements)
    out.tuple_().binpersid().number(offset).number(size).tuple1().number(stride).tuple1().false()
    out.global_("collections", "OrderedDict").empty_tuple().reduce().tuple_().reduce()
    return out.setitems().stop()
