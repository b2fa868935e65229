"""Random pickles that are valid by construction, and that call a marker through a random detour."""

from __future__ import annotations

import struct
from collections.abc import Callable

from hypothesis import strategies as st

from tests.forge.pickles import Assembler

MARKER = ("marker_module", "fire")
"""What the programs call. There is no such module."""


class Program:
    """Writes opcodes and keeps count of the stack, so that the C unpickler does not refuse them."""

    def __init__(self, draw: Callable[[st.SearchStrategy[int]], int]) -> None:
        self.out = Assembler(4)
        self._draw = draw
        self._memo = 0

    def pick(self, most: int) -> int:
        """A number from 0 to `most`."""
        return self._draw(st.integers(0, most))

    def remember(self) -> int:
        """Put the top of the stack into the memo, in any of the ways; returns the index."""
        index, self._memo = self._memo, self._memo + 1
        way = self.pick(3)
        if way == 0:
            self.out.memoize()
        elif way == 1:
            self.out.raw(b"q", bytes([index]))
        elif way == 2:
            self.out.raw(b"r", struct.pack("<I", index))
        else:
            self.out.raw(b"p%d\n" % index)
        return index

    def recall(self, index: int) -> None:
        """Fetch it again, in any of the ways."""
        way = self.pick(2)
        if way == 0:
            self.out.raw(b"h", bytes([index]))
        elif way == 1:
            self.out.raw(b"j", struct.pack("<I", index))
        else:
            self.out.raw(b"g%d\n" % index)

    def text(self, value: str) -> None:
        """Push a text, in any of the ways, by way of the memo perhaps."""
        way = self.pick(3)
        if way == 0:
            self.out.short_text(value)
        elif way == 1:
            self.out.text(value)
        elif way == 2:
            self.out.raw(b"V", value.encode(), b"\n")
        else:
            self.out.raw(b"\x8d", struct.pack("<Q", len(value)), value.encode())
        if self.pick(3) == 0:
            index = self.remember()
            self.out.pop()
            self.noise()
            self.recall(index)

    def noise(self) -> None:
        """Opcodes that leave the stack as it was."""
        way = self.pick(8)
        if way == 0:
            self.out.none().pop()
        elif way == 1:
            self.out.mark().number(3).raw(b"1")
        elif way == 2:
            self.out.empty_dict().mark().text("key").number(2**40).setitems().pop()
        elif way == 3:
            self.out.empty_list().number(7).raw(b"a").dup().pop().pop()
        elif way == 4:
            self.out.mark().mark().none().tuple_().raw(b"l").pop()
        elif way == 5:
            self.out.raw(b"\x8f(K\x01K\x02\x90").pop()
        elif way == 6:
            self.out.raw(b"G" + b"\0" * 8).tuple1().pop()
        elif way == 7:
            length = self.pick(2)
            self.out.raw(b"\x95" + struct.pack("<Q", 2 * length) + b"N0" * length)
        for _ in range(self.pick(40) // 20):
            self.out.text("x" * self.pick(300)).number(self.pick(300)).tuple2().pop()

    def marker(self) -> None:
        """Push the marker."""
        if self.pick(1):
            self.out.global_(*MARKER)
        else:
            self.text(MARKER[0])
            self.text(MARKER[1])
            self.out.raw(b"\x93")

    def fire(self) -> None:
        """Call the marker, and leave the result or not."""
        way = self.pick(5)
        if way <= 2:
            self.marker()
            index = self.remember() if self.pick(1) else None
            self.noise()
            if index is not None and self.pick(1):
                self.out.pop()
                self.noise()
                self.recall(index)
            self.arguments()
            if way == 0:
                self.out.reduce()
            elif way == 1:
                self.out.newobj()
            else:
                self.out.empty_dict().newobj_ex()
        elif way == 3:
            self.out.mark()
            self.marker()
            self.noise()
            self.out.number(1).obj()
        elif way == 4:
            self.out.mark()
            self.text("argument")
            self.out.inst(*MARKER)
        else:
            self.out.mark()
            self.out.inst(*MARKER)
        self.noise()

    def arguments(self) -> None:
        """Push a tuple, by way of the memo perhaps."""
        way = self.pick(3)
        if way == 0:
            self.out.empty_tuple()
        elif way == 1:
            self.text("argument")
            self.out.tuple1()
        elif way == 2:
            self.out.mark().none()
            self.text("argument")
            self.out.tuple_()
        else:
            self.out.number(5).tuple1()
            index = self.remember()
            self.noise()
            self.out.pop()
            self.recall(index)


@st.composite
def firing(draw: st.DrawFn) -> bytes:
    """A program that calls the marker once, somewhere."""
    program = Program(draw)
    for _ in range(program.pick(4)):
        program.noise()
    around = program.pick(3)
    if around == 1:
        program.out.empty_list()
    elif around == 2:
        program.out.mark().none()
    elif around == 3:
        program.out.empty_dict().text("key")
    program.fire()
    if around == 1:
        program.out.raw(b"a")
    elif around == 2:
        program.out.raw(b"l")
    elif around == 3:
        program.out.setitem()
    for _ in range(program.pick(3)):
        program.noise()
    return program.out.stop()
