"""Models of Torch7, the predecessor of PyTorch in Lua: `torch.load` there runs functions in a file.

Invariants: objects follow one another without nesting in the bytes, so that a walk needs a count of
those still to come and no stack; elements of tensors are stepped over; an object in a layout of its
own ends the walk. What the walk does not reach is searched for the first bytes of compiled Lua and
stays a needed gap, since a function may be stored as its source, too.

Source: torch7, `File.lua`, `writeObject` and `readObject` (a function is stored as the output of
`string.dump`, and given to `loadstring`, which takes a source as well); `generic/Tensor.c` and
`generic/Storage.c`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import archive
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Fact

_EXTENSIONS: Final = frozenset({".t7", ".th7", ".net"})
_OBJECT: Final = b"\x04\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00V 1"
"""The first object of a binary file: a Torch class, index 1, version 1."""
_TABLE_START: Final = b"\x03\x00\x00\x00\x01\x00\x00\x00"
_TABLE_OF: Final = re.compile(
    re.escape(_TABLE_START)
    + rb"[\x01-\xff].{2}\x00(?:\x01\x00{9}[\xf0-\xff\x00][\x3f\x40]"
    + rb"|\x02\x00{3}[\x01-\x7f]\x00{3}[\w. -])",
    re.DOTALL,
)
"""A table with entries, the first of which has a whole number or a name for its key."""
_COMPILED: Final = re.compile(rb"\x1bLua|\x1bLJ")
_NIL, _NUMBER, _TEXT, _TABLE, _TORCH, _BOOLEAN, _FUNCTION = 0, 1, 2, 3, 4, 5, 6
_RECURSIVE: Final = (7, 8)
"""Functions that refer to themselves: an older kind and today's."""
_FLAT: Final = {_NIL: 0, _NUMBER: 8, _BOOLEAN: 4}
"""Bytes of objects that hold no others."""
_VERSION: Final = re.compile(rb"V [0-9]{1,9}")
_ARRAY: Final = re.compile(
    rb"torch\.(?:Cuda)?(Byte|Char|Short|Int|Long|Float|Double|Half|(?<=Cuda))(Tensor|Storage)"
)
_WIDTHS: Final = {
    b"": 4, b"Byte": 1, b"Char": 1, b"Short": 2, b"Int": 4, b"Long": 8, b"Float": 4, b"Double": 8,
    b"Half": 2,
}  # fmt: skip
_LONG: Final = 8
_MAX_NAME: Final = 1000
_MAX_RANK: Final = 1000
_MAX_FUNCTIONS: Final = 100
_MAX_ODD: Final = 10_000
"""Objects whose numbers do not follow each other."""
_BATCH: Final = 4096


class Torch7Reader:
    """A file of Torch7."""

    format = "torch7"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By its first object, of a table by what follows; by an extension of Torch7's own."""
        if glimpse.head.startswith(_OBJECT) or _TABLE_OF.match(glimpse.head):
            return True
        return glimpse.extension in _EXTENSIONS and (
            glimpse.extension != ".net" or glimpse.head.startswith(_TABLE_START)
        )

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State functions; where the walk ends before the file, compiled ones behind it."""
        walk = _Walk(artifact, budget)
        trouble = ""
        try:
            walk.everything()
        except ReadError as error:
            trouble = error.message
        for at in walk.functions:
            yield _function(artifact, budget, at, walk.name_of(at))
        if trouble:
            window = archive.Window(artifact)
            at = archive.find(artifact, window, _COMPILED, walk.at, artifact.size)
            if at < artifact.size:
                yield _function(artifact, budget, at, "Lua bytecode")
            yield Coverage(
                file=artifact.name,
                member=artifact.member,
                status="truncated",
                needed=True,
                reason=f"torch7: only searched for bytecode from byte {walk.at:,} on ({trouble})",
            )


def _function(artifact: Artifact, budget: Budget, at: int, name: str) -> ActiveContent:
    budget.fact()
    return ActiveContent(location=place(artifact, at), format="torch7", kind="code", name=name)


class _Walk:
    """Goes over the objects of a file in binary notation.

    Args:
        artifact: the file.
        budget: pays for every object.
    """

    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._window = archive.Window(artifact)
        self._size = artifact.size
        self._budget = budget
        self._last = 0
        self._seen: set[int] = set()
        self.at = 0
        """The next byte."""
        self.functions: list[int] = []
        """Where the code of functions stands."""

    def everything(self) -> None:
        """All objects, one after the other.

        Raises:
            ReadError: what stands next is no object.
        """
        remaining = count = 0
        while remaining or self.at < self._size:
            remaining = max(remaining - 1, 0) + self._object()
            count += 1
            if count % _BATCH == 0:
                self._budget.step(_BATCH)
        self._budget.step(count % _BATCH)

    def name_of(self, at: int) -> str:
        """What kind of function stands at a place."""
        return "Lua bytecode" if _COMPILED.match(self._window.at(at, 4)) else "Lua function"

    def _object(self) -> int:
        """One object; returns how many right inside it follow."""
        kind = self._number(4)
        if kind in _FLAT:
            self._skip(_FLAT[kind])
            return 0
        if kind == _TEXT:
            self._skip(self._number(4))
            return 0
        if kind == _FUNCTION:
            return self._code()
        if kind not in (_TABLE, _TORCH, *_RECURSIVE):
            self.at -= 4
            raise ReadError(f"an object of type {kind}", offset=self.at)
        index = self._number(4)
        if not self._is_new(index):
            return 0
        if kind == _TABLE:
            return 2 * self._number(4)
        return self._class() if kind == _TORCH else self._code()

    def _is_new(self, index: int) -> bool:
        """Whether an object follows its index. Writers count from 1, so that one number will do."""
        if 0 < index <= self._last or index in self._seen:
            return False
        if index == self._last + 1:
            self._last = index
            return True
        if len(self._seen) >= _MAX_ODD:
            raise ReadError("objects in no order", offset=self.at)
        self._seen.add(index)
        return True

    def _code(self) -> int:
        length = self._number(4)
        if len(self.functions) < _MAX_FUNCTIONS:
            self.functions.append(self.at)
        self._skip(length)
        return 1  # the values from outside that it uses

    def _class(self) -> int:
        """An object of a class: arrays have a layout of their own, others are stored as a table."""
        name = self._name()
        if _VERSION.fullmatch(name):
            name = self._name()
        array = _ARRAY.fullmatch(name)
        if array is None:
            return 1
        if array[2] == b"Storage":
            self._skip(self._number(_LONG) * _WIDTHS[array[1]])
            return 0
        rank = self._number(4)
        if rank > _MAX_RANK:
            raise ReadError(f"a tensor of {rank:,} dimensions", offset=self.at)
        self._skip((2 * rank + 1) * _LONG)  # extents, strides, and where it begins
        return 1  # its storage

    def _name(self) -> bytes:
        length = self._number(4)
        if length > _MAX_NAME:
            raise ReadError(f"a name of {length:,} bytes", offset=self.at)
        name = self._window.at(self.at, length)
        self._skip(length)
        return name

    def _number(self, width: int) -> int:
        raw = self._window.at(self.at, width)
        if len(raw) < width:
            raise ReadError("the file breaks off", offset=self._size)
        self.at += width
        value = int.from_bytes(raw, "little", signed=True)
        if value < 0:
            raise ReadError(f"a count of {value:,}", offset=self.at)
        return value

    def _skip(self, length: int) -> None:
        if length > self._size - self.at:
            raise ReadError(f"{length:,} bytes, and the file ends before", offset=self.at)
        self.at += length
